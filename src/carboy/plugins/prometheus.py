"""Metrics for Prometheus: `Metrics` stands around routes and counts, `expose` shows the numbers.

    metrics = Metrics()
    app = App(plugins=[metrics])
    metrics.expose(app)

Needs prometheus-client (``pip install carboy[prometheus]``). What servers know of themselves is in
server/numbers.py, where counts are kept in tallies.py; here a request is followed from its route to
the end of its answer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from time import perf_counter
from typing import Any
from weakref import WeakKeyDictionary

from anyio import to_thread
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from carboy.core.answer import Answer
from carboy.core.context import RequestContext
from carboy.core.plugin import Around, Steps
from carboy.core.route import Route
from carboy.plugins.following import follow, paths, sent, template_of
from carboy.plugins.tallies import InFiles, InMemory, Tally, Timed

#: Bounds of the durations, in seconds.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: The status of a request whose client left before there was one, as nginx writes it.
LEFT = 499
#: Where the processes of one server keep their numbers. Read by prometheus-client.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"

_TALLIES: WeakKeyDictionary[CollectorRegistry, Tally] = WeakKeyDictionary()
logger = logging.getLogger("carboy.metrics")


class Metrics:
    """A plugin that counts requests by method, route and status, and measures them.

    `registry` is prometheus-client's own unless given; `buckets` are bounds in seconds; `exclude`
    names paths as they are declared ("/health") that are not counted.
    """

    def __init__(
        self,
        *,
        registry: CollectorRegistry = REGISTRY,
        buckets: Sequence[float] = BUCKETS,
        exclude: Iterable[str] = (),
    ) -> None:
        self.registry = registry
        self.exclude = paths(exclude)
        self._tally = _tally_of(registry, _bounds(buckets))

    def around(self, route: Route) -> Around | None:
        """What follows the requests of `route`."""
        template = template_of(route)
        function = route.function
        if template in self.exclude or (function is not None and function.call == self.scrape):
            return None
        return partial(_measure, self._tally.begin, self._tally.route(template))

    def expose(self, app: Any, path: str = "/metrics") -> None:
        """Answer `path` of `app` with the numbers, uncounted and absent from its document.

        `app` is an application or a router; of the Flask face it is an application that has to
        have a free thread to answer.
        """
        _warn_if_alone()
        if hasattr(app, "add_plugin"):
            app.add_url_rule(path, "carboy_metrics", str, methods=["GET"])
            app.add_plugin(_Exposed(self, path))
            self.exclude |= {path}
            return
        app.add_api_route(path, self.scrape, methods=["GET"], include_in_schema=False)

    def init_app(self, app: Any) -> None:
        """Count the requests of an application of the Flask face."""
        if not hasattr(app, "add_plugin"):
            raise TypeError(f"{app!r} is told of plugins when it is made: App(plugins=[metrics])")
        app.add_plugin(self)

    async def scrape(self, request: Request) -> Response:
        """The numbers, as the client accepts them; by no thread of the pool, which may be full."""
        accepted = request.headers.get("accept", "")
        text, kind = await to_thread.run_sync(self.render, accepted)
        return Response(text, headers={"content-type": kind})

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """(text, content type) of the numbers, for who accepts this."""
        self._tally.refresh()
        encode, kind = choose_encoder(accept)
        return encode(self._read()), kind

    def _read(self) -> CollectorRegistry:
        if FOLDER not in os.environ:
            return self.registry
        from prometheus_client.multiprocess import MultiProcessCollector

        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return everybody


class _Exposed:
    """A plugin that answers one path with the numbers, in the place of its endpoint."""

    def __init__(self, metrics: Metrics, path: str) -> None:
        self._metrics = metrics
        self._path = path

    def around(self, route: Route) -> Around | None:
        """Of the other routes, nothing."""
        return self._answer if route.pattern.source == self._path else None

    def _answer(self, request: RequestContext) -> Steps:
        accepted = (request.header(b"accept") or b"").decode("latin-1")
        text, kind = self._metrics.render(accepted)
        return Answer(text, headers=[("content-type", kind)])
        yield


def _measure(begin: Callable[[], None], timed: Timed, request: RequestContext) -> Steps:
    begin()
    start = perf_counter()

    def done(status: int) -> None:
        timed.end(request.method, status, perf_counter() - start)

    try:
        answer: Answer = yield
    except BaseException as error:
        # What is no Exception (a cancellation) has no answer, unless its time was up.
        done(sent(request, 500 if isinstance(error, Exception) else LEFT))
        raise
    follow(request, answer, done)
    return None


def _tally_of(registry: CollectorRegistry, buckets: tuple[float, ...]) -> Tally:
    """Applications that share a registry share its numbers."""
    tally = _TALLIES.get(registry)
    if tally is None:
        made = InFiles if FOLDER in os.environ else InMemory
        tally = _TALLIES[registry] = made(registry, buckets)
    elif tally.buckets != buckets:
        raise ValueError(
            f"there are Metrics with the buckets {tally.buckets} in this registry: give the same "
            "buckets= to all of them, or a registry= of its own to each"
        )
    return tally


def _bounds(buckets: Sequence[float]) -> tuple[float, ...]:
    bounds = tuple(float(bound) for bound in buckets)
    if not bounds or list(bounds) != sorted(set(bounds)) or not 0 < bounds[0] <= bounds[-1] < 1e9:
        raise ValueError(f"buckets are seconds, each more than the one before: {buckets!r}")
    return bounds


def _warn_if_alone() -> None:
    if FOLDER not in os.environ and os.environ.get("CARBOY_WORKERS", "1") != "1":
        logger.warning(
            "Each of the workers counts for itself, and a scrape meets any of them: set %s to an "
            "empty folder, and they are read as one.",
            FOLDER,
        )
