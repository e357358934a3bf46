"""The one place where async and sync differ.

Every callable has a colour (`Kind`); every compiled endpoint speaks in one voice. `CALL` says how
the async and the sync voice call each colour, as source text; nothing else in the compiler knows.
Slow paths (errors, closing) are written once, as plain generators that yield `Do(f, args)` where
they would call somebody's code; `drive` and `drive_async` carry them out.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from enum import Enum
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

#: The `async def` function in a `def` decorator that is being called by who awaits its coroutine:
#: whoever would run that function to its end hands on `Unstarted` instead.
AWAITED: ContextVar[Callable[..., Any] | None] = ContextVar("carboy.awaited", default=None)


class LookedAt(BaseException):
    """A decorator wants the result of an `async def` function that has not been started."""


class Unstarted:
    """What stands for the call of an `async def` function until it is awaited.

    Who only hands it on does not notice. Who looks at it raises `LookedAt`, which no
    ``except Exception`` catches.
    """

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call

    def __await__(self) -> Generator[Any, None, Any]:
        return self._call().__await__()  # type: ignore[no-any-return]

    def _looked(self, *args: Any, **values: Any) -> Any:
        raise LookedAt

    __getattr__ = __call__ = __iter__ = __len__ = __getitem__ = __bool__ = _looked
    __reduce_ex__ = __contains__ = _looked


class Kind(Enum):
    """The colour of a callable."""

    SYNC = "def"
    ASYNC = "async def"
    SYNC_GENERATOR = "def … yield"
    ASYNC_GENERATOR = "async def … yield"

    @property
    def is_async(self) -> bool:
        return self in (Kind.ASYNC, Kind.ASYNC_GENERATOR)

    @property
    def is_generator(self) -> bool:
        return self in (Kind.SYNC_GENERATOR, Kind.ASYNC_GENERATOR)


def kind_of(call: Callable[..., Any]) -> Kind:
    """The colour of `call`: functions, methods, partials, wrapped functions, objects, classes."""
    call = _below_partials(call)
    if inspect.isclass(call):
        return Kind.SYNC
    inner = inspect.unwrap(call)
    faces = [call, inner]
    if not (inspect.isroutine(inner) or inspect.isclass(inner)):
        for one in (call, inner):
            bound = _below_partials(getattr(one, "__call__", None))  # noqa: B004 - it is wanted
            faces += [bound, inspect.unwrap(bound)]
    for test, kind in _TESTS:
        if any(test(face) for face in faces):
            return kind
    return Kind.SYNC


def _below_partials(call: Any) -> Any:
    while isinstance(call, functools.partial):
        call = call.func
    return call


_TESTS: tuple[tuple[Callable[[Any], bool], Kind], ...] = (
    (inspect.isasyncgenfunction, Kind.ASYNC_GENERATOR),
    (inspect.iscoroutinefunction, Kind.ASYNC),
    (inspect.isgeneratorfunction, Kind.SYNC_GENERATOR),
)

#: (async voice?, async callable?) -> source text; {call} is the callable's name, {args} what
#: stands between the parentheses. `request.threads` and `request.portal` belong to the transport.
CALL: dict[tuple[bool, bool], str] = {
    (True, True): "await {call}({args})",
    (True, False): "await request.threads.run({call}, {args})",
    (False, False): "{call}({args})",
    (False, True): "request.portal({call}({args}))",
}


def call_text(voice_is_async: bool, kind: Kind, call: str, args: str) -> str:
    """Source text that calls `call` of this colour in this voice."""
    text = CALL[voice_is_async, kind.is_async]
    if not args:
        text = text.replace(", {args}", "")
    return text.format(call=call, args=args)


class Do(NamedTuple):
    """Somebody's code that a colourless generator wants called.

    `is_async` None says that the call neither waits nor blocks: no voice needs a detour.
    """

    call: Callable[..., Any]
    args: tuple[Any, ...]
    is_async: bool | None


Colourless = Generator[Do, Any, T]


def drive(steps: Colourless[T], request: Any) -> T:
    """Carry out `steps` in a thread that may block."""
    try:
        do = next(steps)
        while True:
            try:
                value = do.call(*do.args)
                if do.is_async:
                    value = request.portal(value)
            except BaseException as error:
                do = steps.throw(error)
            else:
                do = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def drive_async(steps: Colourless[T], request: Any) -> T:
    """Carry out `steps` on the event loop, blocking code in a thread."""
    try:
        do = next(steps)
        while True:
            try:
                if do.is_async is None:
                    value = do.call(*do.args)
                elif do.is_async:
                    value = await do.call(*do.args)
                else:
                    value = await request.threads.insist(do.call, *do.args)
            except GeneratorExit:
                steps.close()  # this coroutine is being thrown away: nothing can be awaited
                raise
            except BaseException as error:
                do = steps.throw(error)
            else:
                do = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
