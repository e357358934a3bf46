"""Inferred operations laid under a document that is there: what it says itself wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from starlette.routing import BaseRoute

from carboy.app.inferred.components import free, names_beside, referring
from carboy.app.inferred.described import SHOWN, describe
from carboy.app.inferred.naming import with_own_names
from carboy.app.inferred.paths import Paths


class Merged(NamedTuple):
    """A document, and what it was made from."""

    document: dict[str, Any]
    state: tuple[Any, ...]
    result: dict[str, Any]


def kept(
    last: Merged | None, document: dict[str, Any], side: Any, routes: Sequence[BaseRoute]
) -> Merged:
    """`last`, or a new one where the document, the rules, views or the setting have changed."""
    state = (side.engine.router, side.config.get(SHOWN), *side.view_functions.values())
    if last is not None and last.document is document and last.state == state:
        return last
    named = with_own_names(document, routes)
    return Merged(document, state, merged(named, side))


def merged(document: dict[str, Any], flask_app: Any, prefix: str = "") -> dict[str, Any]:
    """`document` with the operations of `flask_app`'s views under `prefix`; a new document.

    Operations of the document stay as they are, and so do their ids: an inferred id that is taken
    gets a number. A model of a name that is taken by another gets one too.
    """
    found = describe(flask_app)
    if not found.paths:
        return document
    items = {path: dict(item) for path, item in document.get("paths", {}).items()}
    components = dict(document.get("components", {}))
    schemas = dict(components.get("schemas", {}))
    names = names_beside(found.schemas, schemas)
    for name, schema in found.schemas.items():
        schemas[names[name]] = referring(schema, names)
    taken = {one["operationId"] for one in _operations(items) if "operationId" in one}
    paths = Paths(items)
    for path, item in found.paths.items():
        for method, operation in item.items():
            if paths.get(prefix + path, method) is None:
                own = referring(operation, names)
                own["operationId"] = free(own["operationId"], taken)
                paths.put(prefix + path, method, own)
    if schemas:
        components["schemas"] = dict(sorted(schemas.items()))
    if found.schemes:
        components["securitySchemes"] = {**found.schemes, **components.get("securitySchemes", {})}
    result = {**document, "paths": paths.items}
    if components:
        result["components"] = components
    return result


def _operations(items: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in items.values():
        for operation in item.values():
            if isinstance(operation, dict):
                yield operation
