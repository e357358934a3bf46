"""The ASGI rim: the same endpoints under any ASGI server.

Reads the scope into a RequestContext, runs the endpoint as the direct protocol would, and sends the
answer as two messages, or more for a stream. Source: ASGI 3.0, HTTP and lifespan.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, MutableMapping
from contextlib import aclosing
from typing import Any

from carboy.core.answer import AnswerError, Body, Head
from carboy.core.closing import finish
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge, Overloaded
from carboy.core.voice import drive_async
from carboy.server.outer import (
    OVERLOADED,
    TOO_LARGE,
    chunks,
    is_async_body,
    outer_ring,
    serve_in_thread,
)
from carboy.server.pool import Pool, pool_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, dict[str, Any]]]
Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


class AsgiWire:
    """The Wire of one ASGI request."""

    __slots__ = ("_given", "_receive", "_replay", "_size", "threads")

    def __init__(self, scope: Scope, receive: Receive, threads: Pool) -> None:
        self._given = scope
        self._receive = receive
        self._replay = True
        self._size = 0
        self.threads = threads

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self.threads.portal

    def scope(self, request: RequestContext) -> dict[str, Any]:
        return self._given  # type: ignore[return-value]

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        if request.body is not None and self._replay:
            self._replay = False
            return {"type": "http.request", "body": request.body, "more_body": False}
        event = await self._receive()
        limit = request.target.max_body
        if limit is not None:
            self._size += len(event.get("body", b""))
            if self._size > limit:
                raise BodyTooLarge(limit)
        return event


async def serve(
    engine: Engine,
    scope: Scope,
    receive: Receive,
    send: Send,
    inside: bool = False,
    passed: bool = False,
) -> None:
    """One ASGI connection: an HTTP request, or the lifespan.

    `passed` says that the front has been passed already; `inside`, that something of the
    application's stands around as well (middleware): errors that nobody handles are raised there.
    """
    kind = scope["type"]
    if kind == "http":
        wire = AsgiWire(scope, receive, pool_of(asyncio.get_running_loop()))
        path = scope["path"]
        if root := scope.get("root_path"):
            path = route_path(path, root)
        request = RequestContext(
            wire, scope["method"], path, scope["query_string"], scope["headers"]
        )
        engine.match(request, inside or passed)
        await answer(None if inside else engine, request, receive, send)
    elif kind == "lifespan":
        await _lifespan(engine, scope, receive, send)
    elif kind == "websocket":
        await send({"type": "websocket.close", "code": 1000, "reason": ""})
    else:
        raise RuntimeError(f"an ASGI scope of type {kind!r} is not known here")


def route_path(path: str, root: str) -> str:
    """`path` below `root`, which servers and mounts leave in front of it. Source: ASGI 3.0."""
    if path.startswith(root) and (len(path) == len(root) or path[len(root)] == "/"):
        return path[len(root) :]
    return path


async def answer(
    engine: Engine | None, request: RequestContext, receive: Receive, send: Send
) -> None:
    """Have the target of `request` answer it. Without `engine`, errors are raised only."""
    target = request.target
    if target.buffered and not await _read_body(request, receive, target.max_body):
        await _send(send, request, *TOO_LARGE)
    elif target.is_async:
        await _serve_async(engine, request, send)
    else:
        await _serve_threaded(engine, request, send)


async def _read_body(request: RequestContext, receive: Receive, limit: int | None) -> bool:
    """Read the whole body into `request`; False if it is over the limit or the client left."""
    event = await receive()
    if not event.get("more_body", False):
        body = event.get("body", b"")
        request.body = body
        return limit is None or len(body) <= limit
    pieces = [event.get("body", b"")]
    size = len(pieces[0])
    while event.get("more_body", False):
        event = await receive()
        if event["type"] == "http.disconnect":
            break
        pieces.append(event.get("body", b""))
        size += len(pieces[-1])
        if limit is not None and size > limit:
            return False
    request.body = b"".join(pieces)
    return True


async def _serve_async(engine: Engine | None, request: RequestContext, send: Send) -> None:
    failure = None
    try:
        head, body = await request.target.call(request)  # type: ignore[misc]
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        if engine is None:
            raise
        failure = error
        head, body = await drive_async(outer_ring(engine, request, error), request)
    # PERF: the usual answer without another coroutine.
    if type(body) is bytes and not head.bodiless and head.length is None:
        length = b"%d" % len(body)
        await send(
            {
                "type": "http.response.start",
                "status": head.status,
                "headers": [*head.headers, (b"content-length", length)],
            }
        )
        body = body if request.method != "HEAD" else b""
        await send({"type": "http.response.body", "body": body, "more_body": False})
    elif type(body) is not bytes and not is_async_body(body) and callable(body):
        await _let_send(engine, request, body, send)
    else:
        await _send(send, request, head, body)
    if request.opened or request.background:
        await drive_async(finish(request), request)
    if failure is not None:
        raise failure


async def _let_send(engine: Engine | None, request: RequestContext, body: Any, send: Send) -> None:
    """An answer that sends itself. Where it fails before it has begun, the outer ring answers."""
    started = False

    async def sending(message: dict[str, Any]) -> None:
        nonlocal started
        started = True
        await send(message)

    try:
        await body(request.scope, request.receive, sending)
    except Exception as error:
        if engine is not None and not started:
            pair = await drive_async(outer_ring(engine, request, error), request)
            await _send(send, request, *pair)
        raise


async def _serve_threaded(engine: Engine | None, request: RequestContext, send: Send) -> None:
    pool: Pool = request.threads  # type: ignore[assignment]
    answered: asyncio.Future[Any] = pool.loop.create_future()

    def settle(*answer: Any) -> None:
        if not answered.done():
            answered.set_result(answer)

    def deliver(request: RequestContext, *answer: Any) -> None:
        pool.post(settle, *answer)

    try:
        pool.submit(serve_in_thread, engine, request, deliver)
    except Overloaded:
        await _send(send, request, *OVERLOADED)
        return
    head, body, error = await answered
    if error is not None and engine is None:
        raise error
    if type(body) is not bytes and not is_async_body(body) and callable(body):
        await _let_send(engine, request, body, send)
    else:
        await _send(send, request, head, body)
    if type(body) is not bytes:
        await drive_async(finish(request), request)
    if error is not None:
        raise error


async def _send(send: Send, request: RequestContext, head: Head, body: Body) -> None:
    """Any answer, whole or streamed, checked against its content-length."""
    if type(body) is not bytes and not is_async_body(body) and callable(body):
        await body(request.scope, request.receive, send)
        return
    headers = list(head.headers)
    mute = head.bodiless or request.method == "HEAD"
    if type(body) is bytes:
        if head.length is not None and not mute and head.length != len(body):
            raise AnswerError(f"content-length says {head.length}, the body has {len(body)} bytes")
        length = len(body) if head.length is None or body else head.length
        if not head.bodiless:
            headers.append((b"content-length", b"%d" % length))
    elif head.length is not None and not head.bodiless:
        headers.append((b"content-length", b"%d" % head.length))
    await send({"type": "http.response.start", "status": head.status, "headers": headers})
    if type(body) is bytes:
        whole = b"" if mute else body
        await send({"type": "http.response.body", "body": whole, "more_body": False})
        return
    async with aclosing(chunks(body, request.threads)) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if piece and not mute:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _lifespan(engine: Engine, scope: Scope, receive: Receive, send: Send) -> None:
    """Freeze, start, wait, stop. Errors are reported to the server in words."""
    started = False
    await receive()
    try:
        engine.freeze()
        async with engine.application.lifespan() as state:
            if state:
                if "state" not in scope:
                    raise RuntimeError("this server does not support lifespan state")
                scope["state"].update(state)
            started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except BaseException:
        phase = "shutdown" if started else "startup"
        await send({"type": f"lifespan.{phase}.failed", "message": traceback.format_exc()})
        raise
    await send({"type": "lifespan.shutdown.complete"})
