"""The ASGI rim: the same endpoints under any ASGI server.

Reads the scope into a RequestContext, runs the endpoint as the direct protocol would, and sends the
answer (sending.py). Threads are a Pool's on asyncio, AnyIO's on any other event loop.
Source: ASGI 3.0, HTTP and lifespan.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, MutableMapping
from functools import partial
from typing import Any

from carboy.core.answer import Body, Head
from carboy.core.closing import finish, unwind
from carboy.core.context import RequestContext, Shelter
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge, Overloaded
from carboy.core.voice import drive_async
from carboy.server.guard import Over, guard, within
from carboy.server.outer import PLAIN_500, close_body, outer_ring, refuse, serve_in_thread
from carboy.server.pool import Pool, pool_of
from carboy.server.sending import Send, send_answer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Coroutine[Any, Any, dict[str, Any]]]


class AsgiWire:
    """The Wire of one ASGI request."""

    __slots__ = (
        "_ahead",
        "_given",
        "_is_read",
        "_receive",
        "_replay",
        "_size",
        "listener",
        "threads",
    )

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._given = scope
        self._receive = receive
        self._replay = True
        self._size = 0
        #: The endpoint has asked what comes.
        self._is_read = False
        #: Asks in its place (server/guard.py), and the event that it has read instead.
        self.listener: asyncio.Task[bool] | None = None
        self._ahead: asyncio.Future[dict[str, Any]] | None = None
        self.threads: Any  # a Pool, or an AnyThreads
        try:
            self.threads = pool_of(asyncio.get_running_loop())
        except RuntimeError:
            from carboy.server.anyloop import THREADS

            self.threads = THREADS

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self.threads.portal  # type: ignore[no-any-return]

    def shelter(self) -> Shelter:
        from carboy.server.anyloop import CancelShelter

        return CancelShelter()

    def scope(self, request: RequestContext) -> dict[str, Any]:
        return self._given  # type: ignore[return-value]

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        if request.body is not None and self._replay:
            self._replay = False
            return {"type": "http.request", "body": request.body, "more_body": False}
        self._is_read = True
        event = await self._next()
        limit = request.target.max_body
        if limit is not None:
            self._size += len(event.get("body", b""))
            if self._size > limit:
                raise BodyTooLarge(limit)
        return event

    async def _next(self) -> dict[str, Any]:
        if (ahead := self._ahead) is not None:
            event = await asyncio.shield(ahead)
            self._ahead = None
            return event
        if self.listener is not None:
            await asyncio.wait((self.listener,))
            if not self.listener.cancelled() and self.listener.result():
                return {"type": "http.disconnect"}
        return await self._receive()

    async def listen(self, request: RequestContext) -> bool:
        """Return True when the client has left, False if the endpoint sees to that."""
        if self._is_read:
            return False
        if request.body is None:
            self._ahead = ahead = asyncio.ensure_future(self._receive())
            try:
                event = await asyncio.shield(ahead)
            except asyncio.CancelledError:
                self._ahead = None
                ahead.cancel()
                raise
            if event["type"] == "http.disconnect" or event.get("more_body", False):
                return not event.get("more_body", False)
        await self.left()
        return True

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
        wire = AsgiWire(scope, receive)
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
    wire = AsgiWire(scope, receive)
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
        target = refuse(request, BodyTooLarge, target.max_body)
    elif target.buffered and target.reads:
        if not await _read_body(request, receive, target.max_body):
            return
        target = request.target
    call: Any = target.call
    threads: Any = request.wire.threads
    if not isinstance(threads, Pool):
        from carboy.server.anyloop import serve_on_time

        if not target.is_async:
            call = partial(threads.run, call)
        await serve_on_time(partial(_serve_async, engine, request, send), call, send, request)
    elif target.is_async:
        if target.is_guarded:
            call = partial(within, call, send)
        await _serve_async(engine, request, send, call)
    else:
        await _serve_threaded(engine, request, send, threads)


_NO_BODY = frozenset({"GET", "HEAD"})


def _announces_too_much(request: RequestContext, limit: int | None) -> bool:
    """Whether the content-length is over the limit: such a body is not waited for."""
    length = None if limit is None else request.header(b"content-length")
    return length is not None and length.isdigit() and int(length) > limit  # type: ignore[operator]


async def _read_body(request: RequestContext, receive: Receive, limit: int | None) -> bool:
    """Read the whole body into `request`, or refuse it; False if the client left."""
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
        refuse(request, BodyTooLarge, limit)
    else:
        request.body = body
    return True


async def _serve_async(
    engine: Engine | None, request: RequestContext, send: Send, call: Any
) -> None:
    failure = None
    try:
        head, body = await call(request)
    except Over:
        return
    except Exception as error:  # what is none (a cancellation) is nobody's to answer
        if engine is None:
            raise
        failure = error
        head, body = await drive_async(outer_ring(engine, request, error), request)
    # PERF: the usual answer without another coroutine.
    if (
        type(body) is bytes
        and not request.opened
        and not request.background
        and not head.bodiless
        and head.length is None
        and not head.close
    ):
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
    else:
        await _answer(engine, request, send, head, body)
    if failure is not None:
        raise failure


async def _serve_threaded(
    engine: Engine | None, request: RequestContext, send: Send, pool: Pool
) -> None:
    answered: asyncio.Future[Any] = pool.loop.create_future()
    closed: asyncio.Future[BaseException | None] = pool.loop.create_future()

    def over(late: BaseException | None) -> bool:
        pool.post(settle, closed, late)
        return True

    def deliver(request: RequestContext, *answer: Any) -> Callable[[BaseException | None], bool]:
        pool.post(settle, answered, answer)
        return over

    try:
        pool.submit(serve_in_thread, engine, request, deliver)
    except Overloaded:
        await _serve_async(engine, request, send, refuse(request, Overloaded).call)
        return
    timed = None if request.target.timeout is None else guard(request, send, None)
    late: BaseException | None = None
    try:
        head, body, error = await asyncio.shield(answered)
        if timed is not None and timed.leave():
            if type(body) is bytes:
                late = await asyncio.shield(closed)
            await timed.settle(error or late, None if type(body) is bytes else (head, body))
            return
        if type(body) is bytes:
            if error is not None and engine is None:
                raise error
            await send_answer(send, request, head, body)
            late = await asyncio.shield(closed)
    except asyncio.CancelledError as cancelled:
        if timed is not None:
            timed.leave()
        await _abandon(request, answered, closed, cancelled)
        raise
    if type(body) is not bytes:
        await _answer(engine, request, send, head, body)
    error = error or late
    if error is not None:
        raise error


async def _abandon(
    request: RequestContext,
    answered: asyncio.Future[Any],
    closed: asyncio.Future[Any],
    cancelled: BaseException,
) -> None:
    """The thread goes on and closes what it opened, which is waited for; a stream is left to us."""
    from carboy.server.anyloop import outlast

    await outlast(answered)
    _, body, _ = answered.result()
    if type(body) is bytes:
        await outlast(closed)
    else:
        await close_body(body, request.threads)
        await drive_async(unwind(request, cancelled), request)


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
        await send_answer(sending, request, head, body)
    except GeneratorExit:
        raise  # this coroutine is being thrown away
    except BaseException as error:
        if begun or engine is None or not isinstance(error, Exception):
            # What the dependencies make of it goes to the server, which logs it and cuts.
            unwound = await drive_async(unwind(request, error), request)
            raise unwound  # noqa: B904 - it is `error`, or was raised from it
        head, body = await drive_async(outer_ring(engine, request, error), request)
        # An answer to an error can't be a second stream.
        await send_answer(send, request, *((head, body) if type(body) is bytes else PLAIN_500))
        raise error
    await drive_async(finish(request), request)


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
