"""What an OpenAPI document says of a route's answers, by status.

The first is that of the declared result; `responses=` of the route is laid over it.
"""

from __future__ import annotations

import copy
import inspect
from functools import lru_cache
from http.client import responses as status_phrases
from typing import Any

from starlette.responses import JSONResponse

from carboy.fastapi._compat import lenient_issubclass
from carboy.fastapi.datastructures import DefaultPlaceholder
from carboy.fastapi.openapi.asked import Schemas
from carboy.fastapi.openapi.refused import refused_by
from carboy.fastapi.sse import _SSE_EVENT_SCHEMA
from carboy.fastapi.utils import deep_dict_update, is_body_allowed_for_status_code

#: What a range of statuses is called where its description says nothing.
status_code_ranges: dict[str, str] = {
    "1XX": "Information",
    "2XX": "Success",
    "3XX": "Redirection",
    "4XX": "Client Error",
    "5XX": "Server Error",
    "DEFAULT": "Default Response",
}


def response_class_of(route: Any) -> Any:
    """The response class that holds for a route."""
    made = route.response_class
    made = made.value if isinstance(made, DefaultPlaceholder) else made
    assert made, "A response class is needed to generate OpenAPI"
    return made


@lru_cache(maxsize=256)
def _default_status(response_class: Any) -> str:
    """The status a response class answers with by itself, such as a redirect's 307."""
    parameter = inspect.signature(response_class.__init__).parameters.get("status_code")
    default = parameter.default if parameter is not None else None
    return str(default) if isinstance(default, int) else "200"


def describe_responses(route: Any, schemas: Schemas) -> dict[str, Any]:
    """Status -> answer."""
    response_class = response_class_of(route)
    code = route.status_code
    first: dict[str, Any] = {"description": route.response_description}
    if is_body_allowed_for_status_code(code) and (content := _content(route, schemas)):
        first["content"] = content
    described = {_default_status(response_class) if code is None else str(code): first}
    for status, refused in refused_by(route).items():
        schema = schemas.of(refused.field)
        content = {refused.media_type: {"schema": schema}}
        described[status] = {"description": refused.description, "content": content}
    for status, response in (route.responses or {}).items():
        _lay_over(described, status, response, route, schemas)
    return described


def _content(route: Any, schemas: Schemas) -> dict[str, Any]:
    """Media type -> schema of what the route answers when all is well."""
    item = route.stream_item_field
    if route.is_json_stream:
        return {"application/jsonl": {"itemSchema": schemas.of(item) if item else {}}}
    if route.is_sse_stream:
        return {"text/event-stream": {"itemSchema": _event(schemas.of(item) if item else None)}}
    response_class = response_class_of(route)
    if not response_class.media_type:
        return {}
    schema: dict[str, Any] = {"type": "string"}
    if lenient_issubclass(response_class, JSONResponse):
        schema = schemas.of(route.response_field) if route.response_field else {}
    return {response_class.media_type: {"schema": schema}}


def _event(data: dict[str, Any] | None) -> dict[str, Any]:
    """A server-sent event; `data` is the schema of what its data says as JSON."""
    event = copy.deepcopy(_SSE_EVENT_SCHEMA)
    if data is not None:
        event["required"] = ["data"]
        event["properties"]["data"] = {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": data,
        }
    return event


def _lay_over(
    described: dict[str, Any], status: int | str, response: Any, route: Any, schemas: Schemas
) -> None:
    """Adds one of the route's additional responses."""
    added = copy.deepcopy(response)
    assert isinstance(added, dict), "An additional response must be a dict"
    added.pop("model", None)
    key = str(status).upper()
    answer = described.setdefault("default" if key == "DEFAULT" else key, {})
    if field := route.response_fields.get(status):
        media_type = response_class_of(route).media_type or "application/json"
        content = added.setdefault("content", {}).setdefault(media_type, {})
        deep_dict_update(content.setdefault("schema", {}), schemas.of(field))
    # A key that is neither a range nor a number is an error, whatever the description.
    phrase = status_code_ranges.get(key) or status_phrases.get(int(status))
    description = (
        added.get("description") or answer.get("description") or phrase or "Additional Response"
    )
    deep_dict_update(answer, added)
    answer["description"] = description
