"""Timeouts, turns, body limits and cancelling, said at application, router and route."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from carboy import App, Depends, HTTPException
from carboy.fastapi import APIRouter, FastAPI
from carboy.testing import TestClient


def test_an_endpoint_that_takes_too_long_is_cancelled_and_answered() -> None:
    app = App()
    log: list[str] = []

    async def session() -> AsyncIterator[str]:
        try:
            yield "session"
        except BaseException as error:
            log.append(type(error).__name__)
            raise
        finally:
            log.append("closed")

    @app.get("/slow", timeout=0.05)
    async def slow(session: str = Depends(session)) -> None:
        await asyncio.Event().wait()

    with TestClient(app) as client:
        answer = client.get("/slow")
    assert (answer.status_code, answer.json()) == (504, {"detail": "Gateway Timeout"})
    assert log == ["CancelledError", "closed"]


def test_a_thread_is_left_to_end() -> None:
    app = App()
    go, ended = threading.Event(), threading.Event()

    @app.get("/slow", timeout=0.05)
    def slow() -> str:
        go.wait(30)
        ended.set()
        return "late"

    with TestClient(app) as client:
        assert client.get("/slow").status_code == 504
        assert not ended.is_set()
        go.set()
        assert ended.wait(30)


def test_handlers_see_an_http_exception() -> None:
    app = App()

    @app.exception_handler(504)
    async def late(request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"path": request.url.path, "status": error.status_code}, 599)

    @app.get("/slow", timeout=0.05)
    async def slow() -> None:
        await asyncio.Event().wait()

    answer = TestClient(app).get("/slow")
    assert (answer.status_code, answer.json()) == (599, {"path": "/slow", "status": 504})


def test_a_cancellation_from_within_is_no_timeout() -> None:
    app = App()

    @app.get("/")
    async def index() -> str:
        inner = asyncio.ensure_future(asyncio.Event().wait())
        inner.cancel()
        try:
            await inner
        except asyncio.CancelledError:
            return "went on"
        return "no"

    assert TestClient(app).get("/").json() == "went on"


def _crowded(limit: int, queue: int, **options: Any) -> tuple[App, list[int], Any]:
    """(application, how many run now and at most, a function to let all go)."""
    app = App()
    running = [0, 0]
    gate = asyncio.Event()

    @app.get("/work", limit=limit, queue=queue, **options)
    async def work() -> str:
        running[0] += 1
        running[1] = max(running)
        await gate.wait()
        running[0] -= 1
        return "done"

    return app, running, gate


async def _ask(app: App, path: str = "/work") -> tuple[int, dict[bytes, bytes]]:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"])


def test_only_so_many_run_and_so_many_wait() -> None:
    async def main() -> None:
        app, running, gate = _crowded(2, 1)
        asked = [asyncio.ensure_future(_ask(app)) for _ in range(5)]
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 2:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        refused = [task.result() for task in done]
        assert [status for status, _ in refused] == [503, 503]
        assert refused[0][1][b"retry-after"] == b"1"
        gate.set()
        assert [(await task)[0] for task in waiting] == [200, 200, 200]
        assert running == [0, 2]
        assert (await _ask(app))[0] == 200

    asyncio.run(main())


def test_blocking_endpoints_take_turns_too() -> None:
    app = App()
    running = [0, 0]
    lock = threading.Lock()

    @app.get("/work", limit=1, queue=10)
    def work() -> str:
        with lock:
            running[0] += 1
            running[1] = max(running)
        threading.Event().wait(0.01)
        with lock:
            running[0] -= 1
        return "done"

    async def main() -> None:
        answers = await asyncio.gather(*[_ask(app) for _ in range(5)])
        assert [status for status, _ in answers] == [200] * 5

    asyncio.run(main())
    assert running == [0, 1]


def test_a_turn_is_given_back_whatever_happens() -> None:
    app = App()

    @app.get("/fail", limit=1)
    async def fail() -> None:
        raise HTTPException(409)

    @app.get("/bug", limit=1)
    def bug() -> None:
        raise ZeroDivisionError

    @app.get("/slow", limit=1, timeout=0.02)
    async def slow() -> None:
        await asyncio.Event().wait()

    @app.get("/stream", limit=1)
    async def stream() -> AsyncIterator[str]:
        yield "a"

    with TestClient(app, raise_server_exceptions=False) as client:
        for path, status in (("/fail", 409), ("/bug", 500), ("/slow", 504), ("/stream", 200)):
            assert [client.get(path).status_code for _ in range(3)] == [status] * 3


def test_who_has_a_whole_answer_may_ask_again() -> None:
    app = App()
    found: list[int] = []

    @app.get("/async", limit=1)
    async def on_the_loop() -> str:
        return "done"

    @app.get("/thread", limit=1)
    def in_a_thread() -> str:
        return "done"

    async def ask(path: str, again: bool) -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                found.append(message["status"])
            elif again:  # the client has it all: here comes its next request
                await ask(path, False)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        await app(scope, receive, send)

    for path in ("/async", "/thread"):
        asyncio.run(ask(path, True))
    assert found == [200] * 4


def test_a_routers_turns_are_shared_by_its_routes() -> None:
    async def main() -> None:
        gate, begun = asyncio.Event(), asyncio.Semaphore(0)
        router = APIRouter(limit=1)

        @router.get("/a")
        @router.get("/b")
        @router.get("/own", limit=1)
        async def work() -> str:
            begun.release()
            await gate.wait()
            return "done"

        app = App()
        app.include_router(router)
        first = asyncio.ensure_future(_ask(app, "/a"))
        own = asyncio.ensure_future(_ask(app, "/own"))
        await begun.acquire()
        await begun.acquire()
        assert (await _ask(app, "/b"))[0] == 503
        gate.set()
        assert ((await first)[0], (await own)[0]) == (200, 200)

    asyncio.run(main())


def test_the_innermost_limit_counts_and_none_switches_off() -> None:
    router = APIRouter(timeout=5, max_body=10)
    app = App(timeout=50, max_body=100)
    for path, options in {"/router": {}, "/route": {"timeout": 1, "max_body": 1}}.items():
        router.post(path, **options)(lambda: None)
    router.post("/free", timeout=None, max_body=None, limit=None)(lambda: None)
    app.include_router(router)
    app.post("/app")(lambda: None)
    App().post("/default")(lambda: None)
    found = {
        path: (target.timeout, target.max_body)
        for path in ("/app", "/router", "/route", "/free")
        for target in [app.engine.find(f"POST {path}")]
    }
    assert found == {
        "/app": (50, 100),
        "/router": (5, 10),
        "/route": (1, 1),
        "/free": (None, None),
    }


def test_the_nearer_name_of_a_bodys_limit_counts() -> None:
    """`max_body_size` is FastAPI's word for `max_body`: whichever is said further in."""
    app = App(max_body=100)
    app.post("/size", max_body_size=10)(lambda: None)
    strict = APIRouter(max_body_size=20)
    strict.post("/router")(lambda: None)
    strict.post("/route", max_body=30)(lambda: None)
    app.include_router(strict)
    app.include_router(strict, prefix="/included", max_body=5)
    loose = APIRouter()
    loose.post("/loose")(lambda: None)
    app.include_router(loose, max_body_size=40)
    found = {
        path: app.engine.find(f"POST {path}").max_body
        for path in ("/size", "/router", "/route", "/included/router", "/loose")
    }
    assert found == {
        "/size": 10,
        "/router": 20,
        "/route": 30,
        "/included/router": 20,
        "/loose": 40,
    }
    assert "413" not in app.openapi()["paths"]["/size"]["post"]["responses"]


@pytest.mark.parametrize("say", [App, APIRouter, App().post, APIRouter().post])
def test_a_bodys_limit_is_said_once(say: Any) -> None:
    path = () if isinstance(say, type) else ("/",)
    with pytest.raises(ValueError, match="max_body and max_body_size"):
        declared = say(*path, max_body=1, max_body_size=1)
        declared(lambda: None)


def test_app_has_a_timeout_and_the_plain_face_has_none() -> None:
    found = []
    for cls in (App, FastAPI):
        app = cls()
        app.get("/")(lambda: None)
        found.append(app.engine.find("GET /").timeout)
    assert found == [60, None]


def test_cancelling_is_said_like_everything_else() -> None:
    app = App()
    app.get("/get")(lambda: None)
    app.post("/post")(lambda: None)
    app.get("/kept", cancel_on_disconnect=False)(lambda: None)
    app.post("/cut", cancel_on_disconnect=True)(lambda: None)
    found = [
        app.engine.find(title).cancel_on_disconnect
        for title in ("GET /get", "POST /post", "GET /kept", "POST /cut")
    ]
    assert found == [True, False, False, True]


def test_the_document_shows_limits_that_were_declared() -> None:
    app = App()

    @app.post("/all", timeout=5, limit=3, queue=2, max_body=1000)
    def everything(body: dict[str, int]) -> None: ...

    @app.post("/none")
    def nothing(body: dict[str, int]) -> None: ...

    paths = app.openapi()["paths"]
    assert paths["/all"]["post"]["responses"].keys() == {"200", "413", "422", "503", "504"}
    assert paths["/none"]["post"]["responses"].keys() == {"200", "422"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout is a positive number of seconds"),
        ({"timeout": "5"}, "timeout is a positive number of seconds"),
        ({"limit": 0}, "limit is a number of requests, 1 or more"),
        ({"limit": 1.5}, "limit is a number of requests"),
        ({"limit": 1, "queue": -1}, "queue is a number of requests, 0 or more"),
        ({"queue": 3}, "say limit= beside it"),
        ({"max_body": True}, "max_body is a number of bytes"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], message: str) -> None:
    app = App()
    with pytest.raises(ValueError, match=message):
        app.get("/", **options)(lambda: None)
    with pytest.raises(ValueError, match=message):
        App(**options)
    with pytest.raises(TypeError, match="is True or False"):
        APIRouter(cancel_on_disconnect=1)  # type: ignore[arg-type]
