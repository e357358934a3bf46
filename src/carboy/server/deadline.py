"""Requests that take too long, on transports where the endpoint is awaited by whoever asked.

`within` cancels the endpoint when its time is up, in the task that runs it: what it opened is
closed there, and then the client is answered. Code in a thread can't be stopped, it is left to end.
The direct protocol has timers of its own (server/expiry.py) and answers before anything is closed.
PERF: a long time has no timer of its own: one call a second looks at all of them.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any

from carboy.core.context import RequestContext
from carboy.core.errors import TimedOut

#: Seconds from which on a second does not matter.
SWEPT = 10.0
#: Tasks that nobody waits for any more: the loop itself holds tasks weakly.
_LEFT: set[asyncio.Future[Any]] = set()


#: One endpoint's task, the time it has until (time.monotonic), and whether that has passed.
#: PERF: a list, which costs no call.
_Wait = list[Any]
_TASK, _DUE, _EXPIRED = range(3)


class _Sweeper:
    """The long waits of one event loop, by identity."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waits: dict[int, _Wait] = {}
        self.is_sweeping = False

    def sweep(self) -> None:
        now = monotonic()
        for key, wait in [pair for pair in self.waits.items() if pair[1][_DUE] <= now]:
            del self.waits[key]
            _expire(wait)
        self.is_sweeping = bool(self.waits)
        if self.is_sweeping:
            self.loop.call_later(1, self.sweep)


def _expire(wait: _Wait) -> None:
    wait[_EXPIRED] = True
    wait[_TASK].cancel()


_SWEEPERS: dict[asyncio.AbstractEventLoop, _Sweeper] = {}


def _sweeper_of(loop: asyncio.AbstractEventLoop) -> _Sweeper:
    for other in [one for one in _SWEEPERS if one.is_closed()]:
        del _SWEEPERS[other]
    return _SWEEPERS.setdefault(loop, _Sweeper(loop))


async def within(call: Callable[[RequestContext], Awaitable[Any]], request: RequestContext) -> Any:
    """``await call(request)``; TimedOut after the target's seconds."""
    seconds = request.target.timeout
    assert seconds is not None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return await _within_trio(call, request, seconds)
    task = asyncio.current_task()
    assert task is not None
    wait: _Wait = [task, monotonic() + seconds, False]
    timer = sweeper = None
    if seconds < SWEPT:
        timer = loop.call_later(seconds, _expire, wait)
    else:
        sweeper = _SWEEPERS.get(loop) or _sweeper_of(loop)
        sweeper.waits[id(wait)] = wait
        if not sweeper.is_sweeping:
            sweeper.is_sweeping = True
            loop.call_later(1, sweeper.sweep)
    try:
        return await call(request)
    except asyncio.CancelledError:
        if wait[_EXPIRED] and task.uncancel() == 0:
            raise TimedOut(seconds) from None
        raise
    finally:
        if timer is not None:
            timer.cancel()
        elif sweeper is not None:
            sweeper.waits.pop(id(wait), None)


async def _within_trio(call: Any, request: RequestContext, seconds: float) -> Any:
    import anyio

    with anyio.move_on_after(seconds):
        return await call(request)
    raise TimedOut(seconds)


def leave(work: asyncio.Future[Any] | Coroutine[Any, Any, Any]) -> None:
    """Let `work` come to its end without anybody waiting; how it ends is nobody's answer."""
    future = asyncio.ensure_future(work)
    _LEFT.add(future)
    future.add_done_callback(_forget)


def _forget(future: asyncio.Future[Any]) -> None:
    _LEFT.discard(future)
    if not future.cancelled():
        future.exception()  # has been seen


def afresh(request: RequestContext) -> RequestContext:
    """The same request without what was opened for it: that belongs to code that still runs."""
    fresh = copy.copy(request)
    fresh.opened = fresh.background = None
    return fresh
