"""Error pages of both kinds show no markup of a client's, and nothing of what went wrong inside."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import HTMLResponse

from carboy import App, HTTPException, Request
from carboy.flask import abort, make_response, request
from carboy.testing import TestClient

MARKUP = "<script>alert(1)</script>"
INSIDE = "postgresql://ada:pass@db"
PATHS = (
    *(
        f"/{kind}/{status}"
        for kind in ("typed", "page", "object")
        for status in (400, 404, 418, 420)
    ),
    *(
        f"/{kind}/{status}"
        for kind in ("abort", "view", "typed-in-view")
        for status in (400, 404, 418)
    ),
    *("/fails", "/fails-page", "/fails-view", "/key", "/invalid?number=<script>"),
    *("/<script>alert(1)</script>", "/static/<script>", "/typed/<script>", "/page/404/<script>/"),
)


def site(**options: Any) -> App:
    app = App(secret_key="pages" * 7, **options)

    @app.get("/typed/{status}")
    def typed(status: int) -> None:
        raise HTTPException(status, MARKUP, headers={"X-Found": "yes"})

    @app.get("/page/{status}", response_class=HTMLResponse)
    def page(status: int) -> None:
        raise HTTPException(status, MARKUP)

    @app.get("/object/{status}", response_class=HTMLResponse)
    def object_(status: int) -> None:
        raise HTTPException(status, {"a": [MARKUP]})

    @app.get("/abort/{status}", response_class=HTMLResponse)
    def abort_(status: int) -> None:
        abort(status, MARKUP)

    @app.get("/invalid", response_class=HTMLResponse)
    def invalid(number: int) -> None: ...

    @app.route("/view/<int:status>")
    def view(status: int) -> None:
        abort(status, MARKUP)

    @app.route("/typed-in-view/<int:status>")
    def typed_in_view(status: int) -> None:
        raise HTTPException(status, MARKUP)

    @app.route("/key")
    def key() -> str:
        return request.form[MARKUP]

    def fails() -> None:
        raise RuntimeError(INSIDE)

    app.get("/fails")(fails)
    app.get("/fails-page", response_class=HTMLResponse)(fails)
    app.route("/fails-view")(fails)
    return app


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
@pytest.mark.parametrize("habits", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_what_clients_send_is_no_markup_and_insides_stay_inside(
    path: str, habits: bool, accept: str
) -> None:
    app = site(flask_habits=habits)
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    answer = client.get(path, headers={"accept": accept})
    assert answer.status_code >= 300
    assert INSIDE not in answer.text
    if not answer.headers.get("content-type", "").startswith(("application/json", "text/plain")):
        assert "<script" not in answer.text


def test_handlers_of_typed_exceptions_may_answer_with_flasks_responses() -> None:
    app = App(secret_key="pages" * 7)

    class Odd(Exception): ...

    class Odder(Exception): ...

    @app.exception_handler(Odd)
    async def odd(request: Request, error: Odd) -> Any:
        return make_response("odd", 418)

    @app.exception_handler(Odder)
    def odder(request: Request, error: Odder) -> Any:
        return make_response("odder", 418)

    @app.get("/odd")
    async def typed() -> None:
        raise Odd

    @app.get("/odder")
    def typed_def() -> None:
        raise Odder

    @app.route("/view")
    def view() -> None:
        raise Odder

    client = TestClient(app)
    for path, text in (("/odd", "odd"), ("/odder", "odder"), ("/view", "odder")):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (418, text)
