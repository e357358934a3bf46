"""APIRouter and its routes: what is declared, before the engine sees it.

The verbs share one set of options, `RouteOptions`. A router holds declarations; `flatten` yields
them with prefixes and dependencies of the routers around them. Changes travel upwards through
`_changed`, so that an application notices late routes at any depth.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, TypeVar, Unpack, get_args, get_origin

from carboy.core.pattern import Pattern, parse_braces
from carboy.core.route import Input, Route
from carboy.core.signature import annotated_signature
from carboy.fastapi.analysis import function_for
from carboy.fastapi.body import body_loader, invalid_request
from carboy.fastapi.depends import Depends
from carboy.fastapi.output import output_for

Handler = TypeVar("Handler", bound=Callable[..., Any])
_UNSET: Any = object()


class RouteDefaults(TypedDict, total=False):
    """What routers and applications may decide for all their routes. Meanings are FastAPI's."""

    response_model: Any
    status_code: int | None
    response_description: str
    responses: dict[int | str, dict[str, Any]] | None
    deprecated: bool | None
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    include_in_schema: bool
    response_class: Any
    callbacks: list[Any] | None
    generate_unique_id_function: Callable[..., str]


class RouteOptions(RouteDefaults, total=False):
    """What every verb takes beside the path."""

    name: str | None
    tags: list[Any] | None
    dependencies: Sequence[Depends] | None
    summary: str | None
    description: str | None
    operation_id: str | None
    openapi_extra: dict[str, Any] | None


class AppSettings(TypedDict, total=False):
    """What an application decides for its routes."""

    strict_paths: bool
    strict_content_type: bool
    max_body: int | None
    cancel_on_disconnect: bool
    answer_head: bool


@dataclass(eq=False)
class APIRoute:
    """One declaration: a path, an endpoint, methods and options."""

    path: str
    endpoint: Callable[..., Any]
    methods: frozenset[str]
    options: RouteOptions
    dependencies: tuple[Depends, ...] = ()
    route: Route | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        own = self.options.get("name")
        return own or str(getattr(self.endpoint, "__name__", type(self.endpoint).__name__))

    def build(self, settings: AppSettings) -> Route:
        """The engine's Route; made once. Raises whatever is wrong with the declaration."""
        if self.route is None:
            pattern = parse_braces(self.path, strict=settings.get("strict_paths", False))
            self.route = self._build(pattern, settings)
        return self.route

    def _build(self, pattern: Pattern, settings: AppSettings) -> Route:
        options = self.options
        own = tuple(options.get("dependencies") or ())
        function = function_for(self.endpoint, pattern, self.dependencies + own)
        output = output_for(
            self._response_model(),
            options.get("status_code") or 200,
            options.get("response_class"),
            _dump_options(options),
        )
        methods = self.methods
        if settings.get("answer_head") and "GET" in methods:
            methods = methods | {"HEAD"}
        takes_body = function.wants_body
        return Route(
            pattern=pattern,
            methods=methods,
            name=self.name,
            function=function,
            input=Input(body_loader(settings.get("strict_content_type", True)), invalid_request),
            output=output,
            max_body=settings.get("max_body"),
            buffered=takes_body or not _wants_request(function),
            cancel_on_disconnect=bool(settings.get("cancel_on_disconnect"))
            and methods <= {"GET", "HEAD"},
            extras={"route": self},
        )

    def _response_model(self) -> Any:
        declared = self.options.get("response_model", _UNSET)
        if declared is not _UNSET:
            return declared
        annotation = annotated_signature(self.endpoint).return_annotation
        if annotation is inspect.Signature.empty or annotation is None or annotation is Any:
            return None
        return None if _is_response_type(annotation) else annotation


def _is_response_type(annotation: Any) -> bool:
    """A Response class, or a union with one in it: nothing to validate."""
    if get_origin(annotation) is not None:
        return any(_is_response_type(one) for one in get_args(annotation))
    return inspect.isclass(annotation) and any(
        ancestor.__module__ == "starlette.responses" for ancestor in annotation.__mro__
    )


def _wants_request(function: Any) -> bool:
    return any(one.specials for one in function.walk())


_DUMP = {
    "response_model_include": "include",
    "response_model_exclude": "exclude",
    "response_model_by_alias": "by_alias",
    "response_model_exclude_unset": "exclude_unset",
    "response_model_exclude_defaults": "exclude_defaults",
    "response_model_exclude_none": "exclude_none",
}


def _dump_options(options: RouteOptions) -> dict[str, Any]:
    """What pydantic's serializer is told; only what differs from its defaults, but by_alias."""
    given = {short: options.get(long) for long, short in _DUMP.items()}
    by_alias = given.pop("by_alias")
    return {"by_alias": by_alias is not False, **{k: v for k, v in given.items() if v}}


@dataclass(eq=False)
class _Included:
    """A router inside another, with what the inclusion adds."""

    router: APIRouter
    prefix: str
    dependencies: tuple[Depends, ...]
    made: dict[int, tuple[APIRoute, APIRoute]] = field(default_factory=dict)


class APIRouter:
    """A group of routes, to be included in an application or in another router."""

    def __init__(
        self,
        *,
        prefix: str = "",
        tags: list[Any] | None = None,
        dependencies: Sequence[Depends] | None = None,
        **defaults: Unpack[RouteDefaults],
    ) -> None:
        _check_prefix(prefix)
        self.prefix = prefix
        self.tags = list(tags or ())
        self.dependencies = list(dependencies or ())
        self.defaults = defaults
        self._entries: list[APIRoute | _Included] = []
        self._watchers: list[Callable[[], None]] = []

    @property
    def routes(self) -> list[APIRoute]:
        """Every route of this router and of those in it, in order."""
        return list(self.flatten())

    def flatten(self) -> Iterator[APIRoute]:
        """The routes with prefixes and dependencies of the routers in between."""
        for entry in self._entries:
            if isinstance(entry, APIRoute):
                yield entry
                continue
            for route in entry.router.flatten():
                made = entry.made.get(id(route))
                if made is None:
                    dependencies = entry.dependencies + route.dependencies
                    path = entry.prefix + route.path
                    copy = APIRoute(
                        path, route.endpoint, route.methods, route.options, dependencies
                    )
                    made = entry.made[id(route)] = (route, copy)
                yield made[1]

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher()

    def add_api_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Sequence[str] | set[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> None:
        """Answer `path` with `endpoint`, for GET unless `methods` says otherwise."""
        merged: Any = {**self.defaults, **options}
        names = frozenset(method.upper() for method in methods or ("GET",))
        dependencies = tuple(self.dependencies)
        full = self.prefix + path
        if not full.startswith("/") and full:
            raise AssertionError(f"Routed paths must start with '/': {full!r}")
        route = APIRoute(full, endpoint, names, merged, dependencies)
        self._declared(route)
        self._entries.append(route)
        self._changed()

    def _declared(self, route: APIRoute) -> None:
        """A hook: applications build at once, so that mistakes show where they are made."""

    def api_route(
        self, path: str, *, methods: Sequence[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[Handler], Handler]:
        """`add_api_route` as a decorator."""

        def decorate(endpoint: Handler) -> Handler:
            self.add_api_route(path, endpoint, methods=methods, **options)
            return endpoint

        return decorate

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer GET requests to `path` with the decorated function."""
        return self.api_route(path, methods=["GET"], **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer POST requests."""
        return self.api_route(path, methods=["POST"], **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer PUT requests."""
        return self.api_route(path, methods=["PUT"], **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer PATCH requests."""
        return self.api_route(path, methods=["PATCH"], **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer DELETE requests."""
        return self.api_route(path, methods=["DELETE"], **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer HEAD requests."""
        return self.api_route(path, methods=["HEAD"], **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer OPTIONS requests."""
        return self.api_route(path, methods=["OPTIONS"], **options)

    def trace(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer TRACE requests."""
        return self.api_route(path, methods=["TRACE"], **options)

    def include_router(
        self,
        router: APIRouter,
        *,
        prefix: str = "",
        tags: list[Any] | None = None,
        dependencies: Sequence[Depends] | None = None,
    ) -> None:
        """Take in the routes of `router`, also those it gets later."""
        _check_prefix(prefix)
        if router is self:
            raise AssertionError("Cannot include a router in itself")
        before = tuple(self.dependencies) + tuple(dependencies or ())
        self._entries.append(_Included(router, self.prefix + prefix, before))
        router._watchers.append(self._changed)
        self._changed()


def _check_prefix(prefix: str) -> None:
    if prefix and not prefix.startswith("/"):
        raise AssertionError("A path prefix must start with '/'")
    if prefix.endswith("/"):
        raise AssertionError("A path prefix must not end with '/', as the routes start with it")
