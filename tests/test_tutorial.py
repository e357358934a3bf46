"""docs/tutorial.md, followed to the letter: files are written, commands asked, step by step."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from contract.servers import end_with_parent, free_port
from tutorial import Step, steps, write

STEPS = list(steps())


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """The application under `carboy dev main:app`; where it answers."""
    port = free_port()
    log = (folder / "log").open("wb")
    command = [sys.executable, "-m", "carboy", "dev", "main:app", "--port", str(port)]
    process = subprocess.Popen(
        command, cwd=folder, stdout=log, stderr=log, preexec_fn=end_with_parent
    )
    address = f"http://localhost:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{address}/openapi.json")
                break
            except httpx.TransportError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def ask(command: str, folder: Path, address: str) -> str:
    """What a line of a console block prints."""
    words = shlex.split(command.replace("http://localhost:8000", address))
    if words[0] == "python":
        words[0] = sys.executable
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def followed(step: Step, folder: Path) -> None:
    """One step: its files, then its commands."""
    write(step, folder)
    if not step.asked:
        return
    with running(folder) as address:
        for command, printed in step.asked:
            found = ask(command, folder, address)
            if "pytest" in command:
                assert f"{printed.strip()} in " in found
            else:
                assert found.rstrip("\n") == printed.rstrip("\n")


def test_every_step_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    assert [step.title.split(".")[0] for step in STEPS] == [str(n) for n in range(1, 11)]
    assert sum(len(step.files) for step in STEPS) > 15
    for step in STEPS:
        followed(step, tmp_path)
