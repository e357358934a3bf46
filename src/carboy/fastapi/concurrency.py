"""Threads, context managers and limits for code on an event loop, AnyIO's or asyncio's.

What Starlette has is Starlette's own. The rest opens and closes dependencies with `yield`, and
counts how many of one dependency are open at a time. Each closes what it opened, cancelled or not.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from types import TracebackType
from typing import TypeVar
from weakref import WeakKeyDictionary

import anyio.to_thread
from anyio import CancelScope, CapacityLimiter, Semaphore
from anyio.lowlevel import RunVar, checkpoint_if_cancelled
from starlette.concurrency import (
    iterate_in_threadpool,
    run_in_threadpool,
    run_until_first_complete,
)

__all__ = [
    "asynccontextmanager",
    "contextmanager_in_threadpool",
    "iterate_in_threadpool",
    "run_in_threadpool",
    "run_until_first_complete",
]

T = TypeVar("T")
ExcInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


@asynccontextmanager
async def contextmanager_in_threadpool(cm: AbstractContextManager[T]) -> AsyncGenerator[T, None]:
    """`cm`, entered and left in a thread of the pool."""
    value = await run_in_threadpool(cm.__enter__)
    try:
        yield value
    except BaseException as error:
        if not await _leave(cm, (type(error), error, error.__traceback__)):
            raise
    else:
        await _leave(cm, (None, None, None))


async def _leave(cm: AbstractContextManager[T], exc_info: ExcInfo) -> bool:
    # A full pool may be full of those who wait for what `cm` gives back: leaving needs a place of
    # its own, or nobody would ever go on. Being cancelled is no reason not to close.
    own_place = CapacityLimiter(1)
    with CancelScope(shield=True):
        swallowed = await anyio.to_thread.run_sync(cm.__exit__, *exc_info, limiter=own_place)
    return bool(swallowed)


@asynccontextmanager
async def _asynccontextmanager_with_shielded_exit(
    cm: AbstractAsyncContextManager[T], cleanup_scope: CancelScope
) -> AsyncGenerator[T, None]:
    """`cm`, its end shielded by `cleanup_scope`, which was entered before it.

    A scope opened here would have to be left before the scopes that `cm` itself opened.
    """
    before = cleanup_scope.shield
    try:
        async with cm as value:
            try:
                yield value
            finally:
                cleanup_scope.shield = True
    finally:
        cleanup_scope.shield = before
    # A task group in `cm` takes a cancellation for its own while the shield is up.
    await checkpoint_if_cancelled()


class _DependencyConcurrency:
    """At most `max_concurrency` of one declared dependency at a time, in each event loop."""

    def __init__(self, max_concurrency: int) -> None:
        self.max_concurrency = max_concurrency

    def get_semaphore(self) -> Semaphore:
        """The running loop's semaphore of this declaration."""
        try:
            semaphores = _semaphores.get()
        except LookupError:
            semaphores = WeakKeyDictionary()
            _semaphores.set(semaphores)
        if self not in semaphores:
            semaphores[self] = Semaphore(self.max_concurrency)
        return semaphores[self]


#: Of each event loop; a semaphore goes with its declaration.
_semaphores: RunVar[WeakKeyDictionary[_DependencyConcurrency, Semaphore]] = RunVar(
    "carboy_dependency_semaphores"
)


@asynccontextmanager
async def _contextmanager_with_concurrency_limit(
    cm: AbstractAsyncContextManager[T], semaphore: Semaphore
) -> AsyncGenerator[T, None]:
    """`cm` from the first free place on; the place is free again when it is closed."""
    async with semaphore, cm as value:
        yield value
