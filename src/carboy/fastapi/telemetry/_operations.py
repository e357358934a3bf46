"""What is reported while a request is answered: operations, the route, invalid input, failures.

Everything here asks OpenTelemetry's context (or the scope) for the request that is reported, and
does nothing where there is none: code that calls this is only there where telemetry is on.
SAFETY: attributes hold names, types and counts, never a value that a client sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import time_ns
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import StatusCode, Tracer
from starlette.exceptions import HTTPException, WebSocketException
from starlette.types import Scope
from starlette.websockets import WebSocketDisconnect

from carboy.fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from carboy.fastapi.telemetry._api import SCOPE_KEY
from carboy.fastapi.telemetry._data import RequestTelemetry

CONTEXT_KEY = otel_context.create_key("fastapi.request")
_SILENT = nullcontext()
#: Exceptions that are answers.
_ANSWERS = (
    HTTPException,
    RequestValidationError,
    WebSocketException,
    WebSocketRequestValidationError,
)


def current(context: Context | None = None) -> RequestTelemetry | None:
    """What is reported of the request in `context`, or in the current one."""
    found = otel_context.get_value(CONTEXT_KEY, context)
    return found if isinstance(found, RequestTelemetry) else None


def of_scope(scope: Any) -> RequestTelemetry | None:
    """What is reported of the request with this scope."""
    found = scope.get(SCOPE_KEY)
    return found if isinstance(found, RequestTelemetry) else None


def type_name(error: BaseException) -> str:
    """The exception's type as OpenTelemetry writes it."""
    cls = type(error)
    if cls.__module__ == "builtins":
        return cls.__qualname__
    # COMPAT: alerts and dashboards know this dialect's exceptions by FastAPI's names.
    module = cls.__module__.removeprefix("carboy.")
    is_ours = cls.__module__.startswith("carboy.fastapi.")
    return f"{module if is_ours else cls.__module__}.{cls.__qualname__}"


def is_goodbye(error: BaseException) -> bool:
    """Whether a WebSocket's client simply left."""
    return isinstance(error, WebSocketDisconnect) and error.code in (1000, 1001)


def operation(name: str, function: Any = None) -> AbstractContextManager[None]:
    """A span ``fastapi.{name}`` for a part of the request's work, which `function` asked for."""
    reported = current()
    if reported is None or reported.tracer is None:
        return _SILENT
    return _span(reported.tracer, name, function)


@contextmanager
def _span(tracer: Tracer, name: str, function: Any) -> Iterator[None]:
    attributes = {} if function is None else {"code.function.name": _name_of(function)}
    with tracer.start_as_current_span(
        f"fastapi.{name}",
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            # After the answer there is no answer left for an exception to be.
            is_answer = name != "background_task" and isinstance(error, _ANSWERS)
            if not (is_answer or is_goodbye(error)):
                span.set_attribute("error.type", type_name(error))
                span.set_status(StatusCode.ERROR)
            raise


def _name_of(function: Callable[..., Any]) -> str:
    named = function if hasattr(function, "__qualname__") else type(function)
    module = getattr(function, "__module__", type(function).__module__)
    return f"{module}.{named.__qualname__}"


def selected(scope: Any, template: str | None, is_mount: bool = False) -> None:
    """The route is known; `template` is its path with variables in place of values."""
    reported = of_scope(scope)
    if reported is None or template is None:
        return
    if is_mount:
        reported.mounted += template.removesuffix("/{path}")
        template = "/{path}"
    route = reported.route = reported.mounted + template
    if reported.span is not None:
        reported.span.set_attribute("http.route", route)
        reported.span.update_name(f"{reported.span_method} {route}")


def invalid(error: RequestValidationError | WebSocketRequestValidationError) -> None:
    """The client's input does not fit what was declared."""
    reported = current()
    if reported is None:
        return
    errors = error.errors()
    if reported.data is not None:
        reported.data.errors = errors
        if isinstance(error, RequestValidationError):
            reported.data.body = error.body
    if reported.logger is None:
        return
    attributes: dict[str, Any] = {"fastapi.validation.error_count": len(errors)}
    if reported.route is not None:
        attributes["http.route"] = reported.route
    reported.logger.emit(
        event_name="fastapi.validation.failed",
        timestamp=time_ns(),
        severity_number=SeverityNumber.WARN,
        severity_text="WARN",
        body="Request validation failed",
        attributes=attributes,
    )


#: Type of the scope -> the event's name and text for an exception that nobody handled.
_FAILURES = {
    "http": ("http.server.request.exception", "Unhandled exception in FastAPI request"),
    "websocket": (
        "fastapi.websocket.exception",
        "Unhandled exception in FastAPI WebSocket connection",
    ),
}


def failed(scope: Scope, error: BaseException) -> None:
    """Nobody handled `error`: kept for the span, and logged, once however often it is noticed."""
    reported = of_scope(scope)
    if reported is None or (scope["type"] == "websocket" and is_goodbye(error)):
        return
    if any(known is error for known in reported.failures):
        return
    reported.failures.append(error)
    if reported.logger is None or not isinstance(error, Exception):
        return
    event, text = _FAILURES[scope["type"]]
    reported.logger.emit(
        exception=error,
        event_name=event,
        timestamp=time_ns(),
        severity_number=SeverityNumber.ERROR,
        severity_text="ERROR",
        body=text,
        attributes={"http.route": reported.route} if reported.route else None,
    )
