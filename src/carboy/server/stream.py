"""Bodies that come and go in pieces on the direct protocol.

`Incoming` is the live request body of an endpoint that reads it itself; the socket is left alone
while it holds more than it should. `send_stream` writes an answer chunk by chunk, never faster than
the client reads, framed by its content-length or in chunks, and checked against what was promised.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.server.outer import Promise, chunks

if TYPE_CHECKING:
    from carboy.server.bodies import Receiving
    from carboy.server.direct import Connection

#: Bytes of a request body held before the socket is left alone.
HIGH_WATER = 64 * 1024


class Incoming:
    """A request body as it arrives; ASGI's receive for one request."""

    __slots__ = (
        "connection",
        "disconnected",
        "ended",
        "failure",
        "held",
        "news",
        "pieces",
        "taken",
    )

    def __init__(self, connection: Receiving, request: RequestContext) -> None:
        self.connection = connection
        #: A body that was read before the endpoint ran is given as one piece.
        self.pieces: deque[bytes] = deque((request.body,) if request.body else ())
        self.held = 0
        #: The last piece has arrived / has been received.
        self.ended = request.body is not None
        self.taken = False
        self.disconnected = False
        self.failure: Exception | None = None
        self.news = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """One more piece from the socket."""
        self.pieces.append(data)
        self.held += len(data)
        if self.held > HIGH_WATER:
            self.connection.transport.pause_reading()
        self.news.set()

    def end(self) -> None:
        """The body is complete."""
        self.ended = True
        self.news.set()

    def disconnect(self) -> None:
        """The client is gone."""
        self.disconnected = True
        self.news.set()

    def fail(self, error: Exception) -> None:
        """Whoever receives gets `error`."""
        self.failure = error
        self.news.set()

    def _is_due(self) -> bool:
        if self.failure is not None or self.pieces or self.disconnected:
            return True
        return self.ended and not self.taken

    async def receive(self) -> dict[str, Any]:
        """The next ``http.request`` or ``http.disconnect`` event."""
        while not self._is_due():
            self.news.clear()
            await self.news.wait()
        if self.failure is not None:
            raise self.failure
        if self.pieces:
            data = b"".join(self.pieces)
            self.pieces.clear()
            if self.held > HIGH_WATER and not self.connection.closed:
                self.connection.read_on()
            self.held = 0
            self.taken = self.ended
            return {"type": "http.request", "body": data, "more_body": not self.ended}
        if self.ended and not self.taken:
            self.taken = True
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}


async def send_stream(
    connection: Connection, request: RequestContext, head: Head, body: Body
) -> bool:
    """Write a streamed answer; True when it is whole, False when the client left before."""
    writer = Writer(connection, request, head)
    try:
        async with aclosing(chunks(body, request.threads)) as pieces:  # type: ignore[type-var]
            writer.start()
            async for piece in pieces:
                if piece:
                    await writer.write(piece)
                if connection.closed:
                    return writer.is_whole
    except asyncio.CancelledError:
        if not connection.is_ended():
            raise
    writer.end()
    return True


class Writer:
    """One answer written in pieces: head, pieces, end."""

    __slots__ = ("chunked", "connection", "head", "mute", "promise", "request")

    def __init__(self, connection: Connection, request: RequestContext, head: Head) -> None:
        self.connection = connection
        self.request = request
        self.head = head
        self.mute = head.bodiless or request.method == "HEAD"
        self.promise = Promise(head, self.mute)
        self.chunked = False

    @property
    def is_whole(self) -> bool:
        """Whether the client has all it was promised: one that leaves now misses nothing."""
        return self.mute or self.promise.left == 0

    def start(self) -> None:
        """Write the head."""
        connection, request, head = self.connection, self.request, self.head
        shared = connection.shared
        if shared.access_log:
            shared.log_access(connection, request, head.status)
        if shared.source is not shared.state.default_headers:
            shared.refresh()
        if head.close:
            connection.last = request
        lines = [head.raw, shared.defaults]
        if head.length is not None and not head.bodiless:
            lines.append(b"content-length: %d\r\n" % head.length)
        elif not head.bodiless:
            self.chunked = connection.version(request) != "1.0"
            if self.chunked:
                lines.append(b"transfer-encoding: chunked\r\n")
        if request is connection.last:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        connection.started = True
        connection.streamed = head
        if not connection.closed:
            connection.transport.write(b"".join(lines))

    async def write(self, piece: bytes, is_last: bool = False) -> None:
        """Write one piece, and wait until the client has room for the next."""
        connection = self.connection
        self.promise.keep(len(piece))
        if self.mute or connection.closed:
            return
        framed = b"%x\r\n%b\r\n" % (len(piece), piece) if self.chunked else piece
        connection.transport.write(framed)
        if connection.paused and not is_last:
            await connection.writable()

    def end(self) -> None:
        """Write what ends the body."""
        self.promise.end()
        if self.chunked and not self.mute and not self.connection.closed:
            self.connection.transport.write(b"0\r\n\r\n")


async def send_by_asgi(connection: Connection, request: RequestContext, body: Any) -> bool:
    """Have an answer send itself through ASGI's messages; True when it is whole.

    With its last message the connection goes on to the next request: the answer may have work of
    its own to do afterwards.
    """
    writer: Writer | None = None
    complete = False

    async def send(message: dict[str, Any]) -> None:
        nonlocal writer, complete
        if message["type"] == "http.response.start":
            if writer is not None:
                raise RuntimeError("the response has been started already")
            writer = Writer(
                connection, request, Head(message["status"], message.get("headers", ()))
            )
            writer.start()
        elif message["type"] == "http.response.body":
            if writer is None or complete:
                raise RuntimeError("a response body outside its response")
            is_last = not message.get("more_body", False)
            if data := message.get("body", b""):
                await writer.write(bytes(data), is_last)
            if is_last:
                writer.end()
                complete = True
                connection.done(request)

    await body(request.scope, request.receive, send)
    if connection.ending and writer is not None and not (complete or connection.closed):
        writer.end()
        return True
    return complete
