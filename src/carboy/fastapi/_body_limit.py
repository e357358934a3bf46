"""The limit of a request's body, and how limits within limits agree.

A path operation's limit is the engine's (core.Route.max_body); code that reads over it gets a 413
to raise. Around code that reads on its own (mounts, middleware) Starlette's middleware counts; a
limit further in takes the place of the one outside. Its signals have no public names, and other
middleware wraps them in exception groups, where they have to be found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.middleware import body_limit
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY as MAX_BODY_SIZE_SCOPE_KEY
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request

from carboy.core.errors import BodyMalformed, BodyTooLarge, BodyTooSlow

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from carboy.core.context import RequestContext
    from carboy.core.engine import Engine


def _signals(*names: str) -> tuple[type[Exception], ...]:
    """Starlette's private classes, as far as its version has them."""
    return tuple(getattr(body_limit, name) for name in names if hasattr(body_limit, name))


class ContentTooLarge(HTTPException):
    """Raised where a handler reads over the engine's limit."""

    def __init__(self) -> None:
        super().__init__(413, "Content Too Large")


#: The limiter has answered already; this only ends the application.
_ANSWERED = _signals("_RequestBodyLimitResponseSent")
_SIGNALS = (*_ANSWERED, *_signals("_RequestBodyTooLarge"), ContentTooLarge)


def validate_max_body_size(max_body_size: Any) -> None:
    """ValueError unless it is None (no limit) or a number of bytes."""
    if max_body_size is None:
        return
    # bool is an int, but nobody who writes True means one byte.
    if not isinstance(max_body_size, int) or isinstance(max_body_size, bool) or max_body_size < 0:
        raise ValueError("max_body_size must be a non-negative integer or None")


def get_body_size_limit(*limits: int | None) -> int | None:
    """The first limit that is set. Give the nearest level's first."""
    return next((limit for limit in limits if limit is not None), None)


def get_body_limit_error(exc: Exception) -> Exception | None:
    """The limiter's own error in `exc`, or None if there is any other in it."""
    if not isinstance(exc, ExceptionGroup):
        return exc if isinstance(exc, _SIGNALS) else None
    if exc.split(_SIGNALS)[1] is not None:
        return None
    inner: Exception = exc.subgroup(_ANSWERED) or exc
    while isinstance(inner, ExceptionGroup):
        inner = inner.exceptions[0]
    return inner


def refusing(request: RequestContext) -> Receive:
    """The request's `receive`, with an error that exception handlers answer."""

    async def receive() -> Message:
        try:
            return await request.receive()
        except BodyTooLarge as error:
            raise ContentTooLarge from error
        except BodyTooSlow as error:
            raise HTTPException(408, "Request Timeout", {"connection": "close"}) from error
        except BodyMalformed as error:
            raise HTTPException(400, "Bad Request", {"connection": "close"}) from error

    return receive


async def serve_within(
    engine: Engine, scope: Scope, receive: Receive, send: Send, **how: bool
) -> None:
    """`asgi.serve` where a limiter counts outside: the route's own limit takes its place."""
    from carboy.server import asgi

    request = asgi.request_of(scope, receive)  # type: ignore[arg-type]
    engine.match(request, any(how.values()))
    answering = None if how.get("inside") else engine

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asgi.answer(answering, request, receive, send)  # type: ignore[arg-type]

    await wrap_app_with_body_limit(app, request.target.max_body)(scope, receive, send)


def wrap_app_with_body_limit(app: ASGIApp, max_body_size: int | None) -> ASGIApp:
    """`app` behind a limit of so many bytes, or as it is."""
    if max_body_size is None:
        return app
    return RequestBodyLimitMiddleware(_Unwrap(app), max_body_size=max_body_size)


class _Unwrap:
    """Takes the limiter's error out of its groups, as the limiter expects it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except ExceptionGroup as group:
            error = get_body_limit_error(group) if scope["type"] == "http" else None
            if error is None:
                raise
            raise error from group


class AppBodyLimitMiddleware:
    """The limit of an application, mounted or not.

    A mounted application counts with its parent's limiter, which expects the error to reach it.
    The application's own error page would come first, with a 500: so the 413 is answered here.
    """

    def __init__(self, app: ASGIApp, max_body_size: int | None) -> None:
        self.app = wrap_app_with_body_limit(app, max_body_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if MAX_BODY_SIZE_SCOPE_KEY in scope:
            await self._inside(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as exc:
            error = get_body_limit_error(exc)
            if started or not isinstance(error, HTTPException):
                raise
            from carboy.fastapi.exception_handlers import http_exception_handler

            response = await http_exception_handler(Request(scope, receive), error)
            await response(scope, receive, send)
