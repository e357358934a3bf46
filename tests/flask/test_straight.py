"""The straight line of a Flask route: what it holds, what it leaves out, when it is not taken."""

from __future__ import annotations

import gc
import sys
from typing import Any

import pytest
from blinker import NamedSignal
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from carboy.core.context import RequestContext
from carboy.flask import Blueprint, Flask, after_this_request, g, request, session, signals
from carboy.flask.signals import request_finished
from carboy.flask.wrappers import Request
from carboy.testing import TestClient


class Wire:
    """Enough of a transport for one request in this thread."""

    shelter = threads = None

    def portal(self, coroutine: Any) -> Any:
        raise AssertionError("nothing asynchronous here")

    async def receive(self, request: RequestContext) -> Any:
        raise AssertionError("the body is there")

    def scope(self, request: RequestContext) -> dict[str, Any]:
        return {
            "type": "http", "http_version": "1.1", "method": request.method, "scheme": "http",
            "path": request.path, "raw_path": request.path.encode(), "root_path": "",
            "query_string": request.query, "headers": request.headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip


def _source(app: Flask, title: str) -> str:
    return app.engine.find(title).source


def _served(app: Flask, path: str) -> RequestContext:
    served = RequestContext(Wire(), "GET", path, b"", [(b"host", b"a")])  # type: ignore[arg-type]
    served.body = b""
    app.engine.match(served)
    return served


@pytest.fixture
def app() -> Flask:
    app = Flask("straight", static_folder=None)

    @app.route("/")
    def index() -> str:
        return "index"

    return app


def test_a_plain_view_is_all_there_is(app: Flask) -> None:
    source = _source(app, "GET /")
    assert "result = view_index(**values)" in source
    assert "answer = respond(context, result)" in source
    for step in ("make_response", "late", "result is None", "run("):
        assert step not in source


def test_hello_costs_few_calls(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the engine's door, from the matched route to the pair."""
    for signal in vars(signals).values():
        if isinstance(signal, NamedSignal):  # other tests' receivers may be alive
            monkeypatch.setattr(signal, "receivers", {})
    app.engine.freeze()
    served = _served(app, "/")
    served.target.call(served)  # type: ignore[misc]
    calls = []
    gc.disable()  # hypothesis counts collections in Python
    sys.setprofile(lambda frame, event, _: event == "call" and calls.append(frame.f_code.co_name))
    pair = served.target.call(served)  # type: ignore[misc]
    sys.setprofile(None)
    gc.enable()
    assert pair[1] == b"index"
    assert len(calls) <= 9, calls


def test_middleware_leaves_the_way_within_it_straight(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Around `wsgi_app`, which is called by either door then."""
    monkeypatch.setattr("carboy.flask.door.call_in_order", None)  # the long way
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert TestClient(app).get("/").text == "index"
    assert app.test_client().get("/").text == "index"


def test_hooks_are_flattened_over_nested_blueprints() -> None:
    app, outer, inner = Flask("nested"), Blueprint("outer", "x"), Blueprint("inner", "x")
    for name, one in (("app", app), ("outer", outer), ("inner", inner)):

        def before(name: str = name) -> None:
            g.setdefault("seen", []).append(name)

        def after(response: Any, name: str = name) -> Any:
            response.data += f" {name}".encode()
            return response

        before.__name__, after.__name__ = f"before_{name}", f"after_{name}"
        one.before_request(before)
        one.after_request(after)

    @inner.route("/")
    def index() -> str:
        return " ".join(g.seen)

    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    source = _source(app, "GET /")
    order = ["before_app", "before_outer", "before_inner", "view_index", "after_inner"]
    order += ["after_outer", "after_app"]
    places = [source.index(f"{name}(") for name in order]
    assert places == sorted(places)
    assert TestClient(app).get("/").text == "app outer inner inner outer app"


def test_a_hook_that_comes_late_is_written_in(app: Flask) -> None:
    assert TestClient(app).get("/").text == "index"
    app.before_request_funcs[None].append(lambda: "late" if request.args else None)
    client = TestClient(app)
    assert [client.get("/?x").text for _ in range(3)] == ["index", "index", "index"][:0] + [
        "late"
    ] * 3
    assert "result is None" in _source(app, "GET /")


def test_after_this_request_and_receivers_get_a_response(app: Flask) -> None:
    seen = []

    def view() -> str:
        @after_this_request
        def sign(response: Any) -> Any:
            response.headers["x-late"] = "yes"
            return response

        return "signed"

    app.view_functions["index"] = view
    client = TestClient(app)

    def note(sender: Any, response: Any) -> None:
        seen.append(response.status_code)

    assert client.get("/").headers["x-late"] == "yes"
    app.view_functions["index"] = lambda: {"a": 1}
    with request_finished.connected_to(note, app):
        assert client.get("/").json() == {"a": 1}
    assert seen == [200]


def test_a_session_that_is_not_touched_costs_nothing_and_a_permanent_one_is_renewed() -> None:
    app = Flask("sessions")
    app.secret_key = "not secret"

    @app.route("/")
    def index() -> str:
        return "index"

    @app.route("/in")
    def log_in() -> str:
        session["who"] = "me"
        session.permanent = "x" in request.args
        return "in"

    client = TestClient(app)
    assert "set-cookie" not in client.get("/").headers
    assert "set-cookie" in client.get("/in").headers
    assert "set-cookie" not in client.get("/").headers
    assert "set-cookie" in client.get("/in?x").headers
    assert "set-cookie" in client.get("/").headers
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    assert "set-cookie" not in client.get("/").headers


def test_a_host_that_is_not_trusted_is_refused_and_trust_may_change(app: Flask) -> None:
    client = TestClient(app, base_url="http://a.example")
    assert client.get("/").status_code == 200
    app.config["TRUSTED_HOSTS"] = ["b.example"]
    assert client.get("/").status_code == 400
    app.config["TRUSTED_HOSTS"] = [".example"]
    assert client.get("/").status_code == 200


class Own(BaseConverter):
    regex = "[a-z]+"


def test_what_goes_the_long_way() -> None:
    app = Flask("long")
    app.url_map.converters["own"] = Own
    app.add_url_rule("/own/<own:x>", "own", lambda x: x)
    app.add_url_rule("/moved", "moved", lambda: "", redirect_to="/")
    app.add_url_rule("/page/", "page", lambda n: str(n), defaults={"n": 1})
    app.add_url_rule("/page/<int:n>", "page")
    for title in ("GET /own/<own:x>", "GET /moved", "GET /page/<int:n>"):
        assert "open_context" not in _source(app, title), title
    assert "open_context" in _source(app, "GET /page/")
    client = TestClient(app, follow_redirects=False)
    assert client.get("/own/abc").text == "abc"
    assert client.get("/moved").status_code == 308
    assert client.get("/page/1").headers["location"] == "http://testserver/page/"
    assert client.get("/page/2").text == "2"


def test_a_subclass_that_overrides_a_step_goes_the_long_way(app: Flask) -> None:
    class Careful(Flask):
        def process_response(self, response: Any) -> Any:
            response.headers["x-careful"] = "yes"
            return super().process_response(response)

    own = Careful("careful")
    own.add_url_rule("/", "index", lambda: "index")
    assert "open_context" not in _source(own, "GET /")
    assert TestClient(own).get("/").headers["x-careful"] == "yes"


def test_a_request_is_made_when_it_is_asked_for(app: Flask) -> None:
    kept: list[Any] = []
    seen: list[int] = []

    def view() -> str:
        kept.append(request._get_current_object())  # type: ignore[attr-defined]
        made = set(kept[-1].__dict__) if len(seen) else set()
        seen.append(1)
        url, agent = request.url, request.headers["user-agent"]
        assert "environ" not in made and "headers" not in made
        return f"{url} {agent} {request.remote_addr} {request.root_path!r} {request.is_secure}"

    client = TestClient(app, headers={"user-agent": "me"})
    client.get("/")  # its Host is new, and is looked at closely
    app.view_functions["index"] = view
    client.get("/")  # the line is written anew
    del kept[:]
    assert client.get("/?a=b").text == "http://testserver/?a=b me testclient '' False"
    assert type(kept[0]) is Request
    assert kept[0].environ["werkzeug.request"] is None
