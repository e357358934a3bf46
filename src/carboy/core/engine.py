"""Declare, freeze, serve: all Routes become one matcher and one function each.

An Engine belongs to one application. It is frozen at start-up, or at the first request, and again
after a late change (`invalidate`); targets whose route is unchanged keep their compiled function.
What an application answers where no route fits is the dialect's: `Application.miss`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from carboy.core.closing import finish
from carboy.core.compile import Compiled, compile_route
from carboy.core.context import RequestContext
from carboy.core.errors import Handling
from carboy.core.pattern import Pattern
from carboy.core.route import Lane, Route
from carboy.core.router import Router
from carboy.core.signature import Function
from carboy.core.voice import drive_async


class Application(Protocol):
    """What a dialect's application tells its engine."""

    def routes_in_rank(self) -> Iterable[Route]:
        """Every route, those that win first."""

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        """The route that answers where none takes this path (`found` empty) or method."""

    def override(self, function: Function) -> Function:
        """The function to use in place of `function`."""

    def outer(self, error: BaseException) -> Handling | None:
        """What answers an unhandled error; None leaves that to the server."""

    def lifespan(self) -> AbstractAsyncContextManager[dict[str, Any] | None]:
        """What is open while the application is served."""


class Target:
    """A route and its compiled function. `call` is None until the route is compiled."""

    __slots__ = (
        "buffered",
        "call",
        "cancel_on_disconnect",
        "guard",
        "is_async",
        "is_guarded",
        "max_body",
        "methods",
        "pattern",
        "reads",
        "refusals",
        "route",
        "source",
        "timeout",
    )

    def __init__(self, route: Route) -> None:
        self.route = route
        self.pattern: Pattern = route.pattern
        self.methods = route.methods
        self.max_body = route.max_body
        self.buffered = route.buffered
        #: Something looks at the buffered body: without, a rim need not wait for it.
        self.reads = True
        self.cancel_on_disconnect = route.cancel_on_disconnect
        self.guard = route.guard
        self.timeout = route.timeout
        #: Somebody has to look at the time, or whether the client is there.
        self.is_guarded = route.timeout is not None or route.cancel_on_disconnect
        self.call: Callable[[RequestContext], Any] | None = None
        self.is_async = False
        self.source = ""
        #: What answers where a transport refuses a request for this, by the error's type.
        self.refusals: dict[type[Exception], Target] = {}

    def compile(self, override: Callable[[Function], Function]) -> None:
        """Make `call`; safe to run twice, threads at worst do the same work."""
        compiled: Compiled = compile_route(self.route, override)
        self.is_async = compiled.is_async
        self.source = compiled.source
        # A dependency that overrides another may want a body where the route alone does not.
        reads_itself = self.route.input is not None and self.route.input.is_async
        self.buffered = self.route.buffered or (compiled.takes_body and not reads_itself)
        route = self.route
        asked = route.measured or route.lane is not None or bool(route.plugins)
        self.reads = compiled.takes_body or asked
        self.call = compiled.call if route.admit is None else _in_turn(compiled.call)

    def __repr__(self) -> str:
        return f"<Target {self.route.title}>"


def _in_turn(call: Callable[[RequestContext], Any]) -> Callable[[RequestContext], Any]:
    """`call`, whose turn ends before a whole answer leaves if nothing else is open by then.

    Else who has the answer and asks again at once might find the turn taken, by itself.
    """

    async def in_turn(request: RequestContext) -> Any:
        answer = await call(request)
        if type(answer[1]) is bytes and request.background is None:
            opened = request.opened or ()
            if sum(one.is_async is not None for one in opened) == 1:
                await drive_async(finish(request), request)
        return answer

    return in_turn


def _broken(error: Exception) -> Target:
    """A target that raises `error`, for one request."""

    def fail(request: RequestContext) -> Any:
        raise error

    target = Target(Route(Pattern("", ()), None, "broken", lane=Lane(fail, False)))
    target.call = fail
    return target


class Engine:
    """Matches requests to compiled routes of one application."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._router: Router[Target] | None = None
        self._targets: dict[int, Target] = {}
        self._missed: dict[int, Target] = {}
        self._lock = threading.RLock()
        #: What answers every request that comes from outside, where something stands around the
        #: whole application (middleware); it asks `match` again, from inside.
        self.front: Target | None = None

    def freeze(self) -> None:
        """Compile every route now. Raises whatever is wrong with a declaration."""
        for target in self.router.routes:
            if target.call is None:
                target.compile(self.application.override)

    def invalidate(self, *, recompile: bool = False) -> None:
        """Something declared has changed; with `recompile`, every route's function too."""
        # Waits for a build that has begun, which would undo this else.
        with self._lock:
            self._router = None
            self._missed = {}
            if recompile:
                self._targets = {}

    @property
    def router(self) -> Router[Target]:
        """The matcher, built if need be."""
        router = self._router
        return self._build() if router is None else router

    def _build(self) -> Router[Target]:
        with self._lock:
            if self._router is not None:  # another thread was first
                return self._router
            known, targets = self._targets, {}
            for route in self.application.routes_in_rank():
                targets[id(route)] = known.get(id(route)) or Target(route)
            self._targets = targets
            self._router = router = Router(targets.values())
            return router

    def match(self, request: RequestContext, inside: bool = False) -> Target:
        """Find who answers `request`; sets its `target` and `params`.

        A late declaration may be wrong: that is raised by the target, where errors are answered.
        """
        if self.front is not None and not inside:
            request.target, request.params = self.front, ()
            return self.front
        try:
            router = self._router or self._build()
            path = request.path
            # PERF: router.match written out: one call less for every request.
            if (methods := router.static.get(path)) and (hit := methods.get(request.method)):
                target, request.params = hit
            else:
                for _, target, params in router.candidates(path):
                    if target.methods is None or request.method in target.methods:
                        request.params = params
                        if target.guard is None:
                            break
                        request.target = target
                        if target.guard(request):
                            break
                else:
                    target = self._miss(request, router)
                    request.params = ()
            if target.call is None:
                target.compile(self.application.override)
        except Exception as error:
            target = _broken(error)
            request.params = ()
        request.target = target
        return target

    def _miss(self, request: RequestContext, router: Router[Target]) -> Target:
        found = [target.route for _, target, _ in router.candidates(request.path)]
        route = self.application.miss(request.method, request.path, found, router)
        target = self._missed.get(id(route))
        if target is None:
            target = self._missed[id(route)] = Target(route)
        return target

    def find(self, title: str) -> Target:
        """The compiled target called ``GET /items/{item_id}``; KeyError lists what there is."""
        self.freeze()
        method, _, path = title.partition(" ")
        for target in self.router.routes:
            methods = target.methods or {method}
            named = target.pattern.source == path and method in methods
            if named or target.route.title == title:
                return target
        known = "\n  ".join(target.route.title for target in self.router.routes)
        raise KeyError(f"no route {title!r}. Known are:\n  {known}")
