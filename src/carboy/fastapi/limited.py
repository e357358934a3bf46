"""Dependencies of which only so many run at the same time (``max_concurrency``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from carboy.core.voice import Kind

if TYPE_CHECKING:
    from carboy.fastapi.concurrency import _DependencyConcurrency


def limited(call: Callable[..., Any], kind: Kind, limit: _DependencyConcurrency) -> Any:
    """An ``async def`` of the same meaning that waits for its turn; a generator holds its turn."""
    from carboy.fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool

    if kind.is_generator:
        if kind.is_async:
            manager: Any = asynccontextmanager(call)
        else:
            blocking = contextmanager(call)

            def manager(**values: Any) -> Any:
                return contextmanager_in_threadpool(blocking(**values))

        async def steps(**values: Any) -> AsyncIterator[Any]:
            async with limit.get_semaphore(), manager(**values) as value:
                yield value

        return steps

    async def run(**values: Any) -> Any:
        async with limit.get_semaphore():
            if kind.is_async:
                return await call(**values)
            return await run_in_threadpool(call, **values)

    return run
