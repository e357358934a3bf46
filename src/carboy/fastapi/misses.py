"""What is answered where no route fits: 404, 405, the other slash, OPTIONS.

These are endpoints like any other, made once, so that plugins and exception handlers see them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import Handlers
from carboy.core.pattern import Pattern
from carboy.core.plugin import Plugin
from carboy.core.route import Lane, Route
from carboy.core.router import Router
from carboy.fastapi.foreign import ANYTHING

if TYPE_CHECKING:
    from carboy.fastapi.router import APIRouter

Pair = tuple[Head, Body]


class Misses:
    """The routes for requests that fit none of a router's."""

    def __init__(
        self,
        router: APIRouter,
        handlers: Handlers,
        plugins: tuple[Plugin, ...] = (),
        answer_options: bool = False,
        frontend: Callable[[str, str], Route | None] = lambda method, path: None,
    ) -> None:
        self._frontend = frontend
        self._router = router
        self._handlers = handlers
        self._plugins = plugins
        self._answer_options = answer_options
        self._made: dict[Any, Route] = {}

    def route(
        self,
        method: str,
        path: str,
        found: list[Route],
        router: Router[Any],
        fallback: Route | None = None,
    ) -> Route:
        """Who answers `path`, of which `found` take other methods, or are guarded.

        Where there is a `fallback`, all that is left to say here is what OPTIONS are: the other
        application may know the method, and the slash.
        """
        # Whoever takes this method as well was asked, and its guard has refused.
        found = [one for one in found if one.methods is not None and method not in one.methods]
        if found and method == "OPTIONS" and self._answer_options:
            allow = sorted(set().union(*(route.methods or () for route in found)))
            return self._once(("options", *allow), "options", self.options(allow))
        if fallback is not None:
            return self._frontend(method, path) or fallback
        if found:
            # COMPAT: upstream names the methods of the first route only.
            allowing = found if self._answer_options else found[:1]
            allow = sorted(set().union(*(route.methods or () for route in allowing)))
            return self._once(("405", *allow), "method not allowed", self.wrong_method(allow))
        if (other := self.other(path, router)) is not None and self.redirects(method, path, other):
            return self._once("redirect", "redirect", self.redirect)
        frontend = self._frontend(method, path)
        return frontend or self._once("404", "not found", _not_found)

    def other(self, path: str, router: Router[Any]) -> Route | None:
        """The route that takes `path` with the other slash, where that is redirected to."""
        if not self._router.redirect_slashes or path in ("/", "*", ""):
            return None
        other = path.rstrip("/") if path.endswith("/") else path + "/"
        found = router.candidates(other) if other else []
        return next((one.route for _, one, _ in found if self.names_path(one.route)), None)

    # -- what a subclass may say otherwise --------------------------------------------------------

    def names_path(self, route: Route) -> bool:
        """Whether `route` is one of this path; who is asked about every path says nothing of it."""
        return route.pattern is not ANYTHING

    def redirects(self, method: str, path: str, other: Route) -> bool:
        """Whether `path` is redirected to where `other` takes it."""
        return True

    def options(self, allow: list[str]) -> Callable[[RequestContext], Any]:
        """The endpoint for OPTIONS where `allow` are the methods."""
        return _options(allow)

    def wrong_method(self, allow: list[str]) -> Callable[[RequestContext], Any]:
        """The endpoint for 405 where `allow` are the methods."""
        return _wrong_method(allow)

    def lane(self, call: Callable[[RequestContext], Any]) -> Lane:
        """How one of these endpoints is called."""
        return Lane(call, True)

    def extras(self) -> dict[str, Any]:
        """What is known of these routes."""
        return {"app": self._router.dependency_overrides_provider}

    async def redirect(self, request: RequestContext) -> Pair:
        """The redirect to the other slash."""
        return await _redirect(request)

    # ---------------------------------------------------------------------------------------------

    def _once(self, key: Any, name: str, call: Callable[[RequestContext], Any]) -> Route:
        if key not in self._made:
            self._made[key] = Route(
                Pattern(name, ()),
                None,
                name,
                lane=self.lane(call),
                handlers=self._handlers,
                plugins=self._plugins,
                extras=self.extras(),
            )
        return self._made[key]


async def _not_found(request: RequestContext) -> Pair:
    from starlette.exceptions import HTTPException

    raise HTTPException(404)


def _wrong_method(allow: list[str]) -> Callable[[RequestContext], Any]:
    async def method_not_allowed(request: RequestContext) -> Pair:
        from starlette.exceptions import HTTPException

        raise HTTPException(405, headers={"Allow": ", ".join(allow)})

    return method_not_allowed


def _options(allow: list[str]) -> Callable[[RequestContext], Any]:
    head = Head(204, [(b"allow", ", ".join([*allow, "OPTIONS"]).encode())])

    async def options(request: RequestContext) -> Pair:
        return head, b""

    return options


async def _redirect(request: RequestContext) -> Pair:
    from starlette.datastructures import URL
    from starlette.responses import RedirectResponse

    path = request.scope["path"]
    other = path.rstrip("/") if path.endswith("/") else path + "/"
    # SAFETY: R7, "//evil/" must not become a redirect to another host.
    other = "/" + other.lstrip("/") if other.startswith("//") else other
    response = RedirectResponse(str(URL(scope={**request.scope, "path": other})))
    return Head(response.status_code, response.raw_headers), b""
