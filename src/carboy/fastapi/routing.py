"""Routes and routers as code declares them, under upstream's names.

`APIRoute` is a Starlette route, so that code which walks or calls routes finds what it expects; an
application's requests never go through that: the engine compiles it (translate.py). Called as an
ASGI application on its own, a route serves itself (standalone.py).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from starlette import routing
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute as BaseRoute
from starlette.routing import Match as Match
from starlette.routing import Mount as Mount
from starlette.routing import NoMatchFound as NoMatchFound
from starlette.routing import compile_path, get_name
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from carboy.fastapi._form_limits import _validate_form_limits
from carboy.fastapi.depends import Depends
from carboy.fastapi.include_context import IncludeContext as _RouterIncludeContext
from carboy.fastapi.including import EffectiveRoute as _EffectiveRouteContext
from carboy.fastapi.including import IncludedRouter as _IncludedRouter
from carboy.fastapi.policy import CHECKS, take
from carboy.fastapi.route_state import (
    OPTIONS,
    RouteState,
    dependant_for,
    no_special_object,
)
from carboy.fastapi.scopes import _effective_route_context_var as _effective_route_context_var
from carboy.fastapi.scopes import _restore_fastapi_scope_key as _restore_fastapi_scope_key
from carboy.fastapi.scopes import effective


class APIRoute(RouteState, routing.Route):  # type: ignore[misc,override]
    """One path operation. Override `get_route_handler` to go around it."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self.policy = take(options)
        unknown = options.keys() - OPTIONS - {"form_limits"}
        if unknown:
            from carboy.fastapi.mistakes import unknown_options

            known = OPTIONS | {"form_limits", *CHECKS}
            raise unknown_options("a route", unknown, known)
        options["form_limits"] = _validate_form_limits(options.get("form_limits"))
        self._populate(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """``await handler(request)`` is the response; called once a route."""
        from carboy.fastapi import standalone

        state = _effective_route_context_var.get()
        if state is None or getattr(state, "original_route", None) is not self:
            state = self
        if replaced := _replaced_maker():
            return replaced(**standalone.handler_options(state))  # type: ignore[no-any-return]
        return standalone.handler_of(state)

    #: The router that declared it, and what somebody has put in the place of `app`.
    _router: Any = None
    _app: ASGIApp | None = None
    has_own_app = False

    @property
    def app(self) -> ASGIApp:
        """This route as an ASGI application, for routers that are not Carboy's."""
        if self._app is None:
            from carboy.fastapi.standalone import route_app

            self._app = route_app(self)
        return self._app

    @app.setter
    def app(self, value: ASGIApp) -> None:
        """COMPAT: who changes a route's dependant says so by setting this (fastapi-pagination)."""
        from carboy.fastapi.standalone import is_plain_app

        self._app, self.has_own_app, self.core = value, not is_plain_app(value), None
        if self._router is not None:
            self._router._mark_routes_changed()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = routing.Route.matches(effective(scope, self), scope)
        if match != Match.NONE:
            child_scope["route"] = self
        return match, child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """For code that calls routes itself, under the path of the inclusion it came through."""
        await routing.Route.handle(effective(scope, self), scope, receive, send)


#: Seconds of silence after which an event stream gets a comment.
_PING_INTERVAL = 15.0

#: What a subclass may override for the engine to notice (see translate.py).
PLAIN_HANDLER = APIRoute.get_route_handler
PLAIN_MATCHES = APIRoute.matches
PLAIN_HANDLE = APIRoute.handle


def _replaced_maker() -> Any:
    """What stands in this module for `get_request_handler`, if it is not ours.

    COMPAT: Sentry's SDK puts its own there, to see every endpoint.
    """
    found = globals().get("get_request_handler")
    if found is None or getattr(found, "__module__", "") == _ELSEWHERE["get_request_handler"]:
        return None
    return found


def has_own_handler(route: APIRoute) -> bool:
    """Whether a subclass, or somebody's replacement, goes around the engine's endpoint."""
    return type(route).get_route_handler is not PLAIN_HANDLER or _replaced_maker() is not None


class APIWebSocketRoute(routing.WebSocketRoute):
    """One WebSocket operation."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        name: str | None = None,
        dependencies: Sequence[Depends] | None = None,
        dependency_overrides_provider: Any | None = None,
    ) -> None:
        self.path = path
        self.endpoint = endpoint
        self.name = get_name(endpoint) if name is None else name
        self.dependencies = list(dependencies or ())
        self.path_regex, self.path_format, self.param_convertors = compile_path(path)
        self.dependant, _, self._embed_body_fields = dependant_for(
            self.path_format, endpoint, self.dependencies
        )
        if self.dependant.request_param_name is not None:
            no_special_object(endpoint, self.dependant.request_param_name, "WebSockets")
        from carboy.fastapi.sockets import get_websocket_app, websocket_session

        self.app = websocket_session(
            get_websocket_app(
                self.dependant, dependency_overrides_provider, self._embed_body_fields
            )
        )

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match != Match.NONE:
            child_scope["route"] = self
        return match, child_scope


def __getattr__(name: str) -> Any:
    """What lives elsewhere, loaded when it is asked for."""
    if name not in _ELSEWHERE:
        from carboy.fastapi.borrowed import lend

        return lend(__name__, name)
    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


_ELSEWHERE = {
    "_FrontendRoute": "carboy.fastapi.frontend",
    "_FrontendRouteGroup": "carboy.fastapi.frontend",
    "_FrontendStaticFiles": "carboy.fastapi.frontend",
    "_iter_included_route_candidates": "carboy.fastapi.route_contexts",
    "_iter_routes_with_context": "carboy.fastapi.route_contexts",
    "APIRouter": "carboy.fastapi.router",
    "iter_route_contexts": "carboy.fastapi.route_contexts",
    "RouteContext": "carboy.fastapi.route_contexts",
    "get_request_handler": "carboy.fastapi.standalone",
    "get_websocket_app": "carboy.fastapi.sockets",
    "request_response": "carboy.fastapi.standalone",
    "run_endpoint_function": "carboy.fastapi.standalone",
    "solve_dependencies": "carboy.fastapi.dependencies.utils",
    "serialize_response": "carboy.fastapi.standalone",
    "websocket_session": "carboy.fastapi.sockets",
}


__all__ = [
    "APIRoute",
    "APIWebSocketRoute",
    "BaseRoute",
    "Match",
    "Mount",
    "NoMatchFound",
    "Receive",
    "Send",
    "WebSocket",
    "_EffectiveRouteContext",
    "_IncludedRouter",
    "_RouterIncludeContext",
]
