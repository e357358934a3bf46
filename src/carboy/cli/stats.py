"""`carboy run --stats`: what the server is doing, once a second.

Every process that serves takes a `Sample`; workers send theirs to the supervisor. `Stats` makes
rows of what has changed since the sample before, and shows them: as a table at the bottom of the
terminal (board.py), or as one log line for all processes together. A process whose loop is blocked
is still heard, since a thread takes its samples; one that is not heard is shown as silent.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from carboy.server.numbers import numbers, servers

#: In the environment of workers, "1": they take samples.
STATS = "CARBOY_STATS"
#: Seconds without a sample from which on a process is silent.
SILENT = 2.5

logger = logging.getLogger("carboy.stats")


class Sample(NamedTuple):
    """One process at one moment: sums since its start, and how it stands."""

    #: time.monotonic's, which all processes of a machine share.
    at: float
    requests: int
    #: Requests by duration, in the buckets of server/measured.py.
    durations: tuple[int, ...]
    #: Seconds of processor time.
    cpu: float
    #: Bytes; None where the system does not say.
    memory: int | None
    in_flight: int
    connections: int
    threads: int
    waiting: int
    refused: int
    lag: float


def take() -> Sample:
    """A sample of this process, in any thread."""
    now = numbers()
    known = [one.durations for one in servers() if hasattr(one, "durations")]
    return Sample(
        at=time.monotonic(),
        requests=now.requests,
        durations=tuple(map(sum, zip(*known, strict=True))),
        cpu=time.process_time(),
        memory=_memory(),
        in_flight=now.in_flight,
        connections=now.connections,
        threads=now.handlers.threads + now.files.threads,
        waiting=now.handlers.waiting + now.files.waiting,
        refused=now.handlers.refused + now.files.refused,
        lag=now.lag,
    )


def _memory() -> int | None:
    """What of this process is in memory."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


class Row(NamedTuple):
    """One process, or all of them, during the last second."""

    #: "all" for all of them.
    process: str
    #: Requests a second.
    rate: float
    p50: float | None
    p99: float | None
    in_flight: int
    connections: int
    threads: int
    waiting: int
    refused: int
    lag: float
    #: 1.0 is one processor, busy.
    cpu: float
    memory: int | None
    #: Seconds since it was heard, if that is long ago.
    silent: float | None = None


class _Change(NamedTuple):
    """What has happened in one process between two samples."""

    rate: float
    durations: tuple[int, ...]
    refused: int
    cpu: float
    now: Sample


def _change(before: Sample, now: Sample) -> _Change:
    seconds = max(now.at - before.at, 0.001)
    # The first connection makes the buckets.
    earlier = before.durations or (0,) * len(now.durations)
    return _Change(
        rate=(now.requests - before.requests) / seconds,
        durations=tuple(a - b for a, b in zip(now.durations, earlier, strict=True)),
        refused=now.refused - before.refused,
        cpu=(now.cpu - before.cpu) / seconds,
        now=now,
    )


def _row(process: str, changes: Sequence[_Change], silent: float | None = None) -> Row:
    known = [one.durations for one in changes if one.durations]
    durations = [sum(each) for each in zip(*known, strict=True)]
    memory = [one.now.memory for one in changes if one.now.memory is not None]
    return Row(
        process=process,
        rate=sum(one.rate for one in changes),
        p50=percentile(durations, 0.5),
        p99=percentile(durations, 0.99),
        in_flight=sum(one.now.in_flight for one in changes),
        connections=sum(one.now.connections for one in changes),
        threads=sum(one.now.threads for one in changes),
        waiting=sum(one.now.waiting for one in changes),
        refused=sum(one.refused for one in changes),
        lag=max((one.now.lag for one in changes), default=0.0),
        cpu=sum(one.cpu for one in changes),
        memory=sum(memory) if memory else None,
        silent=silent,
    )


def percentile(durations: Sequence[int], share: float) -> float | None:
    """Seconds within which this share of the requests was done; None where there were none."""
    from carboy.server.measured import BOUNDS

    wanted = share * sum(durations)
    if not wanted:
        return None
    passed = 0
    for bound, count in zip((*BOUNDS, BOUNDS[-1]), durations, strict=True):
        passed += count
        if passed >= wanted:
            return bound
    return BOUNDS[-1]


class Shown(Protocol):
    """Where rows are shown."""

    def show(self, rows: list[Row]) -> None:
        """Once a second; where there are several processes, the last row is all of them."""

    def end(self) -> None:
        """Nothing more will be shown."""


class Lines:
    """One log line a second."""

    def show(self, rows: list[Row]) -> None:
        from carboy.cli.board import as_line

        if rows:
            whole, processes = rows[-1], max(1, len(rows) - 1)
            fields: dict[str, Any] = {**whole._asdict(), "processes": processes}
            for name in ("process", "silent"):
                del fields[name]
            fields["rate"], fields["cpu"] = round(whole.rate, 1), round(whole.cpu, 3)
            logger.info("%s", as_line(whole, processes), extra=fields)

    def end(self) -> None:
        """Lines stay."""


class Stats:
    """Hears samples and shows rows. `own` takes those of this process, where it serves itself."""

    def __init__(self, shown: Shown, own: Callable[[], Sample] | None = None) -> None:
        self._shown = shown
        self._own = own
        self._heard: dict[int, tuple[Sample, Sample]] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="carboy-stats", daemon=True)

    def heard(self, process: int, sample: Sample) -> None:
        """A process has told how it stands."""
        with self._lock:
            _, before = self._heard.get(process, (sample, sample))
            self._heard[process] = before, sample

    def forget(self, process: int) -> None:
        """A process has ended."""
        with self._lock:
            self._heard.pop(process, None)

    def rows(self) -> list[Row]:
        """Every process, and all of them where there are several."""
        with self._lock:
            pairs = sorted(self._heard.items())
        now = time.monotonic()
        rows, heard = [], []
        for process, pair in pairs:
            change, age = _change(*pair), now - pair[1].at
            rows.append(_row(str(process), [change], age if age > SILENT else None))
            if age <= SILENT:  # what it did last, it did not do this second
                heard.append(change)
        if len(rows) > 1:
            rows.append(_row("all", heard))
        return rows

    def _run(self) -> None:
        while not self._stopped.wait(1):
            if self._own is not None:
                self.heard(os.getpid(), self._own())
            try:
                self._shown.show(self.rows())
            except OSError:  # the terminal is gone
                return

    @contextmanager
    def shown(self) -> Iterator[Stats]:
        """From here on, until the end."""
        self._thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            self._thread.join(5)
            self._shown.end()


def tell(say: Callable[[Sample], None]) -> None:
    """Have a thread say a sample of this process once a second, for as long as it lives."""

    def run() -> None:
        while True:
            time.sleep(1)
            say(take())

    threading.Thread(target=run, name="carboy-stats", daemon=True).start()
