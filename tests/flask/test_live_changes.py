"""What Flask lets people change after the first request, and override: the engine holds it.

Every request goes in by the engine's door; `served` is the application before and after.
"""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.routing import BaseConverter, Rule

from carboy.flask import Flask, Request, Response, got_request_exception, request, session
from carboy.flask.sessions import SecureCookieSession, SessionInterface
from carboy.testing import TestClient


@pytest.fixture
def app() -> Flask:
    app = Flask("changing")
    app.secret_key = "first"

    @app.route("/")
    def index() -> str:
        return "first"

    @app.route("/session")
    def use_session() -> str:
        session["seen"] = session.get("seen", 0) + 1
        return str(session["seen"])

    assert _get(app) == "first"
    return app


def _get(app: Flask, path: str = "/") -> str:
    return TestClient(app, raise_server_exceptions=False).get(path).text


def test_view_functions(app: Flask) -> None:
    app.view_functions["index"] = lambda: "second"
    assert _get(app) == "second"


def test_a_late_rule(app: Flask) -> None:
    assert TestClient(app).get("/late").status_code == 404
    app.url_map.add(Rule("/late", endpoint="late"))
    app.view_functions["late"] = lambda: "late"
    assert _get(app, "/late") == "late"


def test_a_late_rule_is_ranked_by_how_specific_it_is(app: Flask) -> None:
    app.url_map.add(Rule("/<anything>", endpoint="anything"))
    app.view_functions["anything"] = lambda anything: f"any {anything}"
    assert _get(app, "/late") == "any late"
    app.url_map.add(Rule("/late", endpoint="index"))
    assert _get(app, "/late") == "first"


def test_a_late_converter(app: Flask) -> None:
    class Doubled(BaseConverter):
        regex = "[0-9]+"

        def to_python(self, value: str) -> int:
            return 2 * int(value)

    app.url_map.converters["doubled"] = Doubled
    app.url_map.add(Rule("/doubled/<doubled:number>", endpoint="doubled"))
    app.view_functions["doubled"] = lambda number: str(number)
    assert _get(app, "/doubled/21") == "42"


def test_hooks_put_into_the_tables_by_hand(app: Flask) -> None:
    app.before_request_funcs.setdefault(None, []).append(lambda: "hooked" if request.args else None)
    assert _get(app) == "first"
    assert _get(app, "/?x=1") == "hooked"


def test_error_handlers_put_into_the_table_by_hand(app: Flask) -> None:
    def index() -> str:
        raise LookupError("x")

    app.view_functions["index"] = index
    assert TestClient(app, raise_server_exceptions=False).get("/").status_code == 500
    app.error_handler_spec[None][None][LookupError] = lambda error: f"handled {error.args[0]}"
    assert _get(app) == "handled x"


def test_signal_receivers_come_and_go(app: Flask) -> None:
    def index() -> str:
        raise LookupError("x")

    app.view_functions["index"] = index
    seen: list[Any] = []

    def note(sender: Any, exception: Any, **_: Any) -> None:
        seen.append(exception)

    with got_request_exception.connected_to(note, app):
        _get(app)
    _get(app)
    assert [type(error) for error in seen] == [LookupError]


def test_the_secret_key(app: Flask) -> None:
    client = TestClient(app)
    assert [client.get("/session").text for _ in range(2)] == ["1", "2"]
    app.secret_key = "second"
    assert client.get("/session").text == "1"
    app.config["SECRET_KEY_FALLBACKS"] = ["first"]
    assert client.get("/session").text == "2"


def test_testing_lets_errors_out(app: Flask) -> None:
    def index() -> str:
        raise LookupError("x")

    app.view_functions["index"] = index
    client = TestClient(app)
    assert client.get("/").status_code == 500
    app.testing = True
    with pytest.raises(LookupError):
        client.get("/")


def test_the_session_interface(app: Flask) -> None:
    kept: dict[str, Any] = {}

    class InMemory(SessionInterface):
        def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
            return SecureCookieSession(kept)

        def save_session(self, app: Flask, session: Any, response: Response) -> None:
            kept.update(session)

    app.session_interface = InMemory()
    assert _get(app, "/session") == "1"
    assert _get(app, "/session") == "2"
    assert kept == {"seen": 2}


def test_middleware_around_wsgi_app(app: Flask) -> None:
    inner = app.wsgi_app

    def middleware(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("x-around", environ["PATH_INFO"])], *rest)

        return inner(environ, start)

    app.wsgi_app = middleware  # type: ignore[method-assign]
    answer = TestClient(app).get("/")
    assert (answer.text, answer.headers["x-around"]) == ("first", "/")


@pytest.mark.parametrize(
    ("name", "replacement", "text"),
    [
        ("dispatch_request", lambda self: "dispatched", "dispatched"),
        ("preprocess_request", lambda self: "preprocessed", "preprocessed"),
        ("make_response", lambda self, rv: Response(f"made of {rv}"), "made of first"),
        ("process_response", lambda self, response: Response("processed"), "processed"),
        ("full_dispatch_request", lambda self: Response("full"), "full"),
    ],
)
def test_overridden_methods(app: Flask, name: str, replacement: Any, text: str) -> None:
    app.__class__ = type("Own", (Flask,), {name: replacement})
    assert _get(app) == text


def test_overridden_classes(app: Flask) -> None:
    class OwnRequest(Request):
        @property
        def shouted(self) -> str:
            return self.path.upper()

    class OwnResponse(Response):
        default_mimetype = "text/x-own"

    app.request_class, app.response_class = OwnRequest, OwnResponse
    app.view_functions["index"] = lambda: request.shouted  # type: ignore[attr-defined]
    answer = TestClient(app).get("/")
    assert (answer.text, answer.headers["content-type"]) == ("/", "text/x-own; charset=utf-8")


def test_declaring_after_the_first_request_says_what_to_do(app: Flask) -> None:
    with pytest.raises(AssertionError, match="setup method 'route'"):

        @app.route("/too-late")
        def too_late() -> None: ...
