"""What AnyIO is needed for: event loops that are not asyncio's (trio's), and its cancellation.

AnyIO cancels every await of a task until its scope is left, on asyncio too; whoever closes
something then has to be sheltered. Imported only where one of the two is met: asyncio has its own
ways, which are faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio.from_thread
import anyio.to_thread
from anyio import CancelScope, CapacityLimiter, create_task_group
from anyio.lowlevel import checkpoint_if_cancelled


class AnyThreads:
    """AnyIO's worker threads, with a Pool's words."""

    async def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`call(*args, **kwargs)` in a thread."""
        return await anyio.to_thread.run_sync(partial(call, *args, **kwargs))

    async def insist(self, call: Callable[..., Any], *args: Any) -> Any:
        """`run` for what must be closed: with a place of its own, and whether cancelled or not."""
        with CancelScope(shield=True):
            return await anyio.to_thread.run_sync(call, *args, limiter=CapacityLimiter(1))

    def portal(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run `coroutine` on the loop from one of the threads, and wait for its result."""
        return anyio.from_thread.run(_awaited, coroutine)


async def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return await coroutine


THREADS = AnyThreads()


class CancelShelter:
    """A cancel scope around all that a request opens; its shield is up while one is closed."""

    __slots__ = ("_scope",)

    def __init__(self) -> None:
        self._scope = CancelScope()
        self._scope.__enter__()

    def up(self) -> None:
        self._scope.shield = True

    def down(self) -> None:
        self._scope.shield = False

    async def checkpoint(self) -> None:
        """COMPAT: a task group that is closed under the shield takes a cancellation for its own."""
        await checkpoint_if_cancelled()

    def close(self) -> None:
        self._scope.__exit__(None, None, None)


async def outlast(future: asyncio.Future[Any]) -> None:
    """Wait until `future` of asyncio is done, whoever cancels."""
    with CancelScope(shield=True):
        while not future.done():
            try:
                await asyncio.shield(future)
            except asyncio.CancelledError:
                continue


@asynccontextmanager
async def listening(left: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Cancels what is done inside when `left` returns, and swallows that cancellation."""
    failure: Exception | None = None
    async with create_task_group() as group:

        async def listen() -> None:
            await left()
            group.cancel_scope.cancel()

        group.start_soon(listen)
        try:
            yield
        except Exception as error:
            failure = error  # the task group would put it into an ExceptionGroup
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
