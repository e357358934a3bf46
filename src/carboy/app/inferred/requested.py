"""What a view reads of a request, as OpenAPI parameters and a request body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from carboy.app.inferred.forms import Fields
from carboy.sources import Read, View

MARK = "x-carboy-inferred"
#: Headers that OpenAPI describes elsewhere, or that every client sends by itself.
_NOT_SAID = frozenset(("accept", "content-type", "authorization", "cookie", "host"))
_NOT_SAID |= {"content-length", "connection"}
_WITH_BODY = frozenset(("POST", "PUT", "PATCH", "DELETE"))
#: Names in ``type=`` and of conversions, as JSON Schema. The rest is any text.
_KINDS: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "UUID": {"type": "string", "format": "uuid"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "datetime.date.fromisoformat": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "datetime.datetime.fromisoformat": {"type": "string", "format": "date-time"},
    "Decimal": {"type": "number"},
    "decimal.Decimal": {"type": "number"},
}
_TYPES = {"integer": int, "number": (int, float), "string": str}
_LITERALS = (str, int, float, bool, list, dict)


def parameters_of(view: View, method: str) -> list[dict[str, Any]]:
    """Query, header and cookie parameters, in the order in which the source has them."""
    query = view.reads_of("query", method)
    if method not in _WITH_BODY:
        query += view.reads_of("values", method)
    listed = [_parameter("query", reads) for reads in _by_key(query)]
    headers = (one for one in view.reads_of("header", method) if one.key.lower() not in _NOT_SAID)
    listed += [_parameter("header", reads) for reads in _by_key(headers)]
    cookies = (one for one in view.reads_of("cookie", method) if not one.written)
    return listed + [_parameter("cookie", reads) for reads in _by_key(cookies)]


def _by_key(reads: Iterable[Read]) -> list[list[Read]]:
    """The reads of each key, in order."""
    found: dict[str, list[Read]] = {}
    for read in reads:
        # Names of header fields are the same in any case.
        key = read.key.lower() if read.place == "header" else read.key
        found.setdefault(key, []).append(read)
    return list(found.values())


def _parameter(place: str, reads: list[Read]) -> dict[str, Any]:
    return {
        "name": reads[0].key,
        "in": place,
        "required": _needed(reads),
        "schema": _schema(reads),
        MARK: True,
    }


def _needed(reads: list[Read]) -> bool:
    """Subscripted wherever it is read: where it is asked for first, it may be missing."""
    return all(one.needed for one in reads)


def _schema(reads: list[Read], otherwise: dict[str, Any] | None = None) -> dict[str, Any]:
    """The schema of one value; `otherwise` where no type is visible, any text by default."""
    kind = next((one.kind for one in reads if one.kind), None)
    schema = dict(_KINDS.get(kind or "", {"type": "string"} if otherwise is None else otherwise))
    if any(one.many for one in reads):
        return {"type": "array", "items": schema}
    default = next((one.default for one in reads if isinstance(one.default, _LITERALS)), None)
    if default is not None and _fits(default, schema):
        schema["default"] = default
    return schema


def _fits(default: Any, schema: dict[str, Any]) -> bool:
    if "type" not in schema:
        return True
    kind: Any = _TYPES[schema["type"]]
    return isinstance(default, kind) and not isinstance(default, bool)


def body_of(view: View, method: str, fields: Fields | None = None) -> dict[str, Any] | None:
    """The request body, of each content type that the view reads; `fields` are its forms'."""
    if method not in _WITH_BODY:
        return None
    content: dict[str, Any] = {}
    if (form := _form_of(view, method, fields or Fields())) is not None:
        media, schema = form
        content[media] = {"schema": schema}
    if (json := _json_of(view, method)) is not None:
        content["application/json"] = {"schema": json}
    if not content:
        return None
    # Who reads both takes either: nothing is needed of any one.
    body: dict[str, Any] = {"content": content, MARK: True}
    if len(content) == 1 and any("required" in one["schema"] for one in content.values()):
        body["required"] = True
    return body


def _form_of(view: View, method: str, fields: Fields) -> tuple[str, dict[str, Any]] | None:
    """(content type, schema) of a form, with files or without."""
    forms = view.reads_of("form", method) + view.reads_of("values", method)
    files = view.reads_of("file", method)
    whole = any(view.takes_whole(one, method) for one in ("form", "values", "file"))
    if not (forms or files or fields.properties or whole):
        return None
    several = bool(files) or fields.has_files or view.takes_whole("file", method)
    schema = _object(forms, {"type": "string"})
    uploads = _object(files, {"type": "string", "contentMediaType": "application/octet-stream"})
    parts = (schema.get("properties", {}), uploads.get("properties", {}), fields.properties)
    if properties := {name: one for part in parts for name, one in part.items()}:
        schema["properties"] = properties
    required = [*schema.pop("required", ()), *uploads.get("required", ()), *fields.required]
    if required:
        schema["required"] = list(dict.fromkeys(required))
    media = "multipart/form-data" if several else "application/x-www-form-urlencoded"
    return media, schema


def _json_of(view: View, method: str) -> dict[str, Any] | None:
    reads = view.reads_of("json", method)
    asked = any(use.name == "request" and use.detail == "get_json" for use in view.uses)
    guarded = bool(view.reads_of("json")) or any(one == "json" for one, _, _ in view.whole)
    if reads:
        return _object(reads, {})
    if view.takes_whole("json", method) or (asked and not guarded):
        return {}
    return None


def _object(reads: list[Read], otherwise: dict[str, Any]) -> dict[str, Any]:
    """An object with the visible keys; only those that are subscripted are required."""
    schema: dict[str, Any] = {"type": "object"}
    by_key = [one for one in _by_key(reads) if not all(read.written for read in one)]
    properties = {one[0].key: _schema(one, otherwise) for one in by_key}
    if properties:
        schema["properties"] = properties
    if required := [one[0].key for one in by_key if _needed(one)]:
        schema["required"] = required
    return schema
