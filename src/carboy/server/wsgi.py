"""The WSGI rim: the same endpoints under gunicorn and its like. Source: PEP 3333.

A `def` endpoint runs right here, in the server's thread, with everything it opens and closes. An
`async def` endpoint runs on the portal's loop while this thread waits.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import quote

from carboy.core.answer import TEXT, Body, Head
from carboy.core.closing import finish, unwind
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyTooLarge, TimedOut
from carboy.core.voice import drive, drive_async
from carboy.server.deadline import afresh, apart
from carboy.server.outer import (
    PLAIN_500,
    Promise,
    as_bytes,
    close_body,
    finish_in_thread,
    is_async_body,
    outer_ring,
    refuse,
    refused,
    report,
    wrong_length,
)
from carboy.server.portal import Portal, portal_of
from carboy.server.selfsent import SelfSent

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class WsgiWire:
    """The Wire of one WSGI request."""

    __slots__ = ("_over", "_read", "context", "environ", "host")

    shelter = None

    def __init__(self, environ: Environ, host: Portal) -> None:
        self.environ = environ
        self.host = host
        #: In which an asynchronous endpoint runs, from its first step to its last close.
        self.context: contextvars.Context | None = None
        self._read = False
        self._over = asyncio.Event()

    @property
    def threads(self) -> Any:
        return self.host.threads

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        return self.host.call if self.context is None else partial(self._call, self.context)

    def _call(self, context: contextvars.Context, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.host.call(coroutine, context)

    def over(self) -> None:
        """The answer is out: whoever waits for the client to leave waits no more."""
        if self._read:
            self.host.loop.call_soon_threadsafe(self._over.set)

    def scope(self, request: RequestContext) -> dict[str, Any]:
        environ = self.environ
        peer = environ.get("REMOTE_ADDR")
        root = as_text(environ.get("SCRIPT_NAME", ""))
        path = root + request.path
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
            "method": request.method,
            "scheme": environ["wsgi.url_scheme"],
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": request.query,
            "root_path": root,
            "headers": request.headers,
            "client": (peer, int(environ.get("REMOTE_PORT") or 0)) if peer else None,
            "server": (environ["SERVER_NAME"], int(environ["SERVER_PORT"] or 0)),
            "state": self.host.state.copy(),
            # For code that has to wait for the body in this thread, which is no worker of AnyIO's.
            # Not the portal itself: who asks for that starts its loop.
            "extensions": {"carboy.wait": lambda coroutine: self.portal(coroutine)},
        }

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        if self._read:
            # A WSGI server doesn't tell whether the client is still there.
            await self._over.wait()
            return {"type": "http.disconnect"}
        self._read = True
        if request.body is None:
            limit = request.target.max_body
            request.body = await self.threads.run(read_body, self.environ, limit)
            if request.body is None:
                assert limit is not None
                raise BodyTooLarge(limit)
        return {"type": "http.request", "body": request.body, "more_body": False}


def serve(
    engine: Engine, environ: Environ, start_response: StartResponse, *, raises: bool = False
) -> Iterable[bytes]:
    """One WSGI request; with `raises` what nobody handled is raised, for tests and debuggers."""
    request = request_of(environ, portal_of(engine))
    target = engine.match(request)
    # Another application, which may be one of WSGI's own.
    if (hosted := getattr(target.route.extras.get("foreign"), "direct", None)) is not None:
        return hosted(engine, request, environ, start_response)  # type: ignore[no-any-return]
    length = environ.get("CONTENT_LENGTH") or "0"
    if target.max_body is not None and int(length) > target.max_body:
        target = refuse(request, BodyTooLarge, target.max_body)
    elif target.buffered:
        request.body = read_body(environ, target.max_body)
        if request.body is None:
            target = refuse(request, BodyTooLarge, target.max_body)
        elif len(request.body) < int(length):
            return answer(engine, start_response, request, *TOO_SHORT)
    failure = None
    try:
        if target.is_async:
            request.wire.context = contextvars.copy_context()  # type: ignore[attr-defined]
            call: Any = target.call
            head, content = request.portal(apart(call(request), request))
        else:
            head, content = target.call(request)  # type: ignore[misc]
    except TimedOut as error:
        request = afresh(request)
        head, content = drive(refused(request, error), request)
    except Exception as error:
        if raises:
            drive(finish(request), request)
            raise
        failure = error
        head, content = drive(outer_ring(engine, request, error), request)
    if failure is not None:
        report(request, failure)
    return answer(engine, start_response, request, head, content)


TOO_SHORT = (
    Head(400, [TEXT, (b"connection", b"close")]),
    b"Bad Request: the request body ended before its content-length.",
)


def request_of(environ: Environ, portal: Portal) -> RequestContext:
    """The request that a WSGI environ describes."""
    path = as_text(environ.get("PATH_INFO", ""))
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
    return RequestContext(wire, environ["REQUEST_METHOD"], path or "/", query, headers)


def as_text(variable: str) -> str:
    """A path of an environ, which holds bytes as Latin-1."""
    return variable.encode("latin-1").decode("utf-8", "replace")


def read_body(environ: Environ, limit: int | None) -> bytes | None:
    """The whole body, or None if it is over `limit` bytes. `environ` has it once more then."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length:
        size = int(length)
        if limit is not None and size > limit:
            return None
        body: bytes = stream.read(size)
    elif environ.get("wsgi.input_terminated") or environ.get("HTTP_TRANSFER_ENCODING"):
        body = stream.read() if limit is None else stream.read(limit + 1)
        if limit is not None and len(body) > limit:
            return None
    else:
        return b""
    environ["wsgi.input"], environ["wsgi.input_terminated"] = BytesIO(body), True
    return body


def answer(
    engine: Engine, start_response: StartResponse, request: RequestContext, head: Head, body: Body
) -> Iterable[bytes]:
    """Start an answer; what the server is to send."""
    sent: SelfSent | None = None
    try:
        if type(body) is bytes:
            if head.length not in (None, len(body)) and not _is_mute(request, head):
                raise wrong_length(head, body)
        elif not is_async_body(body) and callable(body):
            sent = SelfSent(request, body)
            head = request.portal(sent.start())
    except Exception as error:
        sent = None
        head, body = drive(outer_ring(engine, request, error), request)
        report(request, error)
        if type(body) is not bytes:
            head, body = PLAIN_500
    headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers]
    length = head.length
    if type(body) is bytes and (length is None or body):
        length = len(body)
    if length is not None and not head.bodiless:
        headers.append(("content-length", str(length)))
    start_response(_status_line(head.status), headers)
    if type(body) is bytes and not request.opened and not request.background:
        return () if _is_mute(request, head) else (body,)
    return Stream(request, head, body, sent)


def _is_mute(request: RequestContext, head: Head) -> bool:
    return head.bodiless or request.method == "HEAD"


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


class Stream:
    """The iterable that a WSGI server sends; its close() comes after the last byte."""

    __slots__ = ("_body", "_failure", "_mute", "_pieces", "_promise", "_request", "_sent")

    def __init__(
        self, request: RequestContext, head: Head, body: Any, sent: SelfSent | None
    ) -> None:
        self._request = request
        self._body = body
        self._sent = sent
        self._mute = _is_mute(request, head)
        self._promise = Promise(head, self._mute)
        self._failure: BaseException | None = None
        self._pieces: Iterator[Any]
        if sent is not None:
            self._pieces = _pulled(sent.pieces(), request)
        elif type(body) is bytes:
            self._pieces = iter((body,))
        elif is_async_body(body):
            self._pieces = _pulled(aiter(body), request)
        else:
            self._pieces = iter(body)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            for piece in self._pieces:
                data = as_bytes(piece)
                self._promise.keep(len(data))
                if data and not self._mute:
                    return data
            self._promise.end()
        except BaseException as error:
            self._failure = error
            raise
        raise StopIteration

    def close(self) -> None:
        """Close the body, then what the request opened. Errors are logged: the answer is out."""
        request = self._request
        request.wire.over()  # type: ignore[attr-defined]
        try:
            self._close_body()
        except Exception as error:
            self._failure = self._failure or error
        if request.target.is_async:
            # Where the endpoint was run: what it opened may look at its context variables.
            request.portal(_finish(request, self._failure))
        elif self._failure is not None:
            report(request, drive(unwind(request, self._failure), request))
        else:
            finish_in_thread(request)

    def _close_body(self) -> None:
        if self._sent is not None:
            self._request.portal(self._sent.close())
        elif is_async_body(self._body):
            self._request.portal(close_body(self._body, self._request.threads))
        elif hasattr(self._body, "close"):
            self._body.close()


async def _finish(request: RequestContext, failure: BaseException | None) -> None:
    if failure is not None:
        report(request, await drive_async(unwind(request, failure), request))
        return
    try:
        await drive_async(finish(request), request)
    except Exception as error:
        report(request, error)


def _pulled(pieces: AsyncIterator[Any], request: RequestContext) -> Iterator[Any]:
    """The pieces of an asynchronous stream, one by one through the portal."""
    end = object()

    async def following() -> Any:
        return await anext(pieces, end)

    while (piece := request.portal(following())) is not end:
        yield piece
