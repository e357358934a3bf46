"""Plugins: order, short answers, errors, and mistakes that reach the plugins around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any

import pytest

from carboy.core.answer import Answer
from carboy.core.compile import compile_route
from carboy.core.plugin import Around
from carboy.core.route import Route

from .doubles import call, function_of, plain_route, request_for, same, wait_for

Log = list[str]
Made = Callable[[Any], Generator[None, Answer, Any]]


class Boom(Exception):
    """What goes wrong in these tests."""


class Fixed:
    """A plugin that is `around` everything."""

    def __init__(self, around: Around | None) -> None:
        self._around = around

    def around(self, route: Route) -> Around | None:
        return self._around


def noting(log: Log, name: str) -> Made:
    def around(request: Any) -> Generator[None, Answer, None]:
        log.append(f"{name} begins")
        try:
            answer = yield
        except BaseException as error:
            log.append(f"{name} sees {type(error).__name__}")
            raise
        log.append(f"{name} has {bytes(answer.body)!r}")  # type: ignore[arg-type]
        answer.add("x-by", name)

    return around


def served(*arounds: Made | None, fail: bool = False, colour: str = "def") -> Any:
    """Status, ``x-by`` headers and body of an endpoint with plugins, outermost first."""

    def plain() -> str:
        if fail:
            raise Boom
        return "hi"

    async def plain_async() -> str:
        return plain()

    function = function_of(plain if colour == "def" else plain_async)
    route = plain_route(function, plugins=tuple(Fixed(one) for one in arounds))
    head, body = call(compile_route(route, same), request_for())
    by = [value.decode() for name, value in head.headers if name == b"x-by"]
    return head.status, by, body


@pytest.mark.parametrize("colour", ["def", "async def"])
def test_the_answer_goes_outwards(colour: str) -> None:
    log: Log = []
    answer = served(noting(log, "outer"), None, noting(log, "inner"), colour=colour)
    assert answer == (200, ["inner", "outer"], b'"hi"')
    assert log == ["outer begins", "inner begins", "inner has b'\"hi\"'", "outer has b'\"hi\"'"]


def test_nothing_is_written_where_no_plugin_has_anything_to_do() -> None:
    route = plain_route(function_of(lambda: "hi"), plugins=(Fixed(None),))
    assert "running" not in compile_route(route, same).source


def test_a_short_answer_passes_those_who_have_begun() -> None:
    log: Log = []

    def short(request: Any) -> Generator[None, Answer, Answer]:
        if request.path == "/":
            return Answer(b"short", 403)
        yield
        raise AssertionError

    answer = served(noting(log, "outer"), short, noting(log, "never"), fail=True)
    assert answer == (403, ["outer"], b"short")
    assert log == ["outer begins", "outer has b'short'"]


def test_another_answer_may_be_returned() -> None:
    def other(request: Any) -> Generator[None, Answer, Answer]:
        yield
        return Answer(b"other", 201)

    assert served(noting([], "outer"), other) == (201, ["outer"], b"other")


def test_errors_of_the_endpoint_are_thrown_in_and_go_on() -> None:
    log: Log = []
    with pytest.raises(Boom):
        served(noting(log, "outer"), noting(log, "inner"), fail=True)
    assert log[2:] == ["inner sees Boom", "outer sees Boom"]


def test_a_plugin_may_answer_in_place_of_an_error() -> None:
    def rescue(request: Any) -> Generator[None, Answer, Answer | None]:
        try:
            yield
        except Boom:
            return Answer(b"rescued", 503)
        return None

    log: Log = []
    answer = served(noting(log, "outer"), rescue, noting(log, "inner"), fail=True)
    assert answer == (503, ["outer"], b"rescued")
    assert log[2:] == ["inner sees Boom", "outer has b'rescued'"]


def test_a_plugin_that_only_looks_does_not_stop_the_error() -> None:
    def looks(request: Any) -> Generator[None, Answer, None]:
        try:
            yield
        except Boom:
            return

    with pytest.raises(Boom):
        served(looks, fail=True)


def ends_badly(request: Any) -> Generator[None, Answer, None]:
    yield
    raise Boom


def begins_badly(request: Any) -> Generator[None, Answer, None]:
    raise Boom
    yield


def is_empty(request: Any) -> Generator[None, Answer, None]:
    return
    yield


def begins_with_nonsense(request: Any) -> Generator[None, Answer, Any]:
    return "text"
    yield


def ends_with_nonsense(request: Any) -> Generator[None, Answer, Any]:
    yield
    return "text"


def answers_nonsense(request: Any) -> Generator[None, Answer, Any]:
    try:
        yield
    except Boom:
        return "text"


def twice(request: Any) -> Generator[None, Answer, None]:
    yield
    yield


def twice_after_an_error(request: Any) -> Generator[None, Answer, None]:
    try:
        yield
    except Boom:
        yield


@pytest.mark.parametrize(
    ("around", "fail", "kind", "says"),
    [
        (ends_badly, False, Boom, "^$"),
        (begins_badly, False, Boom, "^$"),
        (is_empty, False, TypeError, "ended before its yield"),
        (begins_with_nonsense, False, TypeError, "returned 'text'"),
        (ends_with_nonsense, False, TypeError, "returned 'text'"),
        (answers_nonsense, True, TypeError, "returned 'text'"),
        (twice, False, RuntimeError, "yielded twice"),
        (twice_after_an_error, True, RuntimeError, "yielded twice"),
    ],
)
def test_a_mistake_is_named_and_reaches_the_plugins_outside(
    around: Made, fail: bool, kind: type[Exception], says: str
) -> None:
    log: Log = []
    with pytest.raises(kind, match=says):
        served(noting(log, "outer"), around, fail=fail)
    assert log == ["outer begins", f"outer sees {kind.__name__}"]


def test_a_plugin_outside_may_mend_what_one_inside_spoils() -> None:
    def mends(request: Any) -> Generator[None, Answer, Answer | None]:
        try:
            yield
        except Boom:
            return Answer(b"mended")
        return None

    log: Log = []
    assert served(noting(log, "outer"), mends, ends_badly) == (200, ["outer"], b"mended")


def test_cancelling_passes_through_plugins() -> None:
    log: Log = []

    async def waits() -> None:
        await asyncio.Event().wait()

    route = plain_route(function_of(waits), plugins=(Fixed(noting(log, "outer")),))
    compiled = compile_route(route, same)

    async def scenario() -> None:
        task = asyncio.create_task(compiled.call(request_for()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    wait_for(scenario())
    assert log == ["outer begins", "outer sees CancelledError"]


def test_names_of_the_compiled_text_do_not_meet_plugins_names() -> None:
    for name in ("running", "answer", "inner", "endpoint", "begin", "leave", "fail", "error"):
        around = noting([], name)
        around.__name__ = name
        assert served(around, around) == (200, [name, name], b'"hi"'), name
