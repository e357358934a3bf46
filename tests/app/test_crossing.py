"""Flask's responses and decorators at typed routes, and hooks that refuse them."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from functools import wraps
from typing import Any

import pytest
from starlette.responses import HTMLResponse
from werkzeug.exceptions import HTTPException as WerkzeugException

from carboy import APIRouter, App, HTTPException, Response
from carboy.fastapi.exception_handlers import http_exception_handler
from carboy.flask import Response as FlaskResponse
from carboy.flask import (
    abort,
    current_app,
    g,
    has_request_context,
    make_response,
    redirect,
    request,
    session,
)
from carboy.testing import TestClient


@pytest.fixture
def app() -> App:
    return App(secret_key="k")


def test_a_typed_handler_may_return_flask_s_response(app: App) -> None:
    closed: list[str] = []

    @app.get("/redirect")
    async def to_page() -> Any:
        session["seen"] = True
        return redirect("/page")

    @app.get("/declared", response_model=None)
    def declared() -> FlaskResponse:
        return make_response("made", 201, {"X-Own": "1"})

    @app.get("/model", response_model=dict)
    def model(response: Response) -> Any:
        response.headers["x-more"] = "2"
        made = make_response({"a": 1})
        made.call_on_close(lambda: closed.append("closed"))
        return made

    @app.get("/tuple")
    def in_tuple() -> Any:
        return make_response({"a": 1}), 409, {"x-more": "3"}

    @app.get("/stream", response_class=HTMLResponse)
    def stream() -> Any:
        return FlaskResponse(iter(["a", "b"]))

    client = TestClient(app, follow_redirects=False)
    answer = client.get("/redirect")
    assert (answer.status_code, answer.headers["location"]) == (302, "/page")
    assert "session=" in answer.headers["set-cookie"]
    answer = client.get("/declared")
    assert (answer.status_code, answer.text, answer.headers["x-own"]) == (201, "made", "1")
    answer = client.get("/model")
    assert (answer.json(), answer.headers["x-more"], closed) == ({"a": 1}, "2", ["closed"])
    assert client.get("/stream").text == "ab"
    answer = client.get("/tuple")
    assert (answer.status_code, answer.json(), answer.headers["x-more"]) == (409, {"a": 1}, "3")
    assert "200" in app.openapi()["paths"]["/declared"]["get"]["responses"]


def _members_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """As extensions of Flask do it."""

    @wraps(view)
    def decorated(*args: Any, **values: Any) -> Any:
        if "member" not in request.args:
            return redirect("/login")
        g.member = request.args["member"]
        return current_app.ensure_sync(view)(*args, **values)

    return decorated


def test_a_decorator_of_flask_s_around_a_typed_handler(app: App) -> None:
    @app.get("/sync/{n}")
    @_members_only
    def sync(n: int) -> Any:
        return [n, g.member]

    @app.get("/async/{n}")
    @_members_only
    async def asynchronous(n: int) -> Any:
        return [n, g.member]

    @app.route("/flask/<int:n>")
    @_members_only
    async def in_flask(n: int) -> Any:
        return [n, g.member]

    for client in (TestClient(app, follow_redirects=False), app.test_client()):
        for kind in ("sync", "async", "flask"):
            answer: Any = client.get(f"/{kind}/4")
            assert (answer.status_code, answer.headers["location"]) == (302, "/login")
            answer = client.get(f"/{kind}/4?member=ada")
            assert answer.text.split() == ['[4,"ada"]']
    assert TestClient(app).get("/async/x?member=ada").status_code == 422


def test_a_hook_that_refuses_answers_by_what_the_route_is(app: App) -> None:
    @app.before_request
    def refuse() -> None:
        if "token" not in request.args:
            abort(400, "no token")

    @app.post("/api")
    async def api() -> Any:
        return 1

    @app.post("/page", response_class=HTMLResponse)
    def page() -> Any:
        return "page"

    @app.route("/flask", methods=["POST"])
    def in_flask() -> str:
        return "flask"

    for client in (TestClient(app), app.test_client()):
        answer: Any = client.post("/api")
        data = answer.json if isinstance(answer.json, dict) else answer.json()
        assert (answer.status_code, data) == (400, {"detail": "no token"})
        for path in ("/page", "/flask"):
            answer = client.post(path)
            assert answer.status_code == 400
            assert "<p>no token</p>" in answer.text
        assert client.post("/api?token=1").text.strip() == "1"
        answer = client.get("/page?token=1")
        assert (answer.status_code, "<h1>Method Not Allowed</h1>" in answer.text) == (405, True)
        assert {*answer.headers["allow"].split(", ")} == {"POST"}
        answer = client.options("/page?token=1")
        assert {*answer.headers["allow"].split(", ")} == {"POST", "OPTIONS"}
        assert not has_request_context()


def test_fastapi_s_own_handler_at_a_router_keeps_error_pages_away(app: App) -> None:
    @app.errorhandler(404)
    def missing(error: Any) -> Any:
        return "<h1>Not here</h1>", 404

    router = APIRouter(prefix="/api", exception_handlers={HTTPException: http_exception_handler})

    @router.get("/typed")
    async def typed() -> Any:
        raise HTTPException(404, "typed")

    @router.get("/flask")
    def in_flask() -> Any:
        abort(404)

    @app.get("/other")
    def other() -> Any:
        raise HTTPException(404)

    app.include_router(router)
    client = TestClient(app)
    assert client.get("/api/typed").json() == {"detail": "typed"}
    assert client.get("/api/flask").json() == {"detail": "Not Found"}
    assert client.get("/other").text == "<h1>Not here</h1>"
    assert client.get("/api/nothing").text == "<h1>Not here</h1>"


@pytest.mark.parametrize("path", ["/sync", "/async", "/refused", "/refused/async"])
def test_flask_s_test_client_keeps_the_contexts_of_a_typed_route(app: App, path: str) -> None:
    @app.get("/sync")
    def sync() -> Any:
        g.n = session["n"] = 1

    @app.get("/async")
    async def asynchronous() -> Any:
        g.n = session["n"] = 1

    @app.get("/refused")
    def refused() -> Any:
        sync()
        abort(404)

    @app.get("/refused/async")
    async def refused_async() -> Any:
        sync()
        raise HTTPException(404)

    client = app.test_client()
    client.get(path)
    assert not has_request_context()
    with client:
        client.get(path)
        assert (request.path, g.n, session["n"]) == (path, 1, 1)
    assert not has_request_context()


def test_after_hooks_find_the_marks_of_a_response_that_the_handler_made(app: App) -> None:
    @app.after_request
    def marked(response: Any) -> Any:
        response.headers["X-Mark"] = getattr(response, "_mark", "none")
        return response

    @app.get("/made")
    def made() -> Any:
        response = make_response({"a": 1}, 201)
        response._mark = "made"  # type: ignore[attr-defined]
        return response

    app.get("/plain")(lambda: 1)
    client = TestClient(app)
    assert [client.get(path).headers["x-mark"] for path in ("/made", "/plain")] == ["made", "none"]
    assert client.get("/made").json() == {"a": 1}


class _Elsewhere(WerkzeugException):
    """As applications write them: without `super().__init__()`, with an answer of its own."""

    code = 303

    def __init__(self, to: str) -> None:
        self.to = to

    def get_response(self, *args: Any, **values: Any) -> Any:
        return redirect(self.to, 303)


@pytest.mark.parametrize("path", ["/typed", "/page", "/hooked"])
def test_an_exception_with_an_answer_of_its_own_gives_it(app: App, path: str) -> None:
    @app.before_request
    def hooked() -> None:
        if request.path == "/hooked":
            raise _Elsewhere("/to")

    @app.get("/typed")
    @app.get("/hooked")
    @app.route("/page")
    def elsewhere() -> Any:
        raise _Elsewhere("/to")

    for accept in ("text/html", "application/json"):
        answer = TestClient(app, follow_redirects=False).get(path, headers={"accept": accept})
        assert (answer.status_code, answer.headers["location"]) == (303, "/to")


def test_what_a_typed_route_aborts_with_is_text_as_on_pages(app: App) -> None:
    class Lazy:
        def __init__(self, name: str) -> None:
            self.name = name

        def __str__(self) -> str:
            return f"for {self.name} only"

    told: dict[str, Any] = {"/lazy": Lazy("ada"), "/data": {"a": 1}}
    for path, one in told.items():
        app.get(path)(lambda one=one: abort(403, one))
    client = TestClient(app)
    assert client.get("/lazy").json() == {"detail": "for ada only"}
    assert client.get("/data").json() == {"detail": {"a": 1}}


def _keeping(kept: dict[str, Any]) -> Callable[[Any], Any]:
    """As caches do it: they look at what comes out, and go on when they can't."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def decorated(*args: Any, **values: Any) -> Any:
            if request.path not in kept:
                found = current_app.ensure_sync(view)(*args, **values)
                try:
                    kept[request.path] = pickle.dumps(found)
                except Exception:
                    return found
            return pickle.loads(kept[request.path])

        return decorated

    return decorate


def _dressing(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def decorated(*args: Any, **values: Any) -> Any:
        response = make_response(current_app.ensure_sync(view)(*args, **values))
        response.headers["X-Dressed"] = "yes"
        return response

    return decorated


@pytest.mark.parametrize("by_wsgi", [False, True])
def test_decorators_that_look_at_what_an_async_handler_answers(app: App, by_wsgi: bool) -> None:
    kept: dict[str, Any] = {}
    calls: list[Any] = []

    @app.get("/kept")
    @_keeping(kept)
    async def keep() -> dict[str, Any]:
        await asyncio.sleep(0)
        calls.append(g.setdefault("seen", request.path))
        return {"n": len(calls)}

    @app.get("/dressed/{n}")
    @_dressing
    @_members_only
    async def dress(n: int) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"n": n, "member": g.member}

    @app.get("/fails")
    @_dressing
    async def fails() -> None:
        await asyncio.sleep(0)
        abort(409, "taken")

    client: Any = app.test_client() if by_wsgi else TestClient(app)
    for _ in range(3):
        assert client.get("/kept").text == '{"n":1}'
        answer = client.get("/dressed/7?member=ada")
        assert (answer.status_code, answer.headers["x-dressed"]) == (200, "yes")
        assert (b'"member":"ada"' in (answer.content if not by_wsgi else answer.data)) is True
        assert client.get("/fails").status_code == 409
    assert calls == ["/kept"]
