"""Metrics of servers that run: what only they know, and what happens to requests on a socket."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from contract.wire import Line, request
from living import Living, running, until
from processes import both, run
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from carboy import App
from carboy.plugins.prometheus import Metrics
from carboy.server.pool import pools


def ask(living: Living, path: str) -> bytes:
    with Line(living.address) as line:
        line.send(request("GET", path))
        answer = line.answer()
        assert answer.status == 200
        return answer.body


def read(text: bytes) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


class Held:
    """An application whose handlers wait for the test."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.metrics = Metrics(registry=CollectorRegistry())
        self.app = app = App(plugins=[self.metrics])
        self.metrics.expose(app)

        @app.get("/blocked")
        def blocked() -> str:
            self.go_on.wait(60)
            return "done"

        @app.get("/late", timeout=0.05)
        async def late() -> None:
            await asyncio.sleep(3600)

        @app.get("/late/def", timeout=0.05)
        def late_def() -> None:
            self.go_on.wait(60)

        @app.get("/waits")
        async def waits() -> None:
            await asyncio.sleep(3600)

        @app.get("/blocks")
        async def blocks() -> None:
            time.sleep(1.6)  # beyond the next look at the loop, which is within a second

    def numbers(self) -> dict[tuple[str, ...], float]:
        return read(self.metrics.render()[0])

    def counted(self, route: str, status: int) -> bool:
        return self.numbers().get(("http_requests_total", "GET", route, str(status))) == 1


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    try:
        yield held
    finally:
        held.go_on.set()


def test_the_pool_is_seen_while_it_is_full(held: Held) -> None:
    with running(held.app) as living, ExitStack() as open_lines:
        ask(living, "/metrics")  # with the first connection there is what all of them share
        shared = living.server.server_state.carboy  # type: ignore[attr-defined]
        shared.pool.limit, shared.pool.queue_limit = 2, 3
        lines = [open_lines.enter_context(Line(living.address)) for _ in range(6)]
        for number, line in enumerate(lines[:5]):
            line.send(request("GET", "/blocked"))
            until(
                lambda number=number: (
                    held.numbers()["http_requests_in_flight",] >= min(number + 1, 2)
                )
            )
        until(lambda: shared.pool.waiting == 3)
        lines[5].send(request("GET", "/blocked"))
        assert lines[5].answer().status == 503
        # Asked over the server itself: it must not need a thread of the pool.
        now = read(ask(living, "/metrics"))
        # Pools of loops that other tests have left count as well.
        others = sum(pool.size for pool in pools() if pool is not shared.pool)
        assert now["carboy_pool_threads", "handlers"] == 2 + others
        assert now["carboy_pool_queue", "handlers"] == 3
        assert now["carboy_pool_refused_total", "handlers"] == 1
        assert now["http_requests_total", "GET", "/blocked", "503"] == 1
        assert now["http_requests_in_flight",] == 2
        assert now["carboy_connections",] >= 6
        held.go_on.set()
        assert [line.answer().status for line in lines[:5]] == [200] * 5
        until(lambda: held.numbers()["http_requests_in_flight",] == 0)
    assert held.numbers()["carboy_connections",] == 0
    assert held.numbers()["http_requests_total", "GET", "/blocked", "200"] == 5


SERVERS = pytest.mark.parametrize("http", ["carboy.server.direct:protocol", "httptools"])


@SERVERS
@pytest.mark.parametrize("path", ["/late", "/late/def"])
def test_a_request_whose_time_is_up_counts_as_504(held: Held, http: str, path: str) -> None:
    with running(held.app, http=http) as living:
        with Line(living.address) as line:
            line.send(request("GET", path))
            assert line.answer().status == 504
        held.go_on.set()
        until(lambda: held.counted(path, 504))
        assert held.numbers()["http_requests_in_flight",] == 0


@SERVERS
def test_a_client_that_leaves_counts_as_499(held: Held, http: str) -> None:
    with running(held.app, http=http) as living:
        with Line(living.address) as line:
            line.send(request("GET", "/waits"))
            until(lambda: held.numbers()["http_requests_in_flight",] == 1)
        until(lambda: held.counted("/waits", 499))
        assert held.numbers()["http_requests_in_flight",] == 0


def test_a_loop_that_is_late_is_measured(held: Held) -> None:
    with running(held.app) as living:
        ask(living, "/blocks")
        until(lambda: held.numbers()["carboy_loop_lag_seconds_count",] >= 1)
        assert held.numbers()["carboy_loop_lag_seconds_sum",] > 0.5


def test_workers_are_counted_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "numbers"
    folder.mkdir()
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    options = ["--workers", "2", "--no-access-log"]
    with run(tmp_path, options, environ, app="metrics_app:app") as served:
        pids = both(served)
        asked = [served.get("/counted").json() for _ in range(20)]

        def numbers() -> dict[tuple[str, ...], float]:
            return read(served.get("/metrics").body)

        for _ in range(4):  # whoever is asked
            now = numbers()
            assert now["http_requests_total", "GET", "/counted", "200"] == 20
            assert now["http_request_duration_seconds_count", "GET", "/counted"] == 20
            assert now["http_requests_in_flight",] == 0
        with Line(served.address) as line:  # somebody has to be there for a worker to look around
            line.send(request("GET", "/pid", close=False))
            line.answer()
            until(lambda: numbers()["carboy_loop_lag_seconds_count",] >= 1)
        # What a worker has counted outlives it; what it was, does not.
        gone = asked[0]
        os.kill(gone, signal.SIGKILL)
        until(lambda: len(both(served) - pids) == 1)
        assert numbers()["http_requests_total", "GET", "/counted", "200"] == 20
        assert list(folder.glob(f"counter_{gone}.db"))
        assert not list(folder.glob(f"gauge_live*_{gone}.db"))


def test_workers_that_are_counted_apart_are_warned_of(tmp_path: Path) -> None:
    options = ["--workers", "2", "--no-access-log"]
    with run(tmp_path, options, app="metrics_app:app") as served:
        until(lambda: "set PROMETHEUS_MULTIPROC_DIR" in served.log())


def test_one_process_is_not_warned_of(tmp_path: Path) -> None:
    with run(tmp_path, ["--no-access-log"], app="metrics_app:app") as served:
        assert served.get("/metrics").status == 200
        assert "PROMETHEUS_MULTIPROC_DIR" not in served.log()
