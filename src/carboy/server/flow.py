"""Answers go no faster than their client reads them.

A stream waits in `writable`. Whole answers are written at once, but the next request of a client
that has not taken them is not begun: else one that asks and asks and reads nothing would fill the
memory (F10). `STALLED` stands in the place of the served request then.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from carboy.core.context import RequestContext
from carboy.server.expiry import Expiring
from carboy.server.shared import Shared

#: Is "served" while nothing is begun.
STALLED = RequestContext(cast(Any, None), "", "", b"", [])


class Flowing(Expiring):
    """The part of a connection that knows whether its client reads."""

    __slots__ = ("_drained", "paused")

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self.paused = False
        self._drained: asyncio.Event | None = None

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
