"""One session for both kinds: who looks at it says so to caches, who changes it sets it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from carboy import App, Depends, HTTPException, Request
from carboy.flask import abort, make_response, redirect, session
from carboy.testing import TestClient

SECRET = "sessions" * 5


def user() -> str | None:
    return session.get("user")


def site(**options: Any) -> App:
    app = App(secret_key=SECRET, **options)
    declare_changes(app)
    declare_looks(app)
    return app


def declare_changes(app: App) -> None:
    @app.route("/enter/<name>")
    def enter(name: str) -> str:
        session["user"] = name
        return name

    @app.get("/enter-typed/{name}")
    async def enter_typed(name: str, request: Request) -> Response:
        request.session["user"] = name
        answer = Response(name)
        answer.set_cookie("other", "1")
        return answer

    @app.get("/leave")
    async def leave() -> None:
        session.clear()

    @app.get("/nothing")
    async def nothing() -> str:
        return "nothing"


def declare_looks(app: App) -> None:
    def read(path: str, answer: Callable[[], Any]) -> None:
        @app.get(f"/read/{path}", name=path)
        def look() -> Any:
            return answer()

        @app.get(f"/read-async/{path}", name=f"{path}-async")
        async def look_async() -> Any:
            return answer()

    def fail(error: Exception) -> Any:
        session.get("user")
        raise error

    def stream() -> StreamingResponse:
        session.get("user")

        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"

        return StreamingResponse(pieces())

    def after(answer: Any) -> Any:
        session.get("user")
        return answer

    read("in", lambda: "user" in session)
    read("len", lambda: len(session))
    read("bool", lambda: bool(session))
    read("items", lambda: list(session.items()))
    read("equal", lambda: session == {})
    read("error", lambda: fail(HTTPException(404)))
    read("abort", lambda: after(0) or abort(403))
    read("redirect", lambda: after(redirect("/nothing")))
    read("flask", lambda: after(make_response("a")))
    read("stream", stream)
    read("not-modified", lambda: after(Response(status_code=304)))
    read("varies", lambda: after(Response("a", headers={"vary": "Accept-Encoding"})))
    read("varies-so", lambda: after(Response("a", headers={"vary": "accept, COOKIE"})))

    @app.get("/read/starlette")
    async def starlette(request: Request) -> Any:
        return "user" in request.session

    @app.get("/read/dependency")
    async def dependency(name: Any = Depends(user)) -> Any:
        return name

    @app.get("/read/invalid")
    async def invalid(number: int, name: Any = Depends(user)) -> Any:
        return name

    @app.route("/read/view")
    def view() -> str:
        return str(session.get("user"))


PATHS = [one.path for one in site().routes if getattr(one, "path", "").startswith("/read")]
PATHS.append("/read/view")


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_who_looks_says_so_and_sets_nothing(path: str, is_known: bool) -> None:
    client = TestClient(site(), follow_redirects=False)
    if is_known:
        client.get("/enter/ada")
    answer = client.get(path)
    assert "cookie" in answer.headers["vary"].lower()
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("when", ["before_request", "after_request"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("HEAD", "/nothing"),
        ("OPTIONS", "/nothing"),
        ("POST", "/nothing"),
        ("GET", "/nothing/"),
        ("GET", "//nothing"),
        ("GET", "/nobody"),
        ("GET", "/read/not-modified"),
        ("GET", "/read/invalid"),
        ("GET", "/static/nothing"),
        ("POST", "/read/view"),
        ("OPTIONS", "/read/view"),
    ],
)
@pytest.mark.parametrize("habits", [False, True])
def test_who_looks_in_a_hook_says_so_of_every_answer(
    when: str, method: str, path: str, habits: bool
) -> None:
    app = site(flask_habits=habits)

    def look(answer: Any = None) -> Any:
        session.get("user")
        return answer

    getattr(app, when)(look)
    answer = TestClient(app, follow_redirects=False).request(method, path)
    assert "cookie" in answer.headers["vary"].lower()
    assert "set-cookie" not in answer.headers


def test_nobody_who_does_not_look_says_or_sets_anything() -> None:
    client = TestClient(site())
    client.get("/enter/ada")
    answer = client.get("/nothing")
    assert "vary" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/enter/ada", "/enter-typed/ada"])
def test_who_changes_it_sets_it_and_says_so(path: str) -> None:
    client = TestClient(site())
    answer = client.get(path)
    assert "cookie" in answer.headers["vary"].lower()
    cookies = answer.headers.get_list("set-cookie")
    assert sum(one.startswith("session=") for one in cookies) == 1
    assert ("typed" in path) == any(one.startswith("other=1") for one in cookies)
    for read in ("/read/items", "/read-async/items"):
        assert client.get(read).json() == [["user", "ada"]]
    assert client.get("/read/view").text == "ada"
    gone = client.get("/leave")
    assert "Max-Age=0" in gone.headers["set-cookie"]
    assert "cookie" in gone.headers["vary"].lower()
    assert client.get("/read/items").json() == []


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1], lambda c: c + "a", lambda c: "a" + c, str.upper]
)
def test_a_cookie_that_was_changed_is_no_session(change: Callable[[str], str]) -> None:
    app = site()
    first = TestClient(app)
    first.get("/enter/ada")
    other = TestClient(app, cookies={"session": change(first.cookies["session"])})
    assert other.get("/read/items").json() == []
    assert other.get("/read-async/items").json() == []
    assert other.get("/read/view").text == "None"


def test_a_session_that_was_foisted_is_left_with_what_it_had() -> None:
    """Whoever clears it at the log-in begins anew: nothing of what was sent comes back."""
    app = site()

    @app.post("/log-in")
    async def log_in(request: Request) -> None:
        request.session.clear()
        request.session["user"] = "ada"

    evil = TestClient(app)
    evil.get("/enter/eve")
    entered = TestClient(app).post(
        "/log-in", headers={"cookie": f"session={evil.cookies['session']}"}
    )
    cookie = entered.headers["set-cookie"].partition(";")[0]
    found = TestClient(app).get("/read/items", headers={"cookie": cookie})
    assert found.json() == [["user", "ada"]]
    assert evil.get("/read/items").json() == [["user", "eve"]]
