"""The WSGI rim: the same endpoints under gunicorn and its like. Source: PEP 3333.

A `def` endpoint runs right here, in the server's thread, with everything it opens and closes. An
`async def` endpoint runs on the portal's loop while this thread waits.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from carboy.core.answer import Body, Head
from carboy.core.closing import finish
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge
from carboy.core.voice import drive, drive_async
from carboy.server.outer import (
    TOO_LARGE,
    chunks,
    finish_in_thread,
    is_async_body,
    outer_ring,
    report,
)
from carboy.server.portal import Portal, portal_of

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class WsgiWire:
    """The Wire of one WSGI request."""

    __slots__ = ("_read", "environ", "host")

    def __init__(self, environ: Environ, host: Portal) -> None:
        self.environ = environ
        self.host = host
        self._read = False

    @property
    def threads(self) -> Any:
        return self.host.threads

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self.host.call

    def scope(self, request: RequestContext) -> dict[str, Any]:
        environ = self.environ
        peer = environ.get("REMOTE_ADDR")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
            "method": request.method,
            "scheme": environ["wsgi.url_scheme"],
            "path": request.path,
            "raw_path": quote(request.path).encode(),
            "query_string": request.query,
            "root_path": environ.get("SCRIPT_NAME", ""),
            "headers": request.headers,
            "client": (peer, int(environ.get("REMOTE_PORT") or 0)) if peer else None,
            "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"] or 0)),
            "state": self.host.state.copy(),
            "extensions": {},
        }

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        if self._read:
            return {"type": "http.disconnect"}
        self._read = True
        if request.body is None:
            limit = request.target.max_body
            request.body = await self.threads.run(read_body, self.environ, limit)
            if request.body is None:
                assert limit is not None
                raise BodyTooLarge(limit)
        return {"type": "http.request", "body": request.body, "more_body": False}


def serve(engine: Engine, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """One WSGI request."""
    request = request_of(environ, portal_of(engine))
    target = engine.match(request)
    if target.buffered:
        body = read_body(environ, target.max_body)
        if body is None:
            return _answer(start_response, request, *TOO_LARGE)
        request.body = body
    failure = None
    try:
        if target.is_async:
            head, content = request.portal(target.call(request))  # type: ignore[misc]
        else:
            head, content = target.call(request)  # type: ignore[misc]
    except Exception as error:
        failure = error
        head, content = drive(outer_ring(engine, request, error), request)
    if failure is not None:
        report(request, failure)
    return _answer(start_response, request, head, content)


def request_of(environ: Environ, portal: Portal) -> RequestContext:
    """The request that a WSGI environ describes."""
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    headers = [
        (key[5:].replace("_", "-").lower().encode("latin-1"), value.encode("latin-1"))
        for key, value in environ.items()
        if key.startswith("HTTP_")
    ]
    for key, name in (("CONTENT_TYPE", b"content-type"), ("CONTENT_LENGTH", b"content-length")):
        if value := environ.get(key):
            headers.append((name, value.encode("latin-1")))
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    wire = WsgiWire(environ, portal)
    root = environ.get("SCRIPT_NAME", "")
    return RequestContext(wire, environ["REQUEST_METHOD"], root + path or "/", query, headers)


def read_body(environ: Environ, limit: int | None) -> bytes | None:
    """The whole body, or None if it is over `limit` bytes."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        size = int(length)
        return None if limit is not None and size > limit else stream.read(size)
    if not environ.get("wsgi.input_terminated") and not environ.get("HTTP_TRANSFER_ENCODING"):
        return b""
    body: bytes = stream.read() if limit is None else stream.read(limit + 1)
    return None if limit is not None and len(body) > limit else body


def _answer(
    start_response: StartResponse, request: RequestContext, head: Head, body: Body
) -> Iterable[bytes]:
    if type(body) is not bytes and not is_async_body(body) and callable(body):
        head, body = request.portal(_collect(request, body))
    headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers]
    length = head.length
    if length is None and type(body) is bytes:
        length = len(body)
    if length is not None and not head.bodiless:
        headers.append(("content-length", str(length)))
    start_response(_status_line(head.status), headers)
    if head.bodiless or request.method == "HEAD":
        return Stream(iter(()), request, body)
    if type(body) is bytes:
        return Stream(iter((body,)), request, body)
    if is_async_body(body):
        return Stream(_pull(body, request), request, body)
    return Stream(iter(body), request, body)  # type: ignore[arg-type]


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


class Stream:
    """The iterable that a WSGI server sends; its close() comes after the last byte."""

    __slots__ = ("_body", "_pieces", "_request")

    def __init__(self, pieces: Iterator[bytes], request: RequestContext, body: Any) -> None:
        self._pieces = pieces
        self._request = request
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece: Any = next(self._pieces)
        return piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)

    def close(self) -> None:
        """Close the body's own iterator, then what the request opened."""
        for one in (self._pieces, self._body):
            if hasattr(one, "close"):
                one.close()
        request = self._request
        if request.target.is_async:
            request.portal(_finish(request))
        else:
            finish_in_thread(request)


async def _finish(request: RequestContext) -> None:
    try:
        await drive_async(finish(request), request)
    except Exception as error:
        report(request, error)


def _pull(body: Any, request: RequestContext) -> Iterator[bytes]:
    """The chunks of an asynchronous stream, one by one through the portal."""
    pieces = chunks(body, request.threads)
    end = object()

    async def following() -> Any:
        return await anext(pieces, end)

    async def close() -> None:
        await pieces.aclose()  # type: ignore[attr-defined]

    try:
        while (piece := request.portal(following())) is not end:
            yield piece
    finally:
        request.portal(close())


async def _collect(request: RequestContext, body: Any) -> tuple[Head, bytes]:
    """The whole answer of something that sends itself through ASGI's messages."""
    head: Head | None = None
    pieces: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        nonlocal head
        if message["type"] == "http.response.start":
            head = Head(message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    await body(request.scope, request.receive, send)
    if head is None:
        raise RuntimeError(f"{body!r} sent no response")
    return head, b"".join(pieces)
