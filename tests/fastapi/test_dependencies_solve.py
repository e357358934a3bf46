"""Calling what a Dependant depends on: order, what is remembered, overrides, errors, ends."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial, wraps
from types import SimpleNamespace
from typing import Annotated, Any

import anyio
import pytest
from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from carboy.fastapi import params
from carboy.fastapi.dependencies.models import (
    Dependant,
    _get_computed_scope,
    _get_security_scheme,
    _is_async_gen_callable,
    _is_coroutine_callable,
    _is_gen_callable,
    _is_security_scheme,
    _uses_scopes,
)
from carboy.fastapi.dependencies.utils import SolvedDependency, get_dependant, solve_dependencies
from carboy.fastapi.param_functions import Depends
from carboy.fastapi.security.oauth2 import OAuth2PasswordBearer, SecurityScopes

After = Callable[[SolvedDependency], Awaitable[None]]


async def solving(
    call: Any, query: str = "", websocket: bool = False, then: After | None = None, **options: Any
) -> SolvedDependency:
    """The solved dependency; `then` runs before the exit stacks are closed."""
    async with AsyncExitStack() as inner, AsyncExitStack() as function:
        scope = {
            "type": "websocket" if websocket else "http",
            "method": "GET",
            "path": "/",
            "query_string": query.encode(),
            "headers": [],
            "path_params": {},
            "fastapi_inner_astack": inner,
            "fastapi_function_astack": function,
        }
        cls: Any = partial(WebSocket, receive=None, send=None) if websocket else Request
        solved = await solve_dependencies(
            request=cls(scope),
            dependant=get_dependant(path="/", call=call),
            async_exit_stack=inner,
            embed_body_fields=False,
            **options,
        )
        if then is not None:
            await then(solved)
    return solved


def solve(call: Any, *args: Any, **options: Any) -> SolvedDependency:
    return asyncio.run(solving(call, *args, **options))


def test_every_colour_is_called_and_gets_its_own_values() -> None:
    def plain(q: int) -> int:
        return q + 1

    async def waits(q: int) -> int:
        return q + 2

    def yields(q: int) -> Iterator[int]:
        yield q + 3

    async def yields_later(q: int) -> AsyncIterator[int]:
        yield q + 4

    def call(
        a: Annotated[int, Depends(plain)],
        b: Annotated[int, Depends(waits)],
        c: Annotated[int, Depends(yields)],
        d: Annotated[int, Depends(yields_later)],
        q: int,
    ) -> None: ...

    solved = solve(call, "q=10")
    assert solved.values == {"a": 11, "b": 12, "c": 13, "d": 14, "q": 10}
    assert solved.errors == []


def test_results_are_remembered_unless_that_is_not_wanted() -> None:
    calls = []

    def count() -> int:
        calls.append(1)
        return len(calls)

    def call(
        fresh: Annotated[int, Depends(count, use_cache=False)],
        a: Annotated[int, Depends(count)],
        b: Annotated[int, Depends(count)],
        again: Annotated[int, Depends(count, use_cache=False)],
    ) -> None: ...

    assert solve(call).values == {"fresh": 1, "a": 1, "b": 1, "again": 2}


def test_a_given_cache_is_read_and_filled() -> None:
    def one() -> int:
        return 1

    def call(a: Annotated[int, Depends(one)]) -> None: ...

    cache: dict[Any, Any] = {(one, (), ""): 5}
    assert solve(call, dependency_cache=cache).values == {"a": 5}
    cache.clear()
    assert solve(call, dependency_cache=cache).values == {"a": 1}
    assert cache == {(one, (), ""): 1}


def test_errors_are_collected_and_siblings_called() -> None:
    called = []

    def invalid(n: int) -> None:
        called.append("invalid")

    def sibling() -> None:
        called.append("sibling")

    def call(
        a: Annotated[None, Depends(invalid)], b: Annotated[None, Depends(sibling)], m: int
    ) -> None: ...

    solved = solve(call, "n=x")
    assert called == ["sibling"]
    assert [error["loc"] for error in solved.errors] == [("query", "n"), ("query", "m")]
    assert solved.values == {"b": None}


def test_an_override_has_its_own_signature() -> None:
    def real() -> str:
        raise AssertionError("overridden")

    async def double(q: str) -> str:
        return q * 2

    def call(a: Annotated[str, Depends(real)]) -> None: ...

    provider = SimpleNamespace(dependency_overrides={real: double})
    solved = solve(call, "q=ab", dependency_overrides_provider=provider)
    assert solved.values == {"a": "abab"}
    assert solved.dependency_cache == {(real, (), ""): "abab"}


def test_special_objects() -> None:
    def call(
        request: Request,
        websocket: WebSocket,
        connection: HTTPConnection,
        response: Response,
        tasks: BackgroundTasks,
        scopes: SecurityScopes,
    ) -> None: ...

    solved = solve(call)
    assert sorted(solved.values) == ["connection", "request", "response", "scopes", "tasks"]
    assert solved.values["request"] is solved.values["connection"]
    assert solved.values["response"] is solved.response
    assert solved.values["tasks"] is solved.background_tasks
    assert solved.response.status_code is None
    assert "content-length" not in solved.response.headers
    assert solved.values["scopes"].scopes == []
    over_socket = solve(call, websocket=True).values
    assert isinstance(over_socket["websocket"], WebSocket)
    assert "request" not in over_socket


def test_scopes_reach_those_that_ask() -> None:
    def asks(scopes: SecurityScopes) -> list[str]:
        return scopes.scopes

    def call(a: Annotated[Any, params.Security(asks, scopes=["x", "y"])]) -> None: ...

    assert solve(call).values == {"a": ["x", "y"]}


def test_generators_end_in_reverse_order_function_scope_first() -> None:
    events = []

    def outer() -> Iterator[str]:
        yield "outer"
        events.append("outer")

    async def inner(o: Annotated[str, Depends(outer)]) -> AsyncIterator[str]:
        yield o
        events.append("inner")

    def early() -> Iterator[None]:
        yield
        events.append("early")

    def call(
        e: Annotated[None, Depends(early, scope="function")], i: Annotated[str, Depends(inner)]
    ) -> None: ...

    async def then(solved: SolvedDependency) -> None:
        events.append(solved.values["i"])

    solve(call, then=then)
    assert events == ["outer", "early", "inner", "outer"]


def test_an_async_generator_ends_though_it_is_cancelled() -> None:
    ended = []

    async def opens() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await anyio.sleep(0)
            ended.append(True)

    def call(a: Annotated[None, Depends(opens)]) -> None: ...

    async def run() -> None:
        with anyio.CancelScope() as scope:

            async def then(_: SolvedDependency) -> None:
                scope.cancel()
                await anyio.sleep(1)

            await solving(call, then=then)

    asyncio.run(run())
    assert ended == [True]


@pytest.mark.parametrize("use_thread", [True, False])
def test_only_so_many_at_a_time(use_thread: bool) -> None:
    def blocks() -> int:
        return 1

    async def waits() -> int:
        return 2

    used: Any = blocks if use_thread else waits

    def call(a: Annotated[int, Depends(used, max_concurrency=1)]) -> None: ...

    concurrency = get_dependant(path="/", call=call).dependencies[0].concurrency
    assert concurrency is not None
    seen = []
    original = concurrency.get_semaphore

    def watched() -> Any:
        semaphore = original()
        seen.append(semaphore.value)
        return semaphore

    concurrency.get_semaphore = watched  # type: ignore[method-assign]
    assert solve(call).values == {"a": 1 if use_thread else 2}
    assert seen == [1]


def test_the_place_of_a_generator_is_free_when_it_has_ended() -> None:
    async def opens() -> AsyncIterator[int]:
        yield 3

    def call(a: Annotated[int, Depends(opens, max_concurrency=1)]) -> None: ...

    concurrency = get_dependant(path="/", call=call).dependencies[0].concurrency
    assert concurrency is not None

    async def then(solved: SolvedDependency) -> None:
        assert solved.values == {"a": 3}
        assert concurrency.get_semaphore().value == 0

    solve(call, then=then)


def test_without_exit_stacks_nothing_is_called() -> None:
    request = Request({"type": "http", "headers": [], "query_string": b""})
    with pytest.raises(AssertionError, match="fastapi_inner_astack not found in request scope"):
        asyncio.run(
            solve_dependencies(
                request=request,
                dependant=Dependant(),
                async_exit_stack=AsyncExitStack(),
                embed_body_fields=False,
            )
        )


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    async def __call__(self) -> None: ...


def test_the_colour_of_a_callable_is_told_by_identity() -> None:
    class Equal:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

        def __hash__(self) -> int:
            return 1

    class Waits(Equal):
        async def __call__(self) -> None: ...

    class Yields(Equal):
        def __call__(self) -> Iterator[None]:
            yield

    waits, yields = Waits(), Yields()
    assert _is_coroutine_callable(waits)
    assert not _is_coroutine_callable(yields)
    assert _is_gen_callable(yields)
    assert not _is_gen_callable(waits)
    assert _is_coroutine_callable(Unhashable())
    assert not _is_coroutine_callable(None)
    assert not _is_async_gen_callable(None)


def test_scopes_of_closing() -> None:
    def yields() -> Iterator[None]:
        yield

    assert _get_computed_scope(dependant=Dependant(call=yields)) == "request"
    assert _get_computed_scope(dependant=Dependant(call=yields, scope="function")) == "function"
    assert _get_computed_scope(dependant=Dependant(call=test_scopes_of_closing)) is None


def test_security_schemes_are_found_below_partials_and_decorators() -> None:
    scheme = OAuth2PasswordBearer(tokenUrl="token")

    @wraps(scheme)
    async def wrapped(request: Request) -> Any: ...

    for call in (scheme, partial(scheme), wrapped):
        dependant = Dependant(call=call)
        assert _is_security_scheme(dependant=dependant)
        assert _get_security_scheme(dependant=dependant) is scheme
        assert _uses_scopes(dependant=Dependant(dependencies=[dependant]))
    assert not _is_security_scheme(dependant=Dependant(call=solve))


def test_whether_scopes_are_used_is_asked_once_for_each_with_a_cache() -> None:
    child = Dependant()
    parent = Dependant(dependencies=[child])
    cache: dict[int, Any] = {}
    assert not _uses_scopes(dependant=parent, cache=cache)
    child.security_scopes_param_name = "scopes"
    assert not _uses_scopes(dependant=parent, cache=cache)
    assert _uses_scopes(dependant=parent)
