"""The direct protocol: HTTP/1.1 on a socket, straight to compiled endpoints.

`protocol` is what uvicorn is given (``http="carboy.server.direct:protocol"``): uvicorn keeps the
sockets, TLS, workers, reload and signals, httptools parses, and a `Connection` does the rest. One
request of a connection is served at a time; pipelined ones wait their turn in order. Nothing here
knows a dialect. What reads and refuses bytes is in server/reading.py, what streams in
server/stream.py; here it is answered and closed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from sys import version_info
from typing import Any, cast
from urllib.parse import quote

from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from carboy.core.answer import TEXT, Body, Head
from carboy.core.closing import finish, unwind
from carboy.core.context import Address, RequestContext
from carboy.core.errors import Overloaded
from carboy.core.voice import drive_async
from carboy.server.deadline import SWEPT
from carboy.server.flow import STALLED
from carboy.server.leaving import Leaving
from carboy.server.outer import (
    OVERLOADED,
    PLAIN_500,
    close_body,
    is_async_body,
    outer_ring,
    refuse,
    report,
    serve_in_thread,
    wrong_length,
)
from carboy.server.shared import MEASURE, Closing, Shared
from carboy.server.stream import Incoming, send_by_asgi, send_stream

#: Pipelined requests read ahead before the socket is left alone.
AHEAD = 16

_EAGER = version_info >= (3, 12)


def protocol(
    config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None
) -> asyncio.Protocol:
    """uvicorn's protocol factory: ours for a Carboy application, uvicorn's own for any other."""
    if not config.loaded:
        config.load()
    loop = _loop or asyncio.get_running_loop()
    shared = getattr(server_state, "carboy", None)
    if shared is None:
        shared = server_state.carboy = _kind()(config, server_state, app_state, loop)
    if shared.engine is None:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

        return HttpToolsProtocol(config, server_state, app_state, _loop)
    kind: type[Connection] = shared.connection or Connection
    return kind(shared)


def _kind() -> type[Shared]:
    if os.environ.get(MEASURE) != "1":
        return Shared
    from carboy.server.measured import MeasuredShared

    return MeasuredShared


class Connection(Leaving):
    """One client. Also the Wire of its requests (core/context.py)."""

    __slots__ = (
        "client",
        "idle_since",
        "scheme",
        "server",
    )

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.client: Address = None
        self.server: tuple[str, int | None] | None = None
        self.scheme = "http"
        self.idle_since = 0

    # -- the socket ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.client = get_remote_addr(self.transport)
        self.server = get_local_addr(self.transport)
        self.scheme = "https" if is_ssl(self.transport) else "http"
        self.idle_since = self.shared.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.shared.lost(self)
        self.queue.clear()
        self.resume_writing()
        self._drop_body()
        serving = self.serving
        if serving is not None:
            if serving.stream is not None:
                serving.stream.disconnect()
            if self.task is not None and (
                serving.target.cancel_on_disconnect if self.streaming is None else self.streaming
            ):
                self.task.cancel()
        self.parser = None

    # -- answering ------------------------------------------------------------------------------

    def _queue(self, request: RequestContext) -> None:
        """`request` waits until those before it are answered."""
        self.queue.append(request)
        if len(self.queue) >= AHEAD:
            self.transport.pause_reading()

    def _start(self, request: RequestContext) -> None:
        self.serving = request
        shared = self.shared
        if shared.limit is not None and shared.is_full():
            self.respond(request, *OVERLOADED)
        elif request.target.is_async:
            # PERF: an eager task runs a handler that never waits right here, without the loop.
            if _EAGER:
                task = asyncio.Task(  # type: ignore[call-arg]
                    self._serve(request), loop=self.loop, eager_start=True
                )
                if task.done():
                    return
            else:
                task = self.loop.create_task(self._serve(request))
            if self.serving is request:
                self.task = task
            shared.tasks.add(task)
            task.add_done_callback(shared.tasks.discard)
        else:
            try:
                shared.pool.submit(serve_in_thread, self.engine, request, self._hand_over)
            except Overloaded:
                refuse(request, Overloaded)
                self._start(request)
        if (seconds := request.target.timeout) is not None and self.serving is request:
            # PERF: a long time is a number for the sweeper, without a call.
            if seconds >= SWEPT:
                self.armed = shared.tick + int(seconds) + 1
            else:
                self.armed = self.loop.call_later(seconds, self.expire, request)

    async def _serve(self, request: RequestContext) -> None:
        """An `async def` endpoint from call to close."""
        error = None
        try:
            head, body = await request.target.call(request)  # type: ignore[misc]
        except asyncio.CancelledError as cancelled:
            if request is not self.expired:
                self.transport.abort()
                self.done(request)
            await self._unwind(request, cancelled)
            raise
        except BaseException as raised:
            error = raised
            head, body = await drive_async(outer_ring(self.engine, request, raised), request)
        if error is not None:
            report(request, error)
        if type(body) is bytes:
            self.respond(request, head, body)
            if request.opened or request.background:
                await self._finish(request)
        else:
            await self._stream(request, head, body)

    async def _finish(self, request: RequestContext) -> None:
        try:
            await drive_async(finish(request), request)
        except Exception as error:
            report(request, error)

    async def _unwind(self, request: RequestContext, error: BaseException) -> None:
        """Throw `error` into what is open; report what comes out."""
        error = await drive_async(unwind(request, error), request)
        if not isinstance(error, asyncio.CancelledError):
            report(request, error)

    def _hand_over(
        self, request: RequestContext, head: Head, body: Body, error: BaseException | None
    ) -> Callable[[BaseException | None], Any] | None:
        """Called in a thread with the answer of a `def` endpoint."""
        if error is not None:
            report(request, error)
        post = self.shared.pool.post
        if type(body) is not bytes:
            post(self._start_stream, request, head, body)
            return None
        if not (request.opened or request.background):
            post(self.respond, request, head, body)
            return None
        # A graceful stop waits for what is in `tasks`: what is opened is closed before the end.
        closing: Any = Closing()
        post(self.shared.tasks.add, closing)
        post(self.respond, request, head, body)
        return lambda late: post(self.shared.tasks.discard, closing)

    def _start_stream(self, request: RequestContext, head: Head, body: Body) -> None:
        # SAFETY: threads' news come together, in the context of whichever was first.
        context = self.shared.context.copy()
        task = self.loop.create_task(self._stream(request, head, body), context=context)
        self.shared.tasks.add(task)
        task.add_done_callback(self.shared.tasks.discard)

    async def _stream(self, request: RequestContext, head: Head, body: Body) -> None:
        """A streamed answer, from its head to the close of what it outlives."""
        self._disarm()
        # SAFETY: not before it runs: who is cancelled by then would close nothing of what is open.
        self.task = asyncio.current_task()
        self.started = False
        self.streamed = None
        failure: BaseException | None = None
        complete = False
        try:
            complete = await self._send(request, head, body)
        except BaseException as error:
            failure = error
        self.streaming = None
        cancelled = isinstance(failure, asyncio.CancelledError)
        if failure is not None and not (self.started or self.closed or cancelled):
            head, body = await drive_async(outer_ring(self.engine, request, failure), request)
            report(request, failure)
            whole = type(body) is bytes  # an answer to an error can't be a second stream
            self.respond(request, *((head, body) if whole else PLAIN_500))  # type: ignore[arg-type]
            failure = None
        elif self.serving is request:
            if not complete:
                self.transport.abort()
            self.done(request)
        if failure is None:
            await self._finish(request)
            return
        await self._unwind(request, failure)
        if cancelled:
            raise failure

    async def _send(self, request: RequestContext, head: Head, body: Body) -> bool:
        """Write a streamed answer; False if the client left before its end."""
        if not is_async_body(body) and callable(body):
            self.streaming = False
            return await send_by_asgi(self, request, body)
        if self.closed or request is self.expired:
            await close_body(body, request.threads)
            return False
        self.streaming = True
        try:
            return await send_stream(self, request, head, body)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self.closed or task is None or task.uncancel():
                raise  # the server stops
            # `connection_lost` has cancelled the stream, which is not an error of anybody's.
            return False

    def respond(self, request: RequestContext, head: Head, body: bytes) -> None:
        """Write a whole answer and go on to the next request."""
        if self.closed or request is self.expired:
            if request is not self.expired:
                self.done(request)
            return
        if request.stream is not None and not request.stream.ended:
            self.last = request  # `done` closes: the client should know
        shared = self.shared
        mute = head.bodiless or request.method == "HEAD"
        if head.length is not None and head.length != len(body) and not mute:
            report(request, wrong_length(head, body))
            head, body = Head(500, [TEXT]), b"Internal Server Error"
        if shared.access_log:
            shared.log_access(self, request, head.status)
        if mute or request is self.last or head.close or head.length is not None:
            close = request is self.last or head.close
            if close:
                self.last = request
            self.transport.write(self._written(head, body, close, request.method))
        else:
            if shared.source is not shared.state.default_headers:
                shared.refresh()
            # PERF: one formatting, one write; the usual answer.
            self.transport.write(
                b"%bcontent-length: %d\r\n%b\r\n%b" % (head.raw, len(body), shared.defaults, body)
            )
        self.done(request)

    def done(self, request: RequestContext) -> None:
        """The last byte of an answer is written."""
        shared = self.shared
        shared.state.total_requests += 1
        self.serving = self.task = None
        if self.armed is not None:
            if type(self.armed) is not int:
                self._disarm()
            self.armed = None
        if request.stream is not None:
            # SAFETY: what is left of a body that the endpoint did not read must not be waited for.
            if not request.stream.ended:
                self.reading = None
                self.last = request
                self._linger()
            elif request is self.last:
                self.transport.close()
            request.stream.disconnect()
        elif request is self.last:
            self.transport.close()
        if request is self.last:
            return
        self.idle_since = shared.tick
        if self.paused:
            self.serving = STALLED
        elif self.queue:
            self._go_on()

    def _go_on(self) -> None:
        """On to the next of the requests that wait."""
        self.serving = following = self.queue.popleft()
        if len(self.queue) == AHEAD // 2:
            self.read_on()
        # Else its body is being read back: `loaded` will start it.
        if following.body is not None or following.stream is not None:
            # Not from here: a long pipeline must not become a deep stack.
            context = self.shared.context.copy()
            self.loop.call_soon(self._start_queued, following, context=context)

    def _start_queued(self, request: RequestContext) -> None:
        if not self.closed:
            self._start(request)

    # -- the Wire of its requests -----------------------------------------------------------------

    shelter = None  # a task of ours is cancelled once

    @property
    def threads(self) -> Any:
        return self.shared.pool

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self.shared.pool.portal

    def scope(self, request: RequestContext) -> dict[str, Any]:
        """The ASGI HTTP connection scope of `request`."""
        client, scheme = self.shared.forwarded(self, request)
        root = self.shared.root_path
        path = root + request.path
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": self.version(request),
            "method": request.method,
            "scheme": scheme,
            "path": path,
            "raw_path": quote(path, errors="surrogateescape").encode("ascii"),
            "query_string": request.query,
            "root_path": root,
            "headers": request.headers,
            "client": client,
            "server": self.server,
            "state": self.shared.app_state.copy(),
            "extensions": {},
        }

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        """ASGI's receive: what is left of the body, then the disconnect."""
        if request.stream is None:
            request.stream = Incoming(self, request)
            if self.serving is not request or self.closed:
                request.stream.disconnect()
        received: dict[str, Any] = await request.stream.receive()
        return received
