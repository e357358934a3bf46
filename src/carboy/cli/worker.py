"""One worker process: uvicorn's Server, and the line to the supervisor that started it.

The child says "ready" when it serves and "leaving" when it has served enough requests; it goes on
until it is told to stop, so that its successor serves first. A thread of the child answers "ping",
and stops the server when the supervisor is gone. One in reserve has imported what the supervisor
has of libraries, and waits for "go"; the application's own modules it imports then, as any other.
What the supervisor does with it: supervisor.py.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import uvicorn

from carboy.cli.stats import STATS, Sample, tell

#: Whose modules a process in reserve may import: what importing does is known.
_LIBRARIES = {
    *("anyio", "blinker", "carboy", "click", "httptools", "itsdangerous", "jinja2", "pydantic"),
    *("pydantic_core", "starlette", "uvicorn", "uvloop", "websockets", "werkzeug"),
}
#: Seconds beyond the graceful time until a worker that does not end is killed.
PATIENCE = 5
#: The exit status where the application did not start, as uvicorn's.
NOT_STARTED = 3
_SPAWN = multiprocessing.get_context("spawn")


class Line:
    """The child's end: threads may say something at the same time."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        #: Whether another worker serves in this one's place.
        self.retiring = False

    def say(self, word: Any) -> None:
        """Tell the supervisor; one that is gone is no error here."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.send(word)

    def listen(self, patience: float) -> None:
        """Answer until the supervisor is gone, then stop this process in good order.

        And without it after `patience` seconds, since there is nobody else who would.
        """
        with contextlib.suppress(EOFError, OSError):
            while True:
                if self._pipe.recv() == "retire":
                    self.retiring = True
                    os.kill(os.getpid(), signal.SIGTERM)
                else:
                    self.say("pong")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(patience)
        os._exit(1)


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
            shared.stop(self.line is not None and self.line.retiring)
        await super().shutdown(sockets)


def work(
    config: uvicorn.Config,
    sockets: list[socket.socket],
    pipe: Connection,
    libraries: Sequence[str] | None,
) -> None:
    """What a worker process does; one that is given `libraries` waits with them in reserve."""
    with contextlib.suppress(KeyboardInterrupt):
        if libraries is not None and not _reserve(libraries, pipe):
            return
        config.configure_logging()
        line = Line(pipe)
        patience = (config.timeout_graceful_shutdown or 0) + PATIENCE
        name = "carboy-supervisor"
        threading.Thread(target=line.listen, args=(patience,), daemon=True, name=name).start()
        if os.environ.get(STATS) == "1":
            tell(line.say)
        Server(config, line).run(sockets)


def _reserve(libraries: Sequence[str], pipe: Connection) -> bool:
    """Import them and wait; whether this process is to serve."""
    for name in libraries:
        with contextlib.suppress(Exception):  # it is not needed, it saves time
            importlib.import_module(name)
    try:
        return bool(pipe.recv() == "go")
    except (EOFError, OSError):
        return False


def loaded_libraries() -> list[str]:
    """The modules of ours and of what we stand on that this process has loaded."""
    return [name for name in list(sys.modules) if name.partition(".")[0] in _LIBRARIES]


class Worker:
    """The supervisor's side of a worker process, which is started here."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: Sequence[socket.socket],
        generation: int,
        libraries: Sequence[str] | None = None,
    ) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        told = (config, list(sockets), theirs, libraries)
        self.process = _SPAWN.Process(target=work, args=told)
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

    def go(self) -> None:
        """Have one in reserve serve; one that has ended meanwhile is found to have ended."""
        with contextlib.suppress(OSError):
            self.pipe.send("go")

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

    def retire(self) -> None:
        """Ask it to finish and end, and to take its time: another serves in its place."""
        self.leaving = time.monotonic()
        with contextlib.suppress(OSError):
            self.pipe.send("retire")

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.process.exitcode is None and self.pid is not None:
            os.kill(self.pid, number)
