"""A reverse proxy as an ASGI application: every request goes to one origin, and back the answer.

Bodies stream both ways, one piece in memory at a time. What belongs to a connection stays with it
(RFC 9110, 7.6.1); everything else is passed on as it is, the Host too. WebSockets are refused.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import h11

#: Bytes that are read at once.
PIECE = 64 * 1024
#: Of one connection. `expect` is answered by the server before us.
HOP = frozenset(
    (
        *(b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"),
        *(b"proxy-connection", b"expect"),
    )
)
BAD_GATEWAY = b"502: the live application does not answer\n"


class Proxy:
    """Passes on to `origin`, ``http://host:port``. ValueError: it is no such URL."""

    def __init__(self, origin: str) -> None:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{origin!r} is no URL such as http://127.0.0.1:8000")
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._ssl = ssl.create_default_context() if parts.scheme == "https" else None
        self._prefix = parts.path.rstrip("/").encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013, "reason": ""})
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._ssl)
        except OSError:
            await _refuse(send)
            return
        line = _Line(reader, writer)
        asking = asyncio.ensure_future(self._ask(line, scope, receive))
        head = asyncio.ensure_future(line.head())
        started = False
        try:
            await asyncio.wait((asking, head), return_when=asyncio.FIRST_COMPLETED)
            if not head.done() and asking.done() and asking.exception() is not None:
                line.abort()  # what could not be asked is not answered
            status, headers = await head
            started = True
            await send({"type": "http.response.start", "status": status, "headers": headers})
            async for piece in line.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (OSError, h11.ProtocolError, EOFError):
            if not started:
                await _refuse(send)
            elif not line.is_left:
                raise  # the server cuts what was begun
        finally:
            for task in (asking, head):
                task.cancel()
            await asyncio.wait((asking, head))
            for task in (asking, head):
                if not task.cancelled():
                    task.exception()  # seen: what could not be sent, the answer has told of
            writer.close()

    async def _ask(self, line: _Line, scope: Any, receive: Any) -> None:
        raw = scope.get("raw_path") or scope["path"].encode()
        target = self._prefix + raw.partition(b"?")[0]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        headers = _kept(scope["headers"])
        names = {name for name, _ in headers}
        message = await receive()
        if b"content-length" not in names and (message.get("body") or message.get("more_body")):
            headers.append((b"transfer-encoding", b"chunked"))
        if b"host" not in names:  # HTTP/1.0
            headers.append((b"host", f"{self._host}:{self._port}".encode()))
        if scope.get("client"):
            headers.append((b"x-forwarded-for", scope["client"][0].encode()))
        await line.send(h11.Request(method=scope["method"], target=target, headers=headers))
        while message["type"] == "http.request":
            if body := message.get("body"):
                await line.send(h11.Data(data=body))
            if not message.get("more_body"):
                await line.send(h11.EndOfMessage())
                break
            message = await receive()
        # The client may leave while its answer is on the way: the origin need not send it then.
        while message["type"] != "http.disconnect":
            message = await receive()
        line.is_left = True
        line.abort()


def _kept(headers: Any) -> list[tuple[bytes, bytes]]:
    named = {
        name.strip().lower()
        for key, value in headers
        if key == b"connection"
        for name in value.split(b",")
    }
    return [(key, value) for key, value in headers if key not in HOP and key not in named]


class _Line:
    """One connection to the origin, for one request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._state = h11.Connection(h11.CLIENT)
        #: The client is gone.
        self.is_left = False

    def abort(self) -> None:
        """Cut the connection: who reads gets an end."""
        self._writer.transport.abort()

    async def send(self, event: Any) -> None:
        data = self._state.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    async def _next(self) -> Any:
        while (event := self._state.next_event()) is h11.NEED_DATA:
            self._state.receive_data(await self._reader.read(PIECE))
        return event

    async def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers. EOFError: the origin has closed without an answer."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event.status_code, _kept(list(event.headers))
            if not isinstance(event, h11.InformationalResponse):
                raise EOFError

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)


async def _refuse(send: Any) -> None:
    length = str(len(BAD_GATEWAY)).encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 502, "headers": headers})
    await send({"type": "http.response.body", "body": BAD_GATEWAY})


async def _live(receive: Any, send: Any) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})
