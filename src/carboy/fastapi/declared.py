"""A router's declarations as the engine asks for them (core/engine.py, Application).

`Declared` serves an application; with no handlers, it serves a router that is used as an ASGI
application. Routes keep their order; included ones stand where their router was included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from carboy.core.engine import Target
from carboy.core.errors import NO_HANDLERS, Handlers, Handling
from carboy.core.plugin import Plugin
from carboy.core.route import Lane, Route
from carboy.core.router import Router
from carboy.core.signature import Function
from carboy.fastapi.foreign import foreign_route
from carboy.fastapi.including import EffectiveRoute, IncludedRouter, Moved
from carboy.fastapi.misses import Misses
from carboy.fastapi.options import AppSettings
from carboy.fastapi.route_state import RouteState
from carboy.fastapi.translate import override_of, route_for

if TYPE_CHECKING:
    from carboy.fastapi.router import APIRouter
    from carboy.fastapi.telemetry._woven import Weaver


class Declared:
    """What an engine is told of a router."""

    def __init__(
        self,
        router: APIRouter,
        *,
        app: Any = None,
        settings: AppSettings | None = None,
        handlers: Handlers = NO_HANDLERS,
        table: Callable[[], dict[Any, Any]] = dict,
        plugins: tuple[Plugin, ...] = (),
    ) -> None:
        self.router = router
        self.app = app
        self.settings: AppSettings = settings or {}
        self.handlers = handlers
        self.table = table
        self.plugins = plugins
        answers_options = self.settings.get("answer_head", False)
        self._misses = Misses(router, handlers, plugins, answers_options, self.frontend)
        self._foreign: dict[int, tuple[Any, Route | None]] = {}
        self._functions: dict[Any, Function] = {}
        #: Makes routes that report from routes that do not, once the application reports.
        self.watch: Weaver | None = None
        self._frontends: tuple[int, list[tuple[str, Route, Route]]] | None = None

    # -- what the engine asks -------------------------------------------------------------------

    def routes_in_rank(self) -> Iterable[Route]:
        """FastAPI's rank is the order of declaration."""
        routes = [route for one in self._entries() if (route := self.route_of(one)) is not None]
        return routes if self.watch is None else map(self.watch, routes)

    def _entries(self) -> Iterator[Any]:
        for route in self.router.routes:
            if isinstance(route, IncludedRouter):
                yield from route.leaves()
            else:
                yield route

    def route_of(self, entry: Any) -> Route | None:
        """The engine's Route for a declaration; made once."""
        from carboy.fastapi.routing import APIRoute

        if isinstance(entry, EffectiveRoute | APIRoute):
            if entry.core is None or entry.core.extras.get("by") is not self:
                entry.core = self._translated(entry)
            return entry.core
        route = entry.starlette_route if isinstance(entry, Moved) else entry
        known = self._foreign.get(id(route))
        if known is None or known[0] is not route:
            made = foreign_route(route, self.handlers, self.table, self.app)
            known = self._foreign[id(route)] = (route, made)
        return known[1]

    def _translated(self, state: RouteState) -> Route:
        from carboy.fastapi.routing import PLAIN_HANDLER, PLAIN_MATCHES

        route = route_for(state, self.settings, self.handlers, self.plugins)
        route.extras.update(app=self.app, by=self)
        original: Any = getattr(state, "original_route", state)
        if type(original).get_route_handler is not PLAIN_HANDLER:
            from carboy.fastapi.standalone import overridden

            route.lane = Lane(overridden(original, state), True)
            route.buffered = False
        if type(original).matches is not PLAIN_MATCHES:
            route.guard = _asks(original)
        return route

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        """404, 405, a redirect to the other slash, a frontend, on `App` the answer to OPTIONS."""
        route = self._misses.route(method, path, found, router)
        if self.watch is None:
            return route
        return self.watch.missed(route, found[0] if found else self._misses.other(path, router))

    def frontend(self, method: str, path: str) -> Route | None:
        """The frontend for `path` with the longest path of its own."""
        version = self.router._get_routes_version()
        if self._frontends is None or self._frontends[0] != version:
            self._frontends = version, frontends_of(self)
        if not self._frontends[1]:
            return None
        from carboy.fastapi.frontend import below

        for where, reading, other in self._frontends[1]:
            if below(where, path) is not None:
                return reading if method in ("GET", "HEAD") else other
        return None

    def override(self, function: Function) -> Function:
        """`dependency_overrides`, with the override's own signature."""
        overrides = getattr(self.router.dependency_overrides_provider, "dependency_overrides", None)
        call = None if function.source is None else function.source.call
        if not overrides or call not in overrides:
            return function
        key = (id(function), overrides[call])
        if key not in self._functions:
            self._functions[key] = override_of(function, overrides[call])
        return self._functions[key]

    def overridden(self) -> None:
        """`dependency_overrides` has changed."""
        self._functions.clear()

    def outer(self, error: BaseException) -> Handling | None:
        """What answers an error that nobody handled."""
        return getattr(self.handlers, "outer", None)

    def lifespan(self) -> AbstractAsyncContextManager[Any]:
        """The router's, around serving."""
        if self.app is None:
            return nullcontext()
        return self.router.lifespan_context(self.app)


def frontends_of(declared: Declared) -> list[tuple[str, Route, Route]]:
    """(path, route that reads, route for other methods) of every frontend, longest path first."""
    found = list(_frontends(declared.router, "", ()))
    found.sort(key=lambda one: -len(one[0].rstrip("/")))
    return [
        (path, *_frontend_routes(declared, route, dependencies, path))
        for path, route, dependencies in found
    ]


def _frontends(router: APIRouter, prefix: str, dependencies: tuple[Any, ...]) -> Iterator[Any]:
    group = router._frontend_routes
    if group is not None:
        from carboy.fastapi.frontend import joined

        for route in group.routes:
            yield joined(prefix, route.path), route, (*dependencies, *group.dependencies)
    for one in router.routes:
        if isinstance(one, IncludedRouter):
            context = one.include_context
            inner = (*dependencies, *context.dependencies)
            yield from _frontends(one.original_router, prefix + context.prefix, inner)


def _frontend_routes(
    declared: Declared, route: Any, dependencies: tuple[Any, ...], path: str
) -> tuple[Route, Route]:
    from carboy.fastapi.frontend import endpoint_for

    options: Any = {"response_model": None, "include_in_schema": False, "name": "frontend"}
    made = []
    for needed in (dependencies, ()):
        state = RouteState()
        state._populate("/", endpoint_for(route, path), dependencies=needed, **options)
        core = route_for(state, declared.settings, declared.handlers, declared.plugins)
        template = path.rstrip("/") + "/{path}"
        core.extras.update(app=declared.app, by=declared, template=template)
        made.append(core)
    return made[0], made[1]


def _asks(route: Any) -> Callable[[Any], bool]:
    from starlette.routing import Match

    def fits(request: Any) -> bool:
        return bool(route.matches(dict(request.scope))[0] == Match.FULL)

    return fits
