"""What is opened is closed: order, errors thrown in, and every way to get a ``yield`` wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from carboy.core.closing import Opened, at_end, close_early, enter, enter_async, finish, unwind
from carboy.core.context import RequestContext
from carboy.core.errors import SwallowedError
from carboy.core.voice import drive_async

from .doubles import VOICES, request_for, wait_for

Log = list[str]


class Boom(Exception):
    """What goes wrong in these tests."""


@pytest.fixture(params=VOICES)
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return VOICES[request.param]


def good(log: Log, name: str) -> Iterator[str]:
    log.append(f"{name} opens")
    try:
        yield name
    except BaseException as error:
        log.append(f"{name} sees {type(error).__name__}")
        raise
    finally:
        log.append(f"{name} closes")


async def good_async(log: Log, name: str) -> AsyncIterator[str]:
    log.append(f"{name} opens")
    try:
        yield name
    except BaseException as error:
        log.append(f"{name} sees {type(error).__name__}")
        raise
    finally:
        log.append(f"{name} closes")


def bad_end(log: Log, name: str) -> Iterator[str]:
    yield name
    log.append(f"{name} fails")
    raise Boom(name)


async def bad_end_async(log: Log, name: str) -> AsyncIterator[str]:
    yield name
    log.append(f"{name} fails")
    raise Boom(name)


def swallow(log: Log, name: str) -> Iterator[str]:
    try:
        yield name
    except Exception as error:
        log.append(f"{name} swallows {type(error).__name__}")


async def swallow_async(log: Log, name: str) -> AsyncIterator[str]:
    try:
        yield name
    except Exception as error:
        log.append(f"{name} swallows {type(error).__name__}")


def again(log: Log, name: str) -> Iterator[str]:
    try:
        yield name
    except Exception:
        log.append(f"{name} goes on")
    try:
        yield "again"
    finally:
        log.append(f"{name} closes")


async def again_async(log: Log, name: str) -> AsyncIterator[str]:
    try:
        yield name
    except Exception:
        log.append(f"{name} goes on")
    try:
        yield "again"
    finally:
        log.append(f"{name} closes")


def replace(log: Log, name: str) -> Iterator[str]:
    try:
        yield name
    except Exception as error:
        raise KeyError(name) from error


async def replace_async(log: Log, name: str) -> AsyncIterator[str]:
    try:
        yield name
    except Exception as error:
        raise KeyError(name) from error


BOTH = {
    "good": (good, good_async),
    "bad_end": (bad_end, bad_end_async),
    "swallow": (swallow, swallow_async),
    "again": (again, again_async),
    "replace": (replace, replace_async),
}


def opened(log: Log, *names: str, colour: int = 0, early: str = "") -> RequestContext:
    """A request with dependencies open, first to last; ``good:x`` is `good` called x."""
    request = request_for()

    async def open_all() -> None:
        for name in names:
            kind, _, alias = name.partition(":")
            made = BOTH[kind][colour](log, alias or kind)
            if colour:
                await enter_async(request, made, (alias or kind) in early.split())
            else:
                enter(request, made, (alias or kind) in early.split())

    wait_for(open_all())
    return request


@pytest.fixture(params=[0, 1], ids=["def", "async"])
def colour(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_enter_gives_what_was_yielded_and_remembers(colour: int) -> None:
    request = request_for()
    log: Log = []
    if colour:
        assert wait_for(enter_async(request, good_async(log, "a"), False)) == "a"
    else:
        assert enter(request, good(log, "a"), False) == "a"
    assert request.opened is not None
    [only] = request.opened
    assert (only.is_async, only.early) == (bool(colour), False)
    assert log[0] == "a opens"


def test_a_dependency_that_never_yields_is_an_error(colour: int) -> None:
    request = request_for()

    def never() -> Iterator[None]:
        yield from ()

    async def never_async() -> AsyncIterator[None]:
        for _ in ():
            yield

    with pytest.raises(RuntimeError, match="ended without a yield"):
        if colour:
            wait_for(enter_async(request, never_async(), False))
        else:
            enter(request, never(), False)
    assert request.opened is None


def test_ends_run_last_opened_first(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "good:b", colour=colour)
    run(finish(request), request)
    assert log == ["a opens", "b opens", "b closes", "a closes"]
    assert request.opened is None
    run(finish(request), request)
    assert len(log) == 4, "once is enough"


def test_background_comes_before_the_ends(run: Any) -> None:
    log: Log = []
    request = opened(log, "good:a")

    async def background() -> None:
        log.append("background")

    request.background = background
    run(finish(request), request)
    assert log == ["a opens", "background", "a closes"]
    assert request.background is None


def test_an_error_of_the_background_is_thrown_in(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", colour=colour)

    async def background() -> None:
        raise Boom

    request.background = background
    with pytest.raises(Boom):
        run(finish(request), request)
    assert log == ["a opens", "a sees Boom", "a closes"]


def test_an_error_in_one_end_reaches_the_others(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "bad_end", "good:b", colour=colour)
    with pytest.raises(Boom):
        run(finish(request), request)
    assert log[2:] == ["b closes", "bad_end fails", "a sees Boom", "a closes"]


def test_an_error_of_an_end_may_be_swallowed_further_out(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "swallow", "bad_end", colour=colour)
    run(finish(request), request)
    assert log[1:] == ["bad_end fails", "swallow swallows Boom", "a closes"]


def test_a_dependency_that_yields_twice_is_closed_and_named(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "again", colour=colour)
    with pytest.raises(RuntimeError, match=r"again.* yielded twice"):
        run(finish(request), request)
    assert log[1:] == ["again closes", "a sees RuntimeError", "a closes"]


def test_unwind_throws_the_error_into_everything(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "good:b", colour=colour)
    request.background = lambda: None
    error = Boom()
    assert run(unwind(request, error), request) is error
    assert log[2:] == ["b sees Boom", "b closes", "a sees Boom", "a closes"]
    assert request.opened is None
    assert request.background is None, "no answer, no work after it"


def test_unwind_goes_on_with_what_a_dependency_raises_instead(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "replace", colour=colour)
    error = run(unwind(request, Boom()), request)
    assert isinstance(error, KeyError)
    assert isinstance(error.__cause__, Boom)
    assert log[1:] == ["a sees KeyError", "a closes"]


def test_a_swallowed_error_is_reported_with_its_cause(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "swallow", colour=colour)
    error = run(unwind(request, Boom()), request)
    assert isinstance(error, SwallowedError)
    assert isinstance(error.__cause__, Boom), "or nobody learns what went wrong"
    assert log[1:] == ["swallow swallows Boom", "a sees SwallowedError", "a closes"]


def test_yielding_again_after_an_error_is_an_error_with_its_cause(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "again", colour=colour)
    error = run(unwind(request, Boom()), request)
    assert isinstance(error, RuntimeError)
    assert "yielded again" in str(error)
    assert isinstance(error.__cause__, Boom)
    assert log == ["again goes on", "again closes"]


def test_stop_iteration_comes_out_as_it_went_in(colour: int) -> None:
    # In the async voice nobody can raise StopIteration: coroutines and threads change it.
    kind, run = (StopAsyncIteration, "async def") if colour else (StopIteration, "def")
    request = opened([], "good:a", colour=colour)
    error = kind("mine")
    assert VOICES[run](unwind(request, error), request) is error


def test_a_runtime_error_of_the_dependency_is_not_mistaken_for_pep_479(run: Any) -> None:
    def careful() -> Iterator[None]:
        try:
            yield
        except Boom as error:
            raise ValueError("mine") from error

    request = request_for()
    enter(request, careful(), False)
    assert isinstance(run(unwind(request, Boom()), request), ValueError)


def test_early_ones_end_alone_and_in_order(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:a", "good:x", "good:b", "good:y", colour=colour, early="x y")
    run(close_early(request), request)
    assert log[4:] == ["y closes", "x closes"]
    run(finish(request), request)
    assert log[6:] == ["b closes", "a closes"]


def test_an_error_unwinds_early_ones_first(run: Any, colour: int) -> None:
    log: Log = []
    request = opened(log, "good:x", "good:a", "good:y", colour=colour, early="x y")
    run(unwind(request, Boom()), request)
    assert [line for line in log if "closes" in line] == ["y closes", "x closes", "a closes"]


def test_an_early_end_that_fails_reaches_the_early_ones_and_leaves_the_rest(run: Any) -> None:
    log: Log = []
    request = opened(log, "good:a", "good:x", "bad_end", early="x bad_end")
    with pytest.raises(Boom):
        run(close_early(request), request)
    assert log[2:] == ["bad_end fails", "x sees Boom", "x closes"]
    assert request.opened is not None
    assert len(request.opened) == 1


def test_blocking_ends_run_in_threads_of_the_async_voice() -> None:
    log: Log = []
    request = opened(log, "good:a")
    wait_for(drive_async(finish(request), request))
    assert request.wire.calls == ["_end"]  # type: ignore[attr-defined]


def test_cancelling_while_closing_still_closes_the_rest() -> None:
    log: Log = []

    async def slow() -> AsyncIterator[None]:
        yield
        try:
            await asyncio.Event().wait()
        finally:
            log.append("slow ends")

    async def scenario() -> None:
        request = request_for()
        await enter_async(request, good_async(log, "a"), False)
        await enter_async(request, slow(), False)
        task = asyncio.create_task(drive_async(finish(request), request))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    wait_for(scenario())
    assert log == ["a opens", "slow ends", "a sees CancelledError", "a closes"]


def test_a_coroutine_thrown_away_while_closing_does_not_await() -> None:
    async def slow() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(0)

    request = request_for()
    steps = slow()
    with pytest.raises(StopIteration):
        steps.__anext__().send(None)
    request.opened = [Opened(slow(), True, False), Opened(steps, True, False)]
    closing = drive_async(finish(request), request)
    closing.send(None)  # the last one's end is waiting
    closing.close()  # RuntimeError here if anything awaited


def test_the_end_is_told_before_dependencies_end(run: Callable[..., Any]) -> None:
    log: Log = []
    request = request_for()
    enter(request, good(log, "dependency"), False)
    at_end(request, lambda: log.append("the end"))
    run(finish(request), request)
    run(finish(request), request)
    assert log == ["dependency opens", "the end", "dependency closes"]


def test_the_end_is_told_after_an_error_too(run: Callable[..., Any]) -> None:
    log: Log = []
    request = request_for()
    at_end(request, lambda: log.append("the end"))
    enter(request, good(log, "dependency"), False)
    error = Boom()
    assert run(unwind(request, error), request) is error
    assert log == ["dependency opens", "dependency sees Boom", "dependency closes", "the end"]
