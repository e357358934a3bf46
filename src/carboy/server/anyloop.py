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
from typing import TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread
from anyio import CancelScope, CapacityLimiter, create_task_group
from anyio.lowlevel import checkpoint_if_cancelled

if TYPE_CHECKING:
    from carboy.core.context import RequestContext


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


async def serve_on_time(
    serve: Callable[[Any], Awaitable[None]], call: Any, send: Any, request: RequestContext
) -> None:
    """``serve(call)``, where a call that takes longer than the target's seconds is cancelled.

    The scope stands around all of it: what the call opens has scopes that end after it returned.
    """
    seconds = request.target.timeout
    if seconds is None:
        await serve(call)
        return
    one = _OnTime(call, send, request)
    failure: Exception | None = None
    async with create_task_group() as group:
        group.start_soon(one.expire, seconds)
        try:
            with one.served:
                await serve(one.call)
        except Exception as error:
            failure = error  # the task group would put it into an ExceptionGroup
        one.timed.cancel()
    if failure is not None:
        raise failure


class _OnTime:
    """One call whose time is measured."""

    def __init__(self, call: Any, send: Any, request: RequestContext) -> None:
        self._call = call
        self._send = send
        self._request = request
        self._is_over = False
        #: Around all that is done for the request, and around the wait for its end.
        self.served, self.timed = CancelScope(), CancelScope()

    async def expire(self, seconds: float) -> None:
        from carboy.server.guard import refuse_late

        with self.timed:
            await anyio.sleep(seconds)
            self._is_over = self._request.expired = True
            self.served.cancel()
        if self._is_over:
            await refuse_late(self._request, self._send)

    async def call(self, request: RequestContext) -> Any:
        """The call. guard.Over if its time was up."""
        answer = error = None
        try:
            answer = await self._call(request)
        except Exception as raised:
            if not self._is_over:
                raise
            error = raised
        self.timed.cancel()
        if self._is_over:
            from carboy.server.deadline import drop
            from carboy.server.guard import Over

            with CancelScope(shield=True):
                await drop(request, error, answer)
            raise Over
        return answer


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
