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

from carboy.core.answer import Body, Head
from carboy.core.closing import finish, unwind
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge, Overloaded
from carboy.core.voice import drive_async
from carboy.server.outer import (
    OVERLOADED,
    PLAIN_500,
    TOO_LARGE,
    Promise,
    chunks,
    close_body,
    is_async_body,
    outer_ring,
    serve_in_thread,
    wrong_length,
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

    async def left(self) -> None:
        """Return when the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


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


def request_of(scope: Scope, receive: Receive) -> RequestContext:
    """The request of a scope, as `serve` makes it."""
    wire = AsgiWire(scope, receive, pool_of(asyncio.get_running_loop()))
    path = route_path(scope["path"], scope.get("root_path", ""))
    return RequestContext(wire, scope["method"], path, scope["query_string"], scope["headers"])


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
    if request.method not in _NO_BODY and _announces_too_much(request, target.max_body):
        await _send(send, request, *TOO_LARGE)
    elif target.buffered and not await _read_body(request, receive, send, target.max_body):
        pass
    elif target.is_async:
        await _serve_async(engine, request, send)
    else:
        await _serve_threaded(engine, request, send)


_NO_BODY = frozenset({"GET", "HEAD"})


def _announces_too_much(request: RequestContext, limit: int | None) -> bool:
    """Whether the content-length is over the limit: such a body is not waited for."""
    length = None if limit is None else request.header(b"content-length")
    return length is not None and length.isdigit() and int(length) > limit  # type: ignore[operator]


async def _read_body(
    request: RequestContext, receive: Receive, send: Send, limit: int | None
) -> bool:
    """Read the whole body into `request`; False if it was refused or the client left."""
    event = await receive()
    body: bytes = event.get("body", b"")
    if event.get("more_body", False):
        pieces = [body]
        size = len(body)
        while event.get("more_body", False) and (limit is None or size <= limit):
            event = await receive()
            pieces.append(event.get("body", b""))
            size += len(pieces[-1])
        body = b"".join(pieces)
    if event["type"] == "http.disconnect":
        return False  # what has come is not the body
    if limit is not None and len(body) > limit:
        await _send(send, request, *TOO_LARGE)
        return False
    request.body = body
    return True


async def _serve_async(engine: Engine | None, request: RequestContext, send: Send) -> None:
    failure = None
    try:
        head, body = await request.target.call(request)  # type: ignore[misc]
    except asyncio.CancelledError as cancelled:
        await drive_async(unwind(request, cancelled), request)
        raise
    except BaseException as error:
        if engine is None:
            raise
        failure = error
        head, body = await drive_async(outer_ring(engine, request, error), request)
    # PERF: the usual answer without another coroutine.
    if type(body) is bytes and not head.bodiless and head.length is None and not head.close:
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
        if request.opened or request.background:
            await drive_async(finish(request), request)
    else:
        await _answer(engine, request, send, head, body)
    if failure is not None:
        raise failure


async def _serve_threaded(engine: Engine | None, request: RequestContext, send: Send) -> None:
    pool: Pool = request.threads  # type: ignore[assignment]
    answered: asyncio.Future[Any] = pool.loop.create_future()
    closed: asyncio.Future[None] = pool.loop.create_future()

    def deliver(request: RequestContext, *answer: Any) -> Callable[[], None]:
        pool.post(settle, answered, answer)
        return lambda: pool.post(settle, closed, None)

    try:
        pool.submit(serve_in_thread, engine, request, deliver)
    except Overloaded:
        await _send(send, request, *OVERLOADED)
        return
    try:
        head, body, error = await asyncio.shield(answered)
    except asyncio.CancelledError as cancelled:
        # The thread goes on and closes what it opened; a stream is left to us.
        _, body, _ = await answered
        if type(body) is not bytes:
            await close_body(body, pool)
            await drive_async(unwind(request, cancelled), request)
        raise
    if error is not None and engine is None:
        raise error
    if type(body) is bytes:
        await _send(send, request, head, body)
        await closed
    else:
        await _answer(engine, request, send, head, body)
    if error is not None:
        raise error


def settle(future: asyncio.Future[Any], value: Any) -> None:
    """Give `future` its value unless it was cancelled."""
    if not future.done():
        future.set_result(value)


async def _answer(
    engine: Engine | None, request: RequestContext, send: Send, head: Head, body: Body
) -> None:
    """Any answer, and the close of what it outlives. An error goes on to the server."""
    begun = False

    async def sending(message: dict[str, Any]) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        await _send(sending, request, head, body)
    except asyncio.CancelledError as cancelled:
        await drive_async(unwind(request, cancelled), request)
        raise
    except BaseException as error:
        if begun or engine is None:
            # What the dependencies make of it goes to the server, which logs it and cuts.
            unwound = await drive_async(unwind(request, error), request)
            raise unwound  # noqa: B904 - it is `error`, or was raised from it
        head, body = await drive_async(outer_ring(engine, request, error), request)
        # An answer to an error can't be a second stream.
        await _send(send, request, *((head, body) if type(body) is bytes else PLAIN_500))
        raise error
    await drive_async(finish(request), request)


async def _send(send: Send, request: RequestContext, head: Head, body: Body) -> None:
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
    task = asyncio.current_task()
    wire: AsgiWire = request.wire  # type: ignore[assignment]
    mute = head.bodiless or request.method == "HEAD"
    promise = Promise(head, mute)
    has_left = False

    async def listen() -> None:
        # COMPAT: what comes of the request's body while the answer is streamed is not read.
        nonlocal has_left
        await wire.left()
        has_left = True
        task.cancel()  # type: ignore[union-attr]

    async with aclosing(chunks(body, request.threads)) as pieces:  # type: ignore[type-var]
        await send(_start(request, head, head.length))
        listener = asyncio.create_task(listen())
        try:
            async for piece in pieces:
                promise.keep(len(piece))
                if piece and not mute:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            promise.end()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
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
