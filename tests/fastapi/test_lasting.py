"""Dependencies with scope "app"."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from carboy import App, Depends, Query, Request
from carboy.fastapi import APIRouter, WebSocket
from carboy.fastapi.exceptions import DependencyScopeError
from carboy.testing import TestClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it would rather have httpx2
    from carboy.fastapi.testclient import TestClient as StarletteClient

Clients = pytest.mark.parametrize("client_of", [TestClient, StarletteClient])


def _app() -> tuple[App, list[str]]:
    log: list[str] = []

    def settings() -> dict[str, str]:
        log.append("settings")
        return {"url": "db://"}

    async def engine(settings: dict[str, str] = Depends(settings)) -> AsyncIterator[str]:
        log.append("engine opens")
        yield settings["url"]
        log.append("engine closes")

    def pool(engine: str = Depends(engine)) -> Iterator[list[str]]:
        log.append("pool opens")
        yield [engine]
        log.append("pool closes")

    def session(pool: list[str] = Depends(pool, scope="app")) -> Iterator[list[str]]:
        log.append("session")
        yield pool

    app = App()

    @app.get("/async")
    async def read_async(pool: list[str] = Depends(pool, scope="app")) -> list[str]:
        return pool

    @app.get("/def")
    def read(session: list[str] = Depends(session)) -> list[str]:
        return session

    @app.websocket("/ws")
    async def talk(websocket: WebSocket, pool: list[str] = Depends(pool, scope="app")) -> None:
        await websocket.accept()
        await websocket.send_json(pool)
        await websocket.close()

    app.state.pool = pool
    return app, log


@Clients
def test_made_once_at_start_shared_and_closed_at_stop(client_of: Any) -> None:
    app, log = _app()
    for _ in range(2):  # every time anew
        log.clear()
        with client_of(app) as client:
            assert log == ["settings", "engine opens", "pool opens"]
            assert client.get("/async").json() == ["db://"]
            assert client.get("/def").json() == ["db://"]
            assert log[3:] == ["session"]
        assert log[4:] == ["pool closes", "engine closes"]


def test_websockets_share_it_too() -> None:
    app, log = _app()
    with StarletteClient(app) as client, client.websocket_connect("/ws") as socket:
        assert socket.receive_json() == ["db://"]
    assert log.count("pool opens") == 1


@Clients
def test_without_a_lifespan_it_is_made_for_the_request(client_of: Any) -> None:
    app, log = _app()
    for path in ("/async", "/def"):
        log.clear()
        assert client_of(app).get(path).json() == ["db://"]
        assert log[:3] == ["settings", "engine opens", "pool opens"]
        assert log[-2:] == ["pool closes", "engine closes"]


def test_overrides_before_and_after_the_start() -> None:
    app, log = _app()
    pool = app.state.pool
    app.dependency_overrides[pool] = lambda: ["early"]
    with TestClient(app) as client:
        assert client.get("/async").json() == ["early"]

        async def late() -> AsyncIterator[list[str]]:
            log.append("late opens")
            yield ["late"]
            log.append("late closes")

        app.dependency_overrides[pool] = late
        assert [client.get(path).json() for path in ("/async", "/def")] == [["late"], ["late"]]
        app.dependency_overrides.clear()
        assert client.get("/async").json() == ["db://"]
    assert log.count("late opens") == log.count("late closes") == 1
    assert log.index("pool closes") < log.index("late closes")


def test_two_applications_have_their_own() -> None:
    def number() -> object:
        return object()

    apps = [App(), App()]
    router = APIRouter()

    @router.get("/")
    def read(request: Request, number: object = Depends(number, scope="app")) -> int:
        request.app.state.seen = number
        return 1

    for app in apps:
        app.include_router(router)
    with TestClient(apps[0]) as one, TestClient(apps[1]) as two:
        assert one.get("/").json() == two.get("/").json() == 1
    assert apps[0].state.seen is not apps[1].state.seen


def test_a_start_that_fails_closes_what_was_made() -> None:
    log: list[str] = []
    app = App()

    def first() -> Iterator[int]:
        yield 1
        log.append("first closes")

    def second(first: int = Depends(first)) -> int:
        raise ZeroDivisionError

    app.get("/")(lambda value=Depends(second, scope="app"): value)
    with pytest.raises(ZeroDivisionError), TestClient(app):
        pass
    assert log == []  # thrown in at its yield, as for every dependency
    app.dependency_overrides[second] = lambda: 2
    with TestClient(app) as client:
        assert client.get("/").json() == 2


def test_many_requests_at_once_make_one() -> None:
    app = App()
    made = []

    async def pool() -> int:
        made.append(1)
        await asyncio.sleep(0)
        return len(made)

    app.get("/")(lambda value=Depends(pool, scope="app"): value)

    async def main() -> None:
        async with app.declared.live():
            app.declared.lasting._forget()
            made.clear()
            await asyncio.gather(*(app.declared.lasting.of(pool).make(None) for _ in range(9)))

    asyncio.run(main())
    assert made == [1]


def test_what_comes_from_a_request_is_refused_at_the_declaration() -> None:
    def needs_query(q: str = Query()) -> str:
        return q

    def needs_request(request: Request) -> str:
        return request.url.path

    def above(value: str = Depends(needs_query)) -> str:
        return value

    def early() -> Iterator[int]:
        yield 1

    def uses_early(value: int = Depends(early, scope="function")) -> int:
        return value

    for call, message in (
        (needs_query, '"needs_query" has a scope of "app", it can\'t take "q"'),
        (needs_request, '"needs_request" has a scope of "app", it can\'t take "request"'),
        (above, '"above" has a scope of "app", it can\'t take "q"'),
        (uses_early, 'it can\'t depend on dependencies with scope "function"'),
    ):
        with pytest.raises(DependencyScopeError, match=message):
            App().get("/")(lambda value=Depends(call, scope="app"): value)


def test_the_compiled_endpoint_calls_nothing_for_it() -> None:
    app, _ = _app()
    source = app.engine.find("GET /async").source
    assert "got_pool = shared_pool.value if shared_pool.is_made else await" in source
