"""Starts the application of faults/app.py on one of the two servers, and looks at its processes."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.env import BENCHMARKS, Environment, child_env

START_SECONDS = 30.0


@dataclass(frozen=True)
class Peer:
    """One of the two, by the command that its documentation gives for production."""

    name: str
    key: str
    command: tuple[str, ...]


CARBOY = Peer("Carboy", "carboy", ("carboy", "run", "faults.app:app"))
FASTAPI = Peer("FastAPI on uvicorn", "fastapi", ("uvicorn", "faults.app:app", "--no-access-log"))
PEERS = (CARBOY, FASTAPI)


class Serving:
    """A server that runs; `options` go behind its command, `variables` into its environment."""

    def __init__(
        self, peer: Peer, environment: Environment, *options: str, **variables: str
    ) -> None:
        self.peer = peer
        self.port = _free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="faults-"))
        program, *words = peer.command
        command = [environment.bin / program, *words, "--port", str(self.port), *options]
        self.log = self.folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=BENCHMARKS,
                env=child_env(FAULTS_PEER=peer.key, TMPDIR=str(self.folder), **variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self.get("/health", 5) is None:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{peer.name} did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)

    def get(self, target: str, timeout: float = 30) -> tuple[int, bytes, dict[str, str]] | None:
        """Status, body and headers of one request on its own connection; None without an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """A connection of its own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def pids(self) -> list[int]:
        """The process and those it has started."""
        found = []
        for path in Path("/proc").iterdir():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    found.append(int(path.name))
        return sorted(found)

    def memory(self) -> int:
        """Bytes of memory of all processes, shared pages by their share."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError, IndexError):
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(text.split("\nPss:")[1].split()[0]) * 1024
        return total

    def stop(self) -> None:
        """End it, politely first."""
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(5)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def serving(
    peer: Peer, environment: Environment, *options: str, **variables: str
) -> Iterator[Serving]:
    """A server for one measurement."""
    one = Serving(peer, environment, *options, **variables)
    try:
        yield one
    finally:
        one.stop()


def ask(target: str, *headers: str, method: str = "GET") -> bytes:
    """The head of a request that keeps its connection."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "host: faults", *headers, "", ""]).encode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


Seen = dict[str, Any]
