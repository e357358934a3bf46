"""One command line for both kinds: routes, show, Flask's commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MODULE = '''
import click
from carboy import App
from carboy.flask import current_app, url_for

app = App(secret_key="k")
app.config["WHO"] = "shop"


@app.route("/pages/<name>")
def page(name):
    return name


@app.get("/items/{item_id}", name="api.item")
async def item(item_id: int):
    return item_id


@app.cli.command()
@click.argument("name")
def greet(name):
    """Say hello."""
    print("hello", name, "from", current_app.config["WHO"])
    with current_app.test_request_context():
        print(url_for("api.item", item_id=3))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(MODULE)
    return tmp_path


def carboy(folder: Path, *args: str) -> str:
    command = [sys.executable, "-m", "carboy", *args]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_routes_of_both_kinds_are_listed(folder: Path) -> None:
    listed = carboy(folder, "routes", "shop")
    assert "/pages/<name>" in listed
    assert "/items/{item_id}" in listed


def test_both_kinds_are_shown(folder: Path) -> None:
    typed = carboy(folder, "show", "GET /items/{item_id}", "shop:app")
    assert "open_context(app, request, rule, {'item_id': request.params[0]})" in typed
    assert "# inner:" in typed
    assert "result = await item(item_id=path_item_id)" in typed
    assert "result = view_page(**values)" in carboy(folder, "show", "GET /pages/<name>", "shop")


@pytest.mark.parametrize("app", ["shop", "shop:app"])
def test_commands_of_the_application_run(folder: Path, app: str) -> None:
    said = carboy(folder, "flask", "--app", app, "greet", "ada")
    assert said == "hello ada from shop\n/items/3\n"
    assert "api.item" in carboy(folder, "flask", "--app", app, "routes")
