"""The watchdog: it names what blocks the loop, and nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from contract.wire import Line, request
from living import Living, running, until

from carboy import App
from carboy.server import watchdog
from carboy.server.traces import DEV

#: Long enough for a thread that has to wait for a core now and then.
LONG = 0.5
app = App()


@app.get("/blocks/{n}")
async def blocks(n: int) -> int:
    time.sleep(LONG)  # the line that is named
    return n


@app.get("/inner")
async def inner() -> None:
    deep()


def deep() -> None:
    time.sleep(LONG)


@app.get("/waits")
async def waits() -> None:
    await asyncio.sleep(LONG)


@app.get("/thread")
def thread() -> None:
    time.sleep(LONG)


@app.get("/task")
async def task() -> None:
    async def later() -> None:
        time.sleep(LONG)

    await asyncio.create_task(later())


@app.get("/short")
async def short() -> None:
    time.sleep(0.002)


@pytest.fixture(params=["uvloop", "asyncio"])
def living(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Living]:
    monkeypatch.setenv(DEV, "1")
    with running(app, loop=request.param) as living:
        yield living


def ask(living: Living, *targets: str) -> None:
    with Line(living.address) as line:
        for target in targets:
            line.send(request("GET", target, close=False))
            assert line.answer().status == 200


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "carboy.watchdog"]


def line_of(function: Any, offset: int) -> str:
    code = function.__code__
    return f"{code.co_filename}:{code.co_firstlineno + offset}"


def test_a_handler_that_blocks_is_named(living: Living, caplog: pytest.LogCaptureFixture) -> None:
    ask(living, "/blocks/1")
    until(lambda: told(caplog))
    (message,) = told(caplog)
    assert message.startswith("GET /blocks/{n} blocked the event loop for ")
    assert f": blocks() at {line_of(blocks, 2)}. Nothing else was served" in message


def test_the_handler_and_the_innermost_line_are_told(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    ask(living, "/inner")
    until(lambda: told(caplog))
    (message,) = told(caplog)
    assert f"inner() at {line_of(inner, 2)} (in {line_of(deep, 1)})" in message


def test_a_task_is_named_without_a_request(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    ask(living, "/task")
    until(lambda: told(caplog))
    (message,) = told(caplog)
    assert message.startswith("A task blocked the event loop for ")
    assert "task.<locals>.later() at " in message


def test_who_waits_or_has_a_thread_or_is_quick_is_not_named(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    ask(living, "/waits", "/thread", *["/short"] * 100)
    assert told(caplog) == []


def test_production_tells_of_a_place_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watchdog, "IN_PRODUCTION", 0.01)
    with running(app) as living:
        ask(living, "/blocks/1", "/blocks/2", "/inner")
        until(lambda: len(told(caplog)) == 2)
    assert [message.split()[1] for message in told(caplog)] == ["/blocks/{n}", "/inner"]


def test_production_asks_seldom() -> None:
    assert watchdog.IN_PRODUCTION >= 1


@pytest.mark.parametrize(("text", "on"), [("0", False), ("50", True)])
def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch, text: str, on: bool) -> None:
    monkeypatch.setenv(watchdog.SETTING, text)
    with running(app) as living:
        ask(living, "/short")
        shared = living.server.server_state.carboy  # type: ignore[attr-defined]
        assert (shared.watchdog is not None) is on


def test_a_setting_that_is_no_number_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(watchdog.SETTING, "50ms")
    with pytest.raises(ValueError, match="CARBOY_BLOCKING_MS is '50ms'; say a whole number"):
        watchdog.watch(None)  # type: ignore[arg-type]
