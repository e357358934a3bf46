"""Half a close: the client may still wait, or be gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from contract.wire import Line, request
from living import until
from test_lives import Stage, leave, serving

from carboy import App
from carboy.fastapi import FastAPI


def half_closed(line: Line, stage: Stage, *requests: bytes) -> None:
    """Ask, wait until the handler is inside, and say that nothing more comes."""
    line.send(b"".join(requests))
    until(stage.inside.is_set)
    line.socket.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("app", [App, FastAPI])
@pytest.mark.parametrize("target", ["/get", "/thread", "/mixed"])
def test_who_has_closed_half_gets_the_answer(app: type[FastAPI], target: str) -> None:
    with serving(app()) as (stage, living), Line(living.address) as line:
        half_closed(line, stage, request("GET", target, close=False))
        assert line.answer().status == 102  # it is still there?
        stage.go_on.set()
        answer = line.answer()
        assert (answer.json(), answer.get("connection")) == ("done", "close")
        assert line.at_end()
    assert "Cancelled" not in "".join(stage.events)


def test_every_request_before_the_half_close_is_answered() -> None:
    with serving(App()) as (stage, living), Line(living.address) as line:
        ping = request("GET", "/ping", close=False)
        half_closed(line, stage, request("GET", "/get", close=False), ping, ping)
        assert line.answer().status == 102
        stage.go_on.set()
        answers = [line.answer() for _ in range(3)]
        assert [answer.json() for answer in answers] == ["done", "pong", "pong"]
        assert [answer.get("connection") for answer in answers] == [None, None, "close"]
        assert line.at_end()


def test_a_client_of_http_1_0_is_not_asked() -> None:
    with serving(App()) as (stage, living), Line(living.address) as line:
        half_closed(line, stage, b"GET /get HTTP/1.0\r\nhost: a\r\n\r\n")
        stage.go_on.set()
        assert line.answer().json() == "done"


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_who_has_left_is_noticed(loop: str) -> None:
    with serving(App(), loop=loop) as (stage, living):
        leave(stage, living, "GET", "/get")
        until(lambda: "close" in stage.events)
    assert stage.events == ["open", "saw CancelledError", "close"]
