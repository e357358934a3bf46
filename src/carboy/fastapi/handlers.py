"""Exception handlers: the application's own dict, read when an error is raised.

``app.exception_handlers`` may be changed at any time. The handlers that FastAPI installs itself are
recognised and written out here, without a Request being made for them.
COMPAT: `Exception` and 500 are the outer ring's; an HTTPException(500) is not theirs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from carboy.core.answer import JSON, Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import (
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
    Handlers,
    Handling,
    Overloaded,
    TimedOut,
)
from carboy.core.voice import kind_of
from carboy.fastapi import exception_handlers as installed
from carboy.fastapi.dress import make_request, undress
from carboy.fastapi.exceptions import SwallowedError
from carboy.fastapi.output import encode_plain

Pair = tuple[Head, Body]


def status_of(error: BaseException) -> int | None:
    """The HTTP status that `error` stands for, if it is an HTTPException."""
    module = sys.modules.get("starlette.exceptions")
    if module is not None and isinstance(error, module.HTTPException):
        return int(error.status_code)
    return None


def adapt(
    handler: Callable[..., Any], undress: Callable[[RequestContext, Any], Pair] = undress
) -> Handling:
    """An application's ``handler(request, exc) -> Response`` for the engine."""
    if kind_of(handler).is_async:

        async def handle_async(request: RequestContext, error: BaseException) -> Pair:
            return undress(request, await handler(make_request(request), error))

        return Handling(handle_async, True)

    def handle(request: RequestContext, error: BaseException) -> Pair:
        return undress(request, handler(make_request(request), error))

    return Handling(handle, False)


def http_exception(request: RequestContext, error: Any) -> Pair:
    """``{"detail": ...}`` with the exception's status and headers."""
    given = (error.headers or {}).items()
    headers = [(k.encode("latin-1"), str(v).encode("latin-1")) for k, v in given]
    if error.status_code < 200 or error.status_code in (204, 205, 304):
        return Head(error.status_code, headers), b""
    if wants_details(request):
        return _as_problem(request, error, headers)
    body = {"detail": error.detail, **getattr(error, "fields", {})}
    return Head(error.status_code, [*headers, JSON]), encode_plain(body)


_PROBLEM = (b"content-type", b"application/problem+json")


def wants_details(request: RequestContext) -> bool:
    """Whether errors are told as RFC 9457 has it: always, never, or where the client accepts it."""
    app = request.target.route.extras.get("app")
    wanted = getattr(app, "problem_details", False)
    if wanted is None:
        return _PROBLEM[1] in (request.header(b"accept") or b"")
    return bool(wanted)


def _as_problem(request: RequestContext, error: Any, headers: Any = ()) -> Pair:
    from carboy.fastapi.problems import details

    root = str(request.scope.get("root_path", "")).rstrip("/")
    body = encode_plain(details(error, quote(root + request.path)))
    return Head(error.status_code, [*headers, _PROBLEM]), body


def validation_error(request: RequestContext, error: Any) -> Pair:
    """422 with every error."""
    from carboy.fastapi.encoders import jsonable_encoder

    errors = jsonable_encoder(error.errors())
    if wants_details(request):
        from carboy.fastapi.exceptions import HTTPException

        return _as_problem(request, HTTPException(422, errors))
    return Head(422, [JSON]), encode_plain({"detail": errors})


#: The engine's refusals as HTTPExceptions: status, detail, headers.
_REFUSALS: dict[type[BaseException], tuple[int, str, dict[str, str]]] = {
    BodyTooLarge: (413, "Content Too Large", {"connection": "close"}),
    BodyMalformed: (400, "Bad Request", {"connection": "close"}),
    BodyTooSlow: (408, "Request Timeout", {"connection": "close"}),
    Overloaded: (503, "Service Unavailable", {"retry-after": "1"}),
    TimedOut: (504, "Gateway Timeout", {}),
}


_OWN = {
    installed.http_exception_handler: Handling(http_exception, None),
    installed.request_validation_exception_handler: Handling(validation_error, None),
}


def is_monitored() -> bool:
    """Whether a tool has put itself around Starlette's applications.

    COMPAT: Sentry's SDK does, and sees errors as they pass Starlette's middleware. So there they
    are answered then, and not within the endpoint.
    """
    module = sys.modules.get("starlette.applications")
    return module is not None and module.Starlette.__call__.__module__ != module.__name__


class AppHandlers(Handlers):
    """What answers which error in one application, by its live table."""

    swallowed = SwallowedError

    def __init__(self, table: Callable[[], dict[Any, Any]]) -> None:
        super().__init__({}, {}, status_of)
        self._table = table
        self._adapted: dict[Any, Handling] = dict(_OWN)

    def _handling(self, handler: Any) -> Handling:
        known = self._adapted.get(handler)
        if known is None:
            known = self._adapted[handler] = adapt(handler, self._answered)
        return known

    def _answered(self, request: RequestContext, response: Any) -> Pair:
        return undress(request, response)

    def find(self, error: BaseException) -> Handling | None:
        """The handler of the inner ring: by status, then by type along the MRO."""
        if is_monitored():
            return None
        table = self._table()
        status = status_of(error)
        if status is not None and status != 500 and status in table:
            return self._handling(table[status])
        for ancestor in type(error).__mro__:
            if ancestor is Exception:
                break
            if ancestor in table:
                return self._handling(table[ancestor])
        refusal = _REFUSALS.get(type(error))
        return None if refusal is None else self._refusing(*refusal)

    def _refusing(self, status: int, detail: str, headers: dict[str, str]) -> Handling | None:
        """The engine's own refusal, handed to whatever answers an HTTPException."""
        from carboy.fastapi.exceptions import HTTPException

        error = HTTPException(status, detail, headers)
        handling = self.find(error) or Handling(http_exception, None)
        return Handling(lambda request, _: handling.handle(request, error), handling.is_async)

    def within(self, table: Any) -> AppHandlers:
        """The application's handlers, and before them for the same key those of `table`."""
        return RouteHandlers(self._table, table) if table else self

    @property
    def outer(self) -> Handling | None:
        """What answers an error that nobody handled."""
        found = [handler for key, handler in self._table().items() if key in (500, Exception)]
        return self._handling(found[-1]) if found else None


class RouteHandlers(AppHandlers):
    """The same for a route that has handlers of its own, or whose routers have.

    What answers `Exception` there answers every error, inside the plugins: nothing of it is left
    for the outer ring.
    """

    def __init__(self, table: Callable[[], dict[Any, Any]], own: dict[Any, Any]) -> None:
        super().__init__(lambda: {**table(), **own})
        self._own = own

    def find(self, error: BaseException) -> Handling | None:
        """As for the application, and then the route's own for any Exception."""
        found = super().find(error)
        if found is None:
            last = self._own.get(500, self._own.get(Exception))
            return None if last is None else self._handling(last)
        return found
