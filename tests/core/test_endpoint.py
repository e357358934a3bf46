"""Compiled endpoints from the call on: answers, errors, cancelling, closing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from carboy.core.answer import JSON_200, Head
from carboy.core.closing import finish
from carboy.core.compile import compile_route
from carboy.core.errors import Handlers, Handling, SwallowedError
from carboy.core.route import Lane, Output, Route
from carboy.core.signature import Function, Part, Special, Use
from carboy.core.voice import drive, kind_of
from carboy.server.pool import Pool

from .doubles import (
    call,
    endpoint,
    function_of,
    named,
    plain_route,
    request_for,
    same,
    wait_for,
)

# -- answers ------------------------------------------------------------------------------------


class Session:
    """A resource that a result may still need when it is encoded."""

    is_open = True


@pytest.mark.parametrize("colour", ["def", "async def"])
@pytest.mark.parametrize("direct", [True, False])
def test_early_dependencies_end_when_the_result_is_encoded(colour: str, direct: bool) -> None:
    session = Session()

    def opened() -> Iterator[Session]:
        yield session
        session.is_open = False

    def encode(result: Any) -> bytes:
        return b"lazy" if session.is_open else b"too late"

    def respond(request: Any, result: Any, response: Any) -> tuple[Head, bytes]:
        return JSON_200, encode(result)

    root = function_of(named("root", colour, "r"))
    root.uses = (Use(None, function_of(opened), "o", early=True),)
    route = plain_route(root)
    route.output = Output(respond, encode, lambda head, response: head, direct=direct)
    request = request_for()
    assert call(compile_route(route, same), request) == (JSON_200, b"lazy")
    assert not session.is_open, "but before the answer leaves"
    assert request.opened == []


def test_an_early_end_that_fails_becomes_the_answer() -> None:
    log: list[str] = []

    def outer() -> Iterator[None]:
        try:
            yield
        except KeyError:
            log.append("outer saw it")
            raise

    def fails() -> Iterator[None]:
        yield
        raise KeyError

    root = function_of(named("root", "def", "r"))
    root.uses = (
        Use(None, function_of(outer), "o"),
        Use(None, function_of(fails), "f", early=True),
    )
    handled = Handlers({KeyError: Handling(lambda *_: (JSON_200, b"handled"), None)}, {}, _none)
    assert call(endpoint(root, handlers=handled), request_for())[1] == b"handled"
    assert log == ["outer saw it"]


def _none(error: BaseException) -> None:
    return None


def test_nothing_is_encoded_where_no_body_may_be() -> None:
    def encode(result: Any) -> bytes:
        raise AssertionError

    route = plain_route(function_of(named("root", "def", {"a": 1})))
    assert route.output is not None
    route.output = Output(route.output.respond, encode, route.output.amend, Head(204))
    assert call(compile_route(route, same), request_for())[1] == b""


def test_only_the_exact_type_takes_the_fast_lane() -> None:
    class Model(dict[str, int]):
        """The declared type."""

    class More(Model):
        """A subclass, which could show more."""

    results: list[Any] = [Model(), More()]
    root = function_of(results.pop)
    route = plain_route(root)
    route.output = Output(
        lambda request, result, response: (JSON_200, b"checked"),
        lambda result: b"fast",
        lambda head, response: head,
        exact=Model,
    )
    compiled = compile_route(route, same)
    assert call(compiled, request_for())[1] == b"checked"
    assert call(compiled, request_for())[1] == b"fast"


def test_objects_of_the_request_are_made_once_and_amend_the_answer() -> None:
    made: list[Any] = []

    def make(request: Any) -> dict[str, Any]:
        made.append(request)
        return {}

    def write(response: dict[str, Any]) -> int:
        response["status"] = 201
        return 1

    special = Special("response", Part.RESPONSE, make)
    dependency = function_of(write, specials=(special,))
    root = function_of(write, specials=(special,), uses=(Use(None, dependency, "d"),))
    route = plain_route(root)
    assert route.output is not None
    route.output.amend = lambda head, response: head.with_headers([], response["status"])
    head, _ = call(compile_route(route, same), request_for())
    assert head.status == 201
    assert len(made) == 1


def test_a_lane_answers_within_the_inner_ring() -> None:
    def answer(request: Any) -> tuple[Head, bytes]:
        if request.query:
            raise LookupError
        return JSON_200, b"lane"

    table = Handlers({LookupError: Handling(lambda *_: (JSON_200, b"found"), None)}, {}, _none)
    pattern = plain_route(function_of(print)).pattern
    route = Route(pattern, None, "lane", lane=Lane(answer, False), handlers=table)
    compiled = compile_route(route, same)
    assert call(compiled, request_for()) == (JSON_200, b"lane")
    assert call(compiled, request_for(query=b"x"))[1] == b"found"
    assert not compiled.takes_body


# -- errors -------------------------------------------------------------------------------------


class Boom(Exception):
    """What goes wrong in these tests."""


def everything() -> Handlers:
    """A table that would answer anything, if it were asked."""
    return Handlers({BaseException: Handling(lambda *_: (JSON_200, b"handled"), None)}, {}, _none)


def logging_dependency(log: list[str], colour: str) -> Function:
    if colour == "def":

        def steps() -> Iterator[None]:
            try:
                yield
            except BaseException as error:
                log.append(type(error).__name__)
                raise

        return function_of(steps)

    async def slow_steps() -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            log.append(type(error).__name__)
            raise

    return function_of(slow_steps)


@pytest.mark.parametrize("colour", ["def", "async def"])
@pytest.mark.parametrize("opened", ["def", "async def"])
def test_an_error_is_thrown_in_and_then_answered(colour: str, opened: str) -> None:
    log: list[str] = []

    def fails() -> None:
        raise Boom

    async def fails_slowly() -> None:
        raise Boom

    root = function_of(fails if colour == "def" else fails_slowly)
    root.uses = (Use(None, logging_dependency(log, opened), "l"),)
    request = request_for()
    assert call(endpoint(root, handlers=everything()), request)[1] == b"handled"
    assert log == ["Boom"]
    assert request.opened is None
    with pytest.raises(Boom):
        call(endpoint(root), request_for())


def test_a_handler_of_another_colour_and_one_that_fails() -> None:
    def fails() -> None:
        raise Boom

    async def slow(request: Any, error: BaseException) -> tuple[Head, bytes]:
        await asyncio.sleep(0)
        return JSON_200, b"slow"

    def worse(request: Any, error: BaseException) -> tuple[Head, bytes]:
        raise ValueError("worse")

    table = Handlers({Boom: Handling(slow, True)}, {}, _none)
    assert call(endpoint(function_of(fails), handlers=table), request_for())[1] == b"slow"
    table = Handlers({Boom: Handling(worse, False)}, {}, _none)
    with pytest.raises(ValueError, match="worse"):
        call(endpoint(function_of(fails), handlers=table), request_for())


def test_a_swallowed_error_is_one_that_handlers_see() -> None:
    def swallows() -> Iterator[None]:
        try:
            yield
        except Boom:
            pass

    def fails() -> None:
        raise Boom

    root = function_of(fails, uses=(Use(None, function_of(swallows), "s"),))
    with pytest.raises(SwallowedError) as raised:
        call(endpoint(root), request_for())
    assert isinstance(raised.value.__cause__, Boom)
    assert call(endpoint(root, handlers=everything()), request_for())[1] == b"handled"


@pytest.mark.parametrize("opened", ["def", "async def"])
def test_a_cancelled_request_is_unwound_and_answered_by_nobody(opened: str) -> None:
    log: list[str] = []

    async def waits() -> None:
        await asyncio.Event().wait()

    root = function_of(waits, uses=(Use(None, logging_dependency(log, opened), "l"),))
    compiled = endpoint(root, handlers=everything())

    async def scenario() -> None:
        task = asyncio.create_task(compiled.call(request_for()))
        while not (waiting := task.get_coro().cr_await) or waiting.__name__ != "waits":  # type: ignore[union-attr]
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    wait_for(scenario())
    assert log == ["CancelledError"]


def test_what_cancelling_becomes_in_a_dependency_is_answered() -> None:
    # As `asyncio.timeout` does it: the task is cancelled, and that comes out as a TimeoutError.
    async def timeout() -> AsyncIterator[None]:
        async with asyncio.timeout(0):
            yield

    async def waits() -> None:
        await asyncio.Event().wait()

    root = function_of(waits, uses=(Use(None, function_of(timeout), "t"),))
    assert call(endpoint(root, handlers=everything()), request_for())[1] == b"handled"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_are_answered_by_nobody(kind: type[BaseException]) -> None:
    log: list[str] = []

    def interrupted() -> None:
        raise kind

    root = function_of(interrupted, uses=(Use(None, logging_dependency(log, "def"), "l"),))
    with pytest.raises(kind):
        call(endpoint(root, handlers=everything()), request_for())
    assert log == [kind.__name__]


@pytest.mark.parametrize("opened", ["def", "async def"])
def test_a_coroutine_that_is_thrown_away_does_not_await(opened: str) -> None:
    log: list[str] = []

    async def waits() -> None:
        await asyncio.Event().wait()

    root = function_of(waits, uses=(Use(None, logging_dependency(log, opened), "l"),))
    compiled = endpoint(root, handlers=everything())

    async def scenario() -> None:
        task = asyncio.create_task(compiled.call(request_for()))
        coroutine: Any = task.get_coro()
        while not (waiting := coroutine.cr_await) or waiting.__name__ != "waits":
            await asyncio.sleep(0)
        # What a loop that is torn down does; RuntimeError here if anything awaited.
        with pytest.raises(GeneratorExit):
            coroutine.throw(GeneratorExit)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    wait_for(scenario())


def test_what_was_opened_in_a_thread_is_closed_by_finish() -> None:
    log: list[str] = []

    def steps() -> Iterator[int]:
        yield 1
        log.append("closed")

    root = function_of(named("root", "def", 1), uses=(Use("s", function_of(steps), "s"),))
    compiled = endpoint(root)
    assert not compiled.is_async
    request = request_for()
    assert call(compiled, request)[1] == b'[1,{"s":1}]'
    assert log == []
    drive(finish(request), request)
    assert log == ["closed"]


def test_an_async_dependency_makes_the_voice_async() -> None:
    for used in ("def", "async def"):
        root = function_of(named("root", "def", 1))
        root.uses = (Use(None, function_of(named("d", used, 1)), "d"),)
        assert endpoint(root).is_async is (used == "async def")
    assert kind_of(named("x", "yield", 1)).is_generator


@pytest.mark.parametrize("stage", ["opening", "running"])
def test_cancelling_waits_for_the_thread_before_it_closes_what_that_uses(stage: str) -> None:
    log: list[str] = []
    reached, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        assert go_on.wait(30)

    def session() -> Iterator[None]:
        if stage == "opening":
            hold()
        log.append("open")
        try:
            yield
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    def work() -> None:
        if stage == "running":
            hold()
        log.append("worked")

    async def nothing() -> None: ...

    root = function_of(work)
    root.uses = (Use(None, function_of(session), "s"), Use(None, function_of(nothing), "n"))
    compiled = endpoint(root)
    assert compiled.is_async, "a mixture: blocking calls go to the pool"

    async def scenario() -> None:
        pool = Pool(asyncio.get_running_loop())
        request = request_for()
        request.wire = SimpleNamespace(threads=pool, shelter=None)  # type: ignore[assignment]
        task = asyncio.create_task(compiled.call(request))
        await asyncio.to_thread(reached.wait, 30)
        task.cancel()
        await asyncio.sleep(0)
        assert "cancelled" not in log
        go_on.set()
        await asyncio.wait([task])
        assert task.cancelled()
        pool.close()

    wait_for(scenario())
    assert log == ["open", *(["worked"] if stage == "running" else []), "cancelled"]
