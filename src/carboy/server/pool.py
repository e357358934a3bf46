"""Threads for code that blocks, one pool for an event loop.

Work goes in through a queue, results come back through `post`: callbacks collect in a deque and one
wake-up of the loop runs them all. Threads are added when work has waited, not when it arrives, so
that quick handlers stay on few threads and slow ones get the whole pool.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any

from carboy.core.errors import Overloaded

#: At most this many threads (as many as AnyIO's default limiter lends).
THREADS = 40
#: At most this much work waiting for a thread; more is refused with `Overloaded`.
QUEUE = 2048
#: Seconds that work may wait before threads are added.
PATIENCE = 0.005
#: Threads made without waiting.
# PERF: hello `def` under 64 connections, CPython 3.13, one core: see benchmarks/results.
FIRST = 2

logger = logging.getLogger("carboy.error")
Work = tuple[contextvars.Context, Callable[..., Any], tuple[Any, ...]]


class Pool:
    """A pool of daemon threads that belongs to one running loop.

    `submit` and `run` are called on the loop's thread, `post` on any.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        threads: int = THREADS,
        queue: int = QUEUE,
        name: str = "carboy",
    ) -> None:
        self.loop = loop
        self.name = name
        self.limit = threads
        self.queue_limit = queue
        self.size = 0
        #: How much was refused since the start.
        self.refused = 0
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._submitted = 0
        self._checking = False
        self._done: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._waking = False
        self._kept = self._run

    @property
    def waiting(self) -> int:
        """Work that no thread has taken yet."""
        return self._queue.qsize()

    def submit(self, work: Callable[..., Any], *args: Any) -> None:
        """Have `work(*args)` run in a thread, in a copy of the current context.

        `Overloaded` if too much is waiting, unless it comes from `insist`.
        """
        queue = self._queue
        waiting = queue.qsize()
        if waiting >= self.queue_limit and work is not self._kept:
            self.refused += 1
            raise Overloaded(f"{waiting} requests are waiting for {self.size} threads")
        self._submitted += 1
        queue.put((contextvars.copy_context(), work, args))
        if self.size < FIRST:
            self._grow(1)
        # PERF: asking after each would be a timer for each; so it is one in 5 ms at most.
        elif not self._checking and self.size < self.limit:
            self._checking = True
            self.loop.call_later(PATIENCE, self._check, self._submitted)

    def _check(self, mark: int) -> None:
        """Grow if what was queued at `mark` still waits."""
        self._checking = False
        waiting = self._queue.qsize()
        if self._submitted - waiting < mark:
            self._grow(min(waiting, 3 * self.size))
        if waiting and self.size < self.limit:
            self._checking = True
            self.loop.call_later(PATIENCE, self._check, self._submitted)

    def _grow(self, count: int) -> None:
        for _ in range(min(count, self.limit - self.size)):
            self.size += 1
            name = f"{self.name}-{self.size}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        claim = _claim()
        with claim(self.loop):
            get = self._queue.get
            while (item := get()) is not None:
                context, work, args = item
                try:
                    context.run(work, *args)
                except BaseException:  # the thread has other work to do
                    logger.exception("%r failed in a thread", work)
                # What a request holds must not live on until the next one comes.
                del item, context, work, args

    def post(self, callback: Callable[..., Any], *args: Any) -> None:
        """Run `callback(*args)` on the loop, together with whatever else is due."""
        self._done.append((callback, args))
        if not self._waking:
            self._waking = True
            try:
                self.loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: nobody is waiting any more
                self._done.clear()

    def _drain(self) -> None:
        self._waking = False
        done = self._done
        while done:
            callback, args = done.popleft()
            try:
                callback(*args)
            except Exception:  # the others in the queue are answers of other requests
                logger.exception("%r failed", callback)

    def run(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        """`call(*args, **kwargs)` in a thread, to be awaited."""
        future = _Kept(loop=self.loop)
        self.submit(self._run, future, call, args, kwargs)
        return future

    def insist(self, call: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """`run` for what closes or answers a request that is here already: never refused."""
        future = _Kept(loop=self.loop)
        self.submit(self._kept, future, call, args, {})
        return future

    def _run(
        self,
        future: asyncio.Future[Any],
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        try:
            result = call(*args, **kwargs)
        except StopIteration as error:
            # A Future can't hold StopIteration (PEP 479 in another place).
            self.post(_fail, future, RuntimeError(f"{call!r} raised {error!r}"))
        except BaseException as error:
            self.post(_fail, future, error)
        else:
            self.post(_succeed, future, result)

    def portal(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run `coroutine` on the loop from one of the threads, and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def close(self) -> None:
        """Let every thread end after the work it has."""
        for _ in range(self.size):
            self._queue.put(None)
        self.size = 0


class _Kept(asyncio.Future[Any]):
    """The result of a thread, which can't be cancelled.

    A task that is cancelled while it waits for one gets its CancelledError when the thread is done.
    Else it would close what the thread still uses.
    """

    def cancel(self, msg: Any = None) -> bool:
        return False


def _succeed(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _claim() -> Callable[[Any], Any]:
    """What marks a thread as one of AnyIO's workers, so that anyio.from_thread works in it."""
    try:
        from anyio._backends._asyncio import AsyncIOBackend
        from anyio._core._eventloop import claim_worker_thread
    except ImportError:  # an AnyIO that keeps this elsewhere: from_thread asks for a token then
        import contextlib

        return lambda loop: contextlib.nullcontext()
    return lambda loop: claim_worker_thread(AsyncIOBackend, loop)


_POOLS: dict[tuple[asyncio.AbstractEventLoop, str], Pool] = {}


def pools() -> list[Pool]:
    """The pools of all loops of this process that are not closed."""
    return [pool for (loop, _), pool in list(_POOLS.items()) if not loop.is_closed()]


def pool_of(loop: asyncio.AbstractEventLoop, name: str = "carboy") -> Pool:
    """The pool of that name that belongs to `loop`; pools of closed loops are let go."""
    pool = _POOLS.get((loop, name))
    if pool is None:
        for other in [one for one in _POOLS if one[0].is_closed()]:
            _POOLS.pop(other).close()
        pool = _POOLS[loop, name] = Pool(loop, name=name)
    return pool


def close_pools(loop: asyncio.AbstractEventLoop) -> None:
    """Let the threads that belong to `loop` end after the work they have."""
    for pool in [one for one in list(_POOLS.values()) if one.loop is loop]:
        pool.close()
