"""A client that talks to an application in memory, without a socket.

It is an httpx.Client whose transport makes a RequestContext of each httpx request and runs the
endpoint on a loop of its own. Unhandled errors are raised in the test, unless asked otherwise.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote

import httpx

from carboy.core.answer import Body, Head
from carboy.core.closing import finish
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge, TimedOut
from carboy.core.voice import drive_async
from carboy.server.deadline import afresh, apart, first, leave
from carboy.server.outer import (
    PLAIN_500,
    Promise,
    chunks,
    is_async_body,
    outer_ring,
    refuse,
    refused,
    serve_in_thread,
    wrong_length,
)
from carboy.server.portal import Portal
from carboy.server.selfsent import SelfSent


class MemoryWire:
    """The Wire of one request of the test client."""

    shelter = None

    def __init__(
        self,
        portal: Portal,
        request: httpx.Request,
        root_path: str,
        context: contextvars.Context,
        raises: bool = False,
    ) -> None:
        self._portal = portal
        #: In which everything of this request runs, whichever task does it.
        self.context = context
        self._request = request
        self._root_path = root_path
        self._body_sent = False
        #: Whether unhandled errors are raised in the test, and so not answered with a page.
        self.raises = raises
        #: The answer is out, and the client gone.
        self.over = asyncio.Event()

    @property
    def threads(self) -> Any:
        return self._portal.threads

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self._portal.call

    def scope(self, request: RequestContext) -> dict[str, Any]:
        url = self._request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": request.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": request.query,
            "root_path": self._root_path,
            "headers": request.headers,
            "client": ("testclient", 50000),
            "server": (url.host, port),
            "state": self._portal.state.copy(),
            "extensions": {},
        }

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        if self._body_sent:
            await self.over.wait()
            return {"type": "http.disconnect"}
        self._body_sent = True
        body = request.body if request.body is not None else self._request.read()
        limit = request.target.max_body
        if limit is not None and len(body) > limit:
            raise BodyTooLarge(limit)
        return {"type": "http.request", "body": body, "more_body": False}


class MemoryTransport(httpx.BaseTransport):
    """Requests in, answers out, nothing in between but the application."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        client = self._client
        if client.portal is not None:
            return self._handle(client.portal, request)
        portal = Portal()
        try:
            return self._handle(portal, request)
        finally:
            portal.close()

    def _handle(self, portal: Portal, request: httpx.Request) -> httpx.Response:
        context = contextvars.copy_context()
        work = self._serve(portal, request, context)
        status, headers, body, error = portal.call(work, context)
        if error is not None and self._client.raise_server_exceptions:
            raise error
        # A stream, since httpx adds a content-length of its own to whole content.
        stream = httpx.ByteStream(body)
        return httpx.Response(status, headers=headers, stream=stream, request=request)

    async def _serve(
        self, portal: Portal, incoming: httpx.Request, context: contextvars.Context
    ) -> Any:
        client = self._client
        engine = client.engine
        raw_path, _, query = incoming.url.raw_path.partition(b"?")
        headers = [(name.lower(), value) for name, value in incoming.headers.raw]
        raises = client.raise_server_exceptions
        wire = MemoryWire(portal, incoming, client.root_path, context, raises)
        path = unquote(raw_path.decode("ascii"))
        request = RequestContext(wire, incoming.method, path, query, headers)
        target = engine.match(request)
        if target.buffered:
            request.body = incoming.read()
            if target.max_body is not None and len(request.body) > target.max_body:
                target = refuse(request, BodyTooLarge, target.max_body)
        error: BaseException | None = None
        try:
            if target.is_async:
                head, body, error = await _async(engine, request)
            else:
                head, body, error = await _threaded(engine, request, raises)
            status, fields, content, failure = await _answer(engine, request, head, body)
            error = error or failure
            wire.over.set()
            if type(body) is not bytes or target.is_async:
                await drive_async(finish(request), request)
        except _Refused as refusal:
            fresh = afresh(request)
            head, body = await drive_async(refused(fresh, refusal.error), fresh)
            return *await _collect(fresh, head, body), None
        except Exception as late:
            if raises or error is not None:
                raise
            return 500, [], b"Internal Server Error", late
        return status, fields, content, error


async def _async(engine: Engine, request: RequestContext) -> tuple[Head, Body, Any]:
    call: Any = request.target.call
    try:
        # A test should see what closing did; but a thread may wait for what the test does next.
        function = request.target.route.function
        blocks = function is not None and not function.kind.is_async
        head, body = await apart(call(request), request, is_left=blocks)
    except TimedOut as error:
        raise _Refused(error) from None
    except Exception as error:
        head, body = await drive_async(outer_ring(engine, request, error), request)
        return head, body, error
    return head, body, None


async def _threaded(
    engine: Engine, request: RequestContext, raises: bool
) -> tuple[Head, Body, Any]:
    answer: list[Any] = []
    late: list[BaseException | None] = [None]

    def closed(error: BaseException | None) -> bool:
        late[0] = error
        return raises

    def deliver(request: RequestContext, *given: Any) -> Any:
        answer.extend(given)
        return closed

    # Awaited to the end of the thread's work: a test sees what closing did.
    work = request.threads.run(serve_in_thread, engine, request, deliver)
    if (seconds := request.target.timeout) is not None:
        future = asyncio.ensure_future(work)
        await first(future, asyncio.get_running_loop().create_future(), seconds)
        if not future.done():
            request.expired = True
            leave(future)
            raise _Refused(TimedOut(seconds))
        work = future
    await work
    head, body, error = answer
    return head, body, error or late[0]


class _Refused(Exception):
    """The client gets an answer to `error`; what was called goes on without anybody waiting."""

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _answer(
    engine: Engine, request: RequestContext, head: Head, body: Body
) -> tuple[int, Any, bytes, BaseException | None]:
    """Status, headers and bytes of an answer, streamed or whole, and the error that broke it.

    Where a socket would show a cut answer, here is the answer to the error: nothing was sent yet.
    """
    try:
        return *await _collect(request, head, body), None
    except Exception as error:
        head, body = await drive_async(outer_ring(engine, request, error), request)
        if type(body) is not bytes:
            head, body = PLAIN_500
        return *await _collect(request, head, body), error


async def _collect(
    request: RequestContext, head: Head, body: Body
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    mute = head.bodiless or request.method == "HEAD"
    if type(body) is bytes:
        content = body
        if head.length not in (None, len(body)) and not mute:
            raise wrong_length(head, body)
    else:
        head, content = await _collect_stream(request, head, body)
    headers = list(head.headers)
    length = len(content) if head.length is None or content else head.length
    if not head.bodiless and (type(body) is bytes or head.length is not None):
        headers.append((b"content-length", b"%d" % length))
    return head.status, headers, b"" if mute else content


async def _collect_stream(request: RequestContext, head: Head, body: Any) -> tuple[Head, bytes]:
    sent: SelfSent | None = None
    if is_async_body(body) or not callable(body):
        pieces = chunks(body, request.threads)
    else:
        sent = SelfSent(request, body)
        head = await sent.start()
        pieces = sent.pieces()
    promise = Promise(head, head.bodiless or request.method == "HEAD")
    content = []
    try:
        async for piece in pieces:
            promise.keep(len(piece))
            content.append(piece)
        promise.end()
    finally:
        await pieces.aclose()  # type: ignore[attr-defined]
        if sent is not None:
            # Who waits for the client to leave must not wait for its own end.
            request.wire.over.set()  # type: ignore[attr-defined]
            await sent.close()
    return head, b"".join(content)


class TestClient(httpx.Client):
    """``TestClient(app).get("/")``; as a context manager it runs the application's lifespan."""

    __test__ = False

    def __init__(
        self,
        app: Any,
        base_url: str = "http://testserver",
        raise_server_exceptions: bool = True,
        root_path: str = "",
        headers: dict[str, str] | None = None,
        cookies: Any = None,
        follow_redirects: bool = True,
    ) -> None:
        self.app = app
        self.engine: Engine = app.engine
        self.raise_server_exceptions = raise_server_exceptions
        self.root_path = root_path
        #: The loop that is kept while the client is open.
        self.portal: Portal | None = None
        super().__init__(
            base_url=base_url,
            headers={"user-agent": "testclient", **(headers or {})},
            cookies=cookies,
            follow_redirects=follow_redirects,
            transport=MemoryTransport(self),
        )

    def __enter__(self) -> TestClient:
        portal = Portal(self.engine)
        try:
            portal.start()
        except BaseException:
            portal.close()
            raise
        self.portal = portal
        super().__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        portal, self.portal = self.portal, None
        try:
            super().__exit__(*details)
        finally:
            if portal is not None:
                portal.close()
