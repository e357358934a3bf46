"""Workers that come and go: killed, replaced, retired; nothing that was asked is lost."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest
from asking import Askers
from contract.wire import Line, request
from living import until
from processes import Running, both, run

TWO = ["--workers", "2", "--no-access-log"]


def children(running: Running) -> set[int]:
    """The processes that the supervisor has started."""
    tasks = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    found = set()
    for pid in map(int, tasks.read_text().split()):
        with suppress(OSError):  # it has ended meanwhile
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def workers(running: Running) -> set[int]:
    """Those of them that serve or are about to."""
    log = running.log()
    return {pid for pid in children(running) if f"Started server process [{pid}]" in log}


def reserve(running: Running) -> int:
    """The one that waits, once it is there."""
    until(lambda: len(children(running) - workers(running)) == 1 and len(workers(running)) == 2)
    (pid,) = children(running) - workers(running)
    return pid


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        first = both(running)
        with Askers(running).asking() as askers:
            running.process.send_signal(signal.SIGHUP)
            until(lambda: not first & workers(running))
            until(lambda: len(askers.pids - first) == 2)
            second = set(workers(running))
            # Again, and again before that one is through: the last counts.
            running.process.send_signal(signal.SIGHUP)
            until(lambda: second != workers(running))
            running.process.send_signal(signal.SIGHUP)
            until(lambda: not second & workers(running) and len(workers(running)) == 2)
        assert askers.lost == []
        assert running.log().count("died") == 0


def test_a_restart_finishes_what_is_in_flight(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running, Line(running.address) as line:
        first = both(running)
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.send_signal(signal.SIGHUP)
        # One of the old ones is at work still, the new ones serve.
        until(lambda: running.log().count("Shutting down") == 2)
        until(lambda: len(first & workers(running)) == 1)
        (tmp_path / "gate").touch()
        answer = line.answer()
        assert (answer.json(), answer.whole, answer.get("connection")) == ("whole", True, "close")
        until(lambda: not first & workers(running))


def test_who_is_silent_when_its_worker_is_replaced_has_the_usual_time(tmp_path: Path) -> None:
    options = [*TWO, "--timeout-keep-alive", "60", "--timeout-graceful-shutdown", "120"]
    with run(tmp_path, options) as running, Line(running.address) as line:
        first = both(running)
        line.send(request("GET", "/pid", close=False))
        mine = line.answer().json()
        running.process.send_signal(signal.SIGHUP)
        until(lambda: len(workers(running) - first) == 2 and len(workers(running)) == 3)
        time.sleep(2)  # longer than a stop of all would leave it
        line.send(request("GET", "/pid", close=False))
        answer = line.answer()
        assert (answer.json(), answer.get("connection")) == (mine, "close")
        until(lambda: not first & workers(running))


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running, Line(running.address) as line:
        first = both(running)
        line.send(request("GET", "/pid", close=False))
        killed = line.answer().json()
        other = first - {killed}
        os.kill(killed, signal.SIGKILL)
        assert line.at_end()
        for _ in range(20):
            # The queue of the socket is the supervisor's too: nobody is refused.
            assert running.get("/pid").status == 200
        until(lambda: len(workers(running)) == 2 and killed not in workers(running))
        until(lambda: both(running) == workers(running))
        assert other < workers(running)


def test_the_one_in_reserve_replaces_it(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        first = both(running)
        waiting = reserve(running)
        killed = min(first)
        os.kill(killed, signal.SIGKILL)
        until(lambda: workers(running) == (first - {killed}) | {waiting})
        until(lambda: both(running) == workers(running))
        # And there is another.
        assert reserve(running) not in first | {waiting}
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["shutdown", "shutdown"]
        assert "Traceback" not in running.log()


def test_a_restart_renews_the_reserve_too(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        first = both(running)
        waiting = reserve(running)
        running.process.send_signal(signal.SIGHUP)
        until(lambda: not first & workers(running) and len(workers(running)) == 2)
        assert reserve(running) != waiting
        assert not Path(f"/proc/{waiting}").exists()


def test_the_reserve_may_die_too(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        first = both(running)
        os.kill(reserve(running), signal.SIGKILL)
        until(lambda: "in reserve died" in running.log())
        killed = min(first)
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(workers(running)) == 2 and killed not in workers(running))
        until(lambda: both(running) == workers(running))


def test_a_worker_that_can_not_start_leaves_the_old_ones(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        first = both(running)
        (tmp_path / "broken").touch()
        running.process.send_signal(signal.SIGHUP)
        until(lambda: "the old ones stay" in running.log())
        assert workers(running) == first
        (tmp_path / "broken").unlink()
        running.process.send_signal(signal.SIGHUP)
        until(lambda: len(workers(running)) == 2 and not first & workers(running))


def test_workers_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        pids = both(running) | {reserve(running)}
        running.process.kill()
        running.process.wait(20)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
        assert running.diary() == ["shutdown", "shutdown"]


def test_not_even_those_that_hang(tmp_path: Path) -> None:
    options = [*TWO, "--timeout-graceful-shutdown", "1"]
    with run(tmp_path, options) as running, Line(running.address) as line:
        pids = both(running)
        line.send(request("GET", "/hang", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.kill()
        running.process.wait(20)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


def test_one_more_and_one_less(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running:
        both(running)
        running.process.send_signal(signal.SIGTTIN)
        until(lambda: len(workers(running)) == 3)
        running.process.send_signal(signal.SIGTTOU)
        until(lambda: len(workers(running)) == 2)
        assert running.get("/pid").status == 200


@pytest.mark.parametrize("count", ["1", "2"])
def test_after_so_many_requests_a_worker_is_replaced_and_nothing_lost(
    tmp_path: Path, count: str
) -> None:
    options = ["--workers", count, "--limit-max-requests", "50", "--no-access-log"]
    options += ["--limit-max-requests-jitter", "5"]
    with run(tmp_path, options) as running:
        with Askers(running).asking() as askers:
            until(lambda: len(askers.pids) >= 4)
        assert askers.lost == []
        assert "died" not in running.log()


def test_a_stop_of_all(tmp_path: Path) -> None:
    with run(tmp_path, TWO) as running, Line(running.address) as line:
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.terminate()
        until(running.refuses)
        (tmp_path / "gate").touch()
        assert line.answer().json() == "whole"
        assert running.process.wait(20) == 0, running.log()
        assert sorted(running.diary()) == ["inside", "shutdown", "shutdown"]
        assert "Traceback" not in running.log()


@pytest.mark.parametrize("path", ["/events", "/blocking-events", "/own-events"])
def test_a_stop_ends_streams_of_events(tmp_path: Path, path: str) -> None:
    options = ["--timeout-event-streams", "0", "--no-access-log"]
    with run(tmp_path, options) as running, Line(running.address) as line:
        line.send(request("GET", path, close=False))
        assert line._until(b"data: 1\n") is not None
        line.read = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        running.process.terminate()
        rest = b""
        while line._more():
            rest = line.read
        assert rest.endswith(b"\r\n0\r\n\r\n")
        assert running.process.wait(20) == 0, running.log()
        assert running.diary()[-1] == "shutdown"
        assert "closed" in running.diary()
        assert "Traceback" not in running.log()


def test_a_request_on_its_way_when_the_stop_begins_is_answered(tmp_path: Path) -> None:
    with run(tmp_path) as running, Line(running.address) as line, Line(running.address) as head:
        line.send(request("GET", "/pid", close=False))
        assert line.answer().status == 200
        head.send(request("GET", "/pid")[:20])
        running.process.terminate()
        until(running.refuses)
        line.send(request("GET", "/pid", close=False))
        head.send(request("GET", "/pid")[20:])
        for one in (line, head):
            answer = one.answer()
            assert (answer.status, answer.get("connection")) == (200, "close")
        assert running.process.wait(20) == 0, running.log()
