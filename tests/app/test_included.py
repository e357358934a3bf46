"""Applications of Flask's that are more than `Flask(__name__)`, as the Flask side of an App."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from carboy import App, Request
from carboy.flask import Flask, request, session, url_for
from carboy.flask.wrappers import Request as FlaskRequest
from carboy.testing import TestClient


def _both(app: App, paths: str, **options: Any) -> list[tuple[int, str]]:
    """What both test clients get, where they get the same."""
    told = []
    for path in paths.split():
        ours = TestClient(app).get(path, **options)
        flask = app.test_client().get(path, **options)
        assert (ours.status_code, ours.text) == (flask.status_code, flask.text), path
        told.append((ours.status_code, ours.text))
    return told


class Asking(FlaskRequest):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.who = self.headers.get("X-Who", "nobody")


class Own(Flask):
    request_class = Asking

    def dispatch_request(self) -> Any:
        return f"<{super().dispatch_request()}>"


def test_its_request_class_is_that_of_typed_routes_its_dispatch_is_its_views_only() -> None:
    app = App()
    app.include(Own(__name__))

    @app.get("/typed")
    async def typed() -> str:
        return request.who  # type: ignore[attr-defined]

    @app.route("/flask")
    def in_flask() -> str:
        return request.who  # type: ignore[attr-defined]

    told = _both(app, "/typed /flask", headers={"X-Who": "ada"})
    assert told == [(200, '"ada"'), (200, "<ada>")]


def test_typed_routes_below_a_prefix_of_wsgi() -> None:
    app = App()

    @app.get("/typed")
    def typed(request: Request) -> list[str]:
        return [request.url.path, request.scope["root_path"], url_for("in_flask")]

    @app.route("/flask")
    def in_flask() -> str:
        return url_for("typed")

    app.flask.wsgi_app = ProxyFix(app.flask.wsgi_app, x_prefix=1)  # type: ignore[method-assign]
    client = app.test_client()
    headers = {"X-Forwarded-Prefix": "/p"}
    assert client.get("/typed", headers=headers).json == ["/p/typed", "/p", "/p/flask"]
    assert client.get("/flask", headers=headers).text == "/p/typed"


def test_wsgi_app_is_told_what_to_write() -> None:
    app = App()
    with pytest.raises(AttributeError, match=r"app\.add_middleware"):
        app.wsgi_app  # noqa: B018
    with pytest.raises(AttributeError, match="forwarded-allow-ips"):
        app.wsgi_app = ProxyFix(None)  # type: ignore[assignment,arg-type]
    assert not hasattr(app, "wsgi_app")


def test_two_apps_of_one_process_are_apart() -> None:
    apps = [App(secret_key=key) for key in "ab"]
    for app in apps:
        app.get("/typed")(lambda: session.setdefault("by", request.path))
        app.add_url_rule("/flask", "flask", lambda: session.get("by", "nothing"))
    first, second = (TestClient(app) for app in apps)
    assert first.get("/typed").json() == "/typed"
    second.cookies.update(dict(first.cookies))
    assert (first.get("/flask").text, second.get("/flask").text) == ("/typed", "nothing")
