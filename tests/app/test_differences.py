"""Every row of docs/app.md, and of ARCHITECTURE's table of what may change live."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from carboy import App, Depends, HTTPException, Request
from carboy.core.pattern import PatternError
from carboy.fastapi import FastAPI
from carboy.fastapi.options import AppSettings
from carboy.testing import TestClient


class Small(App):
    settings: ClassVar[AppSettings] = {**App.settings, "max_body": 100}


def _declare(app: FastAPI) -> TestClient:
    @app.get("/a/{x}")
    async def read(x: str) -> Any:
        return x

    @app.post("/a/{x}")
    def write(x: str, body: dict[str, Any]) -> Any:
        return body

    return TestClient(app, follow_redirects=False)


def test_bodies_over_the_limit_are_refused_by_app_only() -> None:
    body = {"text": "x" * 100}
    assert _declare(Small()).post("/a/1", json=body).status_code == 413
    assert _declare(FastAPI()).post("/a/1", json=body).json() == body
    assert App.settings["max_body"] == 10 * 1024 * 1024


def test_head_and_options_and_allow() -> None:
    app, face = _declare(App()), _declare(FastAPI())
    assert (app.head("/a/1").status_code, app.head("/a/1").content) == (200, b"")
    assert app.head("/a/1").headers["content-length"] == "3"
    assert face.head("/a/1").status_code == 405
    options = app.options("/a/1")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert face.options("/a/1").status_code == 405
    assert app.put("/a/1").headers["allow"] == "GET, HEAD, POST"
    assert face.put("/a/1").headers["allow"] == "GET"


def test_angle_brackets_are_an_error_on_app_only() -> None:
    with pytest.raises(PatternError, match="Flask's '<int:id>'"):
        App().get("/u/<int:id>")(lambda: None)
    FastAPI().get("/u/<int:id>")(lambda: None)


def test_only_get_routes_of_app_are_cancelled() -> None:
    for app, cancelled in ((App(openapi_url=None), True), (FastAPI(openapi_url=None), False)):
        _declare(app)
        read, write = (target.cancel_on_disconnect for target in app.engine.router.routes)
        assert (read, write) == (cancelled, False)


def test_late_routes_overrides_and_handlers_take_effect() -> None:
    app = App()

    def source() -> str:
        return "real"

    @app.get("/source")
    def show(value: str = Depends(source)) -> Any:
        return value

    client = TestClient(app)
    assert client.get("/source").json() == "real"
    app.dependency_overrides[source] = lambda: "other"
    assert client.get("/source").json() == "other"
    app.dependency_overrides.clear()
    assert client.get("/source").json() == "real"
    app.dependency_overrides = {source: lambda: "third"}
    assert client.get("/source").json() == "third"

    @app.get("/late")
    async def late() -> Any:
        raise HTTPException(418, "short and stout")

    assert client.get("/late").json() == {"detail": "short and stout"}

    @app.exception_handler(418)
    async def tea(request: Request, error: Exception) -> Any:
        from starlette.responses import PlainTextResponse

        return PlainTextResponse("tea", 418)

    assert client.get("/late").text == "tea"


def test_dependencies_close_in_order_in_both_voices() -> None:
    events: list[str] = []

    def outer() -> Any:
        events.append("open outer")
        yield 1
        events.append("close outer")

    def inner(value: int = Depends(outer)) -> Any:
        try:
            yield value + 1
        except HTTPException:
            events.append("inner saw it")
            raise
        finally:
            events.append("close inner")

    app = App()

    @app.get("/def")
    def sync(value: int = Depends(inner)) -> Any:
        return value

    @app.get("/async")
    async def other(value: int = Depends(inner)) -> Any:
        raise HTTPException(409)

    client = TestClient(app)
    assert client.get("/def").json() == 2
    assert events == ["open outer", "close inner", "close outer"]
    events.clear()
    assert client.get("/async").status_code == 409
    assert events == ["open outer", "inner saw it", "close inner"]
