"""Dependencies outside of requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from carboy import App, Depends, Header, Query, Request


class Service:
    def __init__(self, session: Any, limit: int) -> None:
        self.session = session
        self.limit = limit


def _app() -> tuple[App, list[str], Any]:
    log: list[str] = []
    app = App()

    def pool() -> Iterator[str]:
        log.append("pool opens")
        yield "pool"
        log.append("pool closes")

    async def session(pool: str = Depends(pool, scope="app")) -> AsyncIterator[str]:
        log.append("session opens")
        try:
            yield f"session of {pool}"
        except ValueError as error:
            log.append(f"session sees {error}")
            raise
        finally:
            log.append("session closes")

    def service(session: str = Depends(session), limit: int = Query(10)) -> Service:
        return Service(session, limit)

    app.get("/")(lambda service=Depends(service): service.session)
    return app, log, service


def test_async() -> None:
    app, log, service = _app()

    async def main() -> None:
        async with app.resolve(service, limit=3) as made:
            assert (made.session, made.limit) == ("session of pool", 3)
            assert log == ["pool opens", "session opens"]
        assert log[2:] == ["session closes", "pool closes"]

    asyncio.run(main())


def test_blocking_and_again() -> None:
    app, log, service = _app()
    resolution = app.resolve(service)
    for _ in range(2):
        log.clear()
        with resolution as made:
            assert made.limit == 10
        assert log == ["pool opens", "session opens", "session closes", "pool closes"]


def test_exceptions_are_thrown_in() -> None:
    app, log, service = _app()
    with pytest.raises(ValueError, match="mine"), app.resolve(service):
        raise ValueError("mine")
    assert log[2:] == ["session sees mine", "session closes"]


def test_what_lasts_is_shared_with_a_served_application() -> None:
    app, log, service = _app()

    async def main() -> None:
        async with app.declared.live(), app.resolve(service), app.resolve(service):
            pass

    asyncio.run(main())
    assert log.count("pool opens") == log.count("pool closes") == 1
    assert log[-1] == "pool closes"


def test_overrides_count_and_values_stand_in_for_dependencies() -> None:
    app, _, service = _app()
    with app.resolve(service, session="given") as made:
        assert made.session == "given"
    app.dependency_overrides[service] = lambda: "override"
    with app.resolve(service) as made:
        assert made == "override"


def test_a_dependency_is_solved_once_unless_it_says_otherwise() -> None:
    app = App()
    counted: list[int] = []

    def number() -> int:
        counted.append(1)
        return len(counted)

    def both(a: int = Depends(number), b: int = Depends(number)) -> tuple[int, int]:
        return a, b

    def fresh(
        a: int = Depends(number), b: int = Depends(number, use_cache=False)
    ) -> tuple[int, int]:
        return a, b

    with app.resolve(both) as made:
        assert made == (1, 1)
    with app.resolve(Depends(fresh)) as made:
        assert made == (2, 3)


def test_what_a_request_brings_has_to_be_given() -> None:
    class Body(BaseModel):
        name: str

    def wants(
        request: Request, token: str = Header(), body: Body = Depends(lambda b: b), b: Any = None
    ) -> Any:
        return request, token, body

    app = App()
    with pytest.raises(TypeError, match=r"takes 'b' from a request.*app.resolve\(..., b=...\)"):
        app.resolve(wants).__enter__()
    with app.resolve(wants, b="x", request="r", token="t") as made:
        assert made == ("r", "t", "x")
    with pytest.raises(TypeError, match="wants takes 'token'"):
        app.resolve(wants, b="x", request="r").__enter__()
    with pytest.raises(TypeError, match="bare Depends"):
        app.resolve(Depends()).__enter__()


def test_blocking_within_a_loop_is_an_error() -> None:
    app, _, service = _app()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="write `async with"):
            app.resolve(service).__enter__()

    asyncio.run(main())
