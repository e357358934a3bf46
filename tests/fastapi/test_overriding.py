"""Routes and routers that override how they are asked and called, and who answers around them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Route, Router
from starlette.types import Receive, Scope, Send

from carboy.fastapi import APIRouter, FastAPI, Request, routing
from carboy.fastapi.routing import APIRoute
from carboy.testing import TestClient


class Counted(APIRoute):
    """Says how often it was asked and called."""

    asked = called = 0

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        type(self).asked += 1
        match, child_scope = super().matches(scope)
        if dict(scope["headers"]).get(b"x-open") == b"no":
            return Match.NONE, {}
        return match, {**child_scope, "fastapi": {"asked": self.asked}}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        type(self).called += 1
        await super().handle(scope, receive, send)


def counted() -> tuple[type[Counted], APIRouter]:
    class Own(Counted):
        pass

    router = APIRouter(route_class=Own)

    @router.get("/items/{item}")
    async def item(item: int, request: Request) -> dict[str, Any]:
        said = request.scope["fastapi"]
        context = said.get("effective_route_context")
        return {"item": item, "asked": said["asked"], "path": getattr(context, "path", None)}

    return Own, router


@pytest.fixture(params=["included", "own"])
def counting(request: pytest.FixtureRequest) -> Iterator[tuple[type[Counted], TestClient, str]]:
    kind, router = counted()
    app = FastAPI(routes=router.routes if request.param == "own" else None)
    prefix = ""
    if request.param == "included":
        prefix = "/in"
        app.include_router(router, prefix=prefix)
    with TestClient(app) as client:
        yield kind, client, prefix


def test_a_route_is_asked_and_called_by_its_own_methods(
    counting: tuple[type[Counted], TestClient, str],
) -> None:
    kind, client, prefix = counting
    path = f"{prefix}/items/{{item}}" if prefix else None
    assert client.get(f"{prefix}/items/7").json() == {"item": 7, "asked": 1, "path": path}
    assert (kind.asked, kind.called) == (1, 1)


def test_who_refuses_is_not_there(counting: tuple[type[Counted], TestClient, str]) -> None:
    _, client, prefix = counting
    assert client.get(f"{prefix}/items/7", headers={"x-open": "no"}).status_code == 404
    assert client.post(f"{prefix}/items/7").status_code == 405


def test_a_router_that_overrides_how_it_is_called() -> None:
    calls = []

    class Noting(APIRouter):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            calls.append(scope["path"])
            await super().handle(scope, receive, send)

    inner = Noting()
    inner.add_api_route("/{number}", lambda number: int(number), methods=["GET"])
    outer = APIRouter()
    outer.include_router(inner, prefix="/inner")
    app = FastAPI()
    app.include_router(outer, prefix="/outer")
    app.add_api_route("/after", lambda: "after")
    client = TestClient(app)
    assert client.get("/outer/inner/3").json() == 3
    assert client.post("/outer/inner/3").status_code == 405
    assert client.get("/after").json() == "after"
    assert client.get("/nowhere").status_code == 404
    assert calls == ["/outer/inner/3", "/outer/inner/3"]


def test_a_host_does_not_change_what_other_hosts_miss() -> None:
    def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    app = FastAPI(routes=[Host("api.example", Router([Route("/", hello)]))])
    app.add_api_route("/slash/", lambda: 1)
    client = TestClient(app)
    assert client.get("/nothing/here").status_code == 404
    assert client.get("/slash", follow_redirects=False).status_code == 307
    assert client.get("/", headers={"host": "api.example"}).text == "hello"


def test_who_fits_in_part_answers_before_404_and_after_everyone_else() -> None:
    class Grumpy(BaseRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return Match.PARTIAL, {}

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("no", 405)(scope, receive, send)

    app = FastAPI(routes=[Grumpy()])
    app.add_api_route("/yes", lambda: "yes")
    client = TestClient(app)
    assert client.get("/yes").json() == "yes"
    assert (client.get("/other").status_code, client.get("/other").text) == (405, "no")


@pytest.mark.parametrize("included", [False, True])
def test_a_replaced_maker_of_handlers_sees_every_endpoint(
    monkeypatch: pytest.MonkeyPatch, included: bool
) -> None:
    made, calls = [], []
    before = routing.get_request_handler

    def make(**options: Any) -> Any:
        dependant = options["dependant"]
        call = dependant.call

        @wraps(call)
        def seen(**values: Any) -> Any:
            calls.append(values)
            return call(**values)

        made.append(call.__name__)
        dependant.call = seen
        return before(**options)

    monkeypatch.setattr(routing, "get_request_handler", make)
    app = FastAPI()
    router = APIRouter() if included else app.router

    @router.get("/items/{item}", status_code=202)
    def item(item: int, twice: bool = False) -> list[int]:
        return [item] * (2 if twice else 1)

    if included:
        app.include_router(router)
    with TestClient(app) as client:
        for _ in range(2):
            answer = client.get("/items/7?twice=1")
            assert (answer.status_code, answer.json()) == (202, [7, 7])
        assert client.get("/items/x").status_code == 422
    assert (made, calls) == (["item"], [{"item": 7, "twice": True}] * 2)


def test_a_route_whose_dependant_was_changed_says_so_by_its_app() -> None:
    from carboy.fastapi import APIRouter, Depends, FastAPI
    from carboy.fastapi.dependencies.utils import get_parameterless_sub_dependant
    from carboy.fastapi.routing import APIRoute, request_response
    from carboy.testing import TestClient

    seen: list[str] = []
    app, router = FastAPI(), APIRouter()

    @app.get("/own")
    def own() -> str:
        return "own"

    @router.get("/in")
    def inside() -> str:
        return "in"

    app.include_router(router, prefix="/out")
    client = TestClient(app)
    assert [client.get(path).json() for path in ("/own", "/out/in")] == ["own", "in"]
    for route in (*app.routes, *router.routes):
        if isinstance(route, APIRoute):
            depends = Depends(lambda: seen.append("called"))
            route.dependencies.append(depends)
            sub = get_parameterless_sub_dependant(depends=depends, path=route.path_format)
            route.dependant.dependencies.append(sub)
            route.app = request_response(route.get_route_handler())
    assert [client.get(path).json() for path in ("/own", "/out/in")] == ["own", "in"]
    assert seen == ["called", "called"]
    assert app.engine.find("GET /own").route.lane is None


def test_an_application_in_a_routes_place_is_asked() -> None:
    from starlette.responses import PlainTextResponse

    from carboy.fastapi import FastAPI
    from carboy.fastapi.routing import APIRoute
    from carboy.testing import TestClient

    app = FastAPI()

    @app.get("/items/{name}")
    def item(name: str) -> str:
        return name

    route = app.routes[-1]
    assert isinstance(route, APIRoute)
    before = route.app

    async def around(scope: Any, receive: Any, send: Any) -> None:
        if scope["path_params"]["name"] == "x":
            await PlainTextResponse("taken")(scope, receive, send)
        else:
            await before(scope, receive, send)

    route.app = around
    client = TestClient(app)
    assert client.get("/items/x").text == "taken"
    assert client.get("/items/y").json() == "y"
