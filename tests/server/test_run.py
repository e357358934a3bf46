"""`carboy run` as a process: graceful stop, workers, UNIX socket, access log."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from contract.wire import Line, request
from living import until
from processes import Running, run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_stop_answers_what_is_in_flight_and_refuses_the_rest(
    tmp_path: Path, number: signal.Signals
) -> None:
    with run(tmp_path) as running, Line(running.address) as line:
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.send_signal(number)
        until(running.refuses)
        assert running.process.poll() is None
        (tmp_path / "gate").touch()
        answer = line.answer()
        assert (answer.json(), answer.whole, answer.get("connection")) == ("whole", True, "close")
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["inside", "shutdown"]
        assert "Traceback" not in running.log()


def test_a_stop_waits_for_background_tasks(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        assert running.get("/task").json() == "answered"
        until(lambda: running.diary() == ["inside"])
        running.process.terminate()
        until(running.refuses)
        (tmp_path / "gate").touch()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["inside", "task", "shutdown"]


def test_idle_connections_do_not_hold_up_a_stop(tmp_path: Path) -> None:
    with run(tmp_path) as running, Line(running.address) as line:
        line.send(request("GET", "/pid", close=False))
        assert line.answer().json() == running.process.pid
        running.process.terminate()
        assert line.at_end()
        assert running.process.wait(20) == 0, running.log()


def test_two_workers_serve_from_two_processes(tmp_path: Path) -> None:
    with run(tmp_path, ["--workers", "2", "--no-access-log"]) as running:
        pids: set[int] = set()

        def both() -> bool:
            pids.add(running.get("/pid").json())
            return len(pids) == 2

        until(both)
        assert running.process.pid not in pids
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["shutdown", "shutdown"]


def test_a_unix_socket(tmp_path: Path) -> None:
    uds = f"/tmp/carboy-{os.getpid()}.sock"  # not in tmp_path: a socket's path has to be short
    try:
        with run(tmp_path, ["--uds", uds, "--no-access-log"]) as running:
            assert running.get("/pid").json() == running.process.pid
    finally:
        Path(uds).unlink(missing_ok=True)


def _access_lines(running: Running) -> list[str]:
    return [line for line in running.log().splitlines() if " HTTP/1.1" in line]


def test_the_access_log_has_one_line_a_request(tmp_path: Path) -> None:
    with run(tmp_path, []) as running:
        until(lambda: len(_access_lines(running)) == 1)  # that was `is_up`
        for target in ("/pid", "/nowhere?a=%0Ab"):
            running.get(target)
        until(lambda: len(_access_lines(running)) == 3)
        _, first, second = _access_lines(running)
        assert '"GET /pid HTTP/1.1" 200' in first
        assert '"GET /nowhere?a=%0Ab HTTP/1.1" 404' in second
        running.process.terminate()
        running.process.wait(20)
        assert len(_access_lines(running)) == 3


def test_without_access_log_there_is_none(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        running.get("/pid")
        running.process.terminate()
        running.process.wait(20)
        assert _access_lines(running) == []
        assert "Application startup complete" in running.log()
