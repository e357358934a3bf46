"""WebSocket operations: dependencies are resolved, then the endpoint talks.

Resolved by the interpreted resolver: what a connection costs is once for all its messages.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from typing import TYPE_CHECKING, Any

from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketClose

if TYPE_CHECKING:
    from carboy.fastapi.dependencies.models import Dependant


def websocket_session(func: Callable[[WebSocket], Awaitable[None]]) -> ASGIApp:
    """An ASGI application for ``func(websocket)``."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        session = WebSocket(scope, receive=receive, send=send)

        async def talk(scope: Scope, receive: Receive, send: Send) -> None:
            async with AsyncExitStack() as request_stack:
                scope["fastapi_inner_astack"] = request_stack
                async with AsyncExitStack() as function_stack:
                    scope["fastapi_function_astack"] = function_stack
                    await func(session)

        await wrap_app_handling_exceptions(talk, session)(scope, receive, send)

    return app


def get_websocket_app(
    dependant: Dependant,
    dependency_overrides_provider: Any | None = None,
    embed_body_fields: bool = False,
) -> Callable[[WebSocket], Awaitable[Any]]:
    """``func(websocket)`` for an endpoint and what it depends on."""

    async def app(websocket: WebSocket) -> None:
        from carboy.fastapi import routing
        from carboy.fastapi.exceptions import WebSocketRequestValidationError

        reporting = _reporting(websocket.scope)
        data = reporting and reporting.of_scope(websocket.scope).data
        if data is not None:
            data.websocket = websocket
        during = _silent if reporting is None else reporting.operation
        with during("dependencies", dependant.call):
            # COMPAT: asked of that module, where tools put their own (interpreted.py).
            solve: Any = routing.solve_dependencies
            solved = await solve(
                request=websocket,
                dependant=dependant,
                dependency_overrides_provider=dependency_overrides_provider,
                async_exit_stack=websocket.scope["fastapi_inner_astack"],
                embed_body_fields=embed_body_fields,
            )
            if data is not None:
                data.values, data.errors = solved.values, solved.errors
        if solved.errors:
            error = WebSocketRequestValidationError(
                solved.errors, endpoint_ctx=_context(dependant, websocket)
            )
            if reporting is not None:
                reporting.invalid(error)
            raise error
        assert dependant.call is not None
        with during("endpoint", dependant.call):
            await dependant.call(**solved.values)

    return app


def _reporting(scope: Scope) -> Any:
    """What reports this connection to OpenTelemetry, if anything does."""
    if scope.get("fastapi.telemetry") is None:
        return None
    from carboy.fastapi.telemetry import _operations

    return _operations


def _silent(name: str, function: Any) -> AbstractContextManager[None]:
    return nullcontext()


def _context(dependant: Dependant, websocket: WebSocket) -> Any:
    from carboy.fastapi.body import place_of

    mounted = str(websocket.scope.get("root_path", "")).rstrip("/")
    return {**place_of(dependant.call), "path": f"WS {mounted}{dependant.path}"}


async def serve_websocket(
    routes: Any, scope: Scope, receive: Receive, send: Send, fallback: Any = None
) -> None:
    """The first of `routes` that takes this connection, else `fallback`; closed where none does."""
    from carboy.fastapi.route_contexts import iter_route_contexts

    for context in iter_route_contexts(routes):
        route = context._effective_route
        if not hasattr(route, "handle"):
            continue  # an included path operation: it never takes a WebSocket
        match, child_scope = route.matches(scope)
        if match == Match.FULL:
            scope["route"] = route
            scope.update(child_scope)
            if (reporting := _reporting(scope)) is not None:
                template = getattr(route, "path_format", None)
                reporting.selected(scope, template, isinstance(route, Mount))
            await route.handle(scope, receive, send)
            return
    if fallback is not None:
        scope.update(fallback.matches(scope)[1])
        await fallback.handle(scope, receive, send)
        return
    await WebSocketClose()(scope, receive, send)
