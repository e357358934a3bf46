"""Between a thread that works for a request and the task that waits for it.

The thread asks for calls that only the loop can make (receive, send) and waits for each: so a slow
client makes a slow thread, not a full memory. The calls are made in the task itself. When the
request is over before the thread is, whatever it asks from then on raises `ClientGone`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Protocol

from carboy.app.hosting.body import ClientGone
from carboy.server.pool import Pool, pool_of

#: Threads of hosted applications: however many of them are slow, the application's own are not.
POOL = "carboy-hosted"
Call = Callable[..., Coroutine[Any, Any, Any]]
Ask = tuple[Call, tuple[Any, ...], Future[Any]]


class Crossing(Protocol):
    """`run` is awaited on the loop; `ask` is called in the thread; `end` on the loop."""

    async def run(self, work: Callable[[], None]) -> None: ...

    def ask(self, call: Call, *args: Any) -> Any: ...

    def end(self) -> None: ...


def crossing() -> Crossing:
    """The one for the loop that is running."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return AnyCrossing()
    return PoolCrossing(pool_of(loop, POOL))


class PoolCrossing:
    """On asyncio, with a thread of a Pool."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._asked: deque[Ask] = deque()
        self._news = asyncio.Event()
        self._over = False

    def ask(self, call: Call, *args: Any) -> Any:
        """``await call(*args)``, from the thread."""
        reply: Future[Any] = Future()
        self._pool.post(self._note, (call, args, reply))
        return reply.result()

    def _note(self, ask: Ask) -> None:
        if self._over:
            ask[2].set_exception(ClientGone())
            return
        self._asked.append(ask)
        self._news.set()

    async def run(self, work: Callable[[], None]) -> None:
        """`work()` in a thread, which is waited for, even by who is cancelled."""
        done = self._pool.run(work)
        done.add_done_callback(lambda future: self._news.set())
        try:
            while not done.done():
                await self._news.wait()
                self._news.clear()
                while self._asked:
                    await self._make(*self._asked.popleft())
        except asyncio.CancelledError:
            from carboy.server.anyloop import outlast

            self.end()
            await outlast(done)
            if not done.cancelled():
                done.exception()  # is not to be reported: there is nobody to answer
            raise
        done.result()

    async def _make(self, call: Call, args: tuple[Any, ...], reply: Future[Any]) -> None:
        try:
            result = await call(*args)
        except Exception as error:
            reply.set_exception(error)
        except BaseException:
            reply.set_exception(ClientGone())
            raise
        else:
            reply.set_result(result)

    def end(self) -> None:
        """The request is over."""
        self._over = True
        while self._asked:
            self._asked.popleft()[2].set_exception(ClientGone())


class AnyCrossing:
    """On any other loop, with AnyIO's threads, whose calls are cancelled as their task is."""

    def __init__(self) -> None:
        self._over = False

    def ask(self, call: Call, *args: Any) -> Any:
        """``await call(*args)``, from the thread."""
        import anyio.from_thread

        if self._over:
            raise ClientGone
        return anyio.from_thread.run(call, *args)

    async def run(self, work: Callable[[], None]) -> None:
        """`work()` in a thread."""
        import anyio.to_thread

        await anyio.to_thread.run_sync(work)

    def end(self) -> None:
        """The request is over."""
        self._over = True
