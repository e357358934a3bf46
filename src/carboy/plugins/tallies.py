"""Where Prometheus' numbers are kept between two scrapes: in memory, or in the files of many.

One `Tally` for a registry. `InMemory` counts in plain lists and makes Prometheus' families of them
when it is scraped; `InFiles` is for PROMETHEUS_MULTIPROC_DIR and writes through the client's own
metrics, which keep files that any of the processes can read.
PERF: counting a request by the client's objects takes 6 µs and 18 calls, in memory 0.6 and two.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from carboy.server.numbers import Numbers, every_second, numbers

#: Name -> what it says. Counters get their ``_total`` from the client.
REQUESTS = "http_requests", "Requests answered, by method, route and status."
DURATION = "http_request_duration_seconds", "Time from the route to the end of its answer."
IN_FLIGHT = "http_requests_in_flight", "Requests that are being answered."
THREADS = "carboy_pool_threads", "Threads for code that blocks."
QUEUE = "carboy_pool_queue", "Work that waits for a thread."
REFUSED = "carboy_pool_refused", "Work that was refused because too much waited."
CONNECTIONS = "carboy_connections", "Connections that are open."
LAG = "carboy_loop_lag_seconds", "How late the event loop is, looked at once a second."

#: Bounds of the loop's lag, in seconds.
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
)


def method_label(method: str) -> str:
    """SAFETY: a method of a client's own must not become a time series."""
    return method if method in _METHODS else "_OTHER"


class Timed(Protocol):
    """The numbers of one route."""

    def end(self, method: str, status: int, seconds: float) -> None:
        """One request has been answered."""


class Tally(Protocol):
    """What is counted in one registry."""

    buckets: tuple[float, ...]

    def begin(self) -> None:
        """A request is being answered; `Timed.end` follows."""

    def route(self, template: str) -> Timed:
        """The numbers of the route with this template, always the same ones."""

    def refresh(self) -> None:
        """Somebody is about to scrape this process."""


class _Cell:
    """A histogram, and how often which status was answered."""

    __slots__ = ("counts", "statuses", "sum")

    def __init__(self, buckets: Sequence[float]) -> None:
        self.counts = [0] * (len(buckets) + 1)
        self.sum = 0.0
        self.statuses: dict[int, int] = {}

    def copied(self) -> _Cell:
        copy = _Cell(())
        copy.counts, copy.sum, copy.statuses = self.counts[:], self.sum, self.statuses.copy()
        return copy


class InMemory:
    """Collects what this process has counted, and asks how its servers stand."""

    def __init__(self, registry: CollectorRegistry, buckets: tuple[float, ...]) -> None:
        self.buckets = buckets
        #: Endpoints may end in threads of the pool.
        self.lock = Lock()
        self.in_flight = 0
        self._lags = _Cell(LAGS)
        self._routes: dict[str, _InMemoryRoute] = {}
        registry.register(self)
        every_second(self.look)

    def begin(self) -> None:
        with self.lock:
            self.in_flight += 1

    def route(self, template: str) -> _InMemoryRoute:
        return self._routes.setdefault(template, _InMemoryRoute(self))

    def refresh(self) -> None:
        """Nothing to do: everything is asked for by `collect`."""

    def look(self, lag: float) -> None:
        """Once a second, on the event loop."""
        with self.lock:
            self._lags.counts[bisect_left(LAGS, lag)] += 1
            self._lags.sum += lag

    def describe(self) -> list[Metric]:
        """What there may be, for a registry that refuses names it has already."""
        return list(self.collect())

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        with self.lock:
            in_flight, lags = self.in_flight, self._lags.copied()
            cells = [
                (template, method, cell.copied())
                for template, route in list(self._routes.items())
                for method, cell in route.cells.items()
            ]
        requests = CounterMetricFamily(*REQUESTS, labels=["method", "route", "status"])
        duration = HistogramMetricFamily(*DURATION, labels=["method", "route"])
        for template, method, cell in cells:
            for status, count in cell.statuses.items():
                requests.add_metric([method, template, str(status)], count)
            duration.add_metric([method, template], _summed(self.buckets, cell), cell.sum)
        yield requests
        yield duration
        yield GaugeMetricFamily(*IN_FLIGHT, value=in_flight)
        yield HistogramMetricFamily(*LAG, buckets=_summed(LAGS, lags), sum_value=lags.sum)
        yield from _of_server(numbers())


def _summed(bounds: Sequence[float], cell: _Cell) -> list[tuple[str, float]]:
    """Prometheus' buckets hold what is below them too."""
    total, summed = 0, []
    for bound, count in zip((*bounds, float("inf")), cell.counts, strict=True):
        total += count
        summed.append((floatToGoString(bound), float(total)))  # type: ignore[no-untyped-call]
    return summed


def _of_server(now: Numbers) -> Iterator[Metric]:
    threads = GaugeMetricFamily(*THREADS, labels=["pool"])
    queue = GaugeMetricFamily(*QUEUE, labels=["pool"])
    refused = CounterMetricFamily(*REFUSED, labels=["pool"])
    for name in ("handlers", "files"):
        pool = getattr(now, name)
        threads.add_metric([name], pool.threads)
        queue.add_metric([name], pool.waiting)
        refused.add_metric([name], pool.refused)
    yield threads
    yield queue
    yield refused
    yield GaugeMetricFamily(*CONNECTIONS, value=now.connections)


class _InMemoryRoute:
    """One route's cells, by method."""

    __slots__ = ("cells", "tally")

    def __init__(self, tally: InMemory) -> None:
        self.tally = tally
        self.cells: dict[str, _Cell] = {}

    def end(self, method: str, status: int, seconds: float) -> None:
        tally = self.tally
        cell = self.cells.get(method) or self._cell(method_label(method))
        with tally.lock:
            tally.in_flight -= 1
            cell.statuses[status] = cell.statuses.get(status, 0) + 1
            cell.counts[bisect_left(tally.buckets, seconds)] += 1
            cell.sum += seconds

    def _cell(self, method: str) -> _Cell:
        with self.tally.lock:
            return self.cells.setdefault(method, _Cell(self.tally.buckets))


class InFiles:
    """Counts by the client's own metrics, for processes that are scraped as one."""

    def __init__(self, registry: CollectorRegistry, buckets: tuple[float, ...]) -> None:
        self.buckets = buckets
        self.requests = Counter(*REQUESTS, ["method", "route", "status"], registry=registry)
        self.duration = Histogram(
            *DURATION, ["method", "route"], buckets=buckets, registry=registry
        )

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, registry=registry, multiprocess_mode="livesum")

        self.in_flight = gauge(*IN_FLIGHT)
        self._threads, self._queue = gauge(*THREADS, "pool"), gauge(*QUEUE, "pool")
        self._connections = gauge(*CONNECTIONS)
        self._refused = Counter(*REFUSED, ["pool"], registry=registry)
        self._lags = Histogram(*LAG, buckets=LAGS, registry=registry)
        self._told: dict[str, int] = {}
        self._routes: dict[str, _InFilesRoute] = {}
        #: `refresh` is called by the loop and by scrapes.
        self._lock = Lock()
        every_second(self.look)

    def begin(self) -> None:
        self.in_flight.inc()

    def route(self, template: str) -> _InFilesRoute:
        return self._routes.setdefault(template, _InFilesRoute(self, template))

    def look(self, lag: float) -> None:
        """Once a second, on the event loop."""
        self._lags.observe(lag)
        self.refresh()

    def refresh(self) -> None:
        """Write down how this process stands."""
        now = numbers()
        with self._lock:
            self._connections.set(now.connections)
            for name in ("handlers", "files"):
                pool = getattr(now, name)
                self._threads.labels(name).set(pool.threads)
                self._queue.labels(name).set(pool.waiting)
                more = pool.refused - self._told.get(name, 0)
                self._told[name] = pool.refused
                self._refused.labels(name).inc(max(0, more))


class _InFilesRoute:
    """The client's children for one route."""

    def __init__(self, tally: InFiles, template: str) -> None:
        self.tally = tally
        self.template = template
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def end(self, method: str, status: int, seconds: float) -> None:
        known = self._known.get((method, status)) or self._labelled(method_label(method), status)
        counter, histogram = known
        counter.inc()
        histogram.observe(seconds)
        self.tally.in_flight.dec()

    def _labelled(self, method: str, status: int) -> tuple[Counter, Histogram]:
        tally, template = self.tally, self.template
        known = (
            tally.requests.labels(method, template, str(status)),
            tally.duration.labels(method, template),
        )
        return self._known.setdefault((method, status), known)
