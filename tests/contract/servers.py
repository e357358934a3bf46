"""Starts the application under a server, waits until it answers, and always ends it.

`TRANSPORTS` names every way by which a request can reach an endpoint. A server is a child process
in a session of its own, so that its workers end with it.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .wire import Address, Broken, Line, request

TESTS = Path(__file__).resolve().parents[1]
#: The application, as a server that runs in tests/ is told.
APP = "contract.contract_app:app"
START = 30
STOP = 15


@dataclass(frozen=True)
class Transport:
    """A server's command line; {bind} is host:port, {port} the port, {uds} a socket's path."""

    name: str
    command: Sequence[str]
    #: Whether two requests can be inside at the same time.
    parallel: bool = True
    #: Whether repeated headers reach the application one by one (WSGI joins them).
    joins_headers: bool = False
    #: Statuses that this server can't send, and why not.
    unsendable: Mapping[int, str] = field(default_factory=dict)


DIRECT = "carboy run {app} --port {port} --no-access-log"
_LINES = {
    "direct": DIRECT,
    "direct-uds": "carboy run {app} --uds {uds} --no-access-log",
    "asgi-uvicorn": "uvicorn {app} --port {port} --no-access-log",
    "asgi-hypercorn": "hypercorn {app} --bind {bind} --graceful-timeout 2",
    "wsgi-sync": "gunicorn {app} --bind {bind} --no-control-socket --graceful-timeout 5",
    "wsgi-gthread": "gunicorn {app} --bind {bind} --no-control-socket --graceful-timeout 5 "
    "--worker-class gthread --threads 24",
}
#: uvicorn's own protocols keep their status lines in a table from 100 to 599.
_UNSENDABLE = {"asgi-uvicorn": {999: "KeyError: 999"}}
TRANSPORTS = [
    Transport(
        name,
        line.split(),
        parallel=name != "wsgi-sync",
        joins_headers=name.startswith("wsgi"),
        unsendable=_UNSENDABLE.get(name, {}),
    )
    for name, line in _LINES.items()
]


@dataclass
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    address: Address
    log_file: Path

    def log(self) -> str:
        """Everything it has printed."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int | None:
        """Ask it to stop as an operator would; its exit status, None if it had to be killed."""
        self.process.terminate()
        try:
            return self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            return None


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def serving(
    command: Sequence[str], *options: str, environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """The application under ``python -m command``, ready to answer."""
    # Not pytest's own: the path of a UNIX socket has to be short.
    folder = Path(tempfile.mkdtemp(prefix="contract-"))
    port, token = free_port(), secrets.token_hex(8)
    uds = folder / "socket"
    values = {"app": APP, "port": port, "bind": f"127.0.0.1:{port}", "uds": uds}
    words = [word.format(**values) for word in command]
    address: Address = str(uds) if str(uds) in words else ("127.0.0.1", port)
    log_file = folder / "log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *words, *options],
            cwd=TESTS,
            env={**os.environ, "CONTRACT_TOKEN": token, **(environ or {})},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    server = Server(process, address, log_file)
    try:
        _wait(server, token)
        yield server
    finally:
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def end_with_parent() -> None:
    """Where the kernel can do it: a test run that is killed outright takes its servers along."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _wait(server: Server, token: str) -> None:
    """Until our own server answers, and not whoever else may have got the port."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise AssertionError(f"the server ended by itself:\n{server.log()}")
        try:
            with Line(server.address) as line:
                line.send(request("GET", "/ready"))
                if line.answer().json() == {"token": token}:
                    return
        except (OSError, Broken):
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server did not answer within {START} s:\n{server.log()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever happened, neither the server nor a worker of it lives on."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(STOP)
