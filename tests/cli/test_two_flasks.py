"""An extension that imported the real Flask, beside an application on our face: it is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FIRST = "flask_login imported the real Flask"
MADE = """
from flask_login import LoginManager
from carboy import App
from carboy.flask import Blueprint, Flask

app = {made}
login = LoginManager(getattr(app, "flask", app))


@app.route("/")
def index():
    return ""
"""
FAILED = """
import flask_login
from carboy.flask import Blueprint

Blueprint("a", __name__).no_such_name
"""


def told(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    (folder / "main.py").write_text(text)
    command = [sys.executable, "-m", "carboy", "routes", *words, "main:app"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("made", ["App()", "Flask(__name__)"])
def test_an_application_that_was_given_to_one(made: str, tmp_path: Path) -> None:
    done = told(tmp_path, MADE.format(made=made))
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"Warning: {FIRST}")
    assert "--drop-in" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MADE.format(made="App()"), ("--drop-in",)),
        ("import carboy.dropin\n" + MADE.format(made="App()"), ()),
        # An extension of somebody else's, as of a real Flask application that is mounted.
        ("import flask_login\n" + "from carboy import App\napp = App()\napp.flask", ()),
        ("from carboy import App\napp = App()", ()),
        ("from carboy.fastapi import FastAPI\nimport flask_login\napp = FastAPI()", ()),
    ],
)
def test_nothing_is_said_where_nothing_is_wrong(
    text: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    done = told(tmp_path, text, *words)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_import_that_fails_may_be_due_to_it(tmp_path: Path) -> None:
    done = told(tmp_path, FAILED)
    assert done.returncode == 1
    assert "no_such_name" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(FIRST)
    done = told(tmp_path, FAILED, "--drop-in")
    assert FIRST not in done.stderr
