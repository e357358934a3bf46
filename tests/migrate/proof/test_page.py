"""docs/migrating-proof.md: its files are written, its commands run, what they print is compared."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from contract.servers import free_port
from living import until
from processes import started

import carboy
from proof.projects import Browser, write

PAGE = (Path(__file__).parents[3] / "docs" / "migrating-proof.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TEST = "from main import app\ndef test_it():\n    assert app.test_client().get('/hello').is_json\n"


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(PAGE) if kind == language]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the page shows, and the record that its command makes."""
    for text in blocks("python"):
        if match := re.match(r"# (\S+\.py)\n", text):
            file = tmp_path / match[1]
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
    (tmp_path / "old" / "tests").mkdir()
    (tmp_path / "old" / "tests" / "test_it.py").write_text(TEST)
    return tmp_path


def printed(folder: Path, command: str) -> str:
    words = shlex.split(command)
    assert words[0] == "carboy"
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_commands_print_what_is_shown(folder: Path) -> None:
    recording = next(text for text in blocks("sh") if " record " in text)
    port = free_port()
    command = [*shlex.split(recording), "--port", str(port), "--skip", "^/pid$"]
    # Served with a route more, at which its readiness is asked.
    source = (folder / "old" / "main.py").read_text()
    source += "\n@app.get('/pid')\ndef pid():\n    return ''\n"
    live = write(folder / "live" / "old", source)
    with started(folder, command, ("127.0.0.1", port), cwd=live.parent):
        assert Browser(("127.0.0.1", port)).ask("GET", "/hello?name=Ada")[0] == 200
        until((live.parent / "traffic.jsonl").exists)
    (live.parent / "traffic.jsonl").rename(folder / "traffic.jsonl")
    shown = [text.removeprefix("$ ").partition("\n") for text in blocks("console")]
    assert len(shown) == 4
    for command, _, output in shown:
        told = printed(folder, command)
        told = re.sub("Flask [0-9.]+", "Flask 3.1.3", told)
        told = told.replace(f"Carboy {carboy.__version__}", "Carboy 0.1.0")
        for part in output.split("\n\n"):
            assert part.strip() in told


def test_lists_of_requests(folder: Path) -> None:
    told = printed(folder, "carboy migrate verify old:main:app new:main:app --requests asked.py")
    assert "4 requests compared" in told
