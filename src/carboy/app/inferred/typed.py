"""Typed parameters of Flask views, ``def view(id, q: Annotated[int, Query()] = 1)``, described.

They are declared, not inferred: what FastAPI's document says of the same parameters is laid over
what was read in the source.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from carboy.app.inferred.applying import put


class TypedParts:
    """Parameters, bodies and security of all views that have typed parameters, made together."""

    def __init__(self, views: Iterable[tuple[Any, str]]) -> None:
        wanted = [
            (id(view), method, call)
            for view, method in views
            if (filled := getattr(view, "carboy_typed", None)) is not None
            and (call := filled.collector(method)) is not None
        ]
        self._operations: dict[tuple[int, str], dict[str, Any]] = {}
        self.schemas: dict[str, Any] = {}
        self.schemes: dict[str, Any] = {}
        if not wanted:
            return
        from carboy.fastapi.openapi.utils import get_openapi
        from carboy.fastapi.routing import APIRoute

        routes = [
            APIRoute(f"/{number}", call, methods=[method], response_model=None)
            for number, (_, method, call) in enumerate(wanted)
        ]
        document = get_openapi(title="views", version="0", routes=routes)
        for number, (view, method, _) in enumerate(wanted):
            operation = document["paths"][f"/{number}"][method.lower()]
            self._operations[view, method] = operation
        components = document.get("components", {})
        self.schemas = components.get("schemas", {})
        self.schemes = components.get("securitySchemes", {})

    def lay_over(self, operation: dict[str, Any], view: Any, method: str) -> None:
        """Put what `view` declares in the place of what was inferred."""
        declared = self._operations.get((id(view), method))
        if declared is None:
            return
        for parameter in declared.get("parameters", ()):
            put(operation, parameter)
        for part in ("requestBody", "security"):
            if part in declared:
                operation[part] = declared[part]
        if "422" in declared["responses"]:
            operation["responses"]["422"] = declared["responses"]["422"]
