"""The direct protocol: HTTP/1.1 on a socket, straight to compiled endpoints.

`protocol` is what uvicorn is given (``http="carboy.server.direct:protocol"``): uvicorn keeps the
sockets, TLS, workers, reload and signals, httptools parses, and a `Connection` does the rest. One
request of a connection is served at a time; pipelined ones wait their turn in order. Nothing here
knows a dialect. What reads and refuses bytes is here, what writes streams is in server/stream.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from sys import version_info
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

from carboy.core.answer import TEXT, Body, Head
from carboy.core.closing import finish
from carboy.core.context import Address, RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge, Overloaded
from carboy.core.voice import drive_async
from carboy.server.outer import OVERLOADED, PLAIN_500, outer_ring, report, serve_in_thread
from carboy.server.shared import Shared
from carboy.server.stream import Incoming, send_stream

logger = logging.getLogger("carboy.error")

#: Header fields of a request: how many, bytes of one, bytes of all with the request line.
MAX_FIELDS = 100
MAX_FIELD = 8 * 1024
MAX_HEAD = 32 * 1024
MAX_TARGET = 8 * 1024
#: Pipelined requests read ahead before the socket is left alone.
AHEAD = 16

#: Seconds that a client has to read a refusal before the connection is closed.
LINGER = 2.0

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
        shared = server_state.carboy = Shared(config, server_state, app_state, loop)
    if shared.engine is None:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

        return HttpToolsProtocol(config, server_state, app_state, _loop)
    return Connection(shared)


class _Ignore(list[tuple[bytes, bytes]]):
    """Where trailer fields go."""

    def append(self, item: tuple[bytes, bytes]) -> None:
        pass


_IGNORE = _Ignore()


class Connection(asyncio.Protocol):
    """One client. Also the Wire of its requests (core/context.py)."""

    __slots__ = (
        "_waiter",
        "chunks",
        "client",
        "closed",
        "engine",
        "head_size",
        "headers",
        "idle_since",
        "last",
        "loop",
        "parser",
        "paused",
        "queue",
        "reading",
        "scheme",
        "server",
        "serving",
        "shared",
        "size",
        "started",
        "stopping",
        "task",
        "transport",
        "url",
    )

    def __init__(self, shared: Shared) -> None:
        assert shared.engine is not None
        self.shared = shared
        self.engine: Engine = shared.engine
        self.loop = shared.loop
        self.transport: asyncio.Transport = cast(Any, None)
        self.parser: Any = httptools.HttpRequestParser(self)
        self.client: Address = None
        self.server: tuple[str, int | None] | None = None
        self.scheme = "http"
        # What is being read.
        self.url: bytes | None = None
        self.headers: list[tuple[bytes, bytes]] = _IGNORE
        self.head_size = 0
        self.reading: RequestContext | None = None
        self.chunks: list[bytes] | None = None
        self.size = 0
        # What is being answered.
        self.serving: RequestContext | None = None
        self.task: asyncio.Task[None] | None = None
        self.queue: deque[RequestContext] = deque()
        #: The request after whose answer the connection closes.
        self.last: RequestContext | None = None
        #: The head of a streamed answer is written.
        self.started = False
        self.paused = False
        self.closed = False
        self.stopping = False
        self.idle_since = 0
        self._waiter: asyncio.Future[None] | None = None

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
        serving = self.serving
        if serving is not None:
            if serving.stream is not None:
                serving.stream.disconnect()
            if self.task is not None and serving.target.cancel_on_disconnect:
                self.task.cancel()
        self.parser = None

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.set_result(None)

    async def writable(self) -> None:
        """Wait until the client has read enough of what was written."""
        if self.paused and not self.closed:
            self._waiter = self.loop.create_future()
            await self._waiter

    def shutdown(self) -> None:
        """uvicorn asks for a graceful stop: answer what has been read, then close."""
        self.stopping = True
        if self.serving is None:
            self.transport.close()
        else:
            self.last = self.queue[-1] if self.queue else self.serving

    # -- reading --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self.closed or (self.last is not None and self.reading is None):
            return  # nothing is read after the request that ends the connection
        if self.url is not None or len(data) > MAX_FIELD:
            self.head_size += len(data)
            if self.url is not None and self.head_size > MAX_HEAD:
                self.refuse(431, "The request's header fields are too large")
                return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # `on_headers_complete` has made it the last request
        except httptools.HttpParserError:
            if self.last is None or self.reading is not None:
                self.refuse(400, "This is not a valid HTTP request")
        if self.url is not None and self.head_size == 0:
            self.head_size = len(data)

    def on_url(self, url: bytes) -> None:
        if self.url is None:
            self.url = url
            self.headers = []
        else:
            self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        url, self.url = self.url or b"", None
        headers, self.headers = self.headers, _IGNORE
        if len(headers) > MAX_FIELDS or self.head_size:
            self.head_size = 0
            if (status := _over_limits(url, headers)) is not None:
                self.refuse(*status)
                return
        parser = self.parser
        raw, _, query = url.partition(b"?")
        if raw[:1] != b"/" or b"#" in url or not url.isascii():
            parsed = _other_target(url)
            if parsed is None:
                self.refuse(400, "The request target is not valid")
                return
            raw, query = parsed
        path = raw.decode("ascii")
        if "%" in path:
            path = unquote(path)
        method = parser.get_method().decode("ascii")
        root = self.shared.root_path
        request = RequestContext(self, method, root + path if root else path, query, headers)
        self.reading = request
        target = self.engine.match(request)
        if not parser.should_keep_alive() or parser.get_http_version() != "1.1" or self.stopping:
            self.last = request
        if parser.should_upgrade():
            # SAFETY: F11, what follows an upgrade we don't take is not read as a request.
            self.last = request
        if method not in _NO_BODY and not self._may_send_body(request):
            return
        self.chunks = None
        self.size = 0
        if not target.buffered:
            request.stream = Incoming(self, request)
            self._begin(request)

    def _may_send_body(self, request: RequestContext) -> bool:
        """Look at what is announced; False if it was refused."""
        limit = request.target.max_body
        for name, value in request.headers:
            if name == b"content-length":
                if limit is not None and int(value) > limit:
                    self.refuse(413, f"The request body is larger than {limit} bytes")
                    return False
            elif name == b"expect" and value.lower() == b"100-continue":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def on_body(self, data: bytes) -> None:
        request = self.reading
        if request is None:
            return
        self.size += len(data)
        limit = request.target.max_body
        if limit is not None and self.size > limit:
            if request.stream is not None:
                # The endpoint is reading: it is told, and what it answers ends the connection.
                self.reading = None
                self.last = request
                request.stream.fail(BodyTooLarge(limit))
                return
            self.refuse(413, f"The request body is larger than {limit} bytes")
            return
        if request.stream is not None:
            request.stream.feed(data)
        elif self.chunks is None:
            self.chunks = [data]
        else:
            self.chunks.append(data)

    def on_message_complete(self) -> None:
        request = self.reading
        if request is None:
            return
        self.reading = None
        if request.stream is not None:
            request.stream.end()
            return
        chunks = self.chunks
        if chunks is None:
            request.body = b""
        else:
            request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            self.chunks = None
        if self.serving is None:
            self._start(request)
        else:
            self._begin(request)

    def refuse(self, status: int, message: str) -> None:
        """Answer what can't be served and close; whatever else the client sends is not read."""
        self.reading = None
        self.headers = _IGNORE
        self.url = None
        if self.closed or (self.last is not None and self.serving is not None):
            self.transport.close()
            return
        if self.serving is not None:
            # Earlier requests of this connection are still being answered.
            self.last = self.queue[-1] if self.queue else self.serving
            return
        self.last = cast(Any, self)
        head = Head(status, [TEXT, (b"connection", b"close")])
        self.transport.write(self._written(head, message.encode(), close=True))
        self._linger()

    def _linger(self) -> None:
        """Close once the client has seen the answer.

        Closing while it still sends would make its kernel throw the answer away (RFC 9112, 9.6).
        What it sends is dropped by `data_received`, for two seconds at most.
        """
        if self.closed or self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

    # -- answering ------------------------------------------------------------------------------

    def _begin(self, request: RequestContext) -> None:
        if self.serving is None:
            self._start(request)
            return
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
                self.respond(request, *OVERLOADED)

    async def _serve(self, request: RequestContext) -> None:
        """An `async def` endpoint from call to close."""
        error = None
        try:
            head, body = await request.target.call(request)  # type: ignore[misc]
        except asyncio.CancelledError:
            self.transport.abort()
            raise
        except BaseException as raised:
            error = raised
            head, body = await drive_async(outer_ring(self.engine, request, raised), request)
        if error is not None:
            report(request, error)
        if type(body) is bytes:
            self.respond(request, head, body)
        else:
            await self._stream(request, head, body)
        if request.opened or request.background:
            await self._finish(request)

    async def _finish(self, request: RequestContext) -> None:
        try:
            await drive_async(finish(request), request)
        except Exception as error:
            report(request, error)

    def _hand_over(
        self, request: RequestContext, head: Head, body: Body, error: BaseException | None
    ) -> None:
        """Called in a thread with the answer of a `def` endpoint."""
        if error is not None:
            report(request, error)
        if type(body) is bytes:
            self.shared.pool.post(self.respond, request, head, body)
        else:
            self.shared.pool.post(self._start_stream, request, head, body)

    def _start_stream(self, request: RequestContext, head: Head, body: Body) -> None:
        async def send() -> None:
            await self._stream(request, head, body)
            await self._finish(request)

        task = self.loop.create_task(send())
        self.task = task
        self.shared.tasks.add(task)
        task.add_done_callback(self.shared.tasks.discard)

    async def _stream(self, request: RequestContext, head: Head, body: Body) -> None:
        complete = False
        self.started = False
        try:
            complete = await send_stream(self, request, head, body)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            report(request, error)
            if not self.started and not self.closed:
                self.respond(request, *PLAIN_500)
                return
        finally:
            if self.serving is request:
                if not complete:
                    self.transport.abort()
                self.done(request)

    def respond(self, request: RequestContext, head: Head, body: bytes) -> None:
        """Write a whole answer and go on to the next request."""
        if self.closed:
            return
        shared = self.shared
        if (
            head.length is not None
            and head.length != len(body)
            and not self._bodiless(request, head)
        ):
            report(request, _wrong_length(head, body))
            head, body = Head(500, [TEXT]), b"Internal Server Error"
        if shared.access_log:
            shared.log_access(self, request, head.status)
        if (
            request is self.last
            or head.close
            or head.bodiless
            or head.length is not None
            or request.method == "HEAD"
        ):
            close = request is self.last or head.close
            if close:
                self.last = request
            body = b"" if self._bodiless(request, head) and not body else body
            self.transport.write(self._written(head, body, close, request.method))
        else:
            if shared.source is not shared.state.default_headers:
                shared.refresh()
            # PERF: one formatting, one write; the usual answer.
            self.transport.write(
                b"%bcontent-length: %d\r\n%b\r\n%b" % (head.raw, len(body), shared.defaults, body)
            )
        self.done(request)

    def _bodiless(self, request: RequestContext, head: Head) -> bool:
        return head.bodiless or request.method == "HEAD"

    def _written(self, head: Head, body: bytes, close: bool, method: str = "") -> bytes:
        shared = self.shared
        if shared.source is not shared.state.default_headers:
            shared.refresh()
        length = head.length if head.length is not None and not body else len(body)
        return b"".join(
            (
                head.raw,
                b"" if head.bodiless else b"content-length: %d\r\n" % length,
                shared.defaults,
                b"connection: close\r\n" if close else b"",
                b"\r\n",
                b"" if head.bodiless or method == "HEAD" else body,
            )
        )

    def done(self, request: RequestContext) -> None:
        """The last byte of an answer is written."""
        shared = self.shared
        shared.state.total_requests += 1
        self.serving = self.task = None
        if request is self.last and (request.stream is None or request.stream.ended):
            self.transport.close()
            return
        if request.stream is not None:
            # SAFETY: what is left of a body that the endpoint did not read must not be waited for.
            if not request.stream.ended:
                self.last = request
                self._linger()
                return
            request.stream.disconnect()
        self.idle_since = shared.tick
        if self.queue:
            following = self.queue.popleft()
            if len(self.queue) == AHEAD // 2:
                self.transport.resume_reading()
            # Not from here: a long pipeline must not become a deep stack.
            self.serving = following
            self.loop.call_soon(self._start, following)
        elif self.stopping:
            self.transport.close()

    # -- the Wire of its requests -----------------------------------------------------------------

    @property
    def threads(self) -> Any:
        return self.shared.pool

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self.shared.pool.portal

    def scope(self, request: RequestContext) -> dict[str, Any]:
        """The ASGI HTTP connection scope of `request`."""
        client, scheme = self.shared.forwarded(self, request)
        path = request.path
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": scheme,
            "path": path,
            "raw_path": path.encode("utf-8", "surrogateescape"),
            "query_string": request.query,
            "root_path": self.shared.root_path,
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


_NO_BODY = frozenset({"GET", "HEAD"})


def _over_limits(url: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """The refusal for a head over one of the limits."""
    if len(url) > MAX_TARGET:
        return 414, f"The request target is longer than {MAX_TARGET} bytes"
    if len(headers) > MAX_FIELDS:
        return 431, f"The request has more than {MAX_FIELDS} header fields"
    sizes = [len(name) + len(value) for name, value in headers]
    if sizes and (max(sizes) > MAX_FIELD or sum(sizes) > MAX_HEAD):
        return 431, "The request's header fields are too large"
    return None


def _other_target(url: bytes) -> tuple[bytes, bytes] | None:
    """Path and query of a target that is not plain origin-form (RFC 9112, 3.2)."""
    if url == b"*":
        return b"*", b""
    if not url.isascii():
        return None
    try:
        parsed = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return None
    # SAFETY: F7, the host never comes from the target, only the Host header.
    if parsed.schema is not None and parsed.schema not in (b"http", b"https"):
        return None
    path = parsed.path or (b"/" if parsed.schema else None)
    if path is None or not path.startswith(b"/"):
        return None
    return path, parsed.query or b""


def _wrong_length(head: Head, body: bytes) -> RuntimeError:
    return RuntimeError(
        f"content-length says {head.length}, the body has {len(body)} bytes: nothing was sent"
    )
