"""Routes that are not path operations (Starlette's, mounts, hosts) as Routes of the engine.

The engine finds them by their path, in their place in the order; they serve themselves as the ASGI
applications that they are, within the application's exception handlers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Mount
from starlette.routing import Route as StarletteRoute

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import Handlers
from carboy.core.pattern import Pattern
from carboy.core.route import Lane, Route
from carboy.fastapi._body_limit import wrap_app_with_body_limit
from carboy.fastapi.patterns import pattern_of
from carboy.fastapi.scopes import Limits, inherit_form_limits, update_scope

_HEAD = Head(200)
Table = Callable[[], dict[Any, Any]]
ANYTHING = pattern_of("/{path:path}")


def handlers_of(table: dict[Any, Any]) -> tuple[dict[Any, Any], dict[int, Any]]:
    """(by class, by status), as Starlette's wrapper wants them."""
    inner = {key: one for key, one in table.items() if key not in (500, Exception)}
    by_status = {key: one for key, one in inner.items() if isinstance(key, int)}
    return {key: one for key, one in inner.items() if not isinstance(key, int)}, by_status


def sender(app: Any) -> Callable[..., Any]:
    """An ASGI application that answers its exceptions by the scope's handlers."""

    async def send_it(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive, send)
        await wrap_app_handling_exceptions(app, request)(scope, receive, send)

    return send_it


def foreign_route(
    route: BaseRoute,
    handlers: Handlers,
    table: Table,
    app: Any,
    limits: Limits = Limits(),  # noqa: B008 - it is a constant
    partly: bool = False,
) -> Route | None:
    """The engine's Route for `route`; None where it never takes HTTP.

    `partly` is for requests that it says it fits in part: to be asked when nobody else fits.
    """
    guard = None
    methods: frozenset[str] | None = None
    pattern: Pattern
    own = type(route).matches
    if isinstance(route, Mount) and own is Mount.matches:
        pattern = pattern_of(route.path + "/{path:path}")
    elif isinstance(route, StarletteRoute) and own is StarletteRoute.matches:
        pattern = pattern_of(route.path)
        methods = None if route.methods is None else frozenset(route.methods)
    elif own in _SOCKETS:
        return None
    else:
        pattern, guard = ANYTHING, _guard(route, app, Match.PARTIAL if partly else Match.FULL)
    name = getattr(route, "name", None) or type(route).__name__
    lane = Lane(_lane(route, table, app, limits), True)
    return Route(
        pattern,
        methods,
        name,
        lane=lane,
        handlers=handlers,
        buffered=False,
        guard=guard,
        extras={"foreign": route},
    )


def _sockets() -> set[Any]:
    from starlette.routing import WebSocketRoute

    from carboy.fastapi.routing import APIWebSocketRoute

    return {WebSocketRoute.matches, APIWebSocketRoute.matches}


def _guard(route: BaseRoute, app: Any, wanted: Match) -> Callable[[RequestContext], bool]:
    def fits(request: RequestContext) -> bool:
        return route.matches({**request.scope, "app": app})[0] == wanted

    return fits


def _lane(
    route: BaseRoute, table: Table, app: Any, limits: Limits
) -> Callable[[RequestContext], Any]:
    send_it = wrap_app_with_body_limit(sender(route.handle), limits.max_body_size)

    async def call(request: RequestContext) -> tuple[Head, Body]:
        scope = request.scope
        enter_scope(scope, table, app)
        inherit_form_limits(scope, limits.form_limits)
        match, child_scope = route.matches(scope)
        if match is Match.NONE:  # COMPAT: a line feed is in no path of Starlette's
            raise HTTPException(404)
        scope["route"] = route
        update_scope(scope, child_scope)
        return _HEAD, send_it

    return call


def enter_scope(scope: Any, table: Table, app: Any) -> None:
    """What Starlette's applications put into a scope."""
    if app is not None:
        scope["app"] = app
        scope.setdefault("router", app.router)
    scope["starlette.exception_handlers"] = handlers_of(table())


_SOCKETS = _sockets()
