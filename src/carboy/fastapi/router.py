"""APIRouter: a group of declarations, to be included in an application or in another router.

A router notices every change of its list of routes, whether through a method or by hand, and tells
those that include it. Used as an ASGI application on its own it serves itself (standalone.py).
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, Unpack

from starlette import routing
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from typing_extensions import deprecated

from carboy.fastapi._body_limit import get_body_size_limit, validate_max_body_size
from carboy.fastapi._form_limits import _validate_form_limits
from carboy.fastapi.depends import Depends
from carboy.fastapi.include_context import check_paths, check_prefix, context_for
from carboy.fastapi.including import IncludedRouter
from carboy.fastapi.lifespans import DefaultLifespan, as_lifespan, merged
from carboy.fastapi.policy import only, take
from carboy.fastapi.route_list import Routes
from carboy.fastapi.route_state import DEFAULT_ID, DEFAULT_JSON, DEFAULT_STRICT
from carboy.fastapi.routing import APIRoute, APIWebSocketRoute
from carboy.fastapi.scopes import INCLUDED, said
from carboy.fastapi.utils import get_value_or_default
from carboy.fastapi.verbs import Endpoint, Verbs

if TYPE_CHECKING:
    from carboy.fastapi.frontend import Fallback, FrontendRouteGroup
    from carboy.fastapi.options import APIRouteOptions, IncludeOptions, RingOptions, RouteOptions


class APIRouter(Verbs, routing.Router):
    """Routes with a prefix, tags, dependencies and defaults in common. Arguments: FastAPI's."""

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: list[str | Enum] | None = None,
        dependencies: Sequence[Depends] | None = None,
        default_response_class: type[Response] = DEFAULT_JSON,
        responses: dict[int | str, dict[str, Any]] | None = None,
        callbacks: list[BaseRoute] | None = None,
        routes: list[BaseRoute] | None = None,
        redirect_slashes: bool = True,
        default: ASGIApp | None = None,
        dependency_overrides_provider: Any | None = None,
        route_class: type[APIRoute] = APIRoute,
        on_startup: Sequence[Callable[[], Any]] | None = None,
        on_shutdown: Sequence[Callable[[], Any]] | None = None,
        lifespan: Any = None,
        deprecated: bool | None = None,
        include_in_schema: bool = True,
        generate_unique_id_function: Callable[[APIRoute], str] = DEFAULT_ID,
        strict_content_type: bool = DEFAULT_STRICT,
        max_body_size: int | None = None,
        form_limits: Any = None,
        **policy: Unpack[RingOptions],
    ) -> None:
        validate_max_body_size(max_body_size)
        check_prefix(prefix)
        context = DefaultLifespan(self) if lifespan is None else as_lifespan(lifespan)
        super().__init__(redirect_slashes=redirect_slashes, default=default, lifespan=context)
        self._included_in: weakref.WeakSet[Any] = weakref.WeakSet()
        self.routes = list(routes or ())
        self.on_startup = list(on_startup or ())
        self.on_shutdown = list(on_shutdown or ())
        self.prefix = prefix
        self.tags: list[str | Enum] = tags or []
        self.dependencies = list(dependencies or ())
        self.deprecated = deprecated
        self.include_in_schema = include_in_schema
        self.responses = responses or {}
        self.callbacks = callbacks or []
        self.dependency_overrides_provider = dependency_overrides_provider
        self.route_class = route_class
        self.default_response_class = default_response_class
        self.generate_unique_id_function = generate_unique_id_function
        self.strict_content_type = strict_content_type
        self.max_body_size = max_body_size
        self.form_limits = _validate_form_limits(form_limits)
        self.policy = only(policy, type(self), max_body_size)
        #: Asked where no route fits: the frontends, all in one.
        self._low_priority_routes: list[BaseRoute] = []
        self._frontend_routes: FrontendRouteGroup | None = None

    # -- noticing changes -----------------------------------------------------------------------

    _routes_version = 0

    @property
    def routes(self) -> list[BaseRoute]:
        """What it has, in order; every change of the list is noticed."""
        return self._routes

    @routes.setter
    def routes(self, routes: Iterable[BaseRoute]) -> None:
        # COMPAT: sqladmin puts a list of its own here, and adds to it while serving.
        self._routes = Routes(self._mark_routes_changed, routes)
        self._mark_routes_changed()

    def _mark_routes_changed(self) -> None:
        self._routes_version += 1
        for outer in tuple(getattr(self, "_included_in", ())):
            outer._mark_routes_changed()

    def __hash__(self) -> int:
        return id(self)

    def _get_routes_version(self) -> int:
        return self._routes_version

    def _contains_router(self, router: APIRouter) -> bool:
        inner = (r.original_router for r in self.routes if isinstance(r, IncludedRouter))
        return any(one is router or one._contains_router(router) for one in inner)

    # -- routes ---------------------------------------------------------------------------------

    def add_api_route(
        self, path: str, endpoint: Callable[..., Any], **options: Unpack[APIRouteOptions]
    ) -> None:
        """Answer `path` with `endpoint`, for GET unless `methods` says otherwise."""
        given: Any = dict(options)
        policy = self.policy + take(given)
        route_class = given.pop("route_class_override", None) or self.route_class
        if given.get("form_limits") is None:
            # COMPAT: a route class of one's own need not know of it.
            given.pop("form_limits", None)
        given.update(
            responses={**self.responses, **(given.get("responses") or {})},
            response_class=get_value_or_default(
                given.get("response_class", DEFAULT_JSON), self.default_response_class
            ),
            tags=[*self.tags, *(given.get("tags") or ())],
            dependencies=[*self.dependencies, *(given.get("dependencies") or ())],
            callbacks=[*self.callbacks, *(given.get("callbacks") or ())],
            deprecated=given.get("deprecated") or self.deprecated,
            include_in_schema=given.get("include_in_schema", True) and self.include_in_schema,
            generate_unique_id_function=get_value_or_default(
                given.get("generate_unique_id_function", DEFAULT_ID),
                self.generate_unique_id_function,
            ),
            strict_content_type=get_value_or_default(
                given.get("strict_content_type", DEFAULT_STRICT), self.strict_content_type
            ),
            max_body_size=get_body_size_limit(given.get("max_body_size"), self.max_body_size),
            dependency_overrides_provider=self.dependency_overrides_provider,
        )
        route = route_class(self.prefix + path, endpoint=endpoint, **given)
        if policy:
            route.policy = policy
        route._router = self
        self._declared(route)
        self.routes.append(route)

    def _declared(self, route: APIRoute) -> None:
        """A hook: applications translate at once, so that mistakes show where they are made."""

    def api_route(
        self, path: str, *, methods: list[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """`add_api_route` as a decorator."""
        if not isinstance(path, str):
            from carboy.fastapi.mistakes import no_path

            raise no_path(path)

        def decorate(endpoint: Endpoint) -> Endpoint:
            self.add_api_route(path, endpoint, methods=methods, **options)
            return endpoint

        return decorate

    def add_route(
        self,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response] | Response],
        methods: Collection[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> None:
        """A route of Starlette's: ``endpoint(request)`` returns a Response."""
        super().add_route(
            path, endpoint, methods=methods, name=name, include_in_schema=include_in_schema
        )

    def route(
        self,
        path: str,
        methods: Collection[str] | None = None,
        name: str | None = None,
        include_in_schema: bool = True,
    ) -> Callable[[Endpoint], Endpoint]:
        """`add_route` as a decorator."""

        def decorate(endpoint: Endpoint) -> Endpoint:
            self.add_route(path, endpoint, methods, name, include_in_schema)
            return endpoint

        return decorate

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Depends] | None = None,
    ) -> None:
        """Talk to WebSocket clients of `path` with `endpoint`."""
        route = APIWebSocketRoute(
            self.prefix + path,
            endpoint=endpoint,
            name=name,
            dependencies=[*self.dependencies, *(dependencies or ())],
            dependency_overrides_provider=self.dependency_overrides_provider,
        )
        self.routes.append(route)

    def websocket(
        self,
        path: str,
        name: str | None = None,
        *,
        dependencies: Sequence[Depends] | None = None,
    ) -> Callable[[Endpoint], Endpoint]:
        """`add_api_websocket_route` as a decorator."""

        def decorate(endpoint: Endpoint) -> Endpoint:
            self.add_api_websocket_route(path, endpoint, name, dependencies=dependencies)
            return endpoint

        return decorate

    def websocket_route(self, path: str, name: str | None = None) -> Callable[[Endpoint], Endpoint]:
        """A WebSocket route of Starlette's, as a decorator."""

        def decorate(endpoint: Endpoint) -> Endpoint:
            self.add_websocket_route(path, endpoint, name=name)
            return endpoint

        return decorate

    def frontend(
        self,
        path: str,
        *,
        directory: Any,
        fallback: Fallback = "auto",
        check_dir: bool | Literal["auto"] = "auto",
    ) -> None:
        """Serve built files below `path` wherever no route takes a request.

        `fallback` is the page for paths without a file: "index.html" for a client that routes by
        itself, "404.html", "auto" for whichever is there, None for none.
        """
        from carboy.fastapi.frontend import (
            FrontendRoute,
            FrontendRouteGroup,
            joined,
            must_exist,
            normal_path,
        )

        checked = must_exist(directory, check_dir)
        full = joined(self.prefix, normal_path(path))
        if self._frontend_routes is None:
            self._frontend_routes = FrontendRouteGroup(
                self.dependencies, self.dependency_overrides_provider
            )
            self._low_priority_routes.append(self._frontend_routes)
        self._frontend_routes.routes.append(FrontendRoute(full, directory, fallback, checked))
        self._mark_routes_changed()

    def include_router(self, router: APIRouter, **options: Unpack[IncludeOptions]) -> None:
        """Take in the routes of `router`, also those it gets later."""
        prefix = options.get("prefix", "")
        if router is self:
            raise AssertionError(
                "Cannot include the same APIRouter instance into itself. Did you mean to include a "
                "different router?"
            )
        if router._contains_router(self):
            raise AssertionError(
                "Cannot include an APIRouter instance that already includes this router. Did you "
                "mean to include a different router?"
            )
        check_prefix(prefix)
        if not prefix:
            check_paths(router)
        context = context_for(self, router, **options)
        router._included_in.add(self)
        self.routes.append(IncludedRouter(router, context))
        self.on_startup.extend(router.on_startup)
        self.on_shutdown.extend(router.on_shutdown)
        self.lifespan_context = merged(self.lifespan_context, router.lifespan_context)

    # -- start and stop -------------------------------------------------------------------------

    async def _startup(self) -> None:
        for handler in self.on_startup:
            result = handler()
            if inspect.isawaitable(result):
                await result

    async def _shutdown(self) -> None:
        for handler in self.on_shutdown:
            result = handler()
            if inspect.isawaitable(result):
                await result

    def add_event_handler(self, event_type: str, func: Callable[[], Any]) -> None:
        """Call `func` at "startup" or "shutdown"."""
        handlers = {"startup": self.on_startup, "shutdown": self.on_shutdown}
        if event_type not in handlers:
            raise AssertionError(f"an event is 'startup' or 'shutdown', not {event_type!r}")
        handlers[event_type].append(func)

    @deprecated("on_event is deprecated, use lifespan event handlers instead.")
    def on_event(self, event_type: str) -> Callable[[Endpoint], Endpoint]:
        """`add_event_handler` as a decorator."""

        def decorate(func: Endpoint) -> Endpoint:
            self.add_event_handler(event_type, func)
            return func

        return decorate

    # -- ASGI -----------------------------------------------------------------------------------

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve this router on its own."""
        from carboy.fastapi.standalone import serve_router

        await serve_router(self, scope, receive, send)

    # An included router is asked and called in place of its inclusion, so that subclasses may
    # override both (see including.py).

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """How well one of the routes fits, within an inclusion."""
        included = said(scope).get(INCLUDED)
        if included is None or included.original_router is not self:
            return Match.NONE, {}
        match, child_scope, _ = included._match(scope)
        return match, child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the inclusion it is called within, or on its own."""
        included = said(scope).get(INCLUDED)
        if included is None or included.original_router is not self:
            await self.app(scope, receive, send)
        else:
            await included._handle_selected(scope, receive, send)


__all__ = ["APIRouter", "Routes", "WebSocket"]
