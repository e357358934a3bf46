"""What a Flask application may be sent at most holds when its views have become typed routes."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from carboy import App, Form, Request
from carboy.flask import Flask, request
from carboy.testing import TestClient


def site(most: int | None, included: bool, **options: Any) -> App:
    app = App(**options)
    if included:
        flask_app = Flask(__name__)
        flask_app.config["MAX_CONTENT_LENGTH"] = most
        app.include(flask_app)
    else:
        app.config["MAX_CONTENT_LENGTH"] = most

    @app.post("/model")
    def model(body: dict[str, Any]) -> int:
        return len(body)

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/form")
    def form(a: Annotated[str, Form()] = "") -> int:
        return len(a)

    @app.post("/proxy")
    def proxy() -> int:
        return len(request.get_data())

    @app.post("/own", max_body=5000)
    def own(body: dict[str, Any]) -> int:
        return len(body)

    @app.route("/view", methods=["POST"])
    def view() -> str:
        return str(len(request.get_data()))

    return app


def send(app: App, path: str, size: int) -> int:
    client = TestClient(app, raise_server_exceptions=False)
    if path == "/form":
        return client.post(path, data={"a": "x" * size}).status_code
    return client.post(path, json={"a": "x" * size}).status_code


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize("path", ["/model", "/read", "/form", "/proxy", "/view"])
def test_what_is_longer_is_refused_by_both_kinds(path: str, included: bool) -> None:
    app = site(1000, included)
    assert send(app, path, 900) == 200
    assert send(app, path, 1100) == 413


@pytest.mark.parametrize("path", ["/model", "/read", "/proxy", "/view"])
def test_it_may_be_more_than_an_app_takes_by_itself(path: str) -> None:
    size = 11 * 1024 * 1024
    assert send(site(size + 1000, False), path, size) == 200
    assert send(site(None, False), path, size) == 413


def test_what_is_said_at_a_route_or_the_app_is_meant() -> None:
    app = site(1000, False)
    assert send(app, "/own", 4000) == 200
    assert send(app, "/own", 6000) == 413
    app = site(1000, False, max_body=3000)
    assert send(app, "/model", 2500) == 200
    assert send(app, "/model", 3500) == 413
