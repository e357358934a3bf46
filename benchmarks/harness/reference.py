"""The reference table: exactly 100,000 requests to five servers, one after another.

Each server is started fresh, warmed up, and then gets the fixed count from
``client.py``. ``client_busy`` tells how much of its core the client used: near 1 the
client, not the server, set the pace.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .entries import REFERENCE, WORKLOADS, Entry
from .env import child_env, tidy
from .load import CONNECTIONS
from .server import NotStartedError, Server, Usage, WrongAnswerError, pinned
from .session import Environments, environment_problem

WARM_UP_REQUESTS = 1000
LONGEST_SECONDS = 600


@dataclass
class Reference:
    """One line of the reference table."""

    name: str
    label: str
    requests: int = 0
    seconds: float = 0.0
    latency_mean_ms: float = 0.0
    cpu_seconds: float = 0.0
    rss_mib: float = 0.0
    client_busy: float = 0.0
    problem: str = ""

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds if self.seconds else 0.0


def run_reference(
    names: frozenset[str], environments: Environments, requests: int
) -> list[Reference]:
    """Measure every server of the table."""
    lines = []
    entries = {entry.name: entry for entry in WORKLOADS["hello"]}
    for name in REFERENCE:
        if names and name not in names:
            continue
        line = _measure(entries[name], environments, requests)
        lines.append(line)
        shown = line.problem or f"{line.per_second:,.0f} req/s, {line.cpu_seconds:.2f} s cpu"
        print(f"  {line.label:32} {shown}", flush=True)
    return lines


def _measure(entry: Entry, environments: Environments, requests: int) -> Reference:
    line = Reference(entry.name, entry.label)
    if problem := environment_problem(entry, environments):
        line.problem = f"skipped: {problem}"
        return line
    server = Server(entry, environments[entry.environment])
    try:
        server.start()
        server.check(entry)
        python = environments["main"].python
        _send(python, server.port, entry.path, WARM_UP_REQUESTS)
        before = server.usage()
        numbers = _send(python, server.port, entry.path, requests)
        _fill(line, numbers, before, server.usage())
        server.check(entry)
    except NotStartedError as error:
        line.problem = f"skipped: {error}"
    except (RuntimeError, WrongAnswerError) as error:
        line.problem = f"failed: {error}"
    finally:
        server.stop()
    return line


def _fill(line: Reference, numbers: dict[str, float], before: Usage, after: Usage) -> None:
    line.requests = int(numbers["requests"])
    line.seconds = numbers["seconds"]
    line.latency_mean_ms = numbers["latency_mean_ms"]
    line.client_busy = numbers["client_busy"]
    line.cpu_seconds = after.cpu_seconds - before.cpu_seconds
    line.rss_mib = after.rss_mib


def _send(python: Path, port: int, path: str, count: int) -> dict[str, float]:
    script = Path(__file__).with_name("client.py")
    command = [str(python), str(script), str(port), path, str(count), str(CONNECTIONS)]
    try:
        done = subprocess.run(
            pinned(command, load=True),
            capture_output=True, text=True, timeout=LONGEST_SECONDS, env=child_env(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {LONGEST_SECONDS} s") from error
    if done.returncode:
        raise RuntimeError(tidy(done.stderr.strip())[-200:])
    numbers: dict[str, float] = json.loads(done.stdout)
    return numbers
