"""`carboy migrate convert` as it is typed: what it tells of, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from carboy.cli import main

TEXT = """from flask import Blueprint, Flask, abort

app = Flask(__name__)
bp = Blueprint("shop", __name__)


@app.route("/")
def index():
    return "<p>Hello</p>"


@bp.route("/gone")
def gone():
    abort(410)


app.register_blueprint(bp)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(TEXT)
    return tmp_path


def convert(*words: object) -> Result:
    return CliRunner().invoke(main, ["migrate", "convert", *map(str, words)])


@pytest.mark.parametrize(
    ("words", "told", "changed"),
    [
        ([], "2 of 2 views", ["@app.get", "@router.get"]),
        (["--view", "index"], "1 of 1 views", ["@app.get", "@bp.route"]),
        (["--view", "shop.gone"], "1 of 1 views", ["@app.route", "@router.get"]),
        (["--blueprint", "shop"], "1 of 1 views", ["@app.route", "@router.get"]),
    ],
)
def test_only_what_is_asked_for_is_converted_and_told_of(
    words: list[str], told: str, changed: list[str], project: Path
) -> None:
    planned = convert(project, *words)
    assert f"{told} would be converted." in planned.stderr
    assert (project / "main.py").read_text() == TEXT
    done = convert(project, *words, "--write")
    assert done.stderr.startswith(f"{told} converted.\n")
    assert ("shop.gone: " in done.stderr) == ("@router.get" in changed)
    text = (project / "main.py").read_text()
    assert all(one in text for one in changed)


def test_a_name_that_nobody_has(project: Path) -> None:
    assert "No Flask views of that name" in convert(project, "--view", "absent").stderr
    assert (project / "main.py").read_text() == TEXT


SHADOWED = """from flask import Flask, request, session

app = Flask(__name__)


@app.route("/", methods=["GET", "POST"])
def index():
    session["seen"] = 1
    return "<p>Sent</p>" if request.method == "POST" else "<p>Hello</p>"
"""
HELPER = """

def client(ask=lambda request: None):
    return request.remote_addr
"""


@pytest.mark.parametrize(
    ("more", "imported"),
    [("", None), (HELPER, "request"), ("\n\nask = lambda request: request.path\n", None)],
)
def test_an_import_goes_that_only_parameters_are_called_like(
    more: str, imported: str | None, tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(SHADOWED + more)
    assert convert(tmp_path, "--write").exit_code == 0
    text = (tmp_path / "main.py").read_text()
    assert "def index(request: Request):" in text
    lines = [line for line in text.splitlines() if line.startswith("from carboy.flask import")]
    assert lines == ([f"from carboy.flask import {imported}"] if imported else [])
