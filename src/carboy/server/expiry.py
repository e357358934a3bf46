"""When a served request's time is up, on the direct protocol.

Only requests that wait are timed: what is done at once never gets here. Short times have a timer of
their own, long ones are looked at by the sweeper, once a second. The client gets its 504 at that
moment and the connection closes; a coroutine is cancelled then, and closes what it opened in its
own time, a thread is left to end. Whatever either answers then is dropped.
"""

from __future__ import annotations

import asyncio

from carboy.core.context import RequestContext
from carboy.core.errors import TimedOut
from carboy.core.voice import drive_async
from carboy.server.deadline import afresh
from carboy.server.outer import refused
from carboy.server.reading import Reading
from carboy.server.shared import Shared
from carboy.server.slow import Pace


class Expiring(Reading):
    """The part of a connection that knows the time."""

    __slots__ = ("armed", "expired", "pace", "task")

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        #: When the time of the served request is up: a timer, or a tick of the sweeper.
        self.armed: asyncio.TimerHandle | int | None = None
        #: The request that was answered because its time was up; it may still run.
        self.expired: RequestContext | None = None
        #: How far a slow client had got when the sweeper last looked.
        self.pace: Pace | None = None
        #: What runs on the loop for the request that is being answered.
        self.task: asyncio.Task[None] | None = None

    def done(self, request: RequestContext) -> None:
        raise NotImplementedError

    def _disarm(self) -> None:
        armed, self.armed = self.armed, None
        if armed is not None and not isinstance(armed, int):
            armed.cancel()

    def expire(self, request: RequestContext) -> None:
        """Answer `request` in the place of its endpoint."""
        self._disarm()
        if self.serving is not request or self.closed:
            return
        self.expired = request
        request.expired = True
        answering = self.loop.create_task(self._answer_late(request))
        if self.task is not None:
            self.task.cancel()
        self.shared.tasks.add(answering)
        answering.add_done_callback(self.shared.tasks.discard)

    async def _answer_late(self, request: RequestContext) -> None:
        seconds = request.target.timeout
        assert seconds is not None
        fresh = afresh(request)
        head, body = await drive_async(refused(fresh, TimedOut(seconds)), fresh)
        assert type(body) is bytes
        if not self.closed:
            self.last = request
            if self.shared.access_log:
                self.shared.log_access(self, request, head.status)  # type: ignore[arg-type]
            self.transport.write(self._written(head, body, True, request.method))
            self.done(request)
