"""What a connection of the direct protocol reads: heads, parsed, limited, matched or refused.

httptools calls back, one request at a time is put together, and once it can be answered it is
handed to `_start` or `_queue`, which are in server/direct.py; its body is server/bodies.py's.
Whatever can't be a request is refused here, so that the client sees why; nothing is read after the
request that ends the connection.
SAFETY: every size that a client chooses has a limit here or in the route.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import httptools

from carboy.core.answer import TEXT, Head
from carboy.core.context import RequestContext
from carboy.core.engine import Engine
from carboy.core.errors import BodyMalformed
from carboy.server.bodies import IGNORE, Receiving
from carboy.server.heads import (
    FRAMING_RATE,
    HEEDED,
    HOSTS,
    MAX_FRAMING,
    Fields,
    find_fault,
    split_target,
)
from carboy.server.shared import Shared
from carboy.server.stream import Incoming
from carboy.server.upgrade import hand_over, is_websocket

#: Bytes that are parsed at once where it is not known how far a head or a chunk's frame goes.
PIECE = 4 * 1024
#: Seconds that a client has to read a refusal before the connection is closed.
LINGER = 2.0


_NO_BODY = frozenset({"GET", "HEAD"})
_FRAGMENT = ord("#")  # PERF: a number, see core/decode.py


class Reading(Receiving):
    """The half of a connection that listens.

    `head_size` counts the bytes of a head that has begun; while it is not 0, heads are looked at
    closely when they are complete. A small head that comes in one piece needs no look.
    """

    __slots__ = ("engine", "framed", "head_size", "left", "parser", "stopping", "taken", "url")

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        assert shared.engine is not None
        self.engine: Engine = shared.engine
        self.parser: Any = httptools.HttpRequestParser(self)
        self.url: bytes | None = None
        self.head_size = 0
        #: The bytes of a body in chunks with its frames, -1 in the piece of the head; else None.
        self.framed: int | None = None
        #: Requests that may still come before the connection is closed.
        self.left = shared.times.keep_alive_requests
        self.stopping = False
        #: The WebSocket protocol that has taken the connection over.
        self.taken: Any = None

    def version(self, request: RequestContext) -> str:
        """The HTTP version of `request`: one of HTTP/1.0 is always the last."""
        return "1.0" if self.unchunked and request is self.last else "1.1"

    def data_received(self, data: bytes) -> None:
        if self.closed or (self.last is not None and self.reading is None):
            return  # nothing is read after the request that ends the connection
        if len(data) > PIECE and (self.reading is None or self.framed is not None):
            self._receive_much(data)
            return
        headers = self.headers
        if self.head_size == 0 and len(data) > self.shared.glance:
            self.head_size = 1
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Else `on_headers_complete` has made it the last request.
            if self.taken is not None and (rest := data[upgrade.args[0] :]):
                self.taken.data_received(rest)
        except httptools.HttpParserError:
            if self.last is None or self.reading is not None:
                self.refuse(400, "This is not a valid HTTP request")
        if self.url is None:
            self.head_size = 0
            if self.framed is not None:
                self._count_framing(len(data))
        elif self.headers is not headers:
            # A head begins in this data, perhaps behind the end of a body: its own bytes count.
            self.head_size = 1 + len(self.url) + sum(len(n) + len(v) for n, v in self.headers)
        else:
            self.head_size += len(data)
            limits = self.shared.limits
            if self.head_size > limits.max_header_size:
                fault = limits.find_fault(self.url, self.headers)
                self.refuse(*(fault or (431, "The request's header fields are too large")))

    def _receive_much(self, data: bytes) -> None:
        """Piece by piece, until the rest is the body of one request, of known length."""
        for start in range(0, len(data), PIECE):
            if self.taken is not None:
                self.taken.data_received(data[start:])
                return
            if self.reading is not None and self.framed is None:
                self.data_received(data[start:])
                return
            self.data_received(data[start : start + PIECE])

    def _count_framing(self, size: int) -> None:
        """SAFETY: F4. No limit of bodies counts frames and trailers, and they need not end."""
        if self.reading is None:
            self.framed = None
            return
        # The piece with the head may hold much else.
        self.framed = 0 if self.framed is None or self.framed < 0 else self.framed + size
        if self.framed - self.size > MAX_FRAMING + FRAMING_RATE * self.size:
            self.refuse(400, "The frames of the request's chunks are too large")

    def on_url(self, url: bytes) -> None:
        if self.url is None:
            self.url = url
            self.headers = []
        else:
            self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # The parser leaves the blanks behind a value, which are not part of it (RFC 9112, 5.1).
        self.headers.append((name.lower(), value.rstrip()))

    def on_headers_complete(self) -> None:
        url, self.url = self.url or b"", None
        headers, self.headers = self.headers, IGNORE
        if self.last is not None:
            return  # pipelined after the request that ends the connection
        parser, shared = self.parser, self.shared
        # PERF: one Host that is known, and no Transfer-Encoding: nothing to look at.
        heeded = [field for field in headers if field[0] in HEEDED]
        known = len(heeded) == 1 and heeded[0] in shared.hosts and len(headers) <= shared.max_fields
        if (self.head_size or not known) and not self._may_say(url, headers, heeded):
            return
        if (upgrade := parser.should_upgrade()) and self._may_switch(headers):
            self.taken = hand_over(self, url, headers)
            return
        raw, _, query = url.partition(b"?")
        if raw[:1] != b"/" or _FRAGMENT in url or not url.isascii():
            if (other := split_target(url)) is None:
                self.refuse(400, "The request target is not valid")
                return
            raw, query = other
        path = raw.decode("ascii")
        if "%" in path:
            path = unquote(path)
        method = parser.get_method().decode("ascii")
        request = RequestContext(self, method, path, query, headers)  # type: ignore[arg-type]
        self.reading = request
        target = self.engine.match(request)
        if (version := parser.get_http_version()) == "1.1":
            # SAFETY: F11, what follows an upgrade we don't take is not read as a request.
            if not parser.should_keep_alive() or self.stopping or upgrade or self.left == 1:
                self.last = request
        elif not self._may_speak(version):
            return
        self.left -= 1
        if method not in _NO_BODY and not self._may_send_body(request):
            return
        self.chunks, self.size = None, 0
        if not target.buffered and _has_body(headers):
            request.stream = Incoming(self, request)
            (self._start if self.serving is None else self._queue)(request)

    def _may_speak(self, version: str) -> bool:
        """Take a request of HTTP/1.0 for the last one; False if it was refused."""
        if version != "1.0":
            self.refuse(505, "This server speaks HTTP/1.1")
            return False
        self.last = self.reading
        self.unchunked = True
        return True

    def _may_say(self, url: bytes, headers: Fields, heeded: Fields) -> bool:
        """Look at a head closely; False if it was refused."""
        shared = self.shared
        fault = shared.limits.find_fault(url, headers)
        if fault is None:
            fault = find_fault(heeded, self.parser.get_http_version())
        if fault is not None:
            self.refuse(*fault)
            return False
        for field in heeded:
            if field[0] != b"host":
                self.framed = -1
            elif len(shared.hosts) < HOSTS:
                shared.hosts.add(field)
        return True

    def _may_switch(self, headers: Fields) -> bool:
        """Whether this request turns the connection into a WebSocket's."""
        free = self.serving is None and not self.queue and not self.stopping
        if not free or self.shared.websockets is None or not is_websocket(headers):
            return False
        # SAFETY: who reads handshakes would wait for ever where a body follows (RFC 6455, 4.1).
        return not _has_body(headers)

    def refuse(self, status: int, message: str) -> None:
        """Answer what can't be served and close; whatever else the client sends is not read."""
        reading, self.reading = self.reading, None
        self._drop_body()
        self.headers = IGNORE
        self.url = None
        if reading is not None and reading.stream is not None:
            # Its endpoint runs or waits for its turn: what it reads has no good end.
            reading.stream.fail(BodyMalformed())
            self.last = reading
            return
        if self.closed or self.last is self:
            return
        if self.serving is not None:
            # Earlier requests of this connection are still being answered.
            self.last = self.queue[-1] if self.queue else self.serving
            return
        self.last = self
        head = Head(status, [TEXT, (b"connection", b"close")])
        self.transport.write(self._written(head, message.encode(), close=True))
        self._linger()

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

    def _linger(self) -> None:
        """Close once the client has seen the answer.

        Closing while it still sends would make its kernel throw the answer away (RFC 9112, 9.6).
        What it sends is dropped by `data_received`, for two seconds at most.
        """
        if self.closed or self.transport.is_closing():
            return
        # Whoever read a body slowly may have left the socket alone.
        self.read_on()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)


def _has_body(headers: Fields) -> bool:
    """Whether a body follows this head (RFC 9112, 6.3)."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False
