"""One worker process: uvicorn's Server, and the line to the supervisor that started it.

The child says "ready" when it serves and "leaving" when it has served enough requests; it goes on
until it is told to stop, so that its successor serves first. A thread of the child answers "ping",
and stops the server when the supervisor is gone. What the supervisor does with it: supervisor.py.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import uvicorn

from carboy.cli.stats import STATS, Sample, tell

_SPAWN = multiprocessing.get_context("spawn")


class Line:
    """The child's end: threads may say something at the same time."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def say(self, word: Any) -> None:
        """Tell the supervisor; one that is gone is no error here."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send(word)

    def listen(self) -> None:
        """Answer until the supervisor is gone, then stop this process in good order."""
        try:
            while True:
                self._pipe.recv()
                self.say("pong")
        except (EOFError, OSError):
            os.kill(os.getpid(), signal.SIGTERM)


class Server(uvicorn.Server):
    """uvicorn's Server, whose late connections learn of the stop, with a line or without."""

    def __init__(self, config: uvicorn.Config, line: Line | None = None) -> None:
        super().__init__(config)
        self.line = line

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self.line is not None:
            self.line.say("ready")

    async def on_tick(self, counter: int) -> bool:
        leave = await super().on_tick(counter)
        if not leave or self.should_exit or self.line is None:
            return leave
        # The limit is reached: said once, and then served on until the successor is there.
        self.line.say("leaving")
        self.__dict__["limit_max_requests"] = None
        return False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        shared: Any = getattr(self.server_state, "carboy", None)
        if shared is not None:
            shared.stop()
        await super().shutdown(sockets)


def work(config: uvicorn.Config, sockets: list[socket.socket], pipe: Connection) -> None:
    """What a worker process does."""
    config.configure_logging()
    line = Line(pipe)
    threading.Thread(target=line.listen, daemon=True, name="carboy-supervisor").start()
    if os.environ.get(STATS) == "1":
        tell(line.say)
    with contextlib.suppress(KeyboardInterrupt):
        Server(config, line).run(sockets)


class Worker:
    """The supervisor's side of a worker process, which is started here."""

    def __init__(
        self, config: uvicorn.Config, sockets: Sequence[socket.socket], generation: int
    ) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=work, args=(config, list(sockets), theirs))
        self.process.start()
        theirs.close()
        self.generation = generation
        #: The worker that is told to stop when this one is ready.
        self.replaces: Worker | None = None
        #: When it was ready, when it was told to stop, since when a ping is unanswered.
        self.ready: float | None = None
        self.leaving: float | None = None
        self.asked: float | None = None

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def heard(self) -> str | Sample | None:
        """The next word; None if there will be no more."""
        try:
            word: str | Sample = self.pipe.recv()
        except (EOFError, OSError):
            self.pipe.close()
            return None
        return word

    def ping(self, now: float) -> None:
        """Ask whether it still answers, unless it owes an answer."""
        if self.asked is None and not self.pipe.closed:
            with contextlib.suppress(OSError):
                self.pipe.send("ping")
                self.asked = now

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to finish and end."""
        if self.leaving is None:
            self.leaving = time.monotonic()
        self.send(number)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.process.exitcode is None and self.pid is not None:
            os.kill(self.pid, number)
