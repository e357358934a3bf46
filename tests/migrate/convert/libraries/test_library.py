"""The lending library, converted: asked what its walk asks, it answers as it did on Flask."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from carboy.migrate.convert import plan

SAMPLES = Path(__file__).parents[2] / "samples"
FILLED = """
import sys
from pathlib import Path

here = Path(__file__).parent
sys.path.append(str(here / "tests"))
from conftest import make_app

app = make_app(here)
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `old` and `new`, each a library that is filled when it is loaded."""
    root = tmp_path_factory.mktemp("library")
    for side in ("old", "new"):
        shutil.copytree(SAMPLES / "library", root / side)
    for name, text in plan(root / "new").files.items():
        (root / "new" / name).write_text(text, encoding="utf-8")
    for side in ("old", "new"):
        (root / side / "filled.py").write_text(FILLED, encoding="utf-8")
    return root


def test_every_view_answers_as_it_did(converted: Path) -> None:
    report = converted / "report.json"
    words = [sys.executable, "-m", "carboy", "migrate", "verify", "--json", str(report)]
    words += ["--requests", str(SAMPLES / "library" / "walk.py")]
    words += [f"{converted}/old:filled:app", f"{converted}/new:filled:app"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert report.exists(), done.stdout + done.stderr
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["exchanges"] > 150
    views = plan(converted / "old").views
    for view in views:
        if view.converts:
            assert told["views"][view.endpoint]["differences"] == [], view.endpoint
    assert sum(view.converts for view in views) > 20
