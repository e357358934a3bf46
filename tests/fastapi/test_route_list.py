"""A router notices whoever changes or replaces its list while serving (sqladmin does both)."""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse
from starlette.routing import Route

from carboy.fastapi import APIRouter, FastAPI
from carboy.testing import TestClient


def one(request: Any) -> PlainTextResponse:
    return PlainTextResponse("one")


def two(request: Any) -> PlainTextResponse:
    return PlainTextResponse("two")


def test_a_list_put_in_its_place_serves_and_is_watched() -> None:
    app = FastAPI()
    client = TestClient(app)
    assert client.get("/one").status_code == 404
    app.router.routes = [Route("/one", one)]
    assert client.get("/one").text == "one"
    app.add_route("/two", two)
    assert client.get("/two").text == "two"
    assert [route.path for route in app.routes] == ["/one", "/two"]  # type: ignore[attr-defined]


def test_so_it_is_with_an_included_router() -> None:
    app, inner = FastAPI(), APIRouter()
    app.include_router(inner, prefix="/in")
    client = TestClient(app)
    assert client.get("/in/one").status_code == 404
    inner.routes = [Route("/one", one)]
    inner.routes.append(Route("/two", two))
    assert [client.get(f"/in/{name}").text for name in ("one", "two")] == ["one", "two"]
