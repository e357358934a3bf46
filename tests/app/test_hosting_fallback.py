"""What no route takes, and what holds beside HTTP: lifespans, states, WebSockets, middleware."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import starlette.applications
import starlette.responses
import starlette.routing
import trio
from click.testing import CliRunner
from starlette.websockets import WebSocket

from carboy import App, Request
from carboy.cli import main
from carboy.flask import Flask
from carboy.flask import request as flask_request
from carboy.testing import TestClient


def old(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("Content-Type", "text/plain")])
    line = f"old {environ['REQUEST_METHOD']} {environ['SCRIPT_NAME']}|{environ['PATH_INFO']}"
    return [line.encode()]


def migrating() -> App:
    app = App()

    @app.get("/items/{item_id:int}")
    def item(item_id: int) -> int:
        return item_id

    app.fallback(old)

    @app.get("/later")
    def later() -> str:
        return "later"

    return app


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/items/3", "3"),
        ("GET", "/later", '"later"'),
        ("GET", "/items/three", "old GET |/items/three"),
        ("POST", "/items/3", "old POST |/items/3"),
        ("PROPFIND", "/items/3", "old PROPFIND |/items/3"),
        ("GET", "/items/3/", "old GET |/items/3/"),
        ("GET", "/", "old GET |/"),
        ("OPTIONS", "/anything", "old OPTIONS |/anything"),
        ("GET", "/docs/x", "old GET |/docs/x"),
    ],
)
def test_what_no_route_takes(method: str, path: str, answer: str) -> None:
    response = TestClient(migrating()).request(method, path)
    assert (response.status_code, response.text) == (200, answer)


def test_options_and_head_of_our_paths_are_ours() -> None:
    client = TestClient(migrating())
    options = client.options("/items/3")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert client.head("/items/3").headers["content-type"] == "application/json"
    assert client.get("/docs").headers["content-type"].startswith("text/html")


def test_there_is_one_fallback() -> None:
    app = migrating()
    with pytest.raises(ValueError, match="has a fallback already"):
        app.fallback(old)


def test_a_fallback_may_come_late() -> None:
    app = App()
    client = TestClient(app)
    assert client.get("/x").status_code == 404
    app.fallback(old)
    assert client.get("/x").text == "old GET |/x"


def test_frontends_come_first(tmp_path: Any) -> None:
    (tmp_path / "page.html").write_text("built")
    app = App()
    app.frontend("/built", directory=tmp_path)
    app.fallback(old)
    client = TestClient(app)
    assert client.get("/built/page.html").text == "built"
    assert client.get("/else").text == "old GET |/else"


def test_middleware_stands_around() -> None:
    app = migrating()
    app.mount("/old", old)

    @app.middleware("http")
    async def mark(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-mark"] = "1"
        return response

    client = TestClient(app)
    for path in ("/items/3", "/nowhere", "/old/x"):
        assert client.get(path).headers["x-mark"] == "1"
    assert client.get("/old/x").text == "old GET /old|/x"


def test_the_limit_is_the_applications_or_the_mounts() -> None:
    app = App(max_body=10)
    app.mount("/small", old)
    app.mount("/large", old, max_body=20)
    app.mount("/any", old, max_body=None)
    client = TestClient(app)
    found = [client.post(f"/{name}/", content=b"x" * 15) for name in ("small", "large", "any")]
    assert [one.status_code for one in found] == [413, 200, 200]
    assert found[0].json() == {"detail": "Content Too Large"}


def test_errors_are_the_applications() -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise KeyError("broken")

    app = App()
    app.mount("/old", broken)

    @app.exception_handler(KeyError)
    async def handle(request: Request, error: KeyError) -> Any:
        return starlette.responses.PlainTextResponse("handled", 418)

    response = TestClient(app).get("/old/")
    assert (response.status_code, response.text) == (418, "handled")


def test_errors_are_raised_in_tests() -> None:
    def broken(environ: Any, start_response: Any) -> Any:
        raise KeyError("broken")

    app = App()
    app.mount("/old", broken)
    with pytest.raises(KeyError, match="broken"):
        TestClient(app).get("/old/")


# -- lifespans ------------------------------------------------------------------------------------


def living(name: str, events: list[str], **state: Any) -> Any:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        events.append(f"{name} starts")
        yield state
        events.append(f"{name} stops")

    async def show(request: Any) -> Any:
        return starlette.responses.JSONResponse(dict(request.state._state))

    return starlette.applications.Starlette(
        routes=[starlette.routing.Route("/state", show)], lifespan=lifespan
    )


def test_lifespans_run_within_the_applications_own() -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        events.append("app starts")
        yield {"ours": 1, "both": "ours"}
        events.append("app stops")

    app = App(lifespan=lifespan)
    one = living("one", events, theirs=2, both="theirs")
    app.mount("/one", one)
    app.mount("/one-again", one)
    app.mount("/wsgi", old)
    app.fallback(living("rest", events))
    with TestClient(app) as client:
        assert events == ["app starts", "one starts", "rest starts"]
        assert client.get("/one/state").json() == {"ours": 1, "theirs": 2, "both": "theirs"}
        assert client.get("/one-again/state").json()["theirs"] == 2
        assert client.get("/state").json() == {"ours": 1, "both": "ours"}
    assert events[3:] == ["rest stops", "one stops", "app stops"]
    with TestClient(app):
        pass
    assert len(events) == 12


def test_a_start_that_fails_fails_ours() -> None:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise ValueError("no database")
        yield

    events: list[str] = []
    app = App()
    app.mount("/good", living("good", events))
    app.mount("/bad", starlette.applications.Starlette(lifespan=lifespan))
    with pytest.raises(RuntimeError, match=r"could not start(.|\n)*no database"), TestClient(app):
        raise AssertionError("it was started")
    assert events == ["good starts", "good stops"]


def test_a_stop_that_fails_is_told() -> None:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        raise ValueError("cannot stop")

    app = App()
    app.mount("/bad", starlette.applications.Starlette(lifespan=lifespan))
    with pytest.raises(RuntimeError, match=r"could not stop(.|\n)*cannot stop"), TestClient(app):
        pass


def test_who_knows_no_lifespan_is_served_without(caplog: pytest.LogCaptureFixture) -> None:
    async def plain(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"plain"})

    async def returns(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await plain(scope, receive, send)

    app = App()
    app.mount("/plain", plain)
    app.mount("/returns", returns)
    with caplog.at_level(logging.INFO, "carboy.error"), TestClient(app) as client:
        assert client.get("/plain/").text == client.get("/returns/").text == "plain"
    assert caplog.text.count("takes no lifespan") == 2


def test_an_error_while_serving_leaves_as_it_is() -> None:
    app = App()
    app.mount("/one", living("one", []))
    with pytest.raises(ZeroDivisionError), TestClient(app):
        raise ZeroDivisionError


def test_after_the_answer_comes_the_disconnect() -> None:
    events: list[str] = []

    async def waits(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answer"})
        while (message := await receive())["type"] != "http.disconnect":
            pass
        events.append(message["type"])

    app = App()
    app.mount("/waits", waits)
    assert TestClient(app).get("/waits/").text == "answer"
    client = httpx.Client(transport=httpx.WSGITransport(app))
    assert client.get("http://a/waits/").text == "answer"
    assert events == ["http.disconnect"] * 2


# -- WebSockets -----------------------------------------------------------------------------------


async def sockets(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        await socket.send_text(f"{scope['root_path']}|{scope['path']}")
        await socket.close()


def connected(app: App, path: str) -> list[dict[str, Any]]:
    """What a WebSocket client is sent."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(app(scope, receive, send))
    return sent


def test_websockets_pass() -> None:
    app = App()
    app.mount("/old", sockets)
    app.fallback(sockets)
    for path, said in (("/old/x", "/old|/old/x"), ("/y", "|/y")):
        accepted, text, _ = connected(app, path)
        assert (accepted["type"], text["text"]) == ("websocket.accept", said)


def test_wsgi_takes_no_websockets() -> None:
    app = App()
    app.mount("/old", old)
    app.fallback(old)
    for path in ("/old/x", "/y"):
        assert [one["type"] for one in connected(app, path)] == ["websocket.close"]


# -- under others ---------------------------------------------------------------------------------


def test_under_a_prefix_of_the_server() -> None:
    app = App()
    app.mount("/old", old)
    app.fallback(old)
    client = httpx.Client(transport=httpx.WSGITransport(app, script_name="/api"))
    found = [client.get(f"http://a{path}").text for path in ("/old/x", "/y")]
    assert found == ["old GET /api/old|/x", "old GET /api|/y"]


def test_a_prefix_of_the_server_is_no_part_of_the_path() -> None:
    app, pages = App(), Flask("pages")

    @app.get("/x")
    def x(request: Request) -> str:
        return request.scope["path"]

    @pages.get("/api/x")
    def y() -> str:
        return f"{flask_request.script_root}|{flask_request.path}"

    client = httpx.Client(transport=httpx.WSGITransport(app, script_name="/api"))
    assert client.get("http://a/x").json() == "/api/x"

    async def ask() -> str:
        transport = httpx.ASGITransport(pages, root_path="/api")
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get("http://a/api/api/x")).text

    assert asyncio.run(ask()) == "/api|/api/x"


def test_on_a_loop_that_is_not_asyncios() -> None:
    def echo(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        body = environ["wsgi.input"].read()
        yield str(len(body)).encode()
        yield b" bytes"

    app = App()
    app.mount("/old", echo)
    app.mount("/living", living("one", []))

    async def ask() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            found = [(await client.post("/old/", content=b"x" * 200_000)).text]
            found.append((await client.get("/living/state")).text)
        return found

    assert trio.run(ask) == ["200000 bytes", "{}"]


# -- beside Flask's routes ----------------------------------------------------------------------


def test_what_no_route_of_either_kind_takes(tmp_path: Any) -> None:
    seen: list[str] = []
    app = App(static_folder=None)

    @app.get("/typed")
    def typed() -> str:
        return "typed"

    @app.route("/page/<int:number>/")
    def page(number: int) -> str:
        return f"page {number}"

    @app.before_request
    def before() -> None:
        seen.append(flask_request.path)

    app.mount("/old", old)
    app.fallback(old)
    client = TestClient(app)
    for method, path, answer in [
        ("GET", "/typed", '"typed"'),
        ("GET", "/page/3/", "page 3"),
        ("GET", "/page/3", "page 3"),  # the rule's own redirect
        ("POST", "/page/3/", "old POST |/page/3/"),
        ("GET", "/page/three/", "old GET |/page/three/"),
        ("DELETE", "/typed", "old DELETE |/typed"),
        ("GET", "/nowhere", "old GET |/nowhere"),
        ("GET", "/static/x.css", "old GET |/static/x.css"),
        ("GET", "/old/x", "old GET /old|/x"),
    ]:
        assert client.request(method, path).text == answer
    # Hooks are for routes of the application's own.
    assert set(seen) == {"/typed", "/page/3/", "/page/3"}


def test_the_command_that_lists_routes_names_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "from carboy import App\napp = App()\napp.fallback(lambda environ, start: [])\n"
    (tmp_path / "migrating_main.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(main, ["routes", "migrating_main:app"])
    found = listed.output.splitlines()[-1].split()
    assert found == ["*", "what", "no", "route", "takes", "fallback"]
