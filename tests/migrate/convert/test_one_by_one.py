"""View by view, `convert` comes to where it comes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from carboy.migrate.convert import plan

NOTES = '''\
"""Notes."""

from flask import Blueprint, request

bp = Blueprint("notes", __name__, url_prefix="/notes")


@bp.route("/")
def index():
    return "all"


@bp.route("/<int:number>", methods=["POST"])
def change(number):
    return {"text": request.form["text"]}
'''
APP = """\
from flask import Flask

from notes import bp

app = Flask(__name__)
app.register_blueprint(bp)
"""
HOOK = """

@bp.before_request
def nothing():
    return None
"""


def _write(folder: Path, notes: str) -> None:
    folder.mkdir()
    (folder / "notes.py").write_text(notes)
    (folder / "app.py").write_text(APP)


def _convert(folder: Path, view: str | None = None) -> dict[str, str]:
    for name, text in plan(folder, view=view).files.items():
        (folder / name).write_text(text)
    return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}


@pytest.mark.parametrize("notes", [NOTES, NOTES + HOOK])
def test_one_by_one_is_as_at_once(tmp_path: Path, notes: str) -> None:
    _write(tmp_path / "slowly", notes)
    _write(tmp_path / "at_once", notes)
    half = _convert(tmp_path / "slowly", "notes.index")
    assert 'hold for routes called "notes. ..."' in half["notes.py"]
    assert "app.register_blueprint(bp)\napp.include_router(router)\n" in half["app.py"]
    done = _convert(tmp_path / "slowly", "notes.change")
    assert done == _convert(tmp_path / "at_once")
    assert ("Hooks and error handlers of bp" in done["notes.py"]) == (HOOK in notes)
    assert ("register_blueprint" in done["app.py"]) == (HOOK in notes)
    assert _convert(tmp_path / "slowly") == done
