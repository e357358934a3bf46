"""A router's declarations as the engine asks for them (core/engine.py, Application).

`Declared` serves an application; with no handlers, it serves a router that is used as an ASGI
application. Routes keep their order; included ones stand where their router was included.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from carboy.core.engine import Target
from carboy.core.errors import NO_HANDLERS, Handlers, Handling
from carboy.core.plugin import Plugin
from carboy.core.route import Lane, Route
from carboy.core.router import Router
from carboy.core.signature import Function
from carboy.fastapi._body_limit import get_body_size_limit
from carboy.fastapi.foreign import ANYTHING, enter_scope, foreign_route
from carboy.fastapi.including import (
    EffectiveRoute,
    IncludedRouter,
    Moved,
    MovedFrontends,
    handler_for,
)
from carboy.fastapi.interpreted import steps_for
from carboy.fastapi.lasting import Lasting
from carboy.fastapi.lifespans import is_idle
from carboy.fastapi.misses import Misses
from carboy.fastapi.route_state import RouteState
from carboy.fastapi.scopes import EFFECTIVE, Limits, say, update_scope
from carboy.fastapi.translate import override_of, route_for

if TYPE_CHECKING:
    from carboy.fastapi.options import AppSettings
    from carboy.fastapi.router import APIRouter
    from carboy.fastapi.telemetry._woven import Weaver


class Declared:
    """What an engine is told of a router."""

    misses_class: type[Misses] = Misses

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
        self._misses = self.misses_class(router, handlers, plugins, answers_options, self.frontend)
        self._foreign: dict[tuple[int, bool], tuple[Any, Route | None]] = {}
        self._functions: dict[Any, Function] = {}
        self.lasting = Lasting(self)
        #: What is reached through middleware of routes.
        self._behind: list[Target] = []
        #: Makes routes that report from routes that do not, once the application reports.
        self.watch: Weaver | None = None
        self._frontends: tuple[int, list[tuple[str, Route, Route]]] | None = None
        #: A Mount for what no route takes (App.fallback).
        self.fallback: Any = None
        #: What is open within the application's own lifespan.
        self.beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext

    # -- what the engine asks -------------------------------------------------------------------

    def routes_in_rank(self) -> Iterable[Route]:
        """FastAPI's rank is the order of declaration; then what is asked where nothing fits."""
        entries = [*self._entries(), *(one for one in self._low() if not _is_frontend(one))]
        routes = [route for one in entries if (route := self.route_of(one)) is not None]
        # COMPAT: routes that judge paths themselves may fit one in part, to say no to it.
        judges = (route.extras["foreign"] for route in routes if route.pattern is ANYTHING)
        routes += [route for one in judges if (route := self._foreign_route(one, partly=True))]
        return routes if self.watch is None else map(self.watch, routes)

    def _entries(self) -> Iterator[Any]:
        for route in self.router.routes:
            if isinstance(route, IncludedRouter):
                yield from route.served()
            else:
                yield route

    def _low(self) -> Iterator[Any]:
        yield from self.router._low_priority_routes
        for route in self.router.routes:
            if isinstance(route, IncludedRouter):
                yield from route.effective_low_priority_routes()

    def route_of(self, entry: Any) -> Route | None:
        """The engine's Route for a declaration; made once."""
        from carboy.fastapi.routing import APIRoute

        if isinstance(entry, EffectiveRoute | APIRoute):
            extras = {} if entry.core is None else entry.core.extras
            steps = steps_for(entry)
            if extras.get("by") is not self or extras.get("steps") != steps:
                entry.core = self._translated(entry, steps)
            return entry.core
        return self._foreign_route(entry)

    @property
    def limits(self) -> Limits:
        """What the router itself limits."""
        return Limits(self.router.max_body_size, self.router.form_limits)

    def _foreign_route(self, entry: Any, partly: bool = False) -> Route | None:
        limits = self.limits
        route = entry
        if isinstance(entry, Moved):
            route = entry.starlette_route
            limits = Limits(
                get_body_size_limit(entry.limits.max_body_size, limits.max_body_size),
                {**limits.form_limits, **entry.limits.form_limits},
            )
        known = self._foreign.get((id(route), partly))
        if known is None or known[0] is not route:
            made = foreign_route(route, self.handlers, self.table, self.app, limits, partly)
            known = self._foreign[id(route), partly] = (route, made)
        return known[1]

    def _translated(self, state: RouteState, steps: Any = None) -> Route:
        from carboy.fastapi.routing import PLAIN_HANDLE, PLAIN_MATCHES

        route = self._made(state)
        route.extras.update(app=self.app, by=self, steps=steps)
        original: Any = getattr(state, "original_route", state)
        handler = getattr(state, "handler", None) or handler_for(original, state)
        if type(original).handle is not PLAIN_HANDLE or getattr(original, "has_own_app", False):
            from carboy.fastapi.standalone import handled

            limits = Limits(route.max_body, self.limits.form_limits)
            route.lane = handled(original, limits, self.enter)
            route.max_body, route.buffered = None, False
        elif handler is not None:
            from carboy.fastapi.standalone import overridden

            route.lane = Lane(overridden(handler, self.limits), True)
            route.buffered = False
        elif steps is not None:
            from carboy.fastapi.interpreted import endpoint_for

            route.lane = Lane(endpoint_for(state, route, steps), True)
        if state.policy.get("middleware"):
            route = self._surrounded(route)
        if type(original).matches is not PLAIN_MATCHES:
            route.guard = _asks(original, state)
        return route

    def _made(self, state: RouteState) -> Route:
        return route_for(state, self.settings, self.handlers, self.plugins, self.limits)

    def _surrounded(self, route: Route) -> Route:
        """The Route that leads through middleware to `route`."""
        from carboy.fastapi.standalone import surrounded

        inner = Target(route)
        self._behind.append(inner)
        outer = replace(route, lane=surrounded(inner, self), plugins=(), admit=None, timeout=None)
        outer.max_body, outer.buffered, outer.handlers = None, False, self.handlers
        return outer

    def enter(self, scope: Any) -> None:
        """Put into a scope what Starlette's applications put there."""
        enter_scope(scope, self.table, self.app)

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        """404, 405, a redirect to the other slash, a frontend, on `App` the answer to OPTIONS."""
        fallback = None if self.fallback is None else self._foreign_route(self.fallback)
        route = self._misses.route(method, path, found, router, fallback)
        if self.watch is None:
            return route
        if route is fallback:
            return self.watch(route)
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
        if function.source is not None and function.source.scope == "app":
            call = self.instead_of(function.call)
            return replace(function, call=call, shared=self.lasting.of(call))
        overrides = getattr(self.router.dependency_overrides_provider, "dependency_overrides", None)
        call = None if function.source is None else function.source.call
        if not overrides or call not in overrides:
            return function
        key = (id(function), overrides[call])
        if key not in self._functions:
            self._functions[key] = override_of(function, overrides[call])
        return self._functions[key]

    def instead_of(self, call: Any) -> Any:
        """The override of a dependency, or itself."""
        overrides = getattr(self.router.dependency_overrides_provider, "dependency_overrides", None)
        return overrides.get(call, call) if overrides else call

    def _lasting_calls(self) -> Iterator[Any]:
        """What has to be made at start, in the order of the routes."""
        for entry in self._entries():
            route = self.route_of(entry)
            if route is not None and route.function is not None:
                for one in route.function.walk():
                    if one.source is not None and one.source.scope == "app":
                        yield self.instead_of(one.call)

    def overridden(self) -> None:
        """`dependency_overrides` has changed."""
        self._functions.clear()
        for target in self._behind:
            target.call = None

    def outer(self, error: BaseException) -> Handling | None:
        """What answers an error that nobody handled."""
        return getattr(self.handlers, "outer", None)

    def lifespan(self) -> AbstractAsyncContextManager[Any]:
        """The router's, around serving."""
        if self.app is None:
            return nullcontext()
        return self.app._reports.around(self.live())  # type: ignore[no-any-return]

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it has to stay open while it is served."""
        if self.app is None:
            return True
        if self.app._reports.is_exporting or self.beside is not nullcontext:
            return False
        lasting = next(iter(self._lasting_calls()), None)
        return lasting is None and is_idle(self.router.lifespan_context)

    @asynccontextmanager
    async def live(self) -> AsyncIterator[Any]:
        """The application's own lifespan, and within it what lasts as long."""
        async with (
            self.router.lifespan_context(self.app) as state,
            self.beside(),
            self.lasting.opened(self._lasting_calls),
        ):
            yield state


def frontends_of(declared: Declared) -> list[tuple[str, Route, Route]]:
    """(path, route that reads, route for other methods) of every frontend, longest path first."""
    groups = [one for one in declared._low() if _is_frontend(one)]
    if not groups:
        return []
    from carboy.fastapi.frontend import joined

    found: list[Any] = []
    for group in groups:
        is_own = not isinstance(group, MovedFrontends)
        limit = None if is_own else group.limits.max_body_size
        prefix, original = ("", group) if is_own else (group.prefix, group.original_route)
        found += [
            (joined(prefix, one.path), one, group.dependencies, limit) for one in original.routes
        ]
    found.sort(key=lambda one: -len(one[0].rstrip("/")))
    return [(one[0], *_frontend_routes(declared, *one)) for one in found]


def _is_frontend(entry: Any) -> bool:
    kind = "carboy.fastapi.frontend"
    return isinstance(entry, MovedFrontends) or type(entry).__module__ == kind


def _frontend_routes(
    declared: Declared, path: str, route: Any, dependencies: Any, limit: int | None
) -> tuple[Route, Route]:
    from carboy.fastapi.frontend import endpoint_for

    options: Any = {"response_model": None, "include_in_schema": False, "name": "frontend"}
    made = []
    for needed in (dependencies, ()):
        state = RouteState()
        state._populate("/", endpoint_for(route, path), dependencies=needed, **options)
        state.max_body_size = get_body_size_limit(limit, declared.router.max_body_size)
        core = route_for(state, declared.settings, declared.handlers, declared.plugins)
        # Nobody reads the body of a request for a file: the engine does, where it may be too large.
        core.measured = state.max_body_size is not None
        core.buffered = core.buffered or core.measured
        template = path.rstrip("/") + "/{path}"
        core.extras.update(app=declared.app, by=declared, template=template)
        made.append(core)
    return made[0], made[1]


def _asks(original: Any, state: Any) -> Callable[[Any], bool]:
    from starlette.routing import Match

    def fits(request: Any) -> bool:
        scope = dict(request.scope)
        if state is not original:
            say(scope, EFFECTIVE, state)
        match, child_scope = original.matches(scope)
        if match != Match.FULL:
            return False
        update_scope(request.scope, child_scope)
        return True

    return fits
