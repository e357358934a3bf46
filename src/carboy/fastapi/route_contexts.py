"""Every route where it is effective: what OpenAPI, tools and WebSockets walk through.

A view of routers and their inclusions (including.py); nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.routing import BaseRoute

from carboy.fastapi.including import IncludedRouter


@dataclass(frozen=True)
class RouteContext:
    """A route where it is effective. Unknown attributes are the effective route's."""

    route: BaseRoute
    _route_context: Any = field(default=None, repr=False)

    @property
    def original_route(self) -> BaseRoute:
        """As it was declared."""
        context = self._route_context
        return self.route if context is None else context.original_route

    @property
    def _effective_route(self) -> Any:
        context = self._route_context
        return self.route if context is None else (context.starlette_route or context)

    @property
    def path(self) -> str | None:
        return getattr(self._effective_route, "path", None)

    @property
    def path_format(self) -> str | None:
        return getattr(self._effective_route, "path_format", None)

    @property
    def name(self) -> str | None:
        return getattr(self._effective_route, "name", None)

    @property
    def methods(self) -> set[str] | None:
        return getattr(self._effective_route, "methods", None)

    @property
    def endpoint(self) -> Callable[..., Any] | None:
        return getattr(self._effective_route, "endpoint", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._effective_route, name)


def iter_route_contexts(routes: Sequence[Any]) -> Iterator[RouteContext]:
    """Every route of `routes`, those of included routers under their effective paths."""
    for route in routes:
        if isinstance(route, RouteContext):
            yield route
        else:
            for original, context in _iter_routes_with_context([route]):
                yield RouteContext(original, context)


def _iter_routes_with_context(routes: Sequence[BaseRoute]) -> Iterator[tuple[BaseRoute, Any]]:
    for route in routes:
        if isinstance(route, IncludedRouter):
            for leaf in route.effective_route_contexts():
                yield leaf.original_route, leaf
        else:
            yield route, None


def _iter_included_route_candidates(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    for route, context in _iter_routes_with_context(routes):
        yield getattr(context, "starlette_route", None) or route
