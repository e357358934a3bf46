"""The other end of side.py: starts one application's process, asks it, and always ends it."""

from __future__ import annotations

import base64
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from carboy.migrate.proof.exchange import Ask, Reply
from carboy.migrate.proof.places import NotReady
from carboy.migrate.proof.spec import Spec

#: Seconds for an application to be loaded.
START = 120.0
SCRIPT = Path(__file__).with_name("side.py")


class Gone(Exception):
    """The process does not answer: it ended, or took too long."""


class Side:
    """An application that can be asked. `on` says what it runs on, `routes` what it declares.

    `faces` is "real" (imports of flask and fastapi are what is installed) or "carboy".
    """

    def __init__(
        self,
        spec: Spec,
        place: Path,
        environ: Mapping[str, str],
        faces: str,
        python: str = sys.executable,
        patience: float = 30.0,
    ) -> None:
        self.patience = patience
        # Written there by the process, read here: two places in one file.
        log, self._log_name = tempfile.mkstemp(prefix="carboy-verify-", suffix=".log")
        self._log: IO[bytes] = open(self._log_name, "rb")  # noqa: PTH123, SIM115 - `close` does
        command = [python, str(SCRIPT), spec.module, spec.name, faces, str(place)]
        self._process = subprocess.Popen(
            command,
            cwd=place,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        os.close(log)
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._pump, daemon=True).start()
        try:
            hello = self._next(START)
        except Gone:
            said = self.logged()
            self.close()
            raise NotReady(f"{spec} could not be loaded:\n{said}") from None
        if "failed" in hello:
            self.close()
            raise NotReady(f"{spec} could not be loaded:\n{_own(hello['failed'])}")
        self.on: str = hello["on"]
        self.routes: list[dict[str, Any]] = hello["routes"]

    def _pump(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _next(self, patience: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            raise Gone(f"no answer after {patience:g} seconds") from None
        if not line:
            raise Gone("the process has ended")
        return json.loads(line)  # type: ignore[no-any-return]

    def ask(self, ask: Ask) -> tuple[Reply, str | None]:
        """The answer, and the name of the view. Gone: there is none, nor will there be."""
        assert self._process.stdin is not None
        headers = [pair for pair in ask.headers if pair[0] not in ("content-length",)]
        if ask.body:
            headers.append(("content-length", str(len(ask.body))))
        asked = {
            "method": ask.method,
            "path": ask.path,
            "query": ask.query,
            "headers": headers,
            "body": base64.b64encode(ask.body).decode(),
        }
        try:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise Gone("the process has ended") from None
        found = self._next(self.patience)
        pairs = tuple((name, value) for name, value in found["headers"])
        body = base64.b64decode(found["body"])
        return Reply(found["status"], pairs, body), found["endpoint"]

    def logged(self) -> str:
        """What it wrote to its log since this was last asked."""
        said = self._log.read()
        return said.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError:
            pass
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        Path(self._log_name).unlink(missing_ok=True)


def _own(trace: str) -> str:
    """A traceback without the lines of ours and the import system's."""
    lines, kept, skip = trace.splitlines(), [], False
    for line in lines:
        if line.startswith('  File "'):
            skip = str(SCRIPT) in line or "importlib" in line or "<frozen" in line
        elif not line.startswith("    "):
            skip = False
        if not skip:
            kept.append(line)
    return "\n".join(kept)
