"""Call what a Dependant depends on, and bind what it takes itself: the interpreted way.

For code that asks for it by FastAPI's name, and for WebSockets; requests have compiled endpoints.
COMPAT: siblings of a dependency with invalid input are still called, and all errors are collected.
The caller puts two exit stacks into the scope: generators end with the one or the other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from carboy.fastapi._compat import Undefined
from carboy.fastapi.dependencies.analysis import get_dependant
from carboy.fastapi.dependencies.forms import request_body_to_args
from carboy.fastapi.dependencies.models import (
    Dependant,
    _get_cache_key,
    _get_oauth_scopes,
    _is_async_gen_callable,
    _is_coroutine_callable,
    _is_gen_callable,
    _UsesScopesCache,
)
from carboy.fastapi.dependencies.values import request_params_to_args

if TYPE_CHECKING:
    from starlette.background import BackgroundTasks

    from carboy.fastapi.types import DependencyCacheKey


@dataclass
class SolvedDependency:
    """What a callable is called with, by parameter name, and what is wrong with its input."""

    values: dict[str, Any]
    errors: list[Any]
    background_tasks: BackgroundTasks | None
    response: Response
    dependency_cache: dict[DependencyCacheKey, Any]


async def solve_dependencies(
    *,
    request: Request | WebSocket,
    dependant: Dependant,
    body: Any = Undefined,
    background_tasks: BackgroundTasks | None = None,
    response: Response | None = None,
    dependency_overrides_provider: Any | None = None,
    dependency_cache: dict[DependencyCacheKey, Any] | None = None,
    async_exit_stack: AsyncExitStack,
    embed_body_fields: bool,
    _uses_scopes_cache: _UsesScopesCache | None = None,
) -> SolvedDependency:
    """Everything that `dependant.call` asks for. `async_exit_stack` is not used, as upstream."""
    solver = _Solver(
        request=request,
        body=body,
        embed=embed_body_fields,
        provider=dependency_overrides_provider,
        request_stack=_stack(request, "fastapi_inner_astack"),
        function_stack=_stack(request, "fastapi_function_astack"),
        response=_blank_response() if response is None else response,
        background_tasks=background_tasks,
        results={} if dependency_cache is None else dependency_cache,
        scopes={} if _uses_scopes_cache is None else _uses_scopes_cache,
    )
    values, errors = await solver.solve(dependant)
    return SolvedDependency(
        values, errors, solver.background_tasks, solver.response, solver.results
    )


def _stack(request: Request | WebSocket, name: str) -> AsyncExitStack:
    stack = request.scope.get(name)
    assert isinstance(stack, AsyncExitStack), f"{name} not found in request scope"
    return stack


def _blank_response() -> Response:
    """For headers and a status to be set on; None says that none was."""
    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]
    return response


@dataclass(slots=True)
class _Solver:
    """One request on its way through a tree of dependants."""

    request: Request | WebSocket
    body: Any
    embed: bool
    provider: Any
    request_stack: AsyncExitStack
    function_stack: AsyncExitStack
    response: Response
    background_tasks: BackgroundTasks | None
    results: dict[DependencyCacheKey, Any]
    scopes: _UsesScopesCache

    async def solve(self, dependant: Dependant) -> tuple[dict[str, Any], list[Any]]:
        values: dict[str, Any] = {}
        errors: list[Any] = []
        for sub in dependant.dependencies:
            if sub.scope == "app":
                result = await self.lasting(sub)
                if sub.name is not None:
                    values[sub.name] = result
                continue
            used = self.override(sub)
            arguments, wrong = await self.solve(used)
            if wrong:
                errors += wrong
                continue
            result = await self.result(sub, used, arguments)
            if sub.name is not None:
                values[sub.name] = result
        await self.bind(dependant, values, errors)
        self.add_specials(dependant, values)
        return values, errors

    async def lasting(self, sub: Dependant) -> Any:
        """What outlives requests."""
        from carboy.fastapi.lasting import Lasting

        declared = getattr(self.provider, "declared", None)
        alone: Any = _NoOverrides()
        lasting: Lasting = Lasting(alone) if declared is None else declared.lasting
        call = lasting.declared.instead_of(sub.call)
        return await lasting.of(call).enter(self.request_stack)

    def override(self, sub: Dependant) -> Dependant:
        """What stands in for a dependency, with the stand-in's own signature."""
        overrides = getattr(self.provider, "dependency_overrides", None)
        if not overrides:
            return sub
        # COMPAT: upstream reads the signature anew even of what is not overridden.
        assert sub.call is not None
        return get_dependant(
            path=sub.path or "",
            call=overrides.get(sub.call, sub.call),
            name=sub.name,
            parent_oauth_scopes=_get_oauth_scopes(dependant=sub),
            scope=sub.scope,
            concurrency=sub.concurrency,
        )

    async def result(self, sub: Dependant, used: Dependant, arguments: dict[str, Any]) -> Any:
        """The remembered result of `sub`, or a new one; the first is remembered."""
        key = _get_cache_key(dependant=sub, uses_scopes_cache=self.scopes)
        if sub.use_cache and key in self.results:
            return self.results[key]
        call = used.call
        assert call is not None
        if _is_gen_callable(call) or _is_async_gen_callable(call):
            stack = self.function_stack if sub.scope == "function" else self.request_stack
            result = await self.enter(used, stack, arguments)
        else:
            turn: Any = (
                nullcontext() if used.concurrency is None else (used.concurrency.get_semaphore())
            )
            async with turn:
                result = await _call(call, arguments)
        # COMPAT: also for others to use, where this one wanted its own.
        self.results.setdefault(key, result)
        return result

    async def enter(self, used: Dependant, stack: AsyncExitStack, arguments: dict[str, Any]) -> Any:
        """What a generator yields; its rest runs when `stack` is closed."""
        from carboy.fastapi.concurrency import (
            _asynccontextmanager_with_shielded_exit,
            _contextmanager_with_concurrency_limit,
            contextmanager_in_threadpool,
        )

        call: Any = used.call
        manager: Any
        if _is_async_gen_callable(call):
            manager = _asynccontextmanager_with_shielded_exit(
                asynccontextmanager(call)(**arguments), self.cleanup_scope()
            )
        else:
            manager = contextmanager_in_threadpool(contextmanager(call)(**arguments))
        if used.concurrency is not None:
            semaphore = used.concurrency.get_semaphore()
            manager = _contextmanager_with_concurrency_limit(manager, semaphore)
        return await stack.enter_async_context(manager)

    def cleanup_scope(self) -> Any:
        """The request's cancel scope around all generators, so that each can shield its end.

        It is entered before the first of them, on the stack that outlives the other.
        """
        from anyio import CancelScope

        scopes = self.request.scope.setdefault("fastapi_async_cleanup_scopes", {})
        stack = self.request_stack
        if stack not in scopes:
            scopes[stack] = stack.enter_context(CancelScope())
            stack.callback(scopes.pop, stack)
        return scopes[stack]

    async def bind(self, dependant: Dependant, values: dict[str, Any], errors: list[Any]) -> None:
        """The dependant's own fields."""
        request = self.request
        for fields, source in (
            (dependant.path_params, "path_params"),
            (dependant.query_params, "query_params"),
            (dependant.header_params, "headers"),
            (dependant.cookie_params, "cookies"),
        ):
            if fields:
                found, wrong = request_params_to_args(fields, getattr(request, source))
                values.update(found)
                errors += wrong
        if dependant.body_params:
            found, wrong = await request_body_to_args(dependant.body_params, self.body, self.embed)
            values.update(found)
            errors += wrong

    def add_specials(self, dependant: Dependant, values: dict[str, Any]) -> None:
        """The objects of the request itself."""
        request = self.request
        if name := dependant.http_connection_param_name:
            values[name] = request
        if isinstance(request, Request):
            name = dependant.request_param_name
        else:
            name = dependant.websocket_param_name
        if name:
            values[name] = request
        if name := dependant.background_tasks_param_name:
            if self.background_tasks is None:
                from carboy.fastapi.background import BackgroundTasks

                self.background_tasks = BackgroundTasks()
            values[name] = self.background_tasks
        if name := dependant.response_param_name:
            values[name] = self.response
        if name := dependant.security_scopes_param_name:
            from carboy.fastapi.security.oauth2 import SecurityScopes

            values[name] = SecurityScopes(scopes=_get_oauth_scopes(dependant=dependant))


class _NoOverrides:
    """For dependencies that are solved without an application."""

    def instead_of(self, call: Any) -> Any:
        return call


async def _call(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if _is_coroutine_callable(call):
        return await call(**arguments)
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(call, **arguments)
