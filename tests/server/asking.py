"""Clients that ask all the while, and count what they lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from contract.wire import Broken, Line, request
from processes import Running


class Askers:
    """Threads that ask without a pause: two keep their connection, one makes new ones."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.stop = threading.Event()
        self.lost: list[str] = []
        self.pids: set[int] = set()
        self.asked = 0
        self.threads = [threading.Thread(target=self._ask, args=(k,)) for k in (True, True, False)]

    def _ask(self, keep: bool) -> None:
        line: Line | None = None
        while not self.stop.is_set():
            try:
                if line is None:
                    line = Line(self.running.address)
                line.send(request("GET", "/pid", close=not keep))
                answer = line.answer()
            except (OSError, Broken) as error:
                self.lost.append(repr(error))
                line = None
                continue
            self.asked += 1
            self.pids.add(answer.json())
            if answer.get("connection") == "close":
                line.socket.close()
                line = None
        if line is not None:
            line.socket.close()

    @contextmanager
    def asking(self) -> Iterator[Askers]:
        for thread in self.threads:
            thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            for thread in self.threads:
                thread.join(20)
