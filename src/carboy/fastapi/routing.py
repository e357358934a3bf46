"""Routes and routers as code declares them, under upstream's names.

`APIRoute` is a Starlette route, so that code which walks or calls routes finds what it expects; an
application's requests never go through that: the engine compiles it (translate.py). Called as an
ASGI application on its own, a route serves itself (standalone.py).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Coroutine, Sequence
from functools import cached_property
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
from carboy.fastapi.including import IncludedRouter as _IncludedRouter
from carboy.fastapi.including import RouteContext as RouteContext
from carboy.fastapi.including import iter_route_contexts as iter_route_contexts
from carboy.fastapi.route_state import OPTIONS, RouteState, dependant_for


class APIRoute(RouteState, routing.Route):  # type: ignore[misc,override]
    """One path operation. Override `get_route_handler` to go around it."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        unknown = options.keys() - OPTIONS - {"form_limits"}
        if unknown:
            raise TypeError(f"a route takes no {', '.join(sorted(unknown))}")
        options["form_limits"] = _validate_form_limits(options.get("form_limits"))
        self._populate(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """``await handler(request)`` is the response; called once a route."""
        from carboy.fastapi.standalone import handler_of

        return handler_of(self)

    @cached_property
    def app(self) -> ASGIApp:  # type: ignore[override]
        """This route as an ASGI application, for routers that are not Carboy's."""
        from carboy.fastapi.standalone import route_app

        return route_app(self)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        if match != Match.NONE:
            child_scope["route"] = self
        return match, child_scope


#: Seconds of silence after which an event stream gets a comment.
_PING_INTERVAL = 15.0

#: What a subclass may override for the engine to notice (see translate.py).
PLAIN_HANDLER = APIRoute.get_route_handler
PLAIN_MATCHES = APIRoute.matches


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
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_ELSEWHERE[name]), name)


_ELSEWHERE = {
    "APIRouter": "carboy.fastapi.router",
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
    "RouteContext",
    "Send",
    "WebSocket",
    "_IncludedRouter",
    "iter_route_contexts",
]
