"""Inferred operations laid under a document that is there: what it says itself wins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from carboy.app.inferred.described import describe, free
from carboy.app.inferred.paths import Paths

_PREFIX = "#/components/schemas/"


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
    names = _names(found.schemas, schemas)
    for name, schema in found.schemas.items():
        schemas[names[name]] = _referring(schema, names)
    taken = {one["operationId"] for one in _operations(items) if "operationId" in one}
    paths = Paths(items)
    for path, item in found.paths.items():
        for method, operation in item.items():
            if paths.get(prefix + path, method) is None:
                own = _referring(operation, names)
                own["operationId"] = free(own["operationId"], taken)
                paths.put(prefix + path, method, own)
    if schemas:
        components["schemas"] = dict(sorted(schemas.items()))
    result = {**document, "paths": paths.items}
    if components:
        result["components"] = components
    return result


def _operations(items: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in items.values():
        for operation in item.values():
            if isinstance(operation, dict):
                yield operation


def _names(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, str]:
    """What our models are called beside theirs; one that is the same is the same."""
    taken = set(theirs) | set(ours)
    return {
        name: name if theirs.get(name, schema) == schema else free(name, taken)
        for name, schema in ours.items()
    }


def _referring(value: Any, names: dict[str, str]) -> Any:
    """A copy whose references have the new names."""
    if isinstance(value, list):
        return [_referring(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _referring(one, names) for key, one in value.items()}
    ref = copy.get("$ref")
    if isinstance(ref, str) and ref.startswith(_PREFIX):
        name = ref.removeprefix(_PREFIX)
        copy["$ref"] = _PREFIX + names.get(name, name)
    mapping = copy.get("mapping")
    if isinstance(mapping, dict):
        copy["mapping"] = {
            key: _PREFIX + names.get(one.removeprefix(_PREFIX), one.removeprefix(_PREFIX))
            if isinstance(one, str) and one.startswith(_PREFIX)
            else one
            for key, one in mapping.items()
        }
    return copy
