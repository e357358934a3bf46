"""What Flask's tools and extensions ask around a typed route of an App: the body in a hook, the
rule that fits, and contexts that are over when Flask's test client has its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any
from weakref import WeakKeyDictionary

import pytest
from blinker import Signal
from werkzeug.exceptions import MethodNotAllowed

from carboy import App, Depends, Request
from carboy.flask import Flask, abort, current_app, g, has_app_context, request
from carboy.testing import TestClient


def counted() -> Iterator[int]:
    yield g.setdefault("count", 0) + 1


def made() -> App:
    app = App(secret_key="x")

    @app.before_request
    def read_form() -> None:
        if request.form.get("refused"):
            abort(403)

    @app.after_request
    def marked(response: Any) -> Any:
        response.headers["X-Seen"] = "yes"
        return response

    @app.api_route("/counted/{number}", methods=["GET", "POST"], name="shop.counted")
    def count(number: int, found: Annotated[int, Depends(counted)]) -> dict[str, int]:
        g.count = found
        return {"found": found}

    @app.post("/plain")
    def plain() -> Any:
        return dict(request.form)

    @app.post("/asked")
    async def asked(request: Request) -> Any:
        return dict(await request.form())

    return app


def test_hooks_and_views_read_forms_behind_wsgi() -> None:
    client = made().test_client()
    for _ in range(2):
        assert client.post("/plain", data={"a": "1"}).json == {"a": "1"}
    assert client.post("/plain", data={"refused": "1"}).status_code == 403


@pytest.mark.parametrize("path", ["/plain", "/asked"])
def test_a_hook_and_the_view_read_the_same_form(path: str) -> None:
    app = made()
    flask_client = app.test_client()
    assert flask_client.post(path, data={"refused": "yes"}).status_code == 403
    assert flask_client.post(path, data={"a": "1"}).json == {"a": "1"}
    with TestClient(app) as client:
        assert client.post(path, data={"refused": "yes"}).status_code == 403
        assert client.post(path, data={"a": "1"}).json() == {"a": "1"}


def test_contexts_are_over_when_the_test_client_has_its_answer() -> None:
    client = made().test_client()
    for data in ({}, {}, {"refused": "1"}, {}):
        response = client.post("/counted/7", data=data)
        assert not has_app_context()
        if not data:
            assert response.json == {"found": 1}


def test_the_adapter_finds_typed_routes() -> None:
    app = made()
    app.test_client().get("/plain")  # freezes
    with app.test_request_context("/counted/7", method="POST") as context:
        adapter = context.url_adapter
        assert adapter is not None
        assert adapter.match() == ("shop.counted", {"number": "7"})
        rule, _ = adapter.match(method="GET", return_rule=True)
        assert rule.endpoint == "shop.counted"
        with pytest.raises(MethodNotAllowed):
            adapter.match(method="DELETE")


def test_an_after_hook_knows_how_long_a_typed_answer_is() -> None:
    app = made()
    seen: list[Any] = []

    @app.after_request
    def measured(response: Any) -> Any:
        seen.append(response.content_length)
        if response.content_length == len(b'{"found":1}'):
            response.set_data(response.get_data() * 2)
        return response

    @app.get("/nothing", status_code=204)
    def nothing() -> None:
        pass

    with TestClient(app) as client:
        answer = client.get("/counted/7")
        assert answer.content == b'{"found":1}' * 2
        assert answer.headers["content-length"] == "22"
        assert client.head("/counted/7").headers["content-length"] == "22"
        assert "content-length" not in client.get("/nothing").headers
    assert seen == [11, 11, None]


def test_an_extension_that_was_given_the_app_knows_it_as_current_app() -> None:
    app, other = made(), made()
    happened, heard = Signal(), []
    kept: WeakKeyDictionary[Any, str] = WeakKeyDictionary({app: "kept"})

    @happened.connect_via(app)
    def listen(sender: Any) -> None:
        heard.append(sender)

    @app.get("/told")
    @app.route("/page/told")
    def tell() -> Any:
        now = current_app._get_current_object()  # type: ignore[attr-defined]
        happened.send(now)
        return {"kept": kept[now]}

    client = app.test_client()
    for path in ("/told", "/page/told"):
        assert client.get(path).json == {"kept": "kept"}
    happened.send(app)
    happened.send(other)
    happened.send(other.flask)
    assert heard == [app.flask, app.flask, app]
    assert heard[0] is app.flask
    assert other not in kept
    assert other.flask not in kept
    happened.disconnect(listen, app.flask)
    happened.send(app)
    assert len(heard) == 3


def test_an_included_application_is_known_by_itself() -> None:
    inner, app = Flask("inner"), App()
    kept = {inner: 1}
    app.include(inner)
    assert kept[inner] == 1
    assert inner != app


def test_an_extension_may_wrap_a_step_that_it_finds_on_the_app() -> None:
    app = App()
    before = app.handle_user_exception

    def told(error: Exception) -> Any:
        return ("told", 418) if isinstance(error, KeyError) else before(error)

    app.handle_user_exception = told  # type: ignore[method-assign]
    app.before_request(lambda: setattr(g, "seen", True))

    @app.route("/fails")
    def fails() -> str:
        raise KeyError

    app.add_url_rule("/aborts", "aborts", lambda: abort(409))
    client = app.test_client()
    assert (client.get("/fails").status_code, client.get("/fails").text) == (418, "told")
    assert client.get("/aborts").status_code == 409
    with app.test_request_context("/fails"):
        assert app.preprocess_request() is None
        assert g.seen


def test_an_app_says_whether_it_has_answered_as_extensions_ask() -> None:
    app = App()
    app.add_url_rule("/", "index", lambda: "told")
    assert app._got_first_request is False
    assert app.test_client().get("/").text == "told"
    assert app._got_first_request is True
