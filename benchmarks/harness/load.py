"""Drives wrk against one server and reads its numbers.

One thread and 64 connections, pinned to the core that the servers do not use. A
short warm-up comes first. CPU time and memory of the server are read around the
measured run.
"""

import json
import subprocess
from dataclasses import dataclass

from .entries import Entry
from .env import BENCHMARKS, child_env
from .server import Server, pinned

CONNECTIONS = 64
WARM_UP_SECONDS = 1


class LoadError(Exception):
    """wrk failed or saw errors."""


@dataclass(frozen=True)
class Sample:
    """One measured run."""

    requests: int
    per_second: float
    latency_mean_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    cpu_us_per_request: float
    rss_mib: float


def measure(server: Server, entry: Entry, seconds: int) -> Sample:
    """Warm the server up, measure it and check its answer again."""
    _wrk(server, entry, WARM_UP_SECONDS)
    before = server.usage()
    numbers = _wrk(server, entry, seconds)
    after = server.usage()
    server.check(entry)
    requests = int(numbers["requests"])
    return Sample(
        requests=requests,
        per_second=requests / numbers["seconds"],
        latency_mean_ms=numbers["latency_mean_ms"],
        latency_p50_ms=numbers["latency_p50_ms"],
        latency_p99_ms=numbers["latency_p99_ms"],
        cpu_us_per_request=(after.cpu_seconds - before.cpu_seconds) * 1e6 / requests,
        rss_mib=after.rss_mib,
    )


def _wrk(server: Server, entry: Entry, seconds: int) -> dict[str, float]:
    command = [
        "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "5s",
        "-s", str(BENCHMARKS / "harness" / "wrk.lua"),
        f"http://127.0.0.1:{server.port}{entry.path}",
    ]  # fmt: skip
    begun = server.usage().cpu_seconds
    try:
        done = subprocess.run(
            pinned(command, load=True),
            capture_output=True, text=True, timeout=seconds + 30,
            env=child_env(BENCH_BODY=entry.payload, BENCH_COOKIE=entry.cookie),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LoadError("wrk did not end") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode or not lines:
        raise LoadError(f"wrk ended with {done.returncode}: {done.stderr.strip()[:200]}")
    numbers: dict[str, float] = json.loads(lines[-1].removeprefix("RESULT "))
    if numbers["bad_statuses"] or numbers["socket_errors"] or not numbers["requests"]:
        raise LoadError(
            f"{numbers['requests']} requests, {numbers['bad_statuses']} with a bad status, "
            f"{numbers['socket_errors']} socket errors in {numbers['seconds']:.2f} s, server CPU "
            f"{server.usage().cpu_seconds - begun:.2f} s, its last words: {server.last_words()}"
        )
    return numbers
