"""What is opened for a request is closed, in reverse order, exactly once, on every path.

A dependency with ``yield`` is opened by `enter`, kept in `request.opened`, and closed after the
last body byte and the background tasks (`finish`), or has the exception thrown in (`unwind`).
Colourless: see core/voice.py.
COMPAT: FastAPI closes dependencies of scope "request" after the response, "function" before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, NamedTuple

from carboy.core.context import RequestContext
from carboy.core.errors import SwallowedError
from carboy.core.voice import Colourless, Do

Steps = Generator[Any, Any, Any] | AsyncGenerator[Any, Any]
_END = object()


class Opened(NamedTuple):
    """A dependency between its ``yield`` and its end; `early` ones end before the answer leaves."""

    steps: Steps
    is_async: bool
    early: bool


def enter(request: RequestContext, steps: Generator[Any, Any, Any], early: bool) -> Any:
    """Run a dependency up to its ``yield`` and remember to close it."""
    value = next(steps, _END)
    if value is _END:
        raise RuntimeError(f"{steps!r} ended without a yield: a dependency yields exactly once")
    _remember(request, Opened(steps, False, early))
    return value


async def enter_async(request: RequestContext, steps: AsyncGenerator[Any, Any], early: bool) -> Any:
    """The same for ``async def``."""
    value = await anext(steps, _END)
    if value is _END:
        raise RuntimeError(f"{steps!r} ended without a yield: a dependency yields exactly once")
    _remember(request, Opened(steps, True, early))
    return value


def _remember(request: RequestContext, opened: Opened) -> None:
    if request.opened is None:
        request.opened = [opened]
    else:
        request.opened.append(opened)


def unwind(request: RequestContext, error: BaseException) -> Colourless[BaseException]:
    """Throw `error` into whatever is open, innermost first; the error that comes out."""
    opened, request.opened = request.opened or [], None
    request.background = None
    opened.sort(key=_is_early)
    while opened:
        steps, is_async, _ = opened.pop()
        try:
            if is_async:
                yield Do(_athrow, (steps, error), True)
            else:
                yield Do(_throw, (steps, error), False)
        except GeneratorExit:
            raise
        except BaseException as raised:
            error = raised
        else:
            swallowed = error
            error = SwallowedError(
                "a dependency with yield caught an exception and did not raise again, so there is "
                "no answer to send. Raise at the end of its except block (or raise an "
                "HTTPException there)."
            )
            error.__cause__ = swallowed
    return error


def _is_early(opened: Opened) -> bool:
    return opened.early


def close_early(request: RequestContext) -> Colourless[None]:
    """End the dependencies with scope "function": after the endpoint, before the answer leaves."""
    opened = request.opened or []
    early = [one for one in opened if one.early]
    request.opened = [one for one in opened if not one.early]
    yield from _close(early)


def finish(request: RequestContext) -> Colourless[None]:
    """After the last byte: background tasks, then the dependencies' ends."""
    if (background := request.background) is not None:
        request.background = None
        try:
            yield Do(background, (), True)
        except BaseException as error:
            raised = yield from unwind(request, error)
            raise raised from None
    opened, request.opened = request.opened or [], None
    yield from _close(opened)


def _close(opened: list[Opened]) -> Colourless[None]:
    """End each, last opened first; an exception of one is thrown into the others."""
    failure: BaseException | None = None
    while opened:
        steps, is_async, _ = opened.pop()
        try:
            if failure is not None:
                yield Do(_athrow if is_async else _throw, (steps, failure), is_async)
                failure = None
            else:
                yield Do(_end_async if is_async else _end, (steps,), is_async)
        except GeneratorExit:
            raise
        except BaseException as raised:
            failure = raised
    if failure is not None:
        raise failure


def _end(steps: Generator[Any, Any, Any]) -> None:
    if next(steps, _END) is not _END:
        steps.close()
        raise RuntimeError(f"{steps!r} yielded twice: a dependency yields exactly once")


async def _end_async(steps: AsyncGenerator[Any, Any]) -> None:
    if await anext(steps, _END) is not _END:
        await steps.aclose()
        raise RuntimeError(f"{steps!r} yielded twice: a dependency yields exactly once")


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
    raise RuntimeError(f"{steps!r} yielded again after an exception was thrown in") from error


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
    raise RuntimeError(f"{steps!r} yielded again after an exception was thrown in") from error
