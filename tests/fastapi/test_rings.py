"""Plugins, exception handlers and middleware of routers and routes: which, in what order, where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from carboy import App, Depends, HTTPException
from carboy.fastapi import APIRouter, FastAPI
from carboy.testing import TestClient


class Noting:
    """A plugin that notes where it is."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def around(self, route: Any) -> Any:
        def steps(request: Any) -> Iterator[None]:
            self.log.append(f"{self.name} in")
            answer: Any = yield
            self.log.append(f"{self.name} out {answer.status}")

        return steps


class Mark:
    """ASGI middleware that adds its name to a header, and sees what goes in."""

    def __init__(self, app: ASGIApp, name: str, log: list[str]) -> None:
        self.app = app
        self.name = name
        self.log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.log.append(f"{self.name} {scope['path']} {scope['path_params']}")

        async def marked(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-mark", self.name.encode())]
            await send(message)

        try:
            await self.app(scope, receive, marked)
        except ZeroDivisionError:
            self.log.append(f"{self.name} sees ZeroDivisionError")
            raise


def answer(text: str) -> Any:
    def handler(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"by": text}, 400)

    return handler


def test_plugins_go_from_the_application_to_the_route() -> None:
    log: list[str] = []
    inner = APIRouter(plugins=[Noting("inner", log)])
    outer = APIRouter(plugins=[Noting("outer", log)])
    outer.include_router(inner, plugins=[Noting("inclusion", log)])
    app = App(plugins=[Noting("app", log)])
    app.include_router(outer)

    @inner.get("/late", plugins=[Noting("route", log)])
    def late() -> None:
        raise HTTPException(409)

    app.get("/other")(lambda: None)
    client = TestClient(app)
    assert client.get("/late").status_code == 409
    names = ["app", "outer", "inclusion", "inner", "route"]
    assert log == [f"{name} in" for name in names] + [f"{name} out 409" for name in names[::-1]]
    log.clear()
    client.get("/other")
    assert log == ["app in", "app out 200"]


def test_the_nearest_handler_answers() -> None:
    inner = APIRouter(exception_handlers={KeyError: answer("inner"), 404: answer("inner 404")})
    app = FastAPI(exception_handlers={KeyError: answer("app"), LookupError: answer("app lookup")})

    def fail(error: Exception) -> Any:
        def endpoint() -> None:
            raise error

        return endpoint

    inner.get("/key")(fail(KeyError()))
    inner.get("/own", exception_handlers={KeyError: answer("route")})(fail(KeyError()))
    inner.get("/index")(fail(IndexError()))
    inner.get("/missing")(fail(HTTPException(404)))
    app.get("/key")(fail(KeyError()))
    app.get("/missing")(fail(HTTPException(404)))
    app.include_router(inner, prefix="/in")
    client = TestClient(app)
    said = {path: client.get(path).json() for path in ("/in/key", "/in/own", "/in/index", "/key")}
    assert said == {
        "/in/key": {"by": "inner"},
        "/in/own": {"by": "route"},
        "/in/index": {"by": "app lookup"},
        "/key": {"by": "app"},
    }
    assert client.get("/in/missing").json() == {"by": "inner 404"}
    assert client.get("/missing").json() == {"detail": "Not Found"}
    assert client.get("/in/nowhere").json() == {"detail": "Not Found"}


def test_a_routers_handler_for_exception_answers_whatever_nobody_else_does() -> None:
    router = APIRouter(exception_handlers={Exception: answer("last")})
    app = App()

    @router.get("/bug")
    def bug() -> float:
        return 1 / 0

    app.include_router(router)
    app.get("/bare")(bug)
    client = TestClient(app)
    assert client.get("/bug").json() == {"by": "last"}
    with pytest.raises(ZeroDivisionError):
        client.get("/bare")


def test_middleware_stands_around_its_routes_only() -> None:
    log: list[str] = []
    router = APIRouter(middleware=[Middleware(Mark, "outer", log), Middleware(Mark, "inner", log)])
    app = App()

    def dependency() -> Iterator[str]:
        log.append("open")
        yield "value"
        log.append("close")

    @router.post("/items/{number}", middleware=[Middleware(Mark, "route", log)], status_code=201)
    def create(number: int, body: dict[str, int], given: str = Depends(dependency)) -> Any:
        return {"number": number, "body": body, "given": given}

    @router.get("/bug")
    def bug() -> float:
        return 1 / 0

    app.include_router(router, prefix="/in")
    app.get("/free")(lambda: "free")
    with TestClient(app, raise_server_exceptions=False) as client:
        made = client.post("/in/items/7", json={"a": 1})
        assert (made.status_code, made.json()["number"], made.json()["body"]) == (201, 7, {"a": 1})
        assert made.headers.get_list("x-mark") == ["route", "inner", "outer"]
        seen = "/in/items/7 {'number': '7'}"
        assert log == [f"outer {seen}", f"inner {seen}", f"route {seen}", "open", "close"]
        wrong = client.post("/in/items/x", json={})
        assert wrong.status_code == 422
        assert wrong.headers.get_list("x-mark") == ["route", "inner", "outer"]
        log.clear()
        assert client.get("/in/bug").status_code == 500
        assert log[2:] == ["inner sees ZeroDivisionError", "outer sees ZeroDivisionError"]
        assert "x-mark" not in client.get("/free").headers
        assert "x-mark" not in client.get("/in/nowhere").headers


def test_overrides_count_behind_middleware() -> None:
    log: list[str] = []
    app = App()

    def dependency() -> str:
        return "real"

    @app.get("/", middleware=[Middleware(Mark, "route", log)])
    def index(value: str = Depends(dependency)) -> str:
        return value

    client = TestClient(app)
    assert client.get("/").json() == "real"
    app.dependency_overrides[dependency] = lambda: "override"
    assert client.get("/").json() == "override"
    del app.dependency_overrides[dependency]
    assert client.get("/").json() == "real"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plugins": [object()]}, "plugins is a list of plugins"),
        ({"plugins": "gzip"}, "plugins is a list of plugins"),
        ({"middleware": [Mark]}, "middleware is a list of starlette.middleware.Middleware"),
        ({"exception_handlers": {"404": print}}, "'404' is no status and no exception type"),
        ({"exception_handlers": {404: None}}, "the handler for 404 is not callable"),
        ({"exception_handlers": [404]}, "exception_handlers is a dict"),
        ({"colour": "red"}, "APIRouter takes no colour"),
    ],
)
def test_mistakes_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        APIRouter(**options)


def test_middleware_takes_part_in_the_lifespan() -> None:
    seen: list[str] = []

    class Around:
        def __init__(self, app: Any, name: str) -> None:
            self.app, self.name = app, name

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(f"{self.name} {scope['type']}")
            if scope["type"] == "lifespan":
                # As Dash does: a route for whatever no other takes.
                app.add_api_route("{path:path}", lambda path: path)
            await self.app(scope, receive, send)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        seen.append("starts")
        yield
        seen.append("ends")

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(Around, name="around")

    async def live() -> None:
        to: asyncio.Queue[Any] = asyncio.Queue()
        told: asyncio.Queue[Any] = asyncio.Queue()
        living = asyncio.create_task(app({"type": "lifespan"}, to.get, told.put))
        await to.put({"type": "lifespan.startup"})
        assert (await told.get())["type"] == "lifespan.startup.complete"
        await to.put({"type": "lifespan.shutdown"})
        assert (await told.get())["type"] == "lifespan.shutdown.complete"
        await living

    asyncio.run(live())
    assert TestClient(app).get("/any/page").json() == "/any/page"
    assert seen == ["around lifespan", "starts", "ends", "around http"]
