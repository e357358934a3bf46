"""How a connection takes leave when the server stops: nothing that was asked is lost.

What has been read is answered, what is being answered is finished. A silent connection is kept for
a moment, since a request may be on its way; as long as ever where another worker serves meanwhile
and nobody waits for the end of this one. A stream of events, which may have no end of its own, is
given one after a while (server/shared.py keeps the time): its generator is closed, the client sees
a whole answer and connects again.
"""

from __future__ import annotations

import asyncio

from carboy.core.answer import Head
from carboy.server.flow import Flowing
from carboy.server.shared import Shared
from carboy.server.stream import Incoming

#: Seconds between the last look at the socket and the close.
LOOK = 0.05


class Leaving(Flowing):
    """The part of a connection that ends it in good order."""

    __slots__ = ("ending", "streamed")

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        #: The head of the streamed answer that is being written.
        self.streamed: Head | None = None
        #: A stream of events was asked to end.
        self.ending = False

    def shutdown(self) -> None:
        """uvicorn asks for a graceful stop: answer what has been read or begun, then close."""
        self.shared.stop()
        self.stopping = True
        if self.last is not None:
            return
        self.last = self.reading or (self.queue[-1] if self.queue else self.serving)
        if self.last is not None:
            return
        if self.shared.farewell:
            self.loop.call_later(self.shared.farewell, self._take_leave)
        else:
            self.transport.close()

    def _take_leave(self, has_looked: bool = False) -> None:
        """Close, unless a request came or begins to: then that is the last."""
        if self.last is not None or self.url is not None:
            return
        if has_looked:
            self.transport.close()
        else:
            # The loop may have been away for all that time; it reads what lies there first.
            self.loop.call_later(LOOK, self._take_leave, True)

    def end_events(self) -> None:
        """Ask the stream of events that is being sent to end, if one is."""
        request, head = self.serving, self.streamed
        if head is None or request is None or self.ending or not _is_events(head):
            return
        self.ending = True
        if self.streaming is False:
            if request.stream is None:
                request.stream = Incoming(self, request)
            request.stream.disconnect()
        elif self.task is not None:
            self.task.cancel()

    def is_ended(self) -> bool:
        """Whether the cancelling that reached the stream was `end_events`'s alone."""
        task = asyncio.current_task()
        return self.ending and not self.closed and task is not None and not task.uncancel()


def _is_events(head: Head) -> bool:
    return any(
        name == b"content-type" and value.lower().startswith(b"text/event-stream")
        for name, value in head.headers
    )
