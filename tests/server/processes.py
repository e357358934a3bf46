"""Servers as processes, serving run_app.py: started, asked, looked at, and always ended."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract.servers import end_with_parent, free_port
from contract.wire import Address, Answer, Line, request
from living import until
from tls import SecureLine

HERE = Path(__file__).parent


class Running:
    """A server that was started; over TLS where it has a `context`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        address: Address,
        folder: Path,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.process = process
        self.address = address
        self.folder = folder
        self.context = context

    def line(self) -> Line:
        if self.context is None:
            return Line(self.address)
        return SecureLine(self.address, self.context)

    def get(self, target: str, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        with self.line() as line:
            line.send(request("GET", target, headers))
            return line.answer()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def diary(self) -> list[str]:
        diary = self.folder / "diary"
        return diary.read_text().split() if diary.exists() else []

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return self.get("/pid").status == 200
        except OSError:
            return False

    def refuses(self) -> bool:
        try:
            Line(self.address).socket.close()
        except OSError:
            return True
        return False


@contextmanager
def started(
    folder: Path,
    command: Sequence[str],
    address: Address,
    environ: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    **more: Any,
) -> Iterator[Running]:
    """``python -m command``, which listens at `address`, once it answers."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            **{"cwd": HERE} | more,
            env={**os.environ, "RUN_FOLDER": str(folder), **(environ or {})},
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )
    running = Running(process, address, folder, context)
    try:
        until(running.is_up)
        yield running
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait(20)


@contextmanager
def run(
    folder: Path,
    options: Sequence[str] = ("--no-access-log",),
    environ: Mapping[str, str] | None = None,
    context: ssl.SSLContext | None = None,
    app: str = "run_app:app",
) -> Iterator[Running]:
    """`carboy run`."""
    port = free_port()
    address: Address = ("127.0.0.1", port)
    if "--uds" in options:
        address = options[options.index("--uds") + 1]
    command = ["carboy", "run", app, "--port", str(port), *options]
    with started(folder, command, address, environ, context) as running:
        yield running


def both(running: Running) -> set[int]:
    """The workers that answer, once there are two."""
    pids: set[int] = set()

    def answered() -> bool:
        pids.add(running.get("/pid").json())
        return len(pids) == 2

    until(answered)
    return pids
