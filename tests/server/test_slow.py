"""Clients that are slow: time is what the test says it is, the sockets are real."""

from __future__ import annotations

import gc
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.wire import Line, request
from living import Living, running, until

from carboy import App, Request
from carboy.server import spool
from carboy.server.slow import WINDOW, Times

MIB = 1024 * 1024
#: So many answers of 4 MiB are more than two kernels hold for a connection (Linux: 4 and 32 MiB).
MORE = 100
app = App()
entered = threading.Event()


@app.post("/whole", max_body=64 * MIB)
async def whole(body: dict[str, Any]) -> dict[str, int]:
    return {name: len(value) for name, value in body.items()}


@app.post("/whole/def", max_body=64 * MIB)
def whole_def(body: dict[str, Any]) -> dict[str, int]:
    return {name: len(value) for name, value in body.items()}


@app.post("/short", max_body=3 * MIB)
async def short(body: dict[str, Any]) -> int:
    return len(body)


@app.post("/reads")
async def reads(request: Request) -> int:
    entered.set()
    return len(await request.body())


@app.get("/big")
async def big() -> str:
    return "x" * (4 * MIB)


@app.get("/number/{n}")
async def number(n: int) -> int:
    return n


@pytest.fixture(scope="module")
def living() -> Iterator[Living]:
    # Nothing is idle too long: the tests' seconds pass quickly.
    with running(app, timeout_keep_alive=1000) as living:
        yield living


@pytest.fixture
def line(living: Living) -> Iterator[Line]:
    with Line(living.address) as line:
        until(lambda: len(living.connections) == 1)
        yield line
    until(lambda: not living.connections)


def pass_seconds(living: Living, seconds: int) -> None:
    """As if that time went by for the server's connections."""
    shared = living.server.server_state.carboy  # type: ignore[attr-defined]
    over = threading.Event()

    def passing() -> None:
        for _ in range(seconds):
            shared.look_around()
        over.set()

    shared.loop.call_soon_threadsafe(passing)
    assert over.wait(20)


def only(living: Living) -> Any:
    (connection,) = living.connections
    return connection


def post(target: str, framing: str, kind: str = "application/json") -> bytes:
    """The head of a POST; `framing` is its length, or "chunked"."""
    name = "transfer-encoding" if framing == "chunked" else "content-length"
    lines = [f"POST {target} HTTP/1.1", "host: test", f"{name}: {framing}", f"content-type: {kind}"]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_head_has_ten_seconds_however_it_drips(living: Living, line: Line) -> None:
    line.send(b"GET /number/1 HTTP/1.1\r\n")
    until(lambda: only(living).url)
    for second in range(Times().timeout_head):
        sent = only(living).head_size
        line.send(b"x-%d: drip\r\n" % second)
        until(lambda sent=sent: only(living).head_size > sent)
        pass_seconds(living, 1)
    pass_seconds(living, 1)
    answer = line.answer()
    assert (answer.status, answer.get("connection")) == (408, "close")
    assert b"head did not arrive within 10 seconds" in answer.body


def test_time_between_requests_is_not_a_heads(living: Living, line: Line) -> None:
    line.send(request("GET", "/number/1", close=False))
    assert line.answer().json() == 1
    pass_seconds(living, 500)
    line.send(b"GET /number/2 HTTP/1.1\r\n")
    until(lambda: only(living).url)
    pass_seconds(living, Times().timeout_head)
    line.send(b"host: test\r\n\r\n")
    assert line.answer().json() == 2


def test_a_head_that_has_not_begun_is_idle(living: Living, line: Line) -> None:
    """Empty lines may stand before a request: they begin nothing."""
    line.send(b"\r\n" * 5)
    pass_seconds(living, 1002)
    assert line.at_end()


@pytest.mark.parametrize("target", ["/whole", "/reads"])
def test_a_body_has_to_keep_its_rate(living: Living, line: Line, target: str) -> None:
    line.send(post(target, str(5000)))
    until(lambda: only(living).reading is not None)
    pass_seconds(living, 1)
    for second in range(WINDOW):
        line.send(b"drip")
        until(lambda second=second: only(living).size == 4 * (second + 1))
        pass_seconds(living, 1)
    answer = line.answer()
    assert (answer.status, answer.get("connection")) == (408, "close")
    assert answer.json() == {"detail": "Request Timeout"}


def test_a_body_that_keeps_its_rate_may_take_long(living: Living, line: Line) -> None:
    piece = b" " * (Times().min_body_rate * 2)
    line.send(post("/whole", str(50 * len(piece) + 2)))
    for turn in range(50):
        line.send(piece)
        until(lambda turn=turn: only(living).size == (turn + 1) * len(piece))
        pass_seconds(living, 2)
    line.send(b"{}")
    assert line.answer().json() == {}


def test_a_client_that_takes_nothing_is_let_go(living: Living, line: Line) -> None:
    line.send(request("GET", "/big", close=False) * MORE)
    until(lambda: only(living).paused)
    pass_seconds(living, Times().timeout_send)
    assert living.connections
    pass_seconds(living, 1)
    until(lambda: not living.connections)


def test_who_asks_and_never_reads_is_not_answered_on(living: Living, line: Line) -> None:
    line.send(request("GET", "/big", close=False) * MORE)
    until(lambda: only(living).paused)
    connection = only(living)
    until(lambda: len(connection.queue) >= MORE // 2)
    # One answer waits, and the rest of the one that the kernel has begun to take.
    assert connection.transport.get_write_buffer_size() <= 2 * 4 * MIB
    assert [len(line.answer().body) for _ in range(MORE)] == [4 * MIB + 2] * MORE


def test_a_stop_waits_for_who_reads_slowly() -> None:
    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/big", close=False) * MORE)
        until(lambda: living.connections and only(living).paused)
        living.server.should_exit = True
        until(lambda: only(living).stopping)
        assert [line.answer().status for _ in range(MORE)] == [200] * MORE
        assert line.at_end()


@pytest.mark.parametrize("target", ["/whole", "/whole/def"])
def test_long_bodies_wait_in_files(
    living: Living, line: Line, target: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = json.dumps({"text": "x" * (9 * MIB)}).encode()
    line.send(post(target, str(len(body))))
    line.send(body[: 8 * MIB])
    until(lambda: only(living).size == 8 * MIB)
    connection = only(living)
    until(lambda: not connection.spool.busy)
    assert connection.spool.held < spool.BATCH
    assert connection.spool.file.seek(0, os.SEEK_CUR) > 7 * MIB
    assert list(tmp_path.iterdir()) == []  # it has no name
    file = connection.spool.file
    line.send(body[8 * MIB :] + request("GET", "/number/7", close=False))
    assert line.answer().json() == {"text": 9 * MIB}
    assert line.answer().json() == 7
    assert file.closed


def test_long_bodies_keep_their_order(living: Living, line: Line) -> None:
    bodies = [json.dumps({"text": "x" * size}).encode() for size in (3 * MIB, 10, 2 * MIB, 5)]
    line.send(b"".join(post("/whole", str(len(body))) + body for body in bodies))
    sizes = [line.answer().json()["text"] for _ in bodies]
    assert sizes == [3 * MIB, 10, 2 * MIB, 5]


def test_a_long_chunked_body_over_the_limit_leaves_nothing(living: Living, line: Line) -> None:
    chunk = b"%x\r\n%b\r\n" % (MIB, b" " * MIB)
    line.send(post("/short", "chunked") + chunk * 3)
    until(lambda: only(living).spool is not None and only(living).spool.file is not None)
    file = only(living).spool.file
    line.send(b"1\r\n \r\n")
    assert line.answer().status == 413
    until(lambda: file.closed)


def test_a_client_that_leaves_amidst_a_long_body_leaves_nothing(living: Living) -> None:
    with Line(living.address) as line:
        line.send(post("/whole", str(9 * MIB)) + b" " * 4 * MIB)
        until(lambda: living.connections and only(living).size == 4 * MIB)
        until(lambda: only(living).spool.file is not None)
        file = only(living).spool.file
    until(lambda: file.closed)
    gc.collect()


def test_a_body_that_can_not_be_kept_is_a_500(
    living: Living, line: Line, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "TemporaryFile", full)
    line.send(post("/whole", str(9 * MIB)) + b" " * 3 * MIB)
    answer = line.answer()
    assert (answer.status, answer.get("connection")) == (500, "close")
    assert "No space left on device" in caplog.text


def test_a_connection_has_so_many_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBOY_KEEP_ALIVE_REQUESTS", "3")
    with running(app) as living, Line(living.address) as line:
        line.send(b"".join(request("GET", f"/number/{n}", close=False) for n in range(5)))
        answers = [line.answer() for _ in range(3)]
        assert [answer.json() for answer in answers] == [0, 1, 2]
        assert [answer.get("connection") for answer in answers] == [None, None, "close"]
        assert line.at_end()


def test_settings_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBOY_TIMEOUT_HEAD", "3")
    assert Times.from_environment() == Times(timeout_head=3)
    monkeypatch.setenv("CARBOY_MIN_BODY_RATE", "1k")
    with pytest.raises(ValueError, match="CARBOY_MIN_BODY_RATE is '1k'; say a whole number"):
        Times.from_environment()
