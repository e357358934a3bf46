"""Connections that take the time of every request, for `--stats` and logs that machines read.

`protocol` (direct.py) makes these in place of the usual ones where CARBOY_MEASURE is set; nobody
else pays for it. Durations are kept in buckets, each 12 % wider than the one before, so that
percentiles cost nothing until somebody asks for them (cli/stats.py).
"""

from __future__ import annotations

from bisect import bisect_right
from time import perf_counter
from typing import Any

from carboy.core.context import RequestContext
from carboy.server.direct import Connection
from carboy.server.shared import Shared

#: Bounds of the buckets in seconds, from 20 µs to 100 s; one bucket more than bounds.
BOUNDS = tuple(0.00002 * 1.12**power for power in range(137))


class MeasuredShared(Shared):
    """What measured connections share."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connection = MeasuredConnection
        #: Requests by their duration, since the start.
        self.durations = [0] * (len(BOUNDS) + 1)

    def log_access(
        self,
        connection: Any,
        request: RequestContext,
        status: int,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """With the route, and the seconds until the answer's head was there."""
        extra = {"duration": round(perf_counter() - connection.began, 6)}
        if (template := request.target.route.pattern.source).startswith("/"):
            extra["route"] = template
        super().log_access(connection, request, status, extra)


class MeasuredConnection(Connection):
    """A connection that knows since when a request is being answered."""

    __slots__ = ("began",)

    shared: MeasuredShared

    def _start(self, request: RequestContext) -> None:
        self.began = perf_counter()
        Connection._start(self, request)

    def done(self, request: RequestContext) -> None:
        self.shared.durations[bisect_right(BOUNDS, perf_counter() - self.began)] += 1
        Connection.done(self, request)
