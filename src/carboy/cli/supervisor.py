"""Keeps as many workers serving as were asked for, on sockets that all of them share.

Nothing is polled: it waits for ends of processes, words of workers and signals. Whoever ends
unasked is replaced at once, by one that waits in reserve, its libraries imported: half a second of
computing on a machine that has little to spare just then. SIGHUP, and a worker that has served
enough, bring a successor first; the old one is told to stop when that serves, and finishes what it
has while the next is replaced. SIGTTIN and SIGTTOU: one more, one less. Not for Windows, which
lacks the signals.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Sequence
from multiprocessing.connection import wait

import uvicorn

from carboy.cli.stats import Sample, Stats
from carboy.cli.worker import NOT_STARTED, PATIENCE, Worker, loaded_libraries

logger = logging.getLogger("uvicorn.error")

#: Seconds until a worker that failed at once is tried again; doubled each time, up to the last.
PAUSE, LONGEST_PAUSE = 1.0, 30.0


class Supervisor:
    """`run` serves until SIGTERM or SIGINT; the exit status is what it returns."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: Sequence[socket.socket],
        stats: Stats | None = None,
    ) -> None:
        self.config = config
        self.sockets = sockets
        self.stats = stats
        self.wanted = config.workers
        self.workers: list[Worker] = []
        #: Started when all serve; not one of the workers until it is told to serve.
        self.reserve: Worker | None = None
        self._no_reserve_before = 0.0
        #: Counts the restarts; workers of earlier ones are to be replaced.
        self.generation = 0
        self.stopping = False
        self.failed = False
        self._signals: list[int] = []
        self._pause = 0.0
        self._not_before = 0.0
        self._proved = False

    def run(self) -> int:
        """0 after a signal to stop, NOT_STARTED when the first worker could not start."""
        logger.info("Started parent process [%d]", os.getpid())
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        handled = ("HUP", "INT", "TERM", "QUIT", "TTIN", "TTOU")
        for name in handled:
            signal.signal(getattr(signal, f"SIG{name}"), self._note)
        try:
            while not self.stopping or self.workers:
                self._balance()
                self._wait(reader)
                self._look_after()
        finally:
            signal.set_wakeup_fd(-1)
            os.close(reader)
            os.close(writer)
        logger.info("Stopping parent process [%d]", os.getpid())
        return NOT_STARTED if self.failed else 0

    def _note(self, number: int, frame: object) -> None:
        self._signals.append(number)

    def _wait(self, wakeup: int) -> None:
        """Until something happens or a second has passed; then deal with it."""
        children = [*self.workers, self.reserve] if self.reserve is not None else self.workers
        sentinels = [child.process.sentinel for child in children]
        pipes = {worker.pipe: worker for worker in self.workers if not worker.pipe.closed}
        for source in wait([wakeup, *sentinels, *pipes], timeout=1):
            if source == wakeup:
                os.read(wakeup, 4096)
            elif source in pipes:
                self._heard(pipes[source])
        for worker in [one for one in self.workers if one.process.exitcode is not None]:
            self._ended(worker)
        if self.reserve is not None and self.reserve.process.exitcode is not None:
            logger.error("Child process [%s] in reserve died", self.reserve.pid)
            self._drop_reserve()
            self._no_reserve_before = time.monotonic() + LONGEST_PAUSE
        while self._signals:
            self._handle(signal.Signals(self._signals.pop(0)))

    # -- workers ------------------------------------------------------------------------------

    def _start(self, replaces: Worker | None = None) -> None:
        worker = self._child()
        worker.replaces = replaces
        self.workers.append(worker)

    def _child(self, libraries: Sequence[str] | None = None) -> Worker:
        return Worker(self.config, self.sockets, self.generation, libraries)

    def _fill(self) -> None:
        """One more, from the reserve if there is one."""
        if self.reserve is None:
            self._start()
            return
        worker, self.reserve = self.reserve, None
        worker.go()
        self.workers.append(worker)

    def _is_settled(self) -> bool:
        """Whether there is nothing else to do than to keep one in reserve."""
        return (
            self.reserve is None
            and time.monotonic() >= self._no_reserve_before
            and len(self.workers) == self.wanted
            and all(
                one.ready is not None and one.generation == self.generation for one in self.workers
            )
        )

    def _drop_reserve(self) -> None:
        if self.reserve is not None:
            self.reserve.send(signal.SIGKILL)  # it has begun nothing
            self.reserve.process.join()
            self.reserve.pipe.close()
            self.reserve = None

    def _balance(self) -> None:
        """Start and stop workers until there are as many, and as new, as wanted."""
        if self.stopping:
            return
        staying = [one for one in self.workers if one.leaving is None]
        placed = [one for one in staying if one.replaces is None]
        if time.monotonic() >= self._not_before:
            for _ in range(self.wanted - len(placed)):
                self._fill()
            if self._is_settled():
                self.reserve = self._child(loaded_libraries())
        for worker in placed[self.wanted :]:
            worker.retire()
        if len(placed) == len(staying):
            old = [one for one in placed[: self.wanted] if one.generation < self.generation]
            for worker in [one for one in old if one.ready is not None][:1]:
                self._start(replaces=worker)

    def _heard(self, worker: Worker) -> None:
        word = worker.heard()
        if word == "ready":
            worker.ready = time.monotonic()
            self._proved = True
            self._pause = 0.0
            if worker.replaces is not None:
                worker.replaces.retire()
                worker.replaces = None
        elif word == "leaving":
            worker.generation = -1
        elif word == "pong":
            worker.asked = None
        elif isinstance(word, Sample) and self.stats is not None and worker.pid is not None:
            self.stats.heard(worker.pid, word)

    def _ended(self, worker: Worker) -> None:
        while not worker.pipe.closed and worker.pipe.poll():
            self._heard(worker)
        worker.pipe.close()
        self.workers.remove(worker)
        if self.stats is not None and worker.pid is not None:
            self.stats.forget(worker.pid)
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ and worker.pid is not None:
            _forget_numbers(worker.pid)
        for other in self.workers:
            if other.replaces is worker:
                other.replaces = None
        if worker.leaving is not None or self.stopping:
            return
        if worker.ready is None:
            self._failed(worker)
            return
        logger.error("Child process [%s] died, it is replaced", worker.pid)
        if time.monotonic() - worker.ready < PAUSE:
            self._back_off()

    def _failed(self, worker: Worker) -> None:
        """It ended before it served."""
        if worker.replaces is not None:
            logger.error("The new worker [%s] did not start: the old ones stay", worker.pid)
            for other in self.workers:
                other.generation = self.generation
        elif self._proved:
            self._back_off()
            logger.error("Worker [%s] did not start: again in %d s", worker.pid, self._pause)
        else:
            logger.error("Worker [%s] did not start: nothing is served", worker.pid)
            self.failed = True
            self._stop(signal.SIGTERM)

    def _back_off(self) -> None:
        self._pause = min(self._pause * 2 or PAUSE, LONGEST_PAUSE)
        self._not_before = time.monotonic() + self._pause

    def _look_after(self) -> None:
        """Kill those that hang: no answer to a ping, or no end long after they were told."""
        now = time.monotonic()
        graceful = self.config.timeout_graceful_shutdown
        for worker in self.workers:
            if worker.leaving is not None:
                if graceful is not None and now - worker.leaving > graceful + PATIENCE:
                    self._kill(worker, "does not end")
            elif worker.ready is not None:
                if worker.asked is None:
                    worker.ping(now)
                elif now - worker.asked > self.config.timeout_worker_healthcheck:
                    self._kill(worker, "does not answer")

    def _kill(self, worker: Worker, why: str) -> None:
        logger.error("Worker [%s] %s: killed", worker.pid, why)
        worker.send(signal.SIGKILL)

    # -- signals ------------------------------------------------------------------------------

    def _handle(self, number: signal.Signals) -> None:
        if number == signal.SIGHUP:
            logger.info("Received SIGHUP, replacing the workers one after the other.")
            self.generation += 1
            # Libraries may have changed too.
            self._drop_reserve()
        elif number == signal.SIGTTIN:
            self.wanted += 1
        elif number == signal.SIGTTOU:
            self.wanted = max(1, self.wanted - 1)
        else:
            logger.info("Received %s, exiting.", number.name)
            again = self.stopping and number == signal.SIGINT
            self._stop(signal.SIGINT if again else signal.SIGTERM)

    def _stop(self, number: signal.Signals) -> None:
        """No more workers; those there are finish. A second SIGINT ends them without."""
        self.stopping = True
        self._drop_reserve()
        for sock in self.sockets:
            sock.close()
        for worker in self.workers:
            worker.stop(number)


def _forget_numbers(pid: int) -> None:
    """What a process is, no longer counts when it has ended; what it did still does."""
    try:
        from prometheus_client.multiprocess import mark_process_dead
    except ImportError:
        return
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
