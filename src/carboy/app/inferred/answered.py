"""What a view answers, as OpenAPI responses by status."""

from __future__ import annotations

from http.client import responses as phrases
from typing import Any

from carboy.sources import Answer, View

#: What the kinds of answers are, where no content type is said.
_MEDIA = {"json": "application/json", "html": "text/html", "stream": "text/html"}
_MEDIA |= {"text": "text/plain", "file": "application/octet-stream"}


def responses_of(view: View, method: str) -> dict[str, Any]:
    """Status -> Response Object. Where nothing is visible, a 200 of which nothing is said."""
    found: dict[str, Any] = {}
    for answer in view.answers:
        if answer.guard.lets(method):
            _add(found, answer)
    for abort in view.aborts:
        if abort.guard.lets(method):
            found.setdefault(str(abort.status), {"description": phrase(abort.status)})
    if not any(status < "4" or status == "default" for status in found):
        found["200"] = {"description": phrase(200)}
    return dict(sorted(found.items()))


def phrase(status: int) -> str:
    """The status in words; a description is required."""
    return phrases.get(status, f"Status {status}")


def _add(found: dict[str, Any], answer: Answer) -> None:
    status = answer.status
    if status is None:
        status = 302 if answer.kind == "redirect" else 200
    # A status that is computed may be any.
    key, said = (str(status), phrase(status)) if status else ("default", "Computed status")
    response = found.setdefault(key, {"description": said})
    media = answer.media_type or _MEDIA.get(answer.kind)
    if media is None or answer.kind in ("empty", "unknown"):
        return
    content = response.setdefault("content", {}).setdefault(media, {})
    schema = _schema(answer)
    if "schema" not in content:
        content["schema"] = schema
    elif content["schema"] != schema:
        _lay_over(content["schema"], schema)


def _schema(answer: Answer) -> dict[str, Any]:
    if answer.kind == "json":
        if answer.is_list:
            return {"type": "array", "items": {}}
        if not answer.keys:
            return {}
        typed = {name: {"type": kind} if kind else {} for name, kind in answer.keys}
        return {"type": "object", "properties": typed}
    if answer.kind in ("file", "stream"):
        return {"type": "string", "contentMediaType": answer.media_type or _MEDIA[answer.kind]}
    return {"type": "string"}


def _lay_over(schema: dict[str, Any], other: dict[str, Any]) -> None:
    """Two answers of one status: objects get the keys of both; what else differs is left open."""
    if schema.get("type") == other.get("type") == "object":
        for name, kind in other["properties"].items():
            if schema["properties"].setdefault(name, kind) != kind:
                schema["properties"][name] = {}
    else:
        schema.clear()
