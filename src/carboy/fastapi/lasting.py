"""Dependencies with scope "app": made once at start, shared by all requests, closed at stop.

`Lasting` belongs to one application. While its lifespan is open, each callable has one value, kept
in its `Shared`; compiled endpoints look there and call nothing. What such a dependency depends on
lasts as long. Where nobody has started the application (a test client without ``with``), a value is
made for the request that asks, and closed with it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import anyio

from carboy.core.closing import enter_async
from carboy.core.context import RequestContext
from carboy.core.voice import kind_of
from carboy.fastapi.dependencies.models import Dependant

if TYPE_CHECKING:
    from carboy.fastapi.declared import Declared


class Shared:
    """The value of one callable in one application."""

    __slots__ = ("call", "is_made", "lasting", "value")

    def __init__(self, lasting: Lasting, call: Callable[..., Any]) -> None:
        self.lasting = lasting
        self.call = call
        self.is_made = False
        self.value: Any = None

    async def make(self, request: RequestContext) -> Any:
        """The value, made if need be."""
        if self.lasting.stack is not None:
            return await self.lasting.made(self)
        stack = AsyncExitStack()
        await enter_async(request, _open(stack), False)
        return await build(self.lasting.declared, self.call, stack, {})

    async def enter(self, stack: AsyncExitStack) -> Any:
        """The same for code that has an exit stack of its own."""
        if self.lasting.stack is not None:
            return await self.lasting.made(self)
        return await build(self.lasting.declared, self.call, stack, {})


async def _open(stack: AsyncExitStack) -> AsyncGenerator[None, None]:
    async with stack:
        yield


class Lasting:
    """All of an application's values, and what closes them."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        #: Closes what is open; None while the application is not served.
        self.stack: AsyncExitStack | None = None
        self._shared: dict[int, Shared] = {}
        #: Whoever makes a value holds it; of the loop that the application is served by.
        self._lock: anyio.Lock

    def of(self, call: Callable[..., Any]) -> Shared:
        """Where the value of `call` is."""
        known = self._shared.get(id(call))
        if known is None:
            known = self._shared[id(call)] = Shared(self, call)
        return known

    async def made(self, shared: Shared) -> Any:
        """The value of `shared`, made now if it is not there."""
        async with self._lock:
            if not shared.is_made:
                assert self.stack is not None
                values = {key: one.value for key, one in self._shared.items() if one.is_made}
                await build(self.declared, shared.call, self.stack, values)
                for key, value in values.items():
                    one = self._shared.get(key)
                    if one is not None and not one.is_made:
                        one.value, one.is_made = value, True
                if not shared.is_made:  # an override was built in its place
                    raise RuntimeError(f"{shared.call!r} was overridden while it was made")
        return shared.value

    @asynccontextmanager
    async def opened(self, calls: Callable[[], Iterable[Any]]) -> AsyncIterator[None]:
        """Make the values of `calls` in order; close whatever was made, the last first."""
        before = self.stack, [(one, one.is_made, one.value) for one in self._shared.values()]
        try:
            async with AsyncExitStack() as stack:
                self.stack, self._lock = stack, anyio.Lock()
                self._forget()
                for call in calls():
                    await self.made(self.of(call))
                yield
        finally:
            self.stack, kept = before
            self._forget()
            for one, is_made, value in kept:
                one.is_made, one.value = is_made, value

    def _forget(self) -> None:
        for one in self._shared.values():
            one.is_made, one.value = False, None


async def build(
    declared: Declared, call: Any, stack: AsyncExitStack, values: dict[int, Any]
) -> Any:
    """The result of `call` and of all that it depends on, each remembered in `values`."""
    from carboy.fastapi.dependencies.analysis import get_dependant

    call = declared.instead_of(call)
    if id(call) in values:
        return values[id(call)]
    dependant = get_dependant(path="", call=call, scope="app")
    arguments: dict[str, Any] = {}
    for sub in dependant.dependencies:
        result = await build(declared, sub.call, stack, values)
        if sub.name is not None:
            arguments[sub.name] = result
    value = values[id(call)] = await entered(call, arguments, stack)
    return value


async def entered(call: Any, arguments: dict[str, Any], stack: AsyncExitStack) -> Any:
    """The result of `call`; a generator's end is left to `stack`, blocking code to a thread."""
    kind = kind_of(call)
    if kind.is_generator and kind.is_async:
        return await stack.enter_async_context(asynccontextmanager(call)(**arguments))
    if kind.is_generator:
        from carboy.fastapi.concurrency import contextmanager_in_threadpool

        manager = contextmanager_in_threadpool(contextmanager(call)(**arguments))
        return await stack.enter_async_context(manager)
    if kind.is_async:
        return await call(**arguments)
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(call, **arguments)


def check(dependant: Dependant, root: Any = None) -> None:
    """DependencyScopeError where a dependency that lasts asks for something of a request."""
    root = root or dependant.call
    for name in _asked(dependant):
        _refuse(root, f'can\'t take "{name}", which comes from a request')
    for sub in dependant.dependencies:
        if sub.scope not in (None, "app"):
            _refuse(root, f'can\'t depend on dependencies with scope "{sub.scope}"')
        check(sub, root)


def _asked(dependant: Dependant) -> Iterator[str]:
    for kind in ("path", "query", "header", "cookie", "body"):
        for field in getattr(dependant, f"{kind}_params"):
            yield field.name
    yield from special_names(dependant)


def special_names(dependant: Dependant) -> Iterator[str]:
    """The parameters for objects of the request itself."""
    for special in _SPECIALS:
        if (name := getattr(dependant, f"{special}_param_name")) is not None:
            yield name


_SPECIALS = (
    "request",
    "websocket",
    "http_connection",
    "response",
    "background_tasks",
    "security_scopes",
)


def _refuse(call: Any, why: str) -> None:
    from carboy.fastapi.exceptions import DependencyScopeError

    name = getattr(call, "__name__", "<unnamed_callable>")
    raise DependencyScopeError(f'The dependency "{name}" has a scope of "app", it {why}.')
