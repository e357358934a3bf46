"""Turns: only so many requests of a group of routes run at the same time, and so many wait.

A request takes its turn before its dependencies are solved, and gives it back when the last of it
is closed: after the stream, the background tasks, the dependencies' ends. Each event loop counts
for itself, and so does each worker process.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from carboy.core.closing import enter_async
from carboy.core.context import RequestContext
from carboy.core.errors import Overloaded
from carboy.server.per_loop import PerLoop

if TYPE_CHECKING:
    from anyio import Semaphore

_counted: PerLoop[WeakKeyDictionary[Turns, Semaphore]] = PerLoop("carboy_turns", WeakKeyDictionary)


class Turns:
    """At most `limit` requests have their turn, at most `queue` wait; others are refused."""

    def __init__(self, limit: int, queue: int = 0) -> None:
        self.limit = limit
        self.queue = queue

    async def __call__(self, request: RequestContext) -> None:
        """Wait for a turn, and keep it until the request is closed. Overloaded if too many wait."""
        from anyio import WouldBlock

        free = self._semaphore()
        try:
            free.acquire_nowait()
        except WouldBlock:
            waiting = free.statistics().tasks_waiting
            if waiting >= self.queue:
                raise Overloaded(f"{self.limit} requests run and {waiting} wait") from None
            await free.acquire()
        await enter_async(request, _turn(free), False)

    def _semaphore(self) -> Semaphore:
        known = _counted.get()
        if self not in known:
            from anyio import Semaphore

            known[self] = Semaphore(self.limit)
        return known[self]

    def __repr__(self) -> str:
        return f"Turns({self.limit}, queue={self.queue})"


async def _turn(free: Any) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        free.release()
