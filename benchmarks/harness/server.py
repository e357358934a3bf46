"""Starts one server process, watches its CPU time and memory, and ends it.

Each server leads a session of its own, so that its workers are found through /proc
and are ended with it. The answer is checked before and after a measurement: a
fast wrong answer counts for nothing.
"""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .entries import Entry
from .env import BENCHMARKS, Environment, child_env, tidy

START_SECONDS = 30.0
STOP_SECONDS = 3.0
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class NotStartedError(Exception):
    """The server did not come up; the message says why."""


class WrongAnswerError(Exception):
    """The server answered something else than the expected JSON."""


@dataclass(frozen=True)
class Usage:
    """CPU time and resident memory of a whole process session."""

    cpu_seconds: float
    rss_mib: float


def cores() -> tuple[int, int] | None:
    """Return the core for servers and the core for load, where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else None


def pinned(command: list[str], load: bool = False) -> list[str]:
    """Put a command on the core of the servers, or on that of the load."""
    pair = cores()
    if pair is None or shutil.which("taskset") is None:
        return command
    return ["taskset", "-c", str(pair[load]), *command]


class Server:
    """One running server; ``stop`` must follow."""

    def __init__(self, entry: Entry, environment: Environment) -> None:
        """Prepare the command and the folder for the log and generated files."""
        self.folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self.port = _free_port()
        self.command = self._command(entry, environment)
        self.process: subprocess.Popen[bytes] | None = None

    def _command(self, entry: Entry, environment: Environment) -> list[str]:
        words = [
            word.format(app=entry.app, port=self.port, dir=self.folder)
            for word in entry.command.split()
        ]
        if words[0] == "nginx":
            template = (BENCHMARKS / "apps" / "nginx.conf.in").read_text()
            text = template.replace("@PORT@", str(self.port)).replace("@DIR@", str(self.folder))
            (self.folder / "nginx.conf").write_text(text)
            words[0] = shutil.which("nginx") or "/nonexistent/nginx"
        else:
            words[0] = str(environment.bin / words[0])
        return words

    def start(self) -> None:
        """Start the process and wait until it takes connections."""
        if not Path(self.command[0]).exists():
            raise NotStartedError(f"{Path(self.command[0]).name} is not installed")
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                pinned(self.command),
                cwd=BENCHMARKS,
                env=child_env(BENCH_PORT=str(self.port)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise NotStartedError(f"ended at once: {self.last_words()}")
            if self._listens():
                return
            time.sleep(0.05)
        raise NotStartedError(f"not listening after {START_SECONDS:.0f} s: {self.last_words()}")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def last_words(self) -> str:
        """Return the last line of the server's log."""
        lines = (self.folder / "log").read_text(errors="replace").split("\n")
        spoken = [line.strip() for line in lines if line.strip()]
        return tidy(spoken[-1])[:300] if spoken else "no output"

    def check(self, entry: Entry) -> None:
        """Send the entry's request once and compare status, type and JSON or text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            method = "POST" if entry.payload else "GET"
            headers = {"content-type": "application/json"} if entry.payload else {}
            if entry.cookie:
                headers["cookie"] = entry.cookie
            connection.request(method, entry.path, entry.payload or None, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
            kind = response.getheader("content-type", "")
        except (OSError, http.client.HTTPException) as error:
            raise WrongAnswerError(f"no answer: {error!r}; {self.last_words()}") from error
        finally:
            connection.close()
        wanted = "text/html" if isinstance(entry.expected, str) else "application/json"
        if response.status != 200 or not kind.startswith(wanted):
            raise WrongAnswerError(f"status {response.status}, {kind}: {tidy(text)[:200]}")
        if (text if wanted == "text/html" else _parsed(text)) != entry.expected:
            raise WrongAnswerError(f"unexpected body {tidy(text)[:200]}")

    def usage(self) -> Usage:
        """Add up the process and all its descendants."""
        cpu = memory = 0
        for pid in self._members():
            try:
                fields = _stat(pid)
                resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (OSError, IndexError):
                continue
            cpu += int(fields[11]) + int(fields[12])
            memory += resident
        return Usage(cpu / TICKS, memory * PAGE / 2**20)

    def _members(self) -> list[int]:
        if self.process is None:
            return []
        found = []
        for path in Path("/proc").iterdir():
            if not path.name.isdigit():
                continue
            try:
                if int(_stat(int(path.name))[3]) == self.process.pid:
                    found.append(int(path.name))
            except (OSError, IndexError):
                continue
        return found

    def stop(self) -> None:
        """End the whole session: politely first, then for good."""
        if self.process is not None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
            self._signal(signal.SIGKILL)
            self.process.wait(STOP_SECONDS)
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._members():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the command name, the state first."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
