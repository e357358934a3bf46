"""The interpreted lane: dependencies solved and the endpoint called step by step, at every request.

A route goes here in two cases: a tool has put its own `solve_dependencies` or
`run_endpoint_function` into `fastapi.routing` (COMPAT: Logfire does, to see arguments and results),
or one of the route's dependencies changes `dependency_overrides`, which has to count at once.
All other routes are compiled. Answers are written by the same `Output` in both lanes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

from carboy.core.answer import Body, Head
from carboy.core.closing import close_early, enter_async, shelter
from carboy.core.context import RequestContext
from carboy.core.decode import UNSET
from carboy.core.route import Route
from carboy.core.voice import drive_async, kind_of
from carboy.fastapi.body import invalid_request
from carboy.fastapi.dependencies.models import Dependant
from carboy.fastapi.dress import make_request
from carboy.fastapi.route_state import RouteState

Steps = tuple[Callable[..., Any], Callable[..., Any]]
_NAMES = ("solve_dependencies", "run_endpoint_function")


def steps_for(state: RouteState) -> Steps | None:
    """What solves and calls, where it has to happen at every request; None to compile the route."""
    from carboy.fastapi import routing

    replaced = any(name in vars(routing) for name in _NAMES)
    if replaced or any(_changes_overrides(call) for call in _calls(state.dependant)):
        return routing.solve_dependencies, routing.run_endpoint_function
    return None


def _calls(dependant: Dependant) -> Iterator[Any]:
    for sub in dependant.dependencies:
        yield sub.call
        yield from _calls(sub)


def _changes_overrides(call: Any) -> bool:
    code = getattr(call, "__code__", None)
    return code is not None and "dependency_overrides" in code.co_names


def endpoint_for(state: RouteState, route: Route, steps: Steps) -> Callable[[RequestContext], Any]:
    """The endpoint of `route`, which keeps how it reads bodies and writes results."""
    solve, run = steps
    assert route.input is not None and route.output is not None
    load_body, waits = route.input.load_body, route.input.is_async
    respond = route.output.respond
    kind = kind_of(state.endpoint)

    async def call(request: RequestContext) -> tuple[Head, Body]:
        if request.opened is None:
            shelter(request)
        dressed = make_request(request)
        body: Any = UNSET
        if state.body_field is not None:
            body = await load_body(request) if waits else load_body(request)
        outer, inner = AsyncExitStack(), AsyncExitStack()
        dressed.scope["fastapi_inner_astack"] = outer
        dressed.scope["fastapi_function_astack"] = inner
        await enter_async(request, _open(outer), early=False)
        await enter_async(request, _open(inner), early=True)
        solved = await solve(
            request=dressed,
            dependant=state.dependant,
            body=_received(body),
            dependency_overrides_provider=state.dependency_overrides_provider,
            async_exit_stack=outer,
            embed_body_fields=state._embed_body_fields,
        )
        if solved.errors:
            raise invalid_request(state, request, solved.errors, body)
        if kind.is_generator:
            result = state.endpoint(**solved.values)
        else:
            result = await run(
                dependant=state.dependant, values=solved.values, is_coroutine=kind.is_async
            )
        request.background = solved.background_tasks
        answer = respond(request, result, solved.response)
        await drive_async(close_early(request), request)
        return answer

    return call


async def _open(stack: AsyncExitStack) -> AsyncGenerator[None, None]:
    async with stack:
        yield


def _received(body: Any) -> Any:
    from carboy.fastapi._compat import Undefined

    return Undefined if body is UNSET else body
