"""Routers in routers, live: what an included router gets later is there too.

`IncludedRouter` stands in the outer router's list of routes, at its place in the order. Its
`effective_candidates` are the inner routes as the inclusion makes them: `EffectiveRoute` for path
operations (another path, more dependencies, tags and so on), copies for Starlette's own routes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from starlette import routing
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from carboy.fastapi._body_limit import get_body_size_limit, validate_max_body_size
from carboy.fastapi._form_limits import _validate_form_limits
from carboy.fastapi.depends import Depends
from carboy.fastapi.route_state import DEFAULT_ID, DEFAULT_JSON, DEFAULT_STRICT, RouteState
from carboy.fastapi.utils import get_value_or_default

if TYPE_CHECKING:
    from carboy.fastapi.router import APIRouter


@dataclass
class IncludeContext:
    """What one inclusion, or several nested ones, add to every route."""

    included_router: APIRouter
    prefix: str = ""
    tags: list[str | Enum] = field(default_factory=list)
    dependencies: list[Depends] = field(default_factory=list)
    default_response_class: Any = DEFAULT_JSON
    responses: dict[int | str, dict[str, Any]] = field(default_factory=dict)
    callbacks: list[BaseRoute] = field(default_factory=list)
    deprecated: bool | None = None
    include_in_schema: bool = True
    generate_unique_id_function: Any = DEFAULT_ID
    strict_content_type: Any = DEFAULT_STRICT
    dependency_overrides_provider: Any = None
    max_body_size: int | None = None
    form_limits: Any = field(default_factory=dict)

    def __add__(self, inner: IncludeContext) -> IncludeContext:
        """The context of an inclusion within this one."""
        return IncludeContext(
            included_router=inner.included_router,
            prefix=self.prefix + inner.prefix,
            tags=[*self.tags, *inner.tags],
            dependencies=[*self.dependencies, *inner.dependencies],
            default_response_class=get_value_or_default(
                inner.default_response_class, self.default_response_class
            ),
            responses={**self.responses, **inner.responses},
            callbacks=[*self.callbacks, *inner.callbacks],
            deprecated=self.deprecated or inner.deprecated,
            include_in_schema=self.include_in_schema and inner.include_in_schema,
            generate_unique_id_function=get_value_or_default(
                inner.generate_unique_id_function, self.generate_unique_id_function
            ),
            strict_content_type=get_value_or_default(
                inner.strict_content_type, self.strict_content_type
            ),
            dependency_overrides_provider=self.dependency_overrides_provider,
            max_body_size=get_body_size_limit(inner.max_body_size, self.max_body_size),
            form_limits={**self.form_limits, **inner.form_limits},
        )


def context_for(
    outer: APIRouter,
    inner: APIRouter,
    *,
    prefix: str = "",
    tags: list[str | Enum] | None = None,
    dependencies: Sequence[Depends] | None = None,
    default_response_class: Any = DEFAULT_JSON,
    responses: dict[int | str, dict[str, Any]] | None = None,
    callbacks: list[BaseRoute] | None = None,
    deprecated: bool | None = None,
    include_in_schema: bool = True,
    generate_unique_id_function: Any = DEFAULT_ID,
    max_body_size: int | None = None,
    form_limits: Any = None,
) -> IncludeContext:
    """What including `inner` in `outer` with these options adds."""
    validate_max_body_size(max_body_size)
    return IncludeContext(
        included_router=inner,
        prefix=outer.prefix + prefix,
        tags=[*outer.tags, *(tags or ())],
        dependencies=[*outer.dependencies, *(dependencies or ())],
        default_response_class=get_value_or_default(
            default_response_class, outer.default_response_class
        ),
        responses={**outer.responses, **(responses or {})},
        callbacks=[*outer.callbacks, *(callbacks or ())],
        deprecated=deprecated or outer.deprecated,
        include_in_schema=outer.include_in_schema and include_in_schema,
        generate_unique_id_function=get_value_or_default(
            generate_unique_id_function, outer.generate_unique_id_function
        ),
        strict_content_type=outer.strict_content_type,
        dependency_overrides_provider=outer.dependency_overrides_provider,
        max_body_size=get_body_size_limit(inner.max_body_size, max_body_size, outer.max_body_size),
        form_limits={**_validate_form_limits(form_limits), **inner.form_limits},
    )


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


class Moved:
    """A Starlette route under a prefix."""

    def __init__(self, original: BaseRoute, starlette_route: BaseRoute) -> None:
        self.original_route = original
        self.starlette_route = starlette_route


Candidate = "EffectiveRoute | Moved | IncludedRouter"


class IncludedRouter(BaseRoute):
    """A router's place in another's list of routes."""

    def __init__(self, original_router: APIRouter, include_context: IncludeContext) -> None:
        self.original_router = original_router
        self.include_context = include_context
        self._candidates: list[Any] = []
        self._version: int | None = None

    def effective_candidates(self) -> list[Any]:
        """The inner routes as this inclusion makes them, nested inclusions as such."""
        version = self.original_router._get_routes_version()
        if version != self._version:
            made = (self._effective(route) for route in self.original_router.routes)
            self._candidates = [one for one in made if one is not None]
            self._version = version
        return self._candidates

    def _effective(self, route: BaseRoute) -> Any:
        from carboy.fastapi.routing import APIRoute, APIWebSocketRoute

        context = self.include_context
        if isinstance(route, IncludedRouter):
            return IncludedRouter(route.original_router, context + route.include_context)
        if isinstance(route, APIRoute):
            return EffectiveRoute(route, context)
        if isinstance(route, APIWebSocketRoute):
            return Moved(
                route,
                APIWebSocketRoute(
                    context.prefix + route.path,
                    endpoint=route.endpoint,
                    name=route.name,
                    dependencies=[*context.dependencies, *route.dependencies],
                    dependency_overrides_provider=context.dependency_overrides_provider,
                ),
            )
        if isinstance(route, routing.Host):
            host = copy.copy(route)
            if context.prefix:
                host.app = routing.Router(routes=[routing.Mount(context.prefix, app=route.app)])
            return Moved(route, host)
        if isinstance(route, routing.Route | routing.WebSocketRoute | routing.Mount):
            return Moved(route, _under(context.prefix, route))
        return None

    def leaves(self) -> Iterator[Any]:
        """`effective_candidates` with nested inclusions opened up."""
        for candidate in self.effective_candidates():
            if isinstance(candidate, IncludedRouter):
                yield from candidate.leaves()
            else:
                yield candidate

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """COMPAT: for code that walks an application's routes and asks each."""
        partial: tuple[Match, Scope] = (Match.NONE, {})
        for leaf in self.leaves():
            asked = leaf.starlette_route or _as_starlette(leaf)
            match, child_scope = asked.matches(scope)
            if match == Match.FULL:
                return match, child_scope
            if match == Match.PARTIAL and partial[0] == Match.NONE:
                partial = match, child_scope
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI application: the inner routes under their effective paths."""
        from carboy.fastapi.standalone import serve_routes

        await serve_routes(self, scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        for leaf in self.leaves():
            try:
                return (leaf.starlette_route or leaf).url_path_for(name, **path_params)  # type: ignore[no-any-return]
            except NoMatchFound:
                continue
        raise NoMatchFound(name, path_params)


def _as_starlette(leaf: EffectiveRoute) -> routing.Route:
    """A Starlette route that matches as `leaf` does."""
    route = copy.copy(leaf.original_route)
    route.__dict__.update(
        path=leaf.path, path_regex=leaf.path_regex, param_convertors=leaf.param_convertors
    )
    return route  # type: ignore[no-any-return]


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
        elif isinstance(route, IncludedRouter):
            for leaf in route.leaves():
                yield RouteContext(leaf.original_route, leaf)
        else:
            yield RouteContext(route)
