"""FastAPI: an application with FastAPI's API, on Carboy's engine.

What it declares stands in its router; `Declared` (declared.py) tells the engine. Requests reach the
engine without anything around it unless there is something: middleware, debug mode, a subclass that
overrides ``__call__``. Then they go through that as ASGI (`_around`), and the engine is inside.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, Unpack

from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import deprecated

from carboy.core.engine import Engine
from carboy.core.errors import Handlers
from carboy.core.plugin import Plugin
from carboy.fastapi.declared import Declared
from carboy.fastapi.depends import Depends
from carboy.fastapi.documented import ABOUT, Documented
from carboy.fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
    websocket_request_validation_exception_handler,
)
from carboy.fastapi.exceptions import (
    FastAPIDeprecationWarning,
    RequestValidationError,
    WebSocketRequestValidationError,
)
from carboy.fastapi.handlers import AppHandlers
from carboy.fastapi.overrides import Overrides
from carboy.fastapi.patterns import pattern_of
from carboy.fastapi.policy import only
from carboy.fastapi.route_state import DEFAULT_ID, DEFAULT_JSON
from carboy.fastapi.router import APIRouter
from carboy.fastapi.routing import APIRoute
from carboy.fastapi.served import Served
from carboy.fastapi.telemetry._api import TelemetryConfig
from carboy.fastapi.verbs import Endpoint, Verbs

if TYPE_CHECKING:
    from carboy.fastapi.frontend import Fallback
    from carboy.fastapi.options import (
        APIRouteOptions,
        AppSettings,
        IncludeOptions,
        PolicyOptions,
        RouteOptions,
    )
    from carboy.fastapi.resolving import Resolution

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


#: The exception handlers that every application starts with.
_INSTALLED: dict[Any, Any] = {
    HTTPException: http_exception_handler,
    RequestValidationError: request_validation_exception_handler,
    WebSocketRequestValidationError: websocket_request_validation_exception_handler,
}


#: The arguments that are the router's.
_FOR_ROUTER = (
    "routes",
    "redirect_slashes",
    "on_startup",
    "on_shutdown",
    "lifespan",
    "default_response_class",
    "dependencies",
    "callbacks",
    "deprecated",
    "include_in_schema",
    "responses",
    "generate_unique_id_function",
    "strict_content_type",
    "max_body_size",
    "form_limits",
)


class AppRouter(APIRouter):
    """An application's own router: translates at once, so mistakes show where they are made."""

    owner: FastAPI

    def add_api_route(
        self, path: str, endpoint: Callable[..., Any], **options: Unpack[APIRouteOptions]
    ) -> None:
        pattern_of(path, strict=self.owner.settings.get("strict_paths", False))
        super().add_api_route(path, endpoint, **options)

    def _declared(self, route: APIRoute) -> None:
        self.owner.declared.route_of(route)

    async def lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's talk with the server, around all that lasts as long as the application."""
        around: Any = SimpleNamespace(lifespan_context=lambda app: self.owner.declared.live())
        await Router.lifespan(around, scope, receive, send)


class FastAPI(Documented, Served, Verbs):
    """An application with FastAPI's API and FastAPI's defaults; arguments are FastAPI 0.165's.

    `plugins` (carboy.core.plugin), `problem_details` and what `PolicyOptions` names are not.
    """

    router: AppRouter
    router_class: ClassVar[type[AppRouter]] = AppRouter
    declared_class: ClassVar[type[Declared]] = Declared
    #: What a plain FastAPI application has; `App` is safer.
    settings: ClassVar[AppSettings] = {}

    def __init__(
        self,
        *,
        debug: bool = False,
        routes: list[BaseRoute] | None = None,
        title: str = "FastAPI",
        summary: str | None = None,
        description: str = "",
        version: str = "0.1.0",
        openapi_url: str | None = "/openapi.json",
        openapi_tags: list[dict[str, Any]] | None = None,
        servers: list[dict[str, Any]] | None = None,
        dependencies: Sequence[Depends] | None = None,
        default_response_class: type[Response] = DEFAULT_JSON,
        redirect_slashes: bool = True,
        docs_url: str | None = "/docs",
        redoc_url: str | None = "/redoc",
        swagger_ui_oauth2_redirect_url: str | None = "/docs/oauth2-redirect",
        swagger_ui_init_oauth: dict[str, Any] | None = None,
        middleware: Sequence[Middleware] | None = None,
        exception_handlers: dict[Any, Callable[..., Any]] | None = None,
        on_startup: Sequence[Callable[[], Any]] | None = None,
        on_shutdown: Sequence[Callable[[], Any]] | None = None,
        lifespan: Any = None,
        terms_of_service: str | None = None,
        contact: dict[str, Any] | None = None,
        license_info: dict[str, Any] | None = None,
        root_path: str = "",
        root_path_in_servers: bool = True,
        responses: dict[int | str, dict[str, Any]] | None = None,
        callbacks: list[BaseRoute] | None = None,
        webhooks: APIRouter | None = None,
        deprecated: bool | None = None,
        include_in_schema: bool = True,
        swagger_ui_parameters: dict[str, Any] | None = None,
        generate_unique_id_function: Callable[[APIRoute], str] = DEFAULT_ID,
        separate_input_output_schemas: bool = True,
        openapi_external_docs: dict[str, Any] | None = None,
        strict_content_type: bool = True,
        max_body_size: int | None = None,
        form_limits: Any = None,
        telemetry: TelemetryConfig | None = None,
        plugins: Sequence[Plugin] = (),
        problem_details: bool | None = None,
        **policy: Unpack[PolicyOptions],
    ) -> None:
        given = locals()
        self.debug = debug
        self._describe(**{name: given[name] for name in ABOUT})
        if root_path:
            warnings.warn(
                "root_path is deprecated here: tell the server instead, as in `carboy run "
                "--root-path /api/v1` (where FastAPI says fastapi run --root-path).",
                FastAPIDeprecationWarning,
                stacklevel=2,
            )
        self.root_path = root_path
        self.state = State()
        self.max_body_size = max_body_size
        self.user_middleware = list(middleware or ())
        self.middleware_stack: ASGIApp | None = None
        self.exception_handlers: dict[Any, Any] = {**_INSTALLED, **(exception_handlers or {})}
        self._overrides = Overrides(self._overridden)
        only(policy, type(self), max_body_size)
        self.router = self.router_class(
            dependency_overrides_provider=self,
            **{name: given[name] for name in _FOR_ROUTER},
            **policy,
        )
        self.plugins = tuple(plugins)
        if problem_details is None and not self.settings.get("problem_details"):
            problem_details = False
        #: Errors as RFC 9457 has it: always, never, or (None) for who accepts it.
        self.problem_details = problem_details
        self._make_engine()
        self._report(telemetry)
        self._decide_front()
        self.setup()

    def _make_engine(self) -> None:
        self.router.owner = self
        self.declared = self.declared_class(
            self.router,
            app=self,
            settings=self.settings,
            handlers=self._make_handlers(),
            table=lambda: self.exception_handlers,
            plugins=self.plugins,
        )
        self.engine = Engine(self.declared)
        self.router._included_in.add(self)
        self._serve_everywhere()

    def _make_handlers(self) -> Handlers:
        return AppHandlers(lambda: self.exception_handlers)

    def _mark_routes_changed(self) -> None:
        self.engine.invalidate()

    @property
    def dependency_overrides(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """Dependencies to use in place of others, in tests. May be changed at any time."""
        return self._overrides

    @dependency_overrides.setter
    def dependency_overrides(
        self, value: dict[Callable[..., Any], Callable[..., Any]] | None
    ) -> None:
        self._overrides = Overrides(self._overridden, value or {})
        self._overridden()

    def _overridden(self) -> None:
        self.declared.overridden()
        self.engine.invalidate(recompile=True)

    def freeze(self) -> None:
        """Compile every route now, as servers do at start-up."""
        self.engine.freeze()

    def resolve(self, dependency: Callable[..., Any] | Depends, /, **values: Any) -> Resolution:
        """``async with app.resolve(get_session) as session:``, or ``with``, outside of requests.

        `values` are what a request would bring, by parameter name, for `dependency` and everything
        below it. TypeError names what is missing.
        """
        from carboy.fastapi.resolving import Resolution

        return Resolution(self.declared, dependency, values)

    # -- declarations ---------------------------------------------------------------------------

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Put an ASGI middleware around everything there is so far."""
        if inspect.isfunction(middleware_class):
            from carboy.fastapi.mistakes import check_middleware

            check_middleware(middleware_class, args, kwargs)
        super().add_middleware(middleware_class, *args, **kwargs)
        self._decide_front()

    def middleware(self, middleware_type: str) -> Callable[[AnyFunction], AnyFunction]:
        """The decorated ``async def dispatch(request, call_next)`` goes around every request."""
        assert middleware_type == "http", 'Currently only middleware("http") is supported.'

        def decorate(function: AnyFunction) -> AnyFunction:
            from starlette.middleware.base import BaseHTTPMiddleware

            self.add_middleware(BaseHTTPMiddleware, dispatch=function)
            return function

        return decorate

    def exception_handler(
        self, exc_class_or_status_code: int | type[Exception]
    ) -> Callable[[AnyFunction], AnyFunction]:
        """The decorated ``handler(request, exc)`` answers this exception type or status."""

        def decorate(handler: AnyFunction) -> AnyFunction:
            self.add_exception_handler(exc_class_or_status_code, handler)
            return handler

        return decorate

    def add_api_route(
        self, path: str, endpoint: Callable[..., Any], **options: Unpack[APIRouteOptions]
    ) -> None:
        """Answer `path` with `endpoint`, for GET unless `methods` says otherwise."""
        self.router.add_api_route(path, endpoint, **options)

    def api_route(
        self, path: str, *, methods: list[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[Endpoint], Endpoint]:
        """`add_api_route` as a decorator."""
        return self.router.api_route(path, methods=methods, **options)

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[Depends] | None = None,
    ) -> None:
        """Talk to WebSocket clients of `path` with `endpoint`."""
        self.router.add_api_websocket_route(path, endpoint, name, dependencies=dependencies)

    def websocket(
        self,
        path: str,
        name: str | None = None,
        *,
        dependencies: Sequence[Depends] | None = None,
    ) -> Callable[[Endpoint], Endpoint]:
        """`add_api_websocket_route` as a decorator."""
        return self.router.websocket(path, name, dependencies=dependencies)

    def websocket_route(self, path: str, name: str | None = None) -> Callable[[Endpoint], Endpoint]:
        """A WebSocket route of Starlette's, as a decorator."""
        return self.router.websocket_route(path, name)

    def include_router(self, router: APIRouter, **options: Unpack[IncludeOptions]) -> None:
        """Take in the routes of `router`, also those it gets later."""
        self.router.include_router(router, **options)

    def frontend(
        self,
        path: str,
        *,
        directory: Any,
        fallback: Fallback = "auto",
        check_dir: bool | Literal["auto"] = "auto",
    ) -> None:
        """Serve built files below `path` wherever no route takes a request."""
        self.router.frontend(path, directory=directory, fallback=fallback, check_dir=check_dir)

    @deprecated("on_event is deprecated, use lifespan event handlers instead.")
    def on_event(self, event_type: str) -> Callable[[Endpoint], Endpoint]:
        """Call the decorated function at "startup" or "shutdown"."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return self.router.on_event(event_type)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.title!r}>"


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
