"""Routers in routers, live: what an included router gets later is there too.

`IncludedRouter` stands in the outer router's list of routes, at its place in the order. Its
`effective_candidates` are the inner routes as the inclusion makes them: `EffectiveRoute` for path
operations (another path, more dependencies, tags and so on), copies for Starlette's own routes.
The engine asks those; `matches` and `handle` are for code that calls routes itself, and for routers
that override them.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette import routing
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from carboy.fastapi._body_limit import get_body_size_limit, wrap_app_with_body_limit
from carboy.fastapi.depends import Depends
from carboy.fastapi.include_context import IncludeContext
from carboy.fastapi.route_state import RouteState, with_dependencies
from carboy.fastapi.scopes import (
    EFFECTIVE,
    INCLUDED,
    Limits,
    _effective_route_context_var,
    inherit_form_limits,
    say,
    saying,
    update_scope,
)
from carboy.fastapi.utils import get_value_or_default

if TYPE_CHECKING:
    from carboy.fastapi.frontend import FrontendRouteGroup
    from carboy.fastapi.router import APIRouter


#: What an inclusion leaves as it was declared.
_SAME = (
    "methods",
    "name",
    "response_model",
    "status_code",
    "summary",
    "description",
    "response_description",
    "operation_id",
    "response_model_include",
    "response_model_exclude",
    "response_model_by_alias",
    "response_model_exclude_unset",
    "response_model_exclude_defaults",
    "response_model_exclude_none",
    "openapi_extra",
    "stream_item_type",
)


def _first(original: Any, scopes: tuple[Any, ...], name: str) -> Any:
    """What was said of `name`: by the route, else by its router, else by those around."""
    return get_value_or_default(getattr(original, name), *(getattr(one, name) for one in scopes))


class EffectiveRoute(RouteState):
    """An APIRoute as an inclusion makes it. Everything else is asked of the original."""

    starlette_route: BaseRoute | None = None

    def __init__(self, original: Any, context: IncludeContext) -> None:
        self.original_route = original
        self.context = context
        inner = context.included_router
        scopes = (inner, context)
        self._populate(
            context.prefix + original.path,
            original.endpoint,
            **{name: getattr(original, name) for name in _SAME},
            tags=[*context.tags, *original.tags],
            dependencies=[*context.dependencies, *original.dependencies],
            responses={**context.responses, **original.responses},
            deprecated=original.deprecated or context.deprecated,
            include_in_schema=original.include_in_schema and context.include_in_schema,
            response_class=get_value_or_default(
                original.response_class, *(one.default_response_class for one in scopes)
            ),
            dependency_overrides_provider=context.dependency_overrides_provider,
            callbacks=[*context.callbacks, *(original.callbacks or ())],
            generate_unique_id_function=_first(original, scopes, "generate_unique_id_function"),
            strict_content_type=_first(original, scopes, "strict_content_type"),
            max_body_size=get_body_size_limit(original.max_body_size, context.max_body_size),
            form_limits={**context.form_limits, **(original.form_limits or {})},
        )
        if policy := context.policy + original.policy:
            self.policy = policy
        #: What the original's class makes in place of the engine's endpoint, if anything.
        self.handler = handler_for(original, self)

    def _asked(self) -> Any:
        """PERF: where the prefix has no variables, the signature need not be read again."""
        original = self.original_route
        if self.pattern.names != original.pattern.names:
            return super()._asked()
        return with_dependencies(original.dependant, self.path_format, self.context.dependencies)

    @cached_property
    def app(self) -> ASGIApp:
        """This route as an ASGI application: path values are in the scope already."""
        from carboy.fastapi.standalone import route_app

        return route_app(self)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As a Starlette route with the effective path matches."""
        return routing.Route.matches(self, scope)  # type: ignore[arg-type]

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path for these values. NoMatchFound unless name and parameters are this route's."""
        if name != self.name or path_params.keys() != self.param_convertors.keys():
            raise NoMatchFound(name, path_params)
        path, _ = routing.replace_params(self.path_format, self.param_convertors, path_params)
        return URLPath(path=path, protocol="http")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "original_route" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.original_route, name)


def handler_for(original: Any, state: Any) -> Any:
    """What `original`'s class makes for `state`; None where the engine's endpoint will do."""
    from carboy.fastapi.routing import has_own_handler

    if not has_own_handler(original):
        return None
    token = _effective_route_context_var.set(state)
    try:
        return original.get_route_handler()
    finally:
        _effective_route_context_var.reset(token)


class Moved:
    """A Starlette route under a prefix."""

    def __init__(self, original: BaseRoute, starlette_route: BaseRoute, limits: Limits) -> None:
        self.original_route = original
        self.starlette_route = starlette_route
        self.limits = limits

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As under its own path."""
        return self.starlette_route.matches(scope)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path for these values, with the prefix."""
        return self.starlette_route.url_path_for(name, **path_params)


@dataclass(eq=False, repr=False)
class MovedFrontends:
    """The frontends of a router under a prefix."""

    original_route: FrontendRouteGroup
    prefix: str
    dependencies: list[Depends]
    limits: Limits


class IncludedRouter(BaseRoute):
    """A router's place in another's list of routes."""

    def __init__(self, original_router: APIRouter, include_context: IncludeContext) -> None:
        self.original_router = original_router
        self.include_context = include_context
        self._effective_routes_lock = threading.Lock()
        self._effective_candidates: list[Any] = []
        self._effective_candidates_version: int | None = None
        self._effective_low_priority_routes: list[Any] = []
        self._effective_low_priority_routes_version: int | None = None

    def effective_candidates(self) -> list[Any]:
        """The inner routes as this inclusion makes them, nested inclusions as such."""
        return self._kept("_effective_candidates", self._make_candidates)

    def effective_low_priority_routes(self) -> list[Any]:
        """What is asked where no route fits: frontends, those of nested inclusions too."""
        return self._kept("_effective_low_priority_routes", self._make_low_priority)

    def _kept(self, name: str, make: Callable[[], list[Any]]) -> list[Any]:
        """What `make` returns, once for each state of the inner router."""
        version = self.original_router._get_routes_version()
        if version != getattr(self, f"{name}_version"):
            with self._effective_routes_lock:
                version = self.original_router._get_routes_version()
                if version != getattr(self, f"{name}_version"):  # no other thread was first
                    setattr(self, name, make())
                    setattr(self, f"{name}_version", version)
        return getattr(self, name)  # type: ignore[no-any-return]

    def _make_candidates(self) -> list[Any]:
        made = (self._effective(route) for route in self.original_router.routes)
        return [one for one in made if one is not None]

    def _make_low_priority(self) -> list[Any]:
        own = (self._effective(route) for route in self.original_router._low_priority_routes)
        found = [one for one in own if one is not None]
        for route in self.original_router.routes:
            if isinstance(route, IncludedRouter):
                found += self._effective(route).effective_low_priority_routes()
        return found

    def _effective(self, route: BaseRoute) -> Any:
        from carboy.fastapi.routing import APIRoute, APIWebSocketRoute

        context = self.include_context
        if isinstance(route, IncludedRouter):
            return IncludedRouter(route.original_router, context + route.include_context)
        if isinstance(route, APIRoute):
            return EffectiveRoute(route, context)
        if isinstance(route, APIWebSocketRoute):
            socket = APIWebSocketRoute(
                context.prefix + route.path,
                endpoint=route.endpoint,
                name=route.name,
                dependencies=[*context.dependencies, *route.dependencies],
                dependency_overrides_provider=context.dependency_overrides_provider,
            )
            return Moved(route, socket, context.limits)
        if isinstance(route, routing.Host):
            host = copy.copy(route)
            if context.prefix:
                host.app = routing.Router(routes=[routing.Mount(context.prefix, app=route.app)])
            return Moved(route, host, context.limits)
        if isinstance(route, routing.Route | routing.WebSocketRoute | routing.Mount):
            return Moved(route, _under(context.prefix, route), context.limits)
        from carboy.fastapi.frontend import FrontendRouteGroup

        if isinstance(route, FrontendRouteGroup):
            needed = [*context.dependencies, *route.dependencies]
            return MovedFrontends(route, context.prefix, needed, context.limits)
        return None

    def effective_route_contexts(self) -> Iterator[Any]:
        """`effective_candidates` with nested inclusions opened up."""
        for candidate in self.effective_candidates():
            if isinstance(candidate, IncludedRouter):
                yield from candidate.effective_route_contexts()
            else:
                yield candidate

    def served(self) -> Iterator[Any]:
        """The same for the engine: a router that overrides how it is asked stays whole."""
        from carboy.fastapi.router import APIRouter

        kind = type(self.original_router)
        if kind.matches is not APIRouter.matches or kind.handle is not APIRouter.handle:
            yield self
            return
        for candidate in self.effective_candidates():
            if isinstance(candidate, IncludedRouter):
                yield from candidate.served()
            else:
                yield candidate

    # -- asked and called as a route --------------------------------------------------------------

    def _match(self, scope: Scope) -> tuple[Match, Scope, Any]:
        """(how well, what it adds to the scope, which) of the best candidate, None for none."""
        partial: tuple[Match, Scope, Any] = (Match.NONE, {}, None)
        for candidate in self.effective_candidates():
            if isinstance(candidate, EffectiveRoute):
                with saying(scope, EFFECTIVE, candidate):
                    match, child_scope = candidate.original_route.matches(scope)
            else:
                match, child_scope = candidate.matches(scope)
            if match == Match.FULL:
                return match, child_scope, candidate
            if match == Match.PARTIAL and partial[2] is None:
                partial = match, child_scope, candidate
        return partial

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the inner router says, which asks `_match` unless it overrides that."""
        with saying(scope, INCLUDED, self):
            match, _ = self.original_router.matches(scope)
        return match, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the inner router does, which calls `_handle_selected` unless it overrides that."""
        inherit_form_limits(scope, self.include_context.form_limits)
        say(scope, INCLUDED, self)
        await self.original_router.handle(scope, receive, send)

    async def _handle_selected(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, child_scope, chosen = self._match(scope)
        update_scope(scope, child_scope)
        app: ASGIApp
        if isinstance(chosen, IncludedRouter):
            app = chosen.handle
        elif isinstance(chosen, EffectiveRoute):
            say(scope, EFFECTIVE, chosen)
            scope["route"] = chosen.original_route
            app = chosen.original_route.handle
        else:
            inner = (
                self.original_router.default if chosen is None else chosen.starlette_route.handle
            )
            app = wrap_app_with_body_limit(inner, self.include_context.max_body_size)
        await app(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        for leaf in self.effective_route_contexts():
            try:
                return leaf.url_path_for(name, **path_params)  # type: ignore[no-any-return]
            except NoMatchFound:
                continue
        raise NoMatchFound(name, path_params)


def _under(prefix: str, route: Any) -> BaseRoute:
    """A copy of a Starlette route with `prefix` before its path."""
    moved = copy.copy(route)
    moved.path = prefix + route.path
    tail = ""
    if isinstance(route, routing.Mount):
        moved.path, tail = moved.path.rstrip("/"), "/{path:path}"
    compiled = routing.compile_path(moved.path + tail)
    moved.path_regex, moved.path_format, moved.param_convertors = compiled
    return moved  # type: ignore[no-any-return]
