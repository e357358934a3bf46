"""A loop in a thread: what ends a program reaches the thread that waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from carboy import App
from carboy.flask import Flask
from carboy.testing import TestClient

ENDS = [SystemExit, KeyboardInterrupt]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("path", ["/async", "/def", "/stays"])
def test_the_client_raises_what_ends_a_program(end: type[BaseException], path: str) -> None:
    app = App()

    @app.get("/async")
    async def with_await() -> None:
        raise end(3)

    @app.get("/def")
    def plain() -> None:
        raise end(3)

    @app.before_request
    def guard() -> None:
        if path == "/stays":
            raise end(3)

    @app.get("/stays")
    async def stays() -> None: ...

    @app.get("/after")
    async def after() -> str:
        return "here"

    with pytest.raises(end, match="3"):
        TestClient(app).get(path)
    with TestClient(app) as client:
        with pytest.raises(end, match="3"):
            client.get(path)
        if path != "/stays":
            assert client.get("/after").json() == "here"


@pytest.mark.parametrize("end", ENDS)
def test_so_does_a_flask_client_at_an_async_view(end: type[BaseException]) -> None:
    app = Flask("ending")

    @app.get("/")
    async def view() -> str:
        raise end(4)

    for _ in range(2):
        with pytest.raises(end, match="4"):
            app.test_client().get("/")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("phase", ["startup", "shutdown"])
def test_so_does_the_lifespan(end: type[BaseException], phase: str) -> None:
    @asynccontextmanager
    async def life(app: App) -> AsyncIterator[None]:
        if phase == "startup":
            raise end(5)
        yield
        raise end(5)

    with pytest.raises(end, match="5"), TestClient(App(lifespan=life)):
        pass
