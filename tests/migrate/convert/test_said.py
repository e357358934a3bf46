"""What is said of views, and what is not written for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from carboy.migrate.convert import plan
from carboy.migrate.report import Plan

HEAD = """import functools

from flask import Blueprint, Flask, jsonify, request
from webargs.flaskparser import use_args
import views

app = Flask(__name__)


def counted(view):
    @functools.wraps(view)
    def wrapped(**kwargs):
        print(len(kwargs))
        return view(**kwargs)

    return wrapped


"""


@pytest.fixture
def said(tmp_path: Path) -> Plan:
    (tmp_path / "views.py").write_text('def page():\n    return "<p>page</p>"\n')
    (tmp_path / "main.py").write_text(
        HEAD
        + """@app.route("/codes/<code:value>")
def code(value):
    return value


@app.route("/pages", defaults={"page": 1})
@app.route("/pages/<int:page>")
def pages(page):
    return str(page)


@app.route("/counted")
@counted
def asked():
    return request.args["q"]


@app.route("/quiet")
@counted
def quiet():
    return "quiet"


@app.route("/both")
def both(unused=None, used=2):
    return str(used)


app.add_url_rule("/page", view_func=views.page)
"""
    )
    return plan(tmp_path)


def test_reasons_and_notes_are_to_the_point(said: Plan) -> None:
    views = {view.function: view for view in said.views}
    assert views["code"].reasons == ["the URL converter 'code' is the application's own"]
    assert "with its default, /pages/{page:int} is answered; Flask redirected it" in (
        views["pages"].notes
    )
    looked = "@counted looks at the arguments, of which there are more now"
    assert looked in views["asked"].notes
    assert looked not in views["quiet"].notes


def test_nothing_is_written_for_nothing(said: Plan) -> None:
    text = said.files["main.py"]
    assert "unused = None" not in text
    assert "    used = 2\n" in text
    assert "views.py" not in said.files, "its route is declared elsewhere"
    assert 'app.get("/page", response_class=HTMLResponse)(views.page)' in text


def test_whatever_extends_flask_finds_carboys(said: Plan) -> None:
    assert said.files["main.py"].startswith("import carboy.dropin")


def test_applications_that_are_wrapped_or_handed_about_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        """from flask import Flask
from setup import prepare

app = Flask(__name__)
app.wsgi_app = prepare(app, app.wsgi_app)
app.url_map.strict_slashes = False


@app.route("/")
def index():
    return "index"
"""
    )
    (tmp_path / "setup.py").write_text(
        """def prepare(app, inner):
    print(app.root_path)
    return inner
"""
    )
    wrapped, mapped, handed = plan(tmp_path).notes
    assert wrapped.startswith("main:5 app.wsgi_app is around Flask's views only")
    assert mapped == (
        "main:6 app.url_map.strict_slashes is for Flask's views: typed routes do as Flask does "
        "without it"
    )
    assert handed == (
        "setup:2 app.root_path: where app is an App now, it has to be app.flask.root_path"
    )
