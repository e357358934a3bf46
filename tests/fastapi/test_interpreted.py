"""The interpreted lane: what tools put into `fastapi.routing`, and overrides made on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from carboy.fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Response, routing
from carboy.fastapi.exceptions import FastAPIError
from carboy.testing import TestClient


class Item(BaseModel):
    name: str


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What passes the replaced functions."""
    log: list[str] = []
    solve: Any = routing.solve_dependencies
    run: Any = routing.run_endpoint_function

    async def solving(*, request: Any, **options: Any) -> Any:
        solved = await solve(request=request, **options)
        log.append(f"solve {request.scope['route'].path} {sorted(solved.values)}")
        return solved

    async def running(*, dependant: Any, values: dict[str, Any], **options: Any) -> Any:
        log.append(f"run {dependant.call.__name__}")
        return await run(dependant=dependant, values=values, **options)

    monkeypatch.setattr(routing, "solve_dependencies", solving, raising=False)
    monkeypatch.setattr(routing, "run_endpoint_function", running, raising=False)
    return log


def _app(log: list[str]) -> FastAPI:
    app = FastAPI()

    def session() -> Iterator[str]:
        log.append("open")
        try:
            yield "session"
        except HTTPException:
            log.append("failed")
            raise
        finally:
            log.append("close")

    @app.post("/items/{number}", status_code=201)
    async def create(
        number: int,
        item: Item,
        response: Response,
        tasks: BackgroundTasks,
        session: str = Depends(session),
    ) -> Item:
        if number == 0:
            raise HTTPException(409, "taken")
        response.headers["x-number"] = str(number)
        tasks.add_task(log.append, "task")
        return item

    @app.get("/plain")
    def plain(q: int = 1) -> dict[str, int]:
        return {"q": q}

    @app.get("/lines")
    async def lines() -> AsyncIterator[Item]:
        for name in ("a", "b"):
            yield Item(name=name)

    return app


def test_what_tools_replace_is_called_and_nothing_else_changes(seen: list[str]) -> None:
    with TestClient(_app(seen)) as client:
        answer = client.post("/items/7", json={"name": "lamp"})
        assert (answer.status_code, answer.json()) == (201, {"name": "lamp"})
        assert answer.headers["x-number"] == "7"
        values = ["item", "number", "response", "session", "tasks"]
        assert seen == ["open", f"solve /items/{{number}} {values}", "run create", "task", "close"]
        seen.clear()
        assert client.get("/plain?q=3").json() == {"q": 3}
        assert seen == ["solve /plain ['q']", "run plain"]
        assert client.get("/lines").text == '{"name":"a"}\n{"name":"b"}\n'


def test_errors_are_answered_as_in_the_compiled_lane(seen: list[str]) -> None:
    with TestClient(_app(seen)) as client:
        failed = client.post("/items/0", json={"name": "lamp"})
        assert (failed.status_code, failed.json()) == (409, {"detail": "taken"})
        assert seen[-2:] == ["failed", "close"]
        wrong = client.post("/items/x", json={})
        compiled = TestClient(_app([])).post("/items/x", json={})
        assert wrong.status_code == 422
        assert wrong.json() == compiled.json()


def test_without_a_tool_routes_are_compiled(seen: list[str], monkeypatch: Any) -> None:
    monkeypatch.undo()
    app = _app(seen)
    app.freeze()
    assert app.engine.find("GET /plain").route.lane is None


def test_a_tool_that_comes_after_the_declarations_is_noticed() -> None:
    app = FastAPI()

    @app.get("/")
    async def index() -> str:
        return "index"

    log: list[str] = []
    run: Any = routing.run_endpoint_function

    async def running(**options: Any) -> Any:
        log.append("run")
        return await run(**options)

    routing.run_endpoint_function = running  # type: ignore[attr-defined]
    try:
        assert TestClient(app).get("/").json() == "index"
    finally:
        del routing.run_endpoint_function
    assert log == ["run"]


def test_an_override_made_by_a_dependency_counts_for_those_after_it() -> None:
    app = FastAPI()

    def original() -> str:
        return "original"

    def configure() -> None:
        app.dependency_overrides[original] = lambda: "replacement"

    @app.get("/")
    def index(_: None = Depends(configure), value: str = Depends(original)) -> str:
        return value

    assert TestClient(app).get("/").json() == "replacement"


def test_a_swallowed_exception_is_fastapis_error_too() -> None:
    app = FastAPI()

    def swallow() -> Iterator[None]:
        try:
            yield
        except ValueError:
            pass

    @app.get("/")
    def index(_: None = Depends(swallow)) -> None:
        raise ValueError

    with pytest.raises(FastAPIError, match="raising an exception and a dependency with yield"):
        TestClient(app).get("/")
