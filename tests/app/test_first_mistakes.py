"""Mistakes of people who are new to one of the two ways, and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import TemplateNotFound

from carboy import APIRouter, App, Depends
from carboy.flask import Blueprint, Flask, flash, redirect, render_template, session, url_for
from carboy.flask import request as flask_request
from carboy.testing import TestClient


@pytest.mark.parametrize(
    ("rule", "right"),
    [("/x/{id}", "/x/<id>"), ("/x/{id:int}", "/x/<int:id>"), ("/x/{id:path}", "/x/<path:id>")],
)
def test_braces_in_a_rule_are_an_error_that_names_both_ways(rule: str, right: str) -> None:
    app, blueprint = App(), Blueprint("b", __name__)

    def view(id: str) -> str:
        return id

    with pytest.raises(ValueError, match=r"uses FastAPI's '\{id") as raised:
        app.route(rule)(view)
    assert f"Write {right!r} for a Flask view" in str(raised.value)
    assert f"@app.get({rule!r})" in str(raised.value)
    blueprint.route(rule)(view)
    with pytest.raises(ValueError, match="uses FastAPI's"):
        app.register_blueprint(blueprint)


def test_braces_that_are_meant_stay_text() -> None:
    app, flask = App(), Flask(__name__)

    @app.route("/{x}/<name>")
    def view(name: str) -> str:
        return name

    @flask.route("/{x}")
    def other(x: str = "") -> str:
        return "as in Flask"

    assert TestClient(app).get("/{x}/a").text == "a"
    assert flask.test_client().get("/{x}").text == "as in Flask"


@pytest.mark.parametrize("declare", [App().route, Flask(__name__).route, Blueprint("b", "b").route])
def test_a_decorator_without_parentheses(declare: object) -> None:
    def view() -> str:
        return ""

    with pytest.raises(TypeError, match=r'the function view: write @app.route\("/path"\)'):
        declare(view)  # type: ignore[operator]


@pytest.mark.parametrize("verb", ["get", "post", "delete"])
def test_methods_for_the_decorator_of_one(verb: str) -> None:
    for owner in (App(), APIRouter()):
        with pytest.raises(TypeError, match="unexpected keyword argument 'methods'") as raised:
            getattr(owner, verb)("/x", methods=["GET", "POST"])
        assert "@app.api_route('/x', methods=['GET', 'POST'])" in str(raised.value)


def test_what_a_view_returns_is_told_with_its_place() -> None:
    app = App()

    made = []

    async def load() -> int:
        return 1

    @app.route("/none")
    def none() -> None: ...

    @app.route("/number")
    def number() -> int:
        return 1

    @app.route("/later")
    def later() -> object:
        made.append(load())
        return made[0]

    client = TestClient(app)
    for path, says in [
        ("/none", r"'none' \(.*test_first_mistakes.py:\d+\) returned None"),
        ("/number", r"'number' \(.*\) returned 1, it was a int: str\(\)"),
        ("/later", r"a coroutine: write `await load\(...\)`"),
    ]:
        with pytest.raises(TypeError, match=says):
            client.get(path)
    made[0].close()


def test_a_missing_template_says_where_it_was_looked_for(tmp_path: Path) -> None:
    app = App(template_folder=str(tmp_path / "pages"))
    app.config["TESTING"] = True

    @app.get("/")
    def index() -> str:
        return render_template("index.html")

    client = TestClient(app)
    with pytest.raises(TemplateNotFound, match=r"pages \(there is no such folder\)"):
        client.get("/")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "indx.html").write_text("x")
    with pytest.raises(TemplateNotFound, match=r"pages\. Did you mean indx.html\?"):
        client.get("/")


def test_the_test_client_raises_what_views_of_either_kind_raise() -> None:
    app = App()

    @app.get("/typed")
    def typed() -> float:
        return 1 / 0

    @app.route("/view")
    def view() -> str:
        return str(1 / 0)

    for path in ("/typed", "/view"):
        with pytest.raises(ZeroDivisionError):
            TestClient(app).get(path)
        assert TestClient(app, raise_server_exceptions=False).get(path).status_code == 500
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert TestClient(app).get("/view").status_code == 500


def test_a_typed_route_that_calls_flasks_helpers_needs_nothing_else() -> None:
    app = App()

    @app.get("/here")
    def here() -> str:
        return url_for("there", q=1)

    @app.get("/there")
    async def there() -> object:
        return redirect(url_for("here"), 303)

    client = TestClient(app, follow_redirects=False)
    assert client.get("/here").json() == "/there?q=1"
    assert client.get("/there").headers["location"] == "/here"


def test_so_does_one_whose_dependency_calls_a_function_that_does() -> None:
    app, router = App(), APIRouter()

    def path() -> str:
        return helper()

    @router.get("/x")
    def x(path: str = Depends(path)) -> str:
        return path

    app.include_router(router)
    assert TestClient(app).get("/x").json() == "/x"


def helper() -> str:
    return flask_request.path


def test_without_a_secret_key_it_is_said_how_to_make_one() -> None:
    app = App()

    @app.get("/")
    def index() -> None:
        session["a"] = 1
        flash("b")

    with pytest.raises(RuntimeError, match=r"secret_key a long random value.*token_hex"):
        TestClient(app).get("/")


def test_an_app_whose_routes_call_no_helper_has_no_flask_side() -> None:
    app = App()

    @app.get("/")
    def index() -> int:
        return len("flask")

    assert TestClient(app).get("/").json() == 5
    assert app._side is None


def test_a_response_of_flasks_is_one_without_a_flask_side_too() -> None:
    app = App()
    made = redirect("/there", 303)

    @app.get("/")
    def index() -> object:
        return made

    answer = TestClient(app, follow_redirects=False).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/there")
    assert app._side is None
