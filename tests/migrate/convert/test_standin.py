"""Extensions find Carboy's face after `convert`, whoever imports the application."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import libcst as cst
import pytest

from carboy.migrate.convert import plan
from carboy.migrate.convert.standin import LINE, begin

SHOP = """\
from flask import Flask
from flask_login import LoginManager

app = Flask(__name__)
app.secret_key = "x"
login = LoginManager(app)


@app.route("/")
def index():
    return "hello"
"""


def _written(folder: Path) -> list[str]:
    files = plan(folder).files
    for name, text in files.items():
        (folder / name).write_text(text)
    return sorted(files)


def test_tests_pass_as_they_are_where_extensions_are_used(tmp_path: Path) -> None:
    pytest.importorskip("flask_login")
    (tmp_path / "shop.py").write_text(SHOP)
    assert _written(tmp_path) == ["shop.py"]
    assert (tmp_path / "shop.py").read_text().startswith(LINE + "\nfrom ")
    asked = "import shop; print(shop.app.test_client().get('/').text)"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("hello\n", "")
    assert not _written(tmp_path)


def test_no_line_where_there_are_no_extensions_or_where_it_stands(tmp_path: Path) -> None:
    plain = SHOP.replace("from flask_login import LoginManager\n", "")
    plain = plain.replace("login = LoginManager(app)\n", "")
    (tmp_path / "shop.py").write_text(plain)
    _written(tmp_path)
    assert "dropin" not in (tmp_path / "shop.py").read_text()
    (tmp_path / "shop.py").write_text("import carboy.dropin\n" + SHOP)
    _written(tmp_path)
    assert (tmp_path / "shop.py").read_text().count("dropin") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import os\n", f"{LINE}\nimport os\n"),
        ('"""Law."""\nimport os\n', f'"""Law."""\n{LINE}\nimport os\n'),
        (
            '"""Law."""\n\nfrom __future__ import annotations\n\nimport os\n',
            f'"""Law."""\n\nfrom __future__ import annotations\n\n{LINE}\nimport os\n',
        ),
        ("# why\nimport os\n", f"# why\n{LINE}\nimport os\n"),
    ],
)
def test_it_stands_before_what_is_imported(before: str, after: str) -> None:
    assert begin(cst.parse_module(before)).code == after
