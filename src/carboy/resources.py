"""What Flask-RESTX's resources do and typed routes do not, for code that was converted.

Written by `carboy migrate convert`. A converted resource is a typed class view; its Namespace and
Api stay, and are asked for what nobody else knows: how errors are told (`{"message": ...}`, and
whatever handlers the Api has), and whether a body is valid. Nothing here imports Flask-RESTX.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, PlainSerializer, model_validator
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response as _Response

from carboy import kept
from carboy.fastapi.depends import Depends

# Errors ------------------------------------------------------------------------------------------


def errors_of(namespace: Any) -> dict[Any, Callable[..., Any]]:
    """Handlers for a router: every error is told as the Namespace's (or the) Api tells it."""

    def handle(request: Any, error: Exception) -> Any:
        return kept.answered(namespace.apis[0].handle_error(_as_flask(error)))

    return {HTTPException: handle, Exception: handle}


def own(api: Any, router: Any) -> None:
    """Have errors of hooks around the router's routes (`before_request`) told by the Api, too."""
    api.endpoints.update(route.name.rpartition(".")[2] for route in router.routes)


class Refused(HTTPException):
    """Input that can't be used: 400, with one message for each name."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(400, "Input payload validation failed")
        self.data = {"message": self.detail, "errors": errors}


def _as_flask(error: Any) -> Any:
    """Werkzeug's exception for FastAPI's; the very one, where it was one before."""
    cause = error.__cause__
    if not isinstance(error, HTTPException) or hasattr(cause, "get_response"):
        return cause if hasattr(cause, "get_response") else error
    from werkzeug.exceptions import HTTPException as Flasks
    from werkzeug.exceptions import default_exceptions

    made = default_exceptions.get(error.status_code, Flasks)()
    made.code = error.status_code
    if error.detail != HTTPStatus(error.status_code).phrase:
        made.description = error.detail
    if isinstance(error, Refused):
        made.data = error.data  # type: ignore[attr-defined]
    return made


# Answers -----------------------------------------------------------------------------------------


class JSON(kept.Response):
    """JSON as Flask-RESTX writes it: what JSON does not have itself is an error."""

    def __init__(self, content: Any, status_code: int = 200, headers: Any = None) -> None:
        text = json.dumps(content)
        super().__init__(f"{text}\n", status_code, content_type="application/json")
        for key, value in headers.items() if hasattr(headers, "items") else headers or ():
            self.headers.add(key, value)


def answered(value: Any) -> Any:
    """A response for what a resource's method may return: data, (data, status, headers)."""
    if isinstance(value, _Response) or hasattr(value, "get_wsgi_headers"):
        return kept.answered(value)
    if isinstance(value, tuple) and 0 < len(value) < 4:
        data, *more = value
        status = more[0] if more else None
        return JSON(data, 200 if status is None else int(status), more[1] if more[1:] else None)
    return JSON(value)


def answers(view: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: whatever `view` returns, as `answered` has it."""

    @functools.wraps(view)
    def answer(*positional: Any, **named: Any) -> Any:
        return answered(view(*positional, **named))

    return answer


# Models ------------------------------------------------------------------------------------------


class Marshalled(BaseModel):
    """A model that is read from any object or mapping, as `marshal` reads it.

    What is missing, or None, is the field's default. `Field(validation_alias="a.b")` says which
    attribute of which attribute it is.
    """

    @model_validator(mode="before")
    @classmethod
    def _marshal(cls, data: Any) -> Any:
        if isinstance(data, list | tuple):
            raise ValueError("there are several: the response model has to be a list")
        found = {}
        for name, field in cls.model_fields.items():
            path = str(field.validation_alias or name)
            value = functools.reduce(_attribute, path.split("."), data)
            found[path] = field.default if value is None else value
        return found


def _attribute(owner: Any, key: str) -> Any:
    if not hasattr(owner, "strip") and hasattr(owner, "__iter__"):
        try:
            return owner[key]
        except (IndexError, TypeError, KeyError):
            pass
    if isinstance(owner, list | tuple) and key.isdigit() and int(key) < len(owner):
        return owner[int(key)]
    return getattr(owner, key, None)


def _unless_none(convert: Callable[[Any], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value is None else convert(value))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or not value:
        return bool(value)
    said = str(value).lower()
    if said not in ("true", "1", "on", "false", "0"):
        raise ValueError(f"{value!r} is neither true nor false")
    return said in ("true", "1", "on")


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(value)


def _time(value: Any) -> datetime:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _written(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


#: Flask-RESTX's fields: what they are given is converted, not refused.
String = Annotated[str | None, _unless_none(str)]
Integer = Annotated[int | None, _unless_none(int)]
Float = Annotated[float | None, _unless_none(float)]
Boolean = Annotated[bool | None, _unless_none(_boolean)]
Date = Annotated[date | None, _unless_none(_date)]
DateTime = Annotated[datetime | None, _unless_none(_time), PlainSerializer(_written)]
Raw = Any

# Input -------------------------------------------------------------------------------------------


def expected(namespace: Any, model: Any, many: bool = False) -> Callable[..., Any]:
    """A dependency: the JSON body, which has to be as `model` of Flask-RESTX says; else 400."""

    def read(payload: Annotated[Any, Depends(kept.json_body)]) -> Any:
        api = namespace.apis[0]
        every = (payload if isinstance(payload, list) else [payload]) if many else [payload]
        for one in every:
            model.validate(one, api.refresolver, api.format_checker)
        return payload

    return read


def body(model: Any, many: bool = False) -> dict[str, Any]:
    """What OpenAPI says of that body, for `openapi_extra`; nothing where models are in models."""
    schema = model.__schema__
    if "$ref" in json.dumps(schema):
        return {}
    schema = {"type": "array", "items": schema} if many else schema
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def argument(
    name: str,
    type: Callable[..., Any] = str,
    *,
    choices: Iterable[Any] = (),
    help: str | None = None,
) -> BeforeValidator:
    """A RequestParser's argument, as what checks a parameter of the query: 400 with its message."""
    return BeforeValidator(lambda value: _converted(value, name, type, choices, help))


def in_json(
    name: str,
    type: Callable[..., Any] = str,
    *,
    default: Any = None,
    required: bool = False,
    choices: Iterable[Any] = (),
    help: str | None = None,
) -> Callable[..., Any]:
    """A RequestParser's argument with `location="json"`, as a dependency."""

    def read(payload: Annotated[Any, Depends(kept.json_body_silent)]) -> Any:
        if payload is None or name not in payload:
            if required:
                raise _refused(name, "Missing required parameter in the JSON body", help)
            return default() if callable(default) else default
        return _converted(payload.get(name), name, type, choices, help)

    return read


def in_query(
    name: str,
    type: Callable[..., Any] = str,
    *,
    choices: Iterable[Any] = (),
    help: str | None = None,
    where: str = "the query string",
) -> Callable[..., Any]:
    """A RequestParser's argument that has to be in the query, as a dependency."""

    def read(request: Request) -> Any:
        values = request.query_params.getlist(name)
        if not values:
            raise _refused(name, f"Missing required parameter in {where}", help)
        first, *_ = [_converted(one, name, type, choices, help) for one in values]
        return first

    return read


def _converted(
    value: Any, name: str, type: Callable[..., Any], choices: Iterable[Any], help: str | None
) -> Any:
    if value is not None:
        try:
            value = _called(type, value, name)
        except Exception as error:
            raise _refused(name, str(error), help) from None
    if choices and value not in choices:
        raise _refused(name, f"The value '{value}' is not a valid choice for '{name}'.", help)
    return value


def _called(type: Callable[..., Any], value: Any, name: str) -> Any:
    """Types of Flask-RESTX may want to know the argument's name, and the operator."""
    for more in ((name, "="), (name,)):
        try:
            return type(str(value) if type is Decimal else value, *more)
        except TypeError:
            continue
    return type(value)


def _refused(name: str, said: str, help: str | None) -> Refused:
    return Refused({name: f"{help} {said}" if help else said})
