"""Request bodies on the direct protocol: announced, counted, kept, refused.

An endpoint that reads by itself gets what comes (server/stream.py). Any other starts when its body
is whole: short ones are kept in memory, long ones in a file (server/spool.py). Limits are counted
in bytes received. What is refused here is answered in its turn, by the route's handlers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

from carboy.core.context import RequestContext
from carboy.core.errors import BodyLost, BodyTooLarge
from carboy.server.outer import refuse
from carboy.server.shared import Shared
from carboy.server.spool import IN_MEMORY, Spool
from carboy.server.stream import HIGH_WATER, Incoming


class _Ignore(list[tuple[bytes, bytes]]):
    """Where trailer fields go."""

    def append(self, item: tuple[bytes, bytes]) -> None:
        pass


IGNORE = _Ignore()


class Receiving(asyncio.Protocol):
    """The part of a connection that receives bodies, and keeps requests in their order."""

    __slots__ = (
        "chunks",
        "closed",
        "headers",
        "last",
        "loop",
        "queue",
        "reading",
        "serving",
        "shared",
        "size",
        "spool",
        "transport",
        "unchunked",
    )

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.loop = shared.loop
        self.transport: asyncio.Transport = cast(Any, None)
        self.headers: list[tuple[bytes, bytes]] = IGNORE
        #: The request whose body arrives: what is kept of it, and how many bytes there were.
        self.reading: RequestContext | None = None
        self.chunks: list[bytes] | None = None
        self.size = 0
        #: Where the body goes that is too long for memory.
        self.spool: Spool | None = None
        #: The request that is being answered, and those that wait for that.
        self.serving: RequestContext | None = None
        self.queue: deque[RequestContext] = deque()
        #: The request after whose answer the connection closes; `self` after a refusal.
        self.last: RequestContext | Receiving | None = None
        #: The last request is of HTTP/1.0 and can't be answered in chunks.
        self.unchunked = False
        self.closed = False

    def read_on(self) -> None:
        """Read from the socket again.

        SAFETY: asyncio has what is read from then on handled in the context of who says so. Were
        that a request's, the next one would begin with what was set for somebody else.
        """
        self.shared.context.copy().run(self.transport.resume_reading)

    def _start(self, request: RequestContext) -> None:
        raise NotImplementedError

    def _queue(self, request: RequestContext) -> None:
        raise NotImplementedError

    def _may_send_body(self, request: RequestContext) -> bool:
        """Look at what is announced; False if it was refused."""
        limit = request.target.max_body
        expects = False
        for name, value in request.headers:
            if name == b"content-length":
                if limit is not None and int(value) > limit:
                    self.refuse_in_turn(request, BodyTooLarge, limit)
                    return False
            elif name == b"expect":
                expects = value.lower() == b"100-continue"
        # No 100 amidst an earlier answer, and none to HTTP/1.0 (RFC 9110, 10.1.1).
        if expects and self.serving is None and not self.unchunked:
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
            self.refuse_in_turn(request, BodyTooLarge, limit)
            return
        if request.stream is not None:
            request.stream.feed(data)
        elif self.chunks is None:
            self.chunks = [data]
        else:
            self.chunks.append(data)
            if self.size > IN_MEMORY:
                if self.spool is None:
                    self.spool = Spool(self, request, self.shared.files)
                self.spool.feed(self.chunks)
                self.chunks = []

    def on_message_complete(self) -> None:
        request = self.reading
        if request is None:
            return
        self.reading = None
        if request.stream is not None:
            request.stream.end()
            return
        if self.spool is not None:
            self._load(request, self.spool)
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
            self._queue(request)

    def _load(self, request: RequestContext, spool: Spool) -> None:
        """Have the body read back; the request keeps its place meanwhile."""
        self.chunks = self.spool = None
        if self.serving is None:
            self.serving = request
        else:
            self._queue(request)
        spool.end()

    def loaded(self, request: RequestContext, body: bytes | None) -> None:
        """The body is here, or could not be kept."""
        if body is None and self.reading is request:
            self.refuse_in_turn(request, BodyLost)
            return
        if body is None:
            refuse(request, BodyLost)
        request.body = body or b""
        if self.serving is request and not self.closed:
            self._start(request)

    def is_left_alone(self, request: RequestContext) -> bool:
        """Whether the socket is not read, so that the client can't be blamed."""
        if request.stream is not None:
            return bool(request.stream.held > HIGH_WATER)
        return self.spool is not None and self.spool.lags

    def refuse_in_turn(self, request: RequestContext, kind: type[Exception], *about: Any) -> None:
        """Answer in the place of the endpoint, in its turn; nothing more is read."""
        self.reading = None
        self._drop_body()
        self.headers = IGNORE
        self.last = request
        request.stream = Incoming(self, request)  # has no end, so the connection lingers
        request.stream.disconnect()
        refuse(request, kind, *about)
        (self._start if self.serving is None else self._queue)(request)

    def _drop_body(self) -> None:
        self.chunks = None
        if self.spool is not None:
            self.spool.drop()
            self.spool = None
