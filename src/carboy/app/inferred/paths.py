"""Path items under OpenAPI's rule that paths which differ only in variables' names are one path."""

from __future__ import annotations

import re
from typing import Any

_VARIABLE = re.compile(r"\{([^{}]+)\}")


class Paths:
    """The path items of a document that is being made. What was put first stays."""

    def __init__(self, items: dict[str, dict[str, Any]]) -> None:
        self.items = items
        self._by_shape = {_shape(path): path for path in reversed(list(items))}

    def at(self, path: str) -> str:
        """The path that stands in the document for `path`."""
        return self._by_shape.get(_shape(path), path)

    def get(self, path: str, method: str) -> dict[str, Any] | None:
        """The operation that is there, whatever the variables are called."""
        found: dict[str, Any] | None = self.items.get(self.at(path), {}).get(method)
        return found

    def put(self, path: str, method: str, operation: dict[str, Any]) -> None:
        """Add an operation, its path parameters under the names that the path item has."""
        here = self._by_shape.setdefault(_shape(path), path)
        if here != path:
            names = zip(_VARIABLE.findall(path), _VARIABLE.findall(here), strict=True)
            operation = _renamed(operation, dict(names))
        self.items.setdefault(here, {})[method] = operation


def _shape(path: str) -> str:
    return _VARIABLE.sub("{}", path)


def _renamed(operation: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    parameters = [
        {**one, "name": names.get(one["name"], one["name"])} if one.get("in") == "path" else one
        for one in operation.get("parameters", ())
    ]
    return {**operation, "parameters": parameters}
