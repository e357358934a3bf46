"""`App(flask_habits=True)`: what no route takes is answered as Flask answers it.

Each request goes to real Flask as well, and to an App whose only route is a typed one.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import flask
import pytest
from starlette.responses import HTMLResponse

from carboy import App, Request
from carboy.flask import current_app, g, make_response, request

CASES = [
    ("OPTIONS", "/about/"),
    ("OPTIONS", "/plain"),
    ("GET", "/about"),
    ("GET", "/about?x=1"),
    ("POST", "/about"),
    ("GET", "/plain/"),
    ("POST", "/plain"),
    ("DELETE", "/about/"),
    ("GET", "/nowhere"),
]


def _old() -> Any:
    app = flask.Flask(__name__)
    app.add_url_rule("/about/", "about", lambda: "about")
    app.add_url_rule("/plain", "plain", lambda: "plain")
    return app


def _new() -> Any:
    app = App(flask_habits=True)
    app.get("/about/", response_class=HTMLResponse)(lambda: "about")
    app.get("/plain", response_class=HTMLResponse)(lambda: "plain")
    return app.flask


def _asked(app: Any, method: str, path: str) -> Any:
    answer = app.test_client().open(path, method=method)
    allow = sorted((answer.headers.get("Allow") or "").split(", "))
    told = [answer.headers.get(name) for name in ("Content-Type", "Content-Length", "Location")]
    return answer.status_code, allow, told, answer.get_data(as_text=True)


@pytest.mark.parametrize(("method", "path"), CASES)
def test_what_no_route_takes_is_answered_as_in_flask(method: str, path: str) -> None:
    assert _asked(_new(), method, path) == _asked(_old(), method, path)


def test_without_them_an_app_is_a_fastapi() -> None:
    app = App()
    app.get("/about/")(lambda: "about")
    client = app.flask.test_client()
    assert client.options("/about/").status_code == 204
    assert client.get("/about").status_code == 307


def test_hooks_around_what_no_route_takes_run_in_one_thread() -> None:
    import threading

    app = App()
    app.post("/typed")(lambda: "x")
    seen: list[bool] = []

    @app.before_request
    def before() -> None:
        g.thread = threading.get_ident()

    @app.teardown_request
    def teardown(error: BaseException | None) -> None:
        seen.append(g.thread == threading.get_ident())

    assert app.flask.test_client().get("/typed").status_code == 405
    assert seen == [True]


def test_a_test_client_keeps_the_contexts_of_typed_routes() -> None:
    from carboy.flask import session

    app = App(secret_key="k")

    @app.get("/in")
    def log_in(request: Request) -> str:
        request.session["user"] = "ada"
        return "in"

    with app.flask.test_client() as client:
        client.get("/in")
        assert session["user"] == "ada"


@pytest.mark.parametrize("habits", [True, False])
def test_a_slash_too_many_after_a_flask_rule_is_404(habits: bool) -> None:
    app = App(flask_habits=habits)
    app.add_url_rule("/plain", "plain", lambda: "plain")
    app.get("/typed")(lambda: "typed")
    client = app.flask.test_client()
    assert client.get("/plain/").status_code == 404
    assert client.get("/typed/").status_code == (404 if habits else 307)


@pytest.mark.parametrize("habits", [True, False])
def test_hooks_know_whose_options_are_asked_for(habits: bool) -> None:
    app = App(flask_habits=habits)
    seen: list[Any] = []
    app.before_request(lambda: seen.append(request.endpoint))

    def decorated(function: Any) -> Any:
        """As decorators of Flask's views answer preflights."""

        @wraps(function)
        def view(*args: Any, **values: Any) -> Any:
            if request.method == "OPTIONS":
                response = current_app.make_default_options_response()
            else:
                response = make_response(function(*args, **values))
            response.headers["X-Allowed"] = "all"
            return response

        view.required_methods = {"OPTIONS"}  # type: ignore[attr-defined]
        view.provide_automatic_options = False  # type: ignore[attr-defined]
        return view

    @app.post("/shared/{number}", name="shop.shared")
    @decorated
    def shared(number: int, name: str) -> dict[str, Any]:
        return {number: name}

    app.get("/plain")(lambda: "plain")
    client = app.test_client()
    answer = client.options("/shared/7")
    assert (answer.status_code, answer.headers["X-Allowed"]) == (200, "all")
    assert sorted(answer.allow) == ["OPTIONS", "POST"]
    assert client.options("/plain").status_code == (200 if habits else 204)
    assert client.post("/shared/7?name=x").headers["X-Allowed"] == "all"
    assert client.options("/nowhere").status_code == 404
    assert seen == ["shop.shared", "<lambda>", "shop.shared", None]
