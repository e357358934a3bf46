"""How an attack is made: over a real socket, against a server that has to live on.

An `Outcome` is what the bytes said. `Attacked` knows the server's process, its log and its canary.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.servers import DIRECT, Server, serving
from contract.wire import Line, request

APP = "attacks.attacked:app"
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")
_INFORMATION = {b"100", b"102", b"103"}


@dataclass
class Outcome:
    """What a server did with some bytes."""

    statuses: list[int]
    #: It closed the connection by itself.
    closed: bool
    answer: bytes


def attempt(server: Server, pieces: Sequence[bytes], patience: float = 5) -> Outcome:
    """Send `pieces`, read until the server closes or says nothing for `patience` seconds."""
    with Line(server.address) as line:
        line.socket.settimeout(patience)
        answer, closed = b"", True
        try:
            for piece in pieces:
                with contextlib.suppress(BrokenPipeError):
                    line.socket.sendall(piece)
            while data := line.socket.recv(65536):
                answer += data
        except TimeoutError:
            closed = False
        except ConnectionResetError:
            pass
    found = [int(one) for one in _STATUS.findall(answer) if one not in _INFORMATION]
    return Outcome(found, closed, answer)


class Attacked:
    """A server under attack."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.pid = self.get("/")

    def get(self, path: str) -> Any:
        """What a well-behaved client is told."""
        with Line(self.server.address) as line:
            line.send(request("GET", path))
            return line.answer().json()

    def post(self, path: str, body: bytes) -> Outcome:
        """What the server makes of an answer of the application's."""
        kind = ("content-type", "application/json")
        return attempt(self.server, [request("POST", path, [kind], body=body)])

    def memory(self) -> int:
        """Bytes that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024

    @contextmanager
    def unharmed(self, lines: int = 1) -> Iterator[None]:
        """Afterwards nobody was at the canary, it is the same process, and the log is short."""
        canaries, log = self.get("/canaries"), len(self.server.log())
        yield
        assert self.get("/") == self.pid
        assert self.get("/canaries") == canaries
        time.sleep(0.01)
        assert self.server.log()[log:].count("\n") <= lines, self.server.log()[log:]


@contextmanager
def attacked(log: bool = False) -> Iterator[Attacked]:
    """The application under `carboy run`."""
    command = [word.replace("{app}", APP) for word in DIRECT.split()]
    if log:
        command.remove("--no-access-log")
    with serving(command) as server:
        yield Attacked(server)
        assert server.process.poll() is None, f"the server died:\n{server.log()}"
