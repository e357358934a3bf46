"""Dependencies outside of requests: in commands, workers and tests.

``async with app.resolve(get_service) as service:`` or ``with`` the same: what `get_service` depends
on is solved as for a request, overrides included, and closed at the end, in order, with the
exception thrown in that ended the block. What comes from a request has to be given by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from carboy.fastapi.dependencies.analysis import get_dependant
from carboy.fastapi.dependencies.models import Dependant
from carboy.fastapi.depends import Depends
from carboy.fastapi.lasting import entered, special_names
from carboy.server.portal import Portal

if TYPE_CHECKING:
    from carboy.fastapi.declared import Declared


class Resolution:
    """One use of a dependency; an async context manager, and a blocking one on a loop of its own.

    Dependencies of scope "app" are the application's where it is being served, else they are made
    for this use.
    """

    def __init__(
        self, declared: Declared, wanted: Callable[..., Any] | Depends, values: dict[str, Any]
    ) -> None:
        self._declared = declared
        self._wanted = wanted
        self._values = values
        self._portal: Portal | None = None
        self._stack = AsyncExitStack()
        self._results: dict[int, Any] = {}

    async def __aenter__(self) -> Any:
        self._stack, self._results = AsyncExitStack(), {}
        lasting = self._declared.lasting
        try:
            if lasting.stack is None:
                await self._stack.enter_async_context(lasting.opened(lambda: ()))
            wanted = self._wanted
            if not isinstance(wanted, Depends):
                return await self._result(wanted)
            if wanted.dependency is None:
                raise TypeError("resolve() takes Depends(function), not a bare Depends()")
            if wanted.scope == "app":
                return await self._lasting(wanted.dependency)
            return await self._result(wanted.dependency)
        except BaseException as error:
            if not await self._stack.__aexit__(type(error), error, error.__traceback__):
                raise
            raise RuntimeError(f"a dependency of {self._wanted!r} swallowed {error!r}") from error

    async def __aexit__(self, *details: Any) -> bool:
        return bool(await self._stack.__aexit__(*details))

    def __enter__(self) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("an event loop runs here: write `async with app.resolve(...)`")
        self._portal = Portal()
        try:
            return self._portal.call(self.__aenter__())
        except BaseException:
            self._portal.close()
            raise

    def __exit__(self, *details: Any) -> bool:
        assert self._portal is not None
        try:
            return self._portal.call(self.__aexit__(*details))
        finally:
            self._portal.close()

    async def _lasting(self, call: Any) -> Any:
        return await self._declared.lasting.of(self._declared.instead_of(call)).enter(self._stack)

    async def _result(self, call: Any) -> Any:
        call = self._declared.instead_of(call)
        dependant = get_dependant(path="", call=call)
        arguments: dict[str, Any] = {}
        for sub in dependant.dependencies:
            result = await self._of(sub)
            if sub.name is not None:
                arguments[sub.name] = result
        self._fill(dependant, arguments)
        return await entered(call, arguments, self._stack)

    async def _of(self, sub: Dependant) -> Any:
        if sub.name is not None and sub.name in self._values:
            return self._values[sub.name]
        if sub.scope == "app":
            return await self._lasting(sub.call)
        if not sub.use_cache:
            return await self._result(sub.call)
        key = id(sub.call)
        if key not in self._results:
            self._results[key] = await self._result(sub.call)
        return self._results[key]

    def _fill(self, dependant: Dependant, arguments: dict[str, Any]) -> None:
        """What a request would bring: given by name, or its default."""
        for kind in ("path", "query", "header", "cookie", "body"):
            for field in getattr(dependant, f"{kind}_params"):
                if field.name in self._values:
                    arguments[field.name] = self._values[field.name]
                elif field.field_info.is_required():
                    self._missing(dependant, field.name)
                else:
                    arguments[field.name] = field.get_default()
        for name in special_names(dependant):
            if name not in self._values:
                self._missing(dependant, name)
            arguments[name] = self._values[name]

    def _missing(self, dependant: Dependant, name: str) -> None:
        called = getattr(dependant.call, "__name__", repr(dependant.call))
        raise TypeError(
            f"{called} takes {name!r} from a request, and here is none: give it, as in "
            f"app.resolve(..., {name}=...)"
        )
