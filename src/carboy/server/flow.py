"""Answers go no faster than their client reads them.

A stream waits in `writable`. Whole answers are written at once, but the next request of a client
that has not taken them is not begun: else one that asks and asks and reads nothing would fill the
memory (F10). `STALLED` stands in the place of the served request then.

A client that closes its sending half may still wait for its answer, or be gone: TCP says the same.
So it is sent a ``102 Processing``, which HTTP/1.1 clients have to skip (RFC 9110, 15.2), and only a
machine that has nobody to give it to resets the connection.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from carboy.core.context import RequestContext
from carboy.server.expiry import Expiring
from carboy.server.shared import Shared

#: Is "served" while nothing is begun.
STALLED = RequestContext(cast(Any, None), "", "", b"", [])


#: Seconds after the probe when the socket is looked at.
PROBED = (0.02, 0.1, 0.4)


class Flowing(Expiring):
    """The part of a connection that knows whether its client reads."""

    __slots__ = ("_drained", "paused", "started", "streaming")

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.paused = False
        self._drained: asyncio.Event | None = None
        #: None while an endpoint runs; then whether its answer is a stream that the client ends by
        #: leaving (True), or one that sends itself and is told so (False).
        self.streaming: bool | None = None
        #: The head of a streamed answer is written.
        self.started = False

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.pace = None
        if self._drained is not None:
            self._drained.set()
        if self.serving is STALLED:
            self.serving = None
            if self.last is STALLED:
                self.transport.close()
            elif self.queue:
                self._go_on()

    async def writable(self) -> None:
        """Wait until the client has read enough of what was written."""
        while self.paused and not self.closed:
            if self._drained is None:
                self._drained = asyncio.Event()
            self._drained.clear()
            await self._drained.wait()

    def _go_on(self) -> None:
        raise NotImplementedError

    def eof_received(self) -> bool:
        """The client sends no more; True to keep the connection for what it has asked."""
        serving = self.serving
        if serving is None or self.reading is not None or self.streaming:
            return False  # nothing is owed, can be whole, or would end by itself
        if self.transport.get_extra_info("sslcontext") is not None:
            return False  # TLS can't be closed by halves here
        self.last = self.queue[-1] if self.queue else serving
        if self.streaming is None and not self.unchunked and serving is not STALLED:
            self.transport.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            for seconds in PROBED:
                self.loop.call_later(seconds, self._look_for_reset)
        return True

    def _look_for_reset(self) -> None:
        # Nobody reads the socket any more, so nobody would be told.
        if not self.closed and not self.transport.is_closing():
            plug = self.transport.get_extra_info("socket")
            if plug.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.transport.abort()
