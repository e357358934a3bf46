"""An event loop in a thread, for servers that have none.

Under a WSGI server `async def` endpoints, the lifespan and asynchronous dependencies run here. It
starts at the first request of each process, so after a server has forked, and closes at exit.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import logging
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from carboy.core.engine import Engine
from carboy.server.pool import Pool, close_pools, pool_of

T = TypeVar("T")
logger = logging.getLogger("carboy.error")


class Portal:
    """A running loop in a daemon thread, with one application's lifespan open in it."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.loop = asyncio.new_event_loop()
        #: What the lifespan yielded, for `request.state`.
        self.state: dict[str, Any] = {}
        self._engine = engine
        self._is_left = self._is_over = False
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="carboy-loop", daemon=True)
        self._thread.start()
        self._lifespan: Any = None

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while not self._is_over:
            # asyncio lets these two out of the loop, here where nobody watches. The task that
            # raised has them too, and as the loop goes on they reach the thread that waits for it.
            with suppress(SystemExit, KeyboardInterrupt):
                self.loop.run_forever()
        if self._is_left:
            self.loop.close()

    def _end(self) -> None:
        self._is_over = True
        self.loop.stop()

    @property
    def threads(self) -> Pool:
        return pool_of(self.loop)

    def call(
        self, coroutine: Coroutine[Any, Any, T], context: contextvars.Context | None = None
    ) -> T:
        """Run `coroutine` on the loop, in a `context` if given, and wait for its result."""
        if context is not None:
            coroutine = self._within(context, coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    async def _within(self, context: contextvars.Context, coroutine: Coroutine[Any, Any, T]) -> T:
        return await self.loop.create_task(coroutine, context=context)

    def do(self, call: Callable[[], T]) -> T:
        """Run a plain function on the loop's thread."""

        async def run() -> T:
            return call()

        return self.call(run())

    def start(self) -> None:
        """Freeze the application and open its lifespan; raises what start-up raises."""
        engine = self._engine
        if engine is None:
            return
        engine.freeze()
        if getattr(engine.application, "is_idle", False):
            self.call(_pass_through(engine))
            # Who makes an application for each of a thousand tests keeps none of them.
            self._engine = None
            weakref.finalize(engine, self._leave).atexit = False
            return
        ready: asyncio.Future[None] = self.do(self.loop.create_future)

        async def live() -> None:
            try:
                async with engine.application.lifespan() as state:
                    self.state.update(state or {})
                    ready.set_result(None)
                    await self._stop.wait()
            except BaseException as error:
                if ready.done():
                    raise
                ready.set_exception(error)

        self._lifespan = asyncio.run_coroutine_threadsafe(live(), self.loop)

        async def wait() -> None:
            await ready

        self.call(wait())

    def _leave(self) -> None:
        """End without waiting: the application is gone. Called by the garbage collector."""
        if self._is_left or self.loop.is_closed():
            return
        self._is_left = True
        close_pools(self.loop)
        self.loop.call_soon_threadsafe(self._end)

    def close(self) -> None:
        """Close the lifespan and stop the loop; raises what shutdown raises."""
        if self._is_left or self.loop.is_closed():
            return
        try:
            if self._lifespan is not None:
                self.do(self._stop.set)
                self._lifespan.result()
        finally:
            close_pools(self.loop)
            self.loop.call_soon_threadsafe(self._end)
            self._thread.join(5)
            self.loop.close()


async def _pass_through(engine: Engine) -> None:
    async with engine.application.lifespan():
        pass


_LOCK = threading.Lock()
_PORTALS: weakref.WeakKeyDictionary[Engine, tuple[int, Portal]] = weakref.WeakKeyDictionary()


def portal_of(engine: Engine) -> Portal:
    """The portal of `engine` in this process, started if need be."""
    entry = _PORTALS.get(engine)
    if entry is not None and entry[0] == os.getpid():
        return entry[1]
    with _LOCK:
        entry = _PORTALS.get(engine)
        if entry is not None and entry[0] == os.getpid():
            return entry[1]
        portal = Portal(engine)
        try:
            portal.start()
        except BaseException:
            portal._engine = None
            portal.close()
            raise
        _PORTALS[engine] = (os.getpid(), portal)
        atexit.register(_close, portal)
        return portal


def _close(portal: Portal) -> None:
    try:
        portal.close()
    except Exception:
        logger.exception("the application's shutdown failed")
