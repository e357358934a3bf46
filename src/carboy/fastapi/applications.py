"""FastAPI: declarations of one application, and its engine.

`Declared` tells the engine what the application wants (core/engine.py, Application); `FastAPI` is
what people touch. `carboy.App` is a FastAPI with safe defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, ClassVar, TypeVar, Unpack

from carboy.core.engine import Engine, Target
from carboy.core.errors import Handling
from carboy.core.pattern import Pattern
from carboy.core.plugin import Plugin
from carboy.core.route import Route
from carboy.core.router import Router
from carboy.core.signature import Function
from carboy.fastapi.analysis import function_for
from carboy.fastapi.depends import Depends
from carboy.fastapi.handlers import AppHandlers
from carboy.fastapi.misses import Misses
from carboy.fastapi.routing import (
    APIRoute,
    APIRouter,
    AppSettings,
    Handler,
    RouteDefaults,
    RouteOptions,
)
from carboy.server.entry import Entry

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class Overrides(dict[Callable[..., Any], Callable[..., Any]]):
    """``dependency_overrides``: a dict that tells the engine when it changes."""

    def __init__(self, changed: Callable[[], None], *args: Any) -> None:
        super().__init__(*args)
        self._changed = changed


def _noticed(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def change(self: Overrides, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        self._changed()
        return result

    change.__name__ = name
    return change


for _name in ("__setitem__", "__delitem__", "clear", "pop", "popitem", "setdefault", "update"):
    setattr(Overrides, _name, _noticed(_name))
Overrides.__ior__ = _noticed("__ior__")  # type: ignore[method-assign]


class _Router(APIRouter):
    """The application's own router: builds at once, so that mistakes show where they are made."""

    app: FastAPI

    def _declared(self, route: APIRoute) -> None:
        self.app._finish(route)


class FastAPI(Entry):
    """An application with FastAPI's API and FastAPI's defaults.

    `title`, `version` and `description` are kept for the OpenAPI document. `lifespan` is an async
    context manager function that takes the application. `plugins` are this engine's own
    (carboy.core.plugin).
    """

    #: What a plain FastAPI application has; `App` is safer.
    settings: ClassVar[AppSettings] = {}

    def __init__(
        self,
        *,
        title: str = "FastAPI",
        version: str = "0.1.0",
        description: str = "",
        debug: bool = False,
        lifespan: Callable[[Any], AbstractAsyncContextManager[Any]] | None = None,
        dependencies: Sequence[Depends] | None = None,
        redirect_slashes: bool = True,
        strict_content_type: bool = True,
        plugins: Sequence[Plugin] = (),
        exception_handlers: dict[int | type[BaseException], Callable[..., Any]] | None = None,
        **defaults: Unpack[RouteDefaults],
    ) -> None:
        self.title = title
        self.version = version
        self.description = description
        self.debug = debug
        self.plugins = tuple(plugins)
        self._settings: AppSettings = {
            **self.settings,
            "strict_content_type": strict_content_type,
        }
        self._lifespan = lifespan
        self._handlers = AppHandlers()
        self._misses = Misses(self._route_for, redirect_slashes, self._settings)
        self._overrides = Overrides(self._overridden)
        self._functions: dict[tuple[Any, Any], Function] = {}
        self.engine = Engine(self)
        self.router = _Router(dependencies=dependencies, **defaults)
        self.router.app = self
        self.router._watchers.append(self.engine.invalidate)
        for key, handler in (exception_handlers or {}).items():
            self.add_exception_handler(key, handler)
        self._serve_everywhere()

    # -- declarations ---------------------------------------------------------------------------

    @property
    def routes(self) -> list[APIRoute]:
        """Every declared route, in order."""
        return self.router.routes

    @property
    def dependency_overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """Dependencies to use in place of others, in tests. May be changed at any time."""
        return self._overrides

    @dependency_overrides.setter
    def dependency_overrides(self, value: dict[Callable[..., Any], Callable[..., Any]]) -> None:
        self._overrides = Overrides(self._overridden, value)
        self._overridden()

    def _overridden(self) -> None:
        self._functions.clear()
        self.engine.invalidate(recompile=True)

    def exception_handler(
        self, key: int | type[BaseException]
    ) -> Callable[[AnyFunction], AnyFunction]:
        """The decorated ``handler(request, exc)`` answers this exception type or status."""

        def decorate(handler: AnyFunction) -> AnyFunction:
            self.add_exception_handler(key, handler)
            return handler

        return decorate

    def add_exception_handler(
        self, key: int | type[BaseException], handler: Callable[..., Any]
    ) -> None:
        """`exception_handler` as a call."""
        self._handlers.add(key, handler)

    def include_router(
        self,
        router: APIRouter,
        *,
        prefix: str = "",
        tags: list[Any] | None = None,
        dependencies: Sequence[Depends] | None = None,
    ) -> None:
        """Take in the routes of `router`, also those it gets later."""
        self.router.include_router(router, prefix=prefix, tags=tags, dependencies=dependencies)

    def add_api_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Sequence[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> None:
        """Answer `path` with `endpoint`, for GET unless `methods` says otherwise."""
        self.router.add_api_route(path, endpoint, methods=methods, **options)

    def api_route(
        self, path: str, *, methods: Sequence[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[Handler], Handler]:
        """`add_api_route` as a decorator."""
        return self.router.api_route(path, methods=methods, **options)

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer GET requests to `path` with the decorated function."""
        return self.router.get(path, **options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer POST requests."""
        return self.router.post(path, **options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer PUT requests."""
        return self.router.put(path, **options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer PATCH requests."""
        return self.router.patch(path, **options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer DELETE requests."""
        return self.router.delete(path, **options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer HEAD requests."""
        return self.router.head(path, **options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer OPTIONS requests."""
        return self.router.options(path, **options)

    def trace(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """Answer TRACE requests."""
        return self.router.trace(path, **options)

    def freeze(self) -> None:
        """Compile every route now, as servers do at start-up."""
        self.engine.freeze()

    # -- what the engine asks -------------------------------------------------------------------

    def _finish(self, route: APIRoute) -> Route:
        built = route.build(self._settings)
        if "app" not in built.extras:
            self._own(built)
        return built

    def _own(self, route: Route) -> Route:
        route.handlers = self._handlers
        route.plugins = self.plugins
        route.extras["app"] = self
        return route

    def _route_for(self, endpoint: Callable[..., Any], name: str) -> Route:
        route = APIRoute("/", endpoint, frozenset(), {"name": name, "response_model": None})
        built = route._build(Pattern(name, ()), self._settings)
        return self._own(built)

    def routes_in_rank(self) -> Iterable[Route]:
        """FastAPI's rank is the order of declaration."""
        return [self._finish(route) for route in self.router.flatten()]

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        """404, 405, a redirect to the other slash, or on `App` the answer to OPTIONS."""
        return self._misses.route(method, path, found, router)

    def override(self, function: Function) -> Function:
        """`dependency_overrides`, with the override's own signature."""
        if not self._overrides or function.call not in self._overrides:
            return function
        key = (function.call, function.path_names)
        if key not in self._functions:
            pattern = Pattern("", tuple(map(_variable, function.path_names)))
            self._functions[key] = function_for(self._overrides[function.call], pattern)
        return self._functions[key]

    def outer(self, error: BaseException) -> Handling | None:
        """The handler for Exception or 500."""
        return self._handlers.outer

    def lifespan(self) -> AbstractAsyncContextManager[dict[str, Any] | None]:
        """The `lifespan` given, around serving."""
        if self._lifespan is None:
            return nullcontext()
        return asynccontextmanager(_entered)(self._lifespan, self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title!r}>"


def _variable(name: str) -> Any:
    from carboy.core.pattern import Variable

    return Variable(name)


async def _entered(lifespan: Callable[[Any], Any], app: Any) -> Any:
    manager = lifespan(app)
    if hasattr(manager, "__aenter__"):
        async with manager as state:
            yield state
    else:
        with manager as state:
            yield state
