"""What is open while an application is served: one shape for everything that may be given."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carboy.fastapi.router import APIRouter

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class DefaultLifespan:
    """Start-up and shutdown handlers, as a lifespan."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router

    async def __aenter__(self) -> None:
        await self._router._startup()

    async def __aexit__(self, *details: object) -> None:
        await self._router._shutdown()

    def __call__(self, app: object) -> DefaultLifespan:
        return self


def as_lifespan(given: Any) -> Lifespan:
    """An async context manager function for `given`: one already, or a generator function."""
    if inspect.isasyncgenfunction(given):
        return asynccontextmanager(given)
    if inspect.isgeneratorfunction(given):
        manager = contextlib.contextmanager(given)

        @functools.wraps(given)
        @asynccontextmanager
        async def lifted(app: Any) -> AsyncIterator[Any]:
            with manager(app) as state:
                yield state

        return lifted
    return given  # type: ignore[no-any-return]


def merged(outer: Lifespan, inner: Lifespan) -> Lifespan:
    """`inner` within `outer`; the state of both, `outer`'s keys winning."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        async with outer(app) as first, inner(app) as second:
            if first is None and second is None:
                yield None
            else:
                yield {**(second or {}), **(first or {})}

    lifespan.parts = outer, inner  # type: ignore[attr-defined]
    return lifespan


def is_idle(lifespan: Any) -> bool:
    """Whether nothing happens at its start and its end."""
    if isinstance(lifespan, DefaultLifespan):
        router = lifespan._router
        return not (router.on_startup or router.on_shutdown)
    parts = getattr(lifespan, "parts", ())
    return bool(parts) and all(map(is_idle, parts))
