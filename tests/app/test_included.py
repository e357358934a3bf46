"""Applications of Flask's that are more than `Flask(__name__)`, as the Flask side of an App."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from typing import Any

import pytest
from starlette.responses import StreamingResponse
from werkzeug.middleware.proxy_fix import ProxyFix

from carboy import APIRouter, App, Request
from carboy.flask import Flask, abort, after_this_request, g, request, session, url_for
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


class Stepping(Flask):
    def preprocess_request(self) -> Any:
        if request.args.get("key") != "7":
            return "who are you?", 401
        g.steps = ["before"]
        return super().preprocess_request()

    def process_response(self, response: Any) -> Any:
        response = super().process_response(response)
        response.headers["X-Steps"] = f"{request.environ['mine']} {request.endpoint}"
        return response

    def request_context(self, environ: Any) -> Any:
        environ["mine"] = "own"
        return super().request_context(environ)


def test_steps_of_its_own_stand_around_typed_routes_too() -> None:
    flask = Stepping(__name__)
    flask.secret_key = "k"
    app = App()
    app.include(flask)
    seen = []

    @app.before_request
    def before() -> None:
        g.steps.append("hook")

    @app.after_request
    def after(response: Any) -> Any:
        seen.append("after")
        return response

    @app.get("/def")
    def in_thread() -> Any:
        session["n"] = 1
        return g.steps

    @app.get("/async")
    async def on_loop() -> Any:
        after_this_request(lambda response: seen.append("late") or response)
        return g.steps

    @app.get("/stream")
    def stream() -> Any:
        return StreamingResponse(iter(["a", "b"]))

    @app.get("/fails")
    def fails() -> Any:
        abort(409)

    for client in (TestClient(app), app.test_client()):
        for path, told in {
            "/def": '["before","hook"]',
            "/async": '["before","hook"]',
            "/stream": "ab",
            "/fails": '{"detail":"Conflict"}',
        }.items():
            seen.clear()
            answer: Any = client.get(f"{path}?key=7")
            assert answer.text == told
            assert answer.headers["x-steps"].startswith("own ")
            assert seen == (["late", "after"] if path == "/async" else ["after"])
            assert str(answer.headers.get("set-cookie")).count("session=") == (path == "/def")
            answer = client.get(path)
            assert (answer.status_code, answer.text) == (401, "who are you?")
            assert answer.headers["x-steps"].startswith("own ")


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


def test_hooks_find_the_function_of_a_typed_route_by_its_endpoint() -> None:
    app = App()

    def public(function: Any) -> Any:
        function.is_public = True
        return function

    @app.before_request
    def guard() -> Any:
        view = app.view_functions[request.endpoint]
        assert view is app.view_functions.get(request.endpoint)
        return None if getattr(view, "is_public", False) else ("no", 401)

    def read() -> str:
        return "closed"

    @app.get("/open")
    @public
    async def reads() -> str:
        return "open"

    app.get("/read", name="read")(public(lambda: "open"))
    app.get("/read/more", name="read")(read)
    app.add_url_rule("/flask", "flask", public(lambda: "open"))
    told = _both(app, "/open /read /read/more /flask /read")
    assert [status for status, _ in told] == [200, 200, 401, 200, 200]
    assert list(app.view_functions) == ["static", "flask"]
    assert "reads" not in app.view_functions
    assert app.view_functions.get("read") is None


@pytest.mark.parametrize("is_included", [False, True])
def test_who_makes_an_app_for_each_test_keeps_none(
    is_included: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests' exporters would live as long as each application.
    monkeypatch.delitem(sys.modules, "carboy.fastapi.telemetry._runtime", raising=False)

    def use() -> weakref.ref[App]:
        app = App()
        if is_included:
            app.include(Flask(__name__))
        router = APIRouter()
        router.get("/async")(_told_async)
        app.include_router(router)
        app.add_url_rule("/flask", "flask", lambda: "told")
        app.get("/def")(lambda: "told")
        assert _both(app, "/async /def /flask")[0] == (200, '"told"')
        return weakref.ref(app)

    def loops() -> int:
        return sum(one.name == "carboy-loop" for one in threading.enumerate())

    before = loops()
    made = [use() for _ in range(3)]
    deadline = time.monotonic() + 30
    # A thread lets go of its last request when it comes to rest.
    while (loops() > before or any(one() for one in made)) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert [one() for one in made] == [None] * 3
    assert loops() <= before


async def _told_async() -> str:
    return "told"
