"""Answers as ASGI messages: whole, streamed, or sent by what the endpoint returned.

Every answer is checked against its content-length here, whoever made it. What is to be done when
sending fails is the rim's (asgi.py). Source: ASGI 3.0, HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.server.outer import Promise, chunks, is_async_body, wrong_length
from carboy.server.pool import Pool

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


async def send_answer(send: Send, request: RequestContext, head: Head, body: Body) -> None:
    """Any answer, whole or streamed, checked against its content-length."""
    if type(body) is not bytes:
        if is_async_body(body) or not callable(body):
            await _send_stream(send, request, head, body)
        else:
            await body(request.scope, request.receive, _checked(send, request))
        return
    mute = head.bodiless or request.method == "HEAD"
    if head.length is not None and not mute and head.length != len(body):
        raise wrong_length(head, body)
    length = len(body) if head.length is None or body else head.length
    await send(_start(request, head, length))
    await send({"type": "http.response.body", "body": b"" if mute else body, "more_body": False})


def _start(request: RequestContext, head: Head, length: int | None) -> dict[str, Any]:
    """The message with which an answer starts."""
    headers = list(head.headers)
    if length is not None and not head.bodiless:
        headers.append((b"content-length", b"%d" % length))
    # HTTP/2 has no such header.
    if head.close and request.scope.get("http_version", "1.1").startswith("1"):
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": head.status, "headers": headers}


async def _send_stream(send: Send, request: RequestContext, head: Head, body: Body) -> None:
    """A streamed answer. It ends when its last piece is sent, or when the client leaves."""
    mute = head.bodiless or request.method == "HEAD"
    promise = Promise(head, mute)
    threads = request.threads
    await send(_start(request, head, head.length))
    # A stream may have a scope of its own open while it waits; it must end before the listener's.
    stream: Any = chunks(body, threads)
    async with _listening(request), aclosing(stream) as pieces:
        async for piece in pieces:
            promise.keep(len(piece))
            if piece and not mute:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        promise.end()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _listening(request: RequestContext) -> AbstractAsyncContextManager[None]:
    """Around a stream: its end, without an error, when the client leaves.

    COMPAT: what comes of the request's body while the answer is streamed is not read.
    """
    wire: Any = request.wire
    if isinstance(request.threads, Pool):
        return _listening_on_asyncio(wire.left)
    from carboy.server.anyloop import listening

    return listening(wire.left)


@asynccontextmanager
async def _listening_on_asyncio(left: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.current_task()
    has_left = False

    async def listen() -> None:
        nonlocal has_left
        await left()
        has_left = True
        task.cancel()  # type: ignore[union-attr]

    listener = asyncio.create_task(listen())
    try:
        yield
    except asyncio.CancelledError:
        if not has_left or task.uncancel():  # type: ignore[union-attr]
            raise
    finally:
        listener.cancel()


def _checked(send: Send, request: RequestContext) -> Send:
    """`send` for an answer that sends itself: what it sends is checked as any other answer."""
    promise: Promise | None = None
    mute = False

    async def checking(message: dict[str, Any]) -> None:
        nonlocal promise, mute
        if message["type"] == "http.response.start":
            head = Head(message["status"], message.get("headers", ()))
            mute = head.bodiless or request.method == "HEAD"
            promise = Promise(head, mute)
            message = {**message, **_start(request, head, head.length)}
        elif message["type"] == "http.response.body" and promise is not None:
            promise.keep(len(message.get("body", b"")))
            if not message.get("more_body", False):
                promise.end()
            if mute:
                message = {**message, "body": b""}
        await send(message)

    return checking
