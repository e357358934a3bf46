"""Over ASGI: an endpoint that takes too long, or whose client leaves while it runs.

The endpoint runs in the task that the server has made; when its time is up, another task sends the
answer, at once, and this one is cancelled, closes what it opened, and ends. ASGI tells that a
client has left only to who asks, so that is asked once an endpoint has been running for a while,
and never where it reads what comes by itself.
PERF: who has answered before the next sweep (server/deadline.py) pays for being remembered only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import TimedOut
from carboy.core.voice import drive_async
from carboy.server.deadline import SWEEPERS, SWEPT, Alarm, afresh, drop, sweeper_of
from carboy.server.outer import refused
from carboy.server.sending import Send, send_answer

#: For whoever stands around and waits for an answer; the client is gone.
_NOBODY = Head(499, []), b""


class Over(Exception):
    """The client has its answer, or has left: there is nothing to send any more."""


class Guard(Alarm):
    """One request that is being served."""

    __slots__ = ("alarms", "answering", "has_left", "listener", "request", "send", "task")

    request: RequestContext
    send: Send
    #: What is cancelled; None for code in a thread.
    task: asyncio.Task[Any] | None
    #: Sends the answer that came in place of the endpoint's; it is over then.
    answering: asyncio.Task[None] | None
    #: Those of the sweeper that looks at this.
    alarms: set[Alarm]
    #: The endpoint has returned, or raised.
    has_left: bool
    #: Waits for the client to leave.
    listener: asyncio.Task[bool] | None

    def expire(self) -> None:
        """The time is up."""
        self.request.expired = True
        self._end(refuse_late(self.request, self.send))

    def look(self, now: float) -> None:
        if self.due is not None and self.due <= now:
            self.expire()
        elif self.listener is None and self.task and self.request.target.cancel_on_disconnect:
            wire: Any = self.request.wire
            self.listener = wire.listener = asyncio.ensure_future(wire.listen(self.request))
            self.listener.add_done_callback(self._heard)

    def _heard(self, listener: asyncio.Task[bool]) -> None:
        if not listener.cancelled() and listener.exception() is None and listener.result():
            self._end(send_answer(self.send, afresh(self.request), *_NOBODY))

    def _end(self, answering: Coroutine[Any, Any, None]) -> None:
        if self.has_left or self.answering is not None:
            answering.close()
            return
        self.answering = asyncio.ensure_future(answering)
        if self.task is not None:
            self.task.cancel()

    def leave(self) -> bool:
        """The endpoint has returned: nothing takes its place any more. True if something has."""
        self.has_left = True
        self.alarms.discard(self)
        if self.timer is not None:
            self.timer.cancel()
        if self.listener is not None:
            self.listener.cancel()
        return self.answering is not None

    async def settle(self, error: BaseException | None, answer: tuple[Head, Body] | None) -> None:
        """See to what the endpoint came to after all, and wait for the answer to be out."""
        cancelled = self.task is not None and self.task.uncancel() > 0
        assert self.answering is not None
        await drop(self.request, error, answer)
        await self.answering
        if cancelled:  # by the server as well
            raise asyncio.CancelledError


def guard(request: RequestContext, send: Send, task: asyncio.Task[Any] | None) -> Guard:
    """A Guard that is on."""
    loop = asyncio.get_running_loop()
    one = Guard()
    one.request, one.send, one.task = request, send, task
    one.answering = one.listener = one.timer = one.due = None
    one.has_left = False
    seconds = request.target.timeout
    if seconds is not None:
        if seconds < SWEPT:
            one.timer = loop.call_later(seconds, one.expire)
        else:
            one.due = monotonic() + seconds
    # PERF: `Sweeper.add` written out.
    sweeper = SWEEPERS.get(loop) or sweeper_of(loop)
    one.alarms = sweeper.alarms
    one.alarms.add(one)
    if not sweeper.is_sweeping:
        sweeper.is_sweeping = True
        loop.call_later(1, sweeper.sweep)
    return one


async def within(
    call: Callable[[RequestContext], Any], send: Send, request: RequestContext
) -> tuple[Head, Body]:
    """``await call(request)``; Over if the client has been answered meanwhile, or has left."""
    one = guard(request, send, asyncio.current_task())
    answer = error = None
    try:
        answer = await call(request)
    except BaseException as raised:
        if one.answering is None or not isinstance(raised, Exception | asyncio.CancelledError):
            raise
        error = raised
    finally:
        # PERF: the usual end of `leave` written out.
        one.has_left = True
        one.alarms.discard(one)
        if one.timer is not None or one.listener is not None:
            one.leave()
    if one.answering is not None:
        await one.settle(error, answer)
        raise Over
    return answer  # type: ignore[return-value]


async def refuse_late(request: RequestContext, send: Send) -> None:
    """Send what the route's handlers answer to a timeout."""
    fresh = afresh(request)
    late = TimedOut(request.target.timeout or 0)
    await send_answer(send, fresh, *await drive_async(refused(fresh, late), fresh))
