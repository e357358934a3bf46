"""`--drop-in` and `carboy exec`: code that imports fastapi or flask, as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FASTAPI = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{item_id}")
def item(item_id: int):
    return {"item_id": item_id}
"""
FLASK = """
import flask

app = flask.Flask(__name__)

@app.route("/")
def index():
    return flask.jsonify(served_by=type(app).__module__)

print(app.test_client().get("/").data.decode(), end="")
"""


def carboy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k != "CARBOY_DROPIN"}
    return subprocess.run(
        [sys.executable, "-m", "carboy", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_drop_in_loads_an_application_that_imports_fastapi(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(FASTAPI)
    shown = carboy(tmp_path, "show", "--drop-in", "GET /items/{item_id}", "main:app")
    assert "result = item(item_id=path_item_id)" in shown.stdout, shown.stderr


def test_exec_runs_a_command_with_the_faces(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text(FLASK)
    ran = carboy(tmp_path, "exec", "--", sys.executable, "wsgi.py")
    assert ran.stdout == '{"served_by":"carboy.flask.app"}\n', ran.stderr


def test_exec_keeps_the_environments_own_sitecustomize(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('own')")
    code = "import fastapi; print(fastapi.__name__)"
    ran = subprocess.run(
        [sys.executable, "-m", "carboy", "exec", "--", sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(own)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    # Once in `carboy` itself, once in the command.
    assert ran.stdout.split() == ["own", "own", "carboy.fastapi"]


def test_exec_of_an_unknown_command_says_so(tmp_path: Path) -> None:
    ran = carboy(tmp_path, "exec", "--", "no-such-command")
    assert (ran.returncode, "no-such-command" in ran.stderr) == (1, True)
