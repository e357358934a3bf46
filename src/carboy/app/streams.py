"""A streamed answer of a typed route, sent with its request current in Flask's sense.

The endpoint may have run in a thread, and the stream is sent by another, or by the server's task:
the contexts are made current where the first piece is asked for. Whoever sends an answer does
nothing else in that task or thread's context, so nothing has to be put back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from copy import copy
from typing import Any

from carboy.flask.ctx import AppContext, RequestContext
from carboy.flask.globals import _cv_app, _cv_request
from carboy.server.outer import is_async_body


def within(context: RequestContext, body: Any) -> Any:
    """`body`, of whichever kind, with `context` current while it is sent."""
    application = _cv_app.get()
    if is_async_body(body):
        return _Awaited(context, application, body)
    return (_Called if callable(body) else _Pulled)(context, application, body)


def sends_itself(body: Any) -> bool:
    """Whether `body` is a response that sends its own head, which may be changed before."""
    return callable(body) and not is_async_body(body) and hasattr(body, "raw_headers")


def saying(response: Any, fields: list[tuple[bytes, bytes]], status: int) -> Any:
    """A response like `response`, which sends itself, with other header fields and status."""
    # SAFETY: a copy. One object may answer many requests, and a session's cookie is for one.
    made = copy(response)
    made.__dict__.pop("_headers", None)  # Starlette's view of the old ones
    made.raw_headers, made.status_code = fields, status
    return made


class _Within:
    def __init__(self, context: RequestContext, application: AppContext, body: Any) -> None:
        self._context = context
        self._application = application
        self.body = body

    def _enter(self) -> None:
        if _cv_request.get(None) is not self._context:
            _cv_app.set(self._application)
            _cv_request.set(self._context)


class _Pulled(_Within):
    """Pieces that a thread pulls."""

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self._enter()
        if not hasattr(self.body, "__next__"):
            self.body = iter(self.body)
        return next(self.body)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End what makes the pieces."""
        if (close := getattr(self.body, "close", None)) is not None:
            self._enter()
            close()


class _Awaited(_Within):
    """Pieces that are awaited."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        self.body = aiter(self.body)
        return self

    async def __anext__(self) -> bytes:
        self._enter()
        piece: bytes = await anext(self.body)
        return piece

    async def aclose(self) -> None:
        """End what makes the pieces."""
        if (close := getattr(self.body, "aclose", None)) is not None:
            self._enter()
            await close()


class _Called(_Within):
    """An answer that sends itself, as an ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._enter()
        await self.body(scope, receive, send)
