"""Requests that take too long, on transports where somebody awaits the endpoint.

A coroutine is cancelled and closes what it opened in its own time; code in a thread can't be
stopped, it is left to end. Either way the client is answered at once. ASGI's way of answering is in
server/guard.py, the direct protocol's in server/expiry.py.
PERF: a long time has no timer of its own: one call a second looks at all that wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import copy
from collections.abc import Callable, Coroutine
from functools import partial
from time import monotonic
from typing import Any

from carboy.core.closing import unwind
from carboy.core.context import RequestContext
from carboy.core.errors import TimedOut
from carboy.core.voice import drive_async
from carboy.server.outer import close_body, report

#: Seconds from which on a second does not matter.
SWEPT = 10.0
#: Tasks that nobody waits for any more: the loop itself holds tasks weakly.
_LEFT: set[asyncio.Future[Any]] = set()


class Alarm:
    """Calls `ring` when its time is up. PERF: without an __init__, to cost no call."""

    __slots__ = ("due", "ring", "timer")

    #: time.monotonic's; set for times that are looked at.
    due: float | None
    ring: Callable[[], None]
    #: For times that are not.
    timer: asyncio.TimerHandle | None

    def look(self, now: float) -> None:
        """Called about once a second."""
        if self.due is not None and self.due <= now:
            self.ring()


class Sweeper:
    """Looks at the alarms of one event loop, once a second while there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.alarms: set[Alarm] = set()
        self.is_sweeping = False

    def sweep(self) -> None:
        now = monotonic()
        for alarm in list(self.alarms):
            alarm.look(now)
        self.is_sweeping = bool(self.alarms)
        if self.is_sweeping:
            self.loop.call_later(1, self.sweep)

    def add(self, alarm: Alarm) -> None:
        """Have `alarm` looked at until it is discarded from `alarms`."""
        self.alarms.add(alarm)
        if not self.is_sweeping:
            self.is_sweeping = True
            self.loop.call_later(1, self.sweep)


SWEEPERS: dict[asyncio.AbstractEventLoop, Sweeper] = {}


def sweeper_of(loop: asyncio.AbstractEventLoop) -> Sweeper:
    """The loop's own; those of closed loops are let go."""
    for other in [one for one in SWEEPERS if one.is_closed()]:
        del SWEEPERS[other]
    return SWEEPERS.setdefault(loop, Sweeper(loop))


async def apart(
    work: Coroutine[Any, Any, Any], request: RequestContext, is_left: bool = True
) -> Any:
    """`work`'s (Head, Body), for a caller that can't answer before it has returned.

    TimedOut after the target's seconds: `work` is cancelled, and left to end, unless `is_left` is
    False: then that is waited for. It runs in the context of its wire (`wire.context`).
    """
    seconds = request.target.timeout
    if seconds is None:
        return await work
    loop = asyncio.get_running_loop()
    context: contextvars.Context = request.wire.context  # type: ignore[attr-defined]
    task = loop.create_task(work, context=context)
    over: asyncio.Future[None] = loop.create_future()
    await first(task, over, seconds)
    if task.done():
        return task.result()
    request.expired = True
    task.cancel()
    ending = leave(_dropped(task, request))
    if not is_left:
        await ending
    raise TimedOut(seconds)


async def first(work: asyncio.Future[Any], over: asyncio.Future[None], seconds: float) -> None:
    """Wait until `work` is done, or `seconds` have passed, when `over` is done."""
    loop = asyncio.get_running_loop()
    alarm = Alarm()
    alarm.ring = partial(_settle, over)
    alarm.due = monotonic() + seconds if seconds >= SWEPT else None
    alarm.timer = loop.call_later(seconds, alarm.ring) if seconds < SWEPT else None
    sweeper = SWEEPERS.get(loop) or sweeper_of(loop)
    if alarm.timer is None:
        sweeper.add(alarm)
    try:
        await asyncio.wait((work, over), return_when=asyncio.FIRST_COMPLETED)
    finally:
        sweeper.alarms.discard(alarm)
        if alarm.timer is not None:
            alarm.timer.cancel()


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _dropped(task: asyncio.Task[Any], request: RequestContext) -> None:
    await asyncio.wait((task,))
    if task.cancelled():
        return
    error = task.exception()
    await drop(request, error, None if error is not None else task.result())


async def drop(request: RequestContext, error: BaseException | None, answer: Any) -> None:
    """What came too late: an error is reported, an answer closed."""
    if error is not None and not isinstance(error, asyncio.CancelledError):
        report(request, error)
    if answer is not None:
        if type(answer[1]) is not bytes:
            await close_body(answer[1], request.threads)
        late = TimedOut(request.target.timeout or 0)
        raised = await drive_async(unwind(request, late), request)
        if raised is not late:
            report(request, raised)


def leave(work: asyncio.Future[Any] | Coroutine[Any, Any, Any]) -> asyncio.Future[Any]:
    """Let `work` come to its end without anybody waiting; how it ends is nobody's answer."""
    future = asyncio.ensure_future(work)
    _LEFT.add(future)
    future.add_done_callback(_forget)
    return future


def _forget(future: asyncio.Future[Any]) -> None:
    _LEFT.discard(future)
    if not future.cancelled():
        future.exception()  # has been seen


def afresh(request: RequestContext) -> RequestContext:
    """The same request without what was opened for it: that belongs to code that still runs."""
    fresh = copy.copy(request)
    fresh.opened = fresh.background = None
    return fresh
