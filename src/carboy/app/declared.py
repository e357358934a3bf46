"""What the engine is told of an `App`: typed routes, Flask's rules, and what stands around both.

Without a Flask side this is FastAPI's `Declared` and nothing more. With one, every path operation
leads through a line that pushes Flask's contexts and runs its hooks (around.py); Starlette's own
routes and mounts do not, and WebSockets have no request of Flask's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.datastructures import URLPath
from starlette.routing import NoMatchFound

from carboy.app.misses import BothMisses
from carboy.app.wanting import wants_flask
from carboy.core.engine import Target
from carboy.core.route import Route
from carboy.core.router import Router
from carboy.fastapi.applications import AppRouter
from carboy.fastapi.declared import Declared

if TYPE_CHECKING:
    from carboy.app.side import Side
    from carboy.fastapi.route_state import RouteState


class Both(Declared):
    """An `App`'s declarations."""

    side: Side | None = None
    misses_class = BothMisses

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: id of a route -> it, and what leads to it.
        self._around: dict[int, tuple[Route, Route]] = {}
        #: id of what answers 405 -> it, and the same for the path of a page.
        self._pages: dict[int, tuple[Route, Route]] = {}
        #: ids of what answers OPTIONS and of a path's first route -> both, and the answer there.
        self._options: dict[tuple[int, int], tuple[Route, Route, Route]] = {}

    def routes_in_rank(self) -> Iterable[Route]:
        """FastAPI's order and Flask's, merged by how specific routes are (order.py)."""
        declared = list(super().routes_in_rank())
        if self.side is None and wants_flask(declared):
            self.app._make_flask()
        side = self.side
        if side is None:
            return declared
        from carboy.app.order import one_map

        side.check()
        ranked = side.name_typed(declared)
        around = [(rank, self.around(route)) for rank, route in ranked]
        return one_map(around, side.ranked(), self.app)

    def around(self, route: Route) -> Route:
        """The Route that leads to `route` through Flask's contexts and hooks; made once."""
        if "foreign" in route.extras:
            return route
        known = self._around.get(id(route))
        if known is None or known[0] is not route:
            known = self._around[id(route)] = route, self._surround(route)
        return known[1]

    def _surround(self, route: Route) -> Route:
        from carboy.app.around import line_for, share
        from carboy.app.unread import unread

        if self.side is not None:
            self.side.limit_typed(route)
        inner = Target(route)
        self._behind.append(inner)
        return replace(
            route,
            lane=None,
            make_lane=partial(line_for, self, inner),
            plugins=(),
            admit=None,
            extras={
                **route.extras,
                "by": self,
                "inner": route,
                "share": share,
                "unread": unread,
            },
        )

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        """Where Flask's rules are among what fits, or nothing is, Flask's steps answer.

        Unless there is a fallback, which gets what no route of either kind takes.
        """
        side = self.side
        if side is None:
            return super().miss(method, path, found, router)
        if self.fallback is None and any("seen" in route.extras for route in found):
            return side.missing
        route = super().miss(method, path, found, router)
        if route.name == "not found":
            return side.missing
        if route.name == "options":
            route = self._options_of(route, found)
        elif any(one.extras.get("pages") for one in found):
            route = self._as_page(route)
        return self.around(route)

    def _options_of(self, route: Route, found: list[Route]) -> Route:
        from carboy.app.options import options_of

        key = id(route), id(found[0])
        known = self._options.get(key)
        if known is None or known[0] is not route or known[1] is not found[0]:
            made = options_of(self, route, found)
            known = self._options[key] = route, found[0], made
        return known[2]

    def _as_page(self, route: Route) -> Route:
        known = self._pages.get(id(route))
        if known is None:
            page = replace(route, extras={**route.extras, "pages": True})
            known = self._pages[id(route)] = route, page
        return known[1]

    def _made(self, state: RouteState) -> Route:
        from carboy.app.crossing import cross

        route = super()._made(state)
        cross(self, route)
        return route

    def _translated(self, state: RouteState, steps: Any = None) -> Route:
        route = super()._translated(state, steps)
        pages = state.policy.get("error_pages")
        if pages is None:
            pages = _is_page(getattr(state.response_class, "value", state.response_class))
        route.extras["pages"] = pages
        return route


def _is_page(response_class: Any) -> bool:
    """Whether a route that answers with this class is a page: its errors are pages, too."""
    return getattr(response_class, "media_type", None) == "text/html"


class BothRouter(AppRouter):
    """The application's own router, whose names reach Flask's endpoints as well."""

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of a route of either kind; NoMatchFound where nothing has that name."""
        try:
            return super().url_path_for(name, **path_params)
        except NoMatchFound:
            side: Any = getattr(self.owner, "_side", None)
            path = None if side is None else side.path_of(name, path_params)
            if path is None:
                raise
            return URLPath(path=path, protocol="http")
