"""What a type checker knows of an App: Flask's names have Flask's types, decorators keep theirs."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from carboy.app import delegated
from carboy.app.delegated import NAMES

MODULE = """
from carboy import App
from carboy.flask import Flask

app = App(secret_key="k")


@app.route("/x/<int:n>")
def page(n: int) -> str:
    return str(n)


@app.get("/t")
async def typed(n: int = 1) -> int:
    return n


@app.before_request
def hook() -> None:
    app.config["X"] = 1


@app.errorhandler(404)
def missing(error: Exception) -> tuple[str, int]:
    return "no", 404


@app.template_filter()
def short(text: str) -> str:
    return text[:9]


def extend(flask: Flask) -> None:
    flask.extensions["mine"] = 1


app.secret_key = "other"
app.jinja_env.globals["x"] = 1
extend(app.flask)
with app.test_request_context("/x/1"):
    app.url_for("page", n=1)
reveal_type(page)
reveal_type(typed)
reveal_type(hook)
reveal_type(missing)
reveal_type(short)
reveal_type(app.config)
reveal_type(app.test_client())
app.page(1)
page("text")
"""


def test_a_module_with_an_app_is_checked_strictly(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text(MODULE)
    command = [sys.executable, "-m", "mypy", "--strict", "--hide-error-context", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    revealed = re.findall(r'Revealed type is "(.*)"', done.stdout)
    assert revealed == [
        "def (n: int) -> str",
        "def (n: int =) -> typing.Coroutine[Any, Any, int]",
        "def ()",
        "def (error: Exception) -> tuple[str, int]",
        "def (text: str) -> str",
        "carboy.flask.config.Config",
        "carboy.flask.testing.FlaskClient",
    ], done.stdout
    errors = re.findall(r"main\.py:\d+: error: (.*?)  \[", done.stdout)
    assert errors == [
        '"App" has no attribute "page"',
        'Argument 1 to "page" has incompatible type "str"; expected "int"',
    ], done.stdout


def test_every_delegated_name_has_a_type() -> None:
    tree = ast.parse(Path(delegated.__file__).read_text())
    declared = [
        node.targets[0].attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id == "flask"
    ]
    assert declared == list(NAMES)
