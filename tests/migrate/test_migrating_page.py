"""docs/migrating.md, followed to the letter: a blog is taken from Flask to typed routes.

Commands are a shell's. One that serves goes on until its section ends. `...` in what is printed
stands for the rest of a line, or alone for any number of lines.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from contract.servers import end_with_parent, free_port
from tutorial import Step, steps, write

import carboy

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "migrating.md"
SERVES = re.compile(r"carboy (run|migrate record|migrate shadow) ")


class Reader:
    """Somebody who follows the page, with terminals, in a folder of their own for /tmp."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.cwd = ROOT
        self.ports = {"8000": str(free_port()), "8080": str(free_port())}
        commands = tmp / "bin"
        commands.mkdir()
        for name, words in (("carboy", "-m carboy"), ("python", "")):
            (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            (commands / name).chmod(0o755)
        self.environ = {
            **os.environ,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(Path(carboy.__file__).parents[1]),
        }
        self.serving: list[subprocess.Popen[str]] = []
        #: What servers have printed.
        self.log = ""

    def follow(self, step: Step) -> None:
        """One section."""
        if step.files:
            write(step, self.cwd)
        try:
            for command, printed in step.asked:
                self.do(command, printed)
        finally:
            self.stop()

    def do(self, command: str, printed: str) -> None:
        here = command.replace("/tmp/", f"{self.tmp}/")
        for shown, port in self.ports.items():
            here = here.replace(shown, port)
        if here.startswith("cd "):
            self.cwd = Path(here.removeprefix("cd "))
        elif SERVES.match(here):
            assert printed.strip() == ""
            self.serve(here)
        else:
            expect(command, self.run(here), printed)

    def run(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.cwd,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{self.stop()}"
        return done.stdout

    def serve(self, command: str) -> None:
        words = shlex.split(command)
        if "--port" not in words:
            words += ["--port", self.ports["8000"]]
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.cwd,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=end_with_parent,
        )
        self.serving.append(process)
        end = time.monotonic() + 60
        port = int(words[words.index("--port") + 1])
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                assert process.poll() is None, self.stop()
                assert time.monotonic() < end, self.stop()
                time.sleep(0.05)

    def stop(self) -> str:
        """End what serves, as Ctrl+C does; what it has printed."""
        while self.serving:
            process = self.serving.pop()
            process.send_signal(signal.SIGINT)
            self.log += process.communicate(timeout=60)[0]
        return self.log


def expect(command: str, found: str, printed: str) -> None:
    """`found` is what `printed` says."""
    lines = [line.rstrip() for line in printed.strip("\n").splitlines()]
    text = "".join(r"(?:.*\n)*?" if line == "..." else f"{_line(line)}\n" for line in lines)
    told = "".join(f"{line.rstrip()}\n" for line in found.strip("\n").splitlines())
    assert re.fullmatch(text, told), f"$ {command}\n{found}"


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("..."))


def test_the_page_is_followed_to_the_letter(tmp_path: Path) -> None:
    found = list(steps(PAGE))
    assert sum(len(step.asked) for step in found) > 30
    reader = Reader(tmp_path)
    for step in found:
        reader.follow(step)
    # What the page says that `shadow` prints when it is stopped.
    assert '{"asked": 2, "equal": 2}' in PAGE.read_text()
    assert '{"asked": 2, "equal": 2}' in reader.log
    assert "Traceback" not in reader.log


def test_figures_are_the_measured_ones() -> None:
    measured = (ROOT / "benchmarks" / "results" / "migrate.md").read_text()
    rows = re.findall(r"^\| (\w+) \| (\d+) \| \d+ \| (\d+) \| (\d+ %) \|$", measured, re.MULTILINE)
    assert len(rows) == 3
    for name, views, verified, share in rows:
        shown = rf"^\| {name}[^|]* \| {views} \| {verified} \| {share} \|$"
        found = re.search(shown, PAGE.read_text(), re.MULTILINE)
        assert found, f"`make migrate-report` writes the figures of {name} into docs/migrating.md"


@pytest.mark.parametrize(
    ("found", "printed", "fits"),
    [
        ("a\nb\nc\n", "a\n...\nc\n", True),
        ("a\nc\n", "a\n...\nc\n", True),
        ("a\nb\n", "a\n...\nc\n", False),
        ("took 3 s\n", "took ...\n", True),
        ("a\nb\n", "a\n", False),
    ],
)
def test_what_is_left_out(found: str, printed: str, fits: bool) -> None:
    if fits:
        expect("x", found, printed)
    else:
        with pytest.raises(AssertionError):
            expect("x", found, printed)
