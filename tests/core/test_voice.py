"""Colours of callables, and colourless steps carried out in both voices."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from carboy.core.voice import CALL, Colourless, Do, Kind, call_text, drive, drive_async, kind_of
from carboy.server.pool import Pool

from .doubles import VOICES, request_for, wait_for


def plain() -> None: ...


async def slow() -> None: ...


def steps() -> Iterator[None]:
    yield


async def slow_steps() -> AsyncIterator[None]:
    yield


def passing(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return wrapper


def awaiting(call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs)

    return wrapper


class Methods:
    """Every colour as a method."""

    def plain(self) -> None: ...

    async def slow(self) -> None: ...

    @classmethod
    async def of_class(cls) -> None: ...

    @staticmethod
    def static() -> Iterator[None]:
        yield

    async def __call__(self) -> AsyncIterator[None]:
        yield


class Wrapped:
    """An object that stands for a function, as some decorators make them."""

    def __init__(self, call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, call)

    def __call__(self) -> Any: ...


class SlowlyMade:
    """A class whose instances are awaited; making one is not."""

    def __await__(self) -> Iterator[None]:
        yield

    async def __call__(self) -> None: ...


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (plain, Kind.SYNC),
        (slow, Kind.ASYNC),
        (steps, Kind.SYNC_GENERATOR),
        (slow_steps, Kind.ASYNC_GENERATOR),
        (lambda: None, Kind.SYNC),
        (len, Kind.SYNC),
        (functools.partial(slow), Kind.ASYNC),
        (functools.partial(functools.partial(steps)), Kind.SYNC_GENERATOR),
        (functools.partial(passing(slow_steps)), Kind.ASYNC_GENERATOR),
        (passing(functools.partial(slow)), Kind.ASYNC),
        (passing(slow), Kind.ASYNC),
        (passing(passing(steps)), Kind.SYNC_GENERATOR),
        (awaiting(plain), Kind.ASYNC),
        (awaiting(steps), Kind.ASYNC),
        (Methods().plain, Kind.SYNC),
        (Methods().slow, Kind.ASYNC),
        (Methods.of_class, Kind.ASYNC),
        (Methods.static, Kind.SYNC_GENERATOR),
        (Methods(), Kind.ASYNC_GENERATOR),
        (functools.partial(Methods()), Kind.ASYNC_GENERATOR),
        (Methods, Kind.SYNC),
        (SlowlyMade, Kind.SYNC),
        (SlowlyMade(), Kind.ASYNC),
        (dict, Kind.SYNC),
        (Wrapped(slow), Kind.ASYNC),
        (Wrapped(plain), Kind.SYNC),
    ],
)
def test_the_colour_of_a_callable(call: Callable[..., Any], kind: Kind) -> None:
    assert kind_of(call) is kind


def test_what_a_kind_is() -> None:
    assert [kind.is_async for kind in Kind] == [False, True, False, True]
    assert [kind.is_generator for kind in Kind] == [False, False, True, True]


@pytest.mark.parametrize("voice", [True, False])
@pytest.mark.parametrize("kind", Kind)
def test_call_text(voice: bool, kind: Kind) -> None:
    text = CALL[voice, kind.is_async]
    assert call_text(voice, kind, "f", "a=b, c=d") == text.format(call="f", args="a=b, c=d")
    empty = call_text(voice, kind, "f", "")
    compile(f"async def test():\n    {empty}", "test", "exec")
    assert ", )" not in empty
    # What stands between quotes is left as it is.
    assert "', )'" in call_text(voice, kind, "f", "**{', )': x}")
    assert "{call}" in call_text(voice, kind, "f", "**{'{call}': x}")


async def _double(value: int) -> int:
    await asyncio.sleep(0)
    return 2 * value


def _fail(error: BaseException) -> None:
    raise error


async def _fail_slowly(error: BaseException) -> None:
    raise error


@pytest.fixture(params=VOICES)
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return VOICES[request.param]


def test_both_voices_do_what_is_asked(run: Any) -> None:
    def script() -> Colourless[list[Any]]:
        first = yield Do(max, (1, 3), None)
        second = yield Do(max, (first, 2), False)
        third = yield Do(_double, (second,), True)
        return [first, second, third]

    assert run(script(), request_for()) == [3, 3, 6]


def test_nothing_to_do(run: Any) -> None:
    def script() -> Colourless[str]:
        return "done"
        yield

    assert run(script(), request_for()) == "done"


class Stop(BaseException):
    """Not an Exception, and not one that stops a loop."""


@pytest.mark.parametrize(("call", "colour"), [(_fail, None), (_fail, False), (_fail_slowly, True)])
def test_errors_are_raised_where_the_call_was_asked_for(run: Any, call: Any, colour: Any) -> None:
    def script() -> Colourless[list[bool]]:
        seen = []
        for error in (KeyError("a"), Stop()):
            try:
                yield Do(call, (error,), colour)
            except BaseException as raised:
                seen.append(raised is error)
        return seen

    assert run(script(), request_for()) == [True, True]


def test_what_the_steps_do_not_catch_comes_out(run: Any) -> None:
    def script() -> Colourless[None]:
        try:
            yield Do(_fail, (KeyError("a"),), None)
        except KeyError as error:
            raise ValueError("b") from error

    with pytest.raises(ValueError, match="b"):
        run(script(), request_for())


def test_where_calls_run() -> None:
    here = threading.get_ident()

    def script() -> Colourless[list[bool]]:
        quick = yield Do(threading.get_ident, (), None)
        blocking = yield Do(threading.get_ident, (), False)
        return [quick == here, blocking == here]

    assert wait_for(drive_async(script(), request_for())) == [True, False]
    assert drive(script(), request_for()) == [True, True]


def test_a_coroutine_that_is_thrown_away_closes_the_steps() -> None:
    log = []

    def script() -> Colourless[None]:
        try:
            yield Do(asyncio.sleep, (1,), True)
        finally:
            log.append("closed")

    async def start() -> None:
        running = drive_async(script(), request_for())
        running.send(None)
        running.close()

    wait_for(start())
    assert log == ["closed"]


def test_a_pool_takes_keywords_of_any_name() -> None:
    async def scenario() -> Any:
        pool = Pool(asyncio.get_running_loop())
        try:
            return await pool.run(dict, call=1, self=2, args=3, kwargs=4)
        finally:
            pool.close()

    assert wait_for(scenario()) == {"call": 1, "self": 2, "args": 3, "kwargs": 4}
