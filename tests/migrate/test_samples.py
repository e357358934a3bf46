"""The samples are sound: each one's own tests pass on Flask and on our face, its files unchanged,
and both answer its list of requests alike, to the byte where nothing is random.

Each run is a process of its own: the samples' modules have everyday names.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parent / "samples"
NAMES = ("blog", "library")
#: Only `url_for` uses them, since another rule of the path answers; or they are RESTX's files.
ALIASES = {"index", "api.root", "restx_doc.static"}
#: RESTX walks sets when it writes its document.
ENVIRON = {**os.environ, "PYTHONHASHSEED": "0"}
#: How a script is run by each of the two.
PYTHON: dict[str, Sequence[str]] = {
    "flask": (sys.executable,),
    "carboy": (sys.executable, "-m", "carboy", "exec", "--", sys.executable),
}


def run(by: str, sample: str, *words: str) -> str:
    words = (*PYTHON[by], *words)
    done = subprocess.run(words, cwd=SAMPLES / sample, env=ENVIRON, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("by", PYTHON)
@pytest.mark.parametrize("sample", NAMES)
def test_its_own_tests_pass(sample: str, by: str) -> None:
    told = run(by, sample, "-m", "pytest", "-p", "no:cacheprovider", "-q")
    assert int(told.splitlines()[-1].split(" passed")[0]) > 25


@pytest.mark.parametrize("sample", NAMES)
def test_both_answer_its_walk_alike(sample: str, tmp_path: Path) -> None:
    found = {
        by: json.loads(run(by, sample, "../walking.py", sample, str(tmp_path / by)))
        for by in PYTHON
    }
    assert {by: told["by"] for by, told in found.items()} == {
        "flask": "flask.app",
        "carboy": "carboy.flask.app",
    }
    ours, theirs = found["carboy"]["answers"], found["flask"]["answers"]
    assert len(ours) == len(theirs) > 40
    for our, their in zip(ours, theirs, strict=True):
        assert our == their
    assert not _unseen(found["flask"])


def _unseen(told: dict[str, Any]) -> set[str]:
    """Endpoints that the walk doesn't reach: it would prove nothing of them."""
    return set(told["endpoints"]) - {answer["endpoint"] for answer in told["answers"]} - ALIASES


@pytest.mark.parametrize("sample", NAMES)
def test_it_does_not_know_carboy(sample: str) -> None:
    for file in (SAMPLES / sample).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & {"carboy", "fastapi"}, file
