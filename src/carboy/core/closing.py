"""What is opened for a request is closed, in reverse order, exactly once, on every path.

A dependency with ``yield`` is opened by `enter`, kept in `request.opened`, and closed after the
last body byte and the background tasks (`finish`), or has the exception thrown in (`unwind`).
Colourless: see core/voice.py. Where a transport can be cancelled at every await, what is opened
stands within its `Shelter`, which keeps cancellation out while something is closed.
COMPAT: FastAPI closes dependencies of scope "request" after the response, "function" before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, NamedTuple

from carboy.core.context import RequestContext, Shelter
from carboy.core.errors import SwallowedError
from carboy.core.voice import Colourless, Do

_END = object()


class Opened(NamedTuple):
    """A dependency between its ``yield`` and its end; `early` ones end before the answer leaves.

    The shelter is one as well, the first to be opened, and so is an `Ending`: their `is_async` is
    None.
    """

    steps: Any
    is_async: bool | None
    early: bool


class Ending:
    """Calls `close` when the request is closed, wherever that is: it neither waits nor blocks."""

    __slots__ = ("close",)

    def __init__(self, close: Callable[[], None]) -> None:
        self.close = close


def at_end(request: RequestContext, call: Callable[[], None]) -> None:
    """Have `call` called when the last byte of a streamed answer is out, or will never be.

    Background tasks come before. For whole answers there is nothing to wait for: call it at once.
    """
    _remember(request, Opened(Ending(call), None, False))


def shelter(request: RequestContext) -> None:
    """Called before anything is opened, in the task that will close it.

    Later would be too late: a dependency may open a cancel scope, and scopes end in reverse order.
    """
    make = request.wire.shelter
    if make is not None:
        request.opened = [Opened(make(), None, False)]


def enter(request: RequestContext, steps: Generator[Any, Any, Any], early: bool) -> Any:
    """Run a dependency up to its ``yield`` and remember to close it."""
    value = next(steps, _END)
    if value is _END:
        raise RuntimeError(f"{_named(steps)} ended without a yield: a dependency yields once")
    _remember(request, Opened(steps, False, early))
    return value


async def enter_async(request: RequestContext, steps: AsyncGenerator[Any, Any], early: bool) -> Any:
    """The same for ``async def``."""
    value = await anext(steps, _END)
    if value is _END:
        raise RuntimeError(f"{_named(steps)} ended without a yield: a dependency yields once")
    _remember(request, Opened(steps, True, early))
    return value


def _remember(request: RequestContext, opened: Opened) -> None:
    if request.opened is None:
        request.opened = [opened]
    else:
        request.opened.append(opened)


def unwind(
    request: RequestContext,
    error: BaseException,
    swallowed: type[SwallowedError] = SwallowedError,
) -> Colourless[BaseException]:
    """Throw `error` into whatever is open, innermost first; the error that comes out."""
    opened, request.opened = request.opened or [], None
    request.background = None
    opened.sort(key=_is_early)
    sheltering = _shelter_of(opened)
    while opened:
        one = opened.pop()
        raised = yield from _part(one, sheltering, error)
        if raised is not None:
            error = raised
        elif one.is_async is not None:
            cause, error = error, swallowed()
            error.__cause__ = cause
    return error


def _shelter_of(opened: list[Opened]) -> Shelter | None:
    for one in opened:
        if one.is_async is None and type(one.steps) is not Ending:
            return one.steps  # type: ignore[no-any-return]
    return None


def _is_early(opened: Opened) -> bool:
    return opened.early


def close_early(request: RequestContext) -> Colourless[None]:
    """End the dependencies with scope "function": after the endpoint, before the answer leaves."""
    opened = request.opened or []
    early = [one for one in opened if one.early]
    request.opened = [one for one in opened if not one.early]
    yield from _close(early, _shelter_of(opened))


def finish(request: RequestContext) -> Colourless[None]:
    """After the last byte: background tasks, then the dependencies' ends."""
    if (background := request.background) is not None:
        request.background = None
        try:
            yield Do(background, (), True)
        except BaseException as error:
            raised = yield from unwind(request, error)
            raise raised from None
    yield from close_opened(request)


def close_opened(request: RequestContext) -> Colourless[None]:
    """The ends of whatever is open, and nothing else."""
    opened, request.opened = request.opened or [], None
    yield from _close(opened, _shelter_of(opened))


def _close(opened: list[Opened], sheltering: Shelter | None) -> Colourless[None]:
    """End each, last opened first; an exception of one is thrown into the others."""
    failure: BaseException | None = None
    while opened:
        one = opened.pop()
        raised = yield from _part(one, sheltering, failure)
        if raised is not None or one.is_async is not None:
            failure = raised
    if failure is not None:
        raise failure


def _part(
    one: Opened, sheltering: Shelter | None, error: BaseException | None
) -> Colourless[BaseException | None]:
    """Close one; the error that came out of it, which may be a cancellation that had to wait."""
    steps, is_async, _ = one
    try:
        if is_async is None:
            steps.close()
            return None
        if sheltering is not None:
            sheltering.up()
        try:
            if error is None:
                yield Do(_end_async if is_async else _end, (steps,), is_async)
            else:
                yield Do(_athrow if is_async else _throw, (steps, error), is_async)
        finally:
            if sheltering is not None:
                sheltering.down()
        if is_async and sheltering is not None:
            # COMPAT: after a blocking one it is left to the next await.
            yield Do(sheltering.checkpoint, (), True)
    except GeneratorExit:
        raise
    except BaseException as raised:  # returned, since a generator can't raise StopIteration
        return raised
    return None


def _named(steps: Any) -> str:
    """The function behind a generator, for messages."""
    return f"{getattr(steps, '__qualname__', repr(steps))}()"


def _end(steps: Generator[Any, Any, Any]) -> None:
    if next(steps, _END) is not _END:
        steps.close()
        raise RuntimeError(f"{_named(steps)} yielded twice: a dependency yields once")


async def _end_async(steps: AsyncGenerator[Any, Any]) -> None:
    if await anext(steps, _END) is not _END:
        await steps.aclose()
        raise RuntimeError(f"{_named(steps)} yielded twice: a dependency yields once")


def _throw(steps: Generator[Any, Any, Any], error: BaseException) -> None:
    try:
        steps.throw(error)
    except StopIteration:
        return
    except RuntimeError as raised:
        # PEP 479 wraps a StopIteration that the body let through.
        if raised is not error and raised.__cause__ is error:
            raise error from None
        raise
    steps.close()
    raise RuntimeError(f"{_named(steps)} yielded again after an exception was thrown in") from error


async def _athrow(steps: AsyncGenerator[Any, Any], error: BaseException) -> None:
    try:
        await steps.athrow(error)
    except StopAsyncIteration:
        return
    except RuntimeError as raised:
        if raised is not error and raised.__cause__ is error:
            raise error from None
        raise
    await steps.aclose()
    raise RuntimeError(f"{_named(steps)} yielded again after an exception was thrown in") from error
