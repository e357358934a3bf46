"""FastAPI: an application with FastAPI's API, on Carboy's engine.

What it declares stands in its router; `Declared` (declared.py) tells the engine. Requests reach the
engine without anything around it unless there is something: middleware, debug mode, a subclass that
overrides ``__call__``. Then they go through that as ASGI (`_around`), and the engine is inside.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, TypeVar, Unpack

from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import deprecated

from carboy.core.answer import Head
from carboy.core.engine import Engine, Target
from carboy.core.pattern import Pattern
from carboy.core.plugin import Plugin
from carboy.core.route import Lane, Route
from carboy.fastapi.declared import Declared
from carboy.fastapi.depends import Depends
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
from carboy.fastapi.frontend import Fallback
from carboy.fastapi.handlers import AppHandlers
from carboy.fastapi.options import APIRouteOptions, AppSettings, IncludeOptions, RouteOptions
from carboy.fastapi.overrides import Overrides
from carboy.fastapi.route_state import DEFAULT_ID, DEFAULT_JSON
from carboy.fastapi.router import APIRouter
from carboy.fastapi.routing import APIRoute
from carboy.fastapi.verbs import Endpoint, Verbs
from carboy.server.entry import Entry

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])


class _AppRouter(APIRouter):
    """An application's own router: translates at once, so mistakes show where they are made."""

    owner: FastAPI

    def _declared(self, route: APIRoute) -> None:
        route.strict_paths = self.owner.settings.get("strict_paths", False)
        self.owner.declared.route_of(route)


class FastAPI(Entry, Verbs, Starlette):
    """An application with FastAPI's API and FastAPI's defaults; arguments are FastAPI 0.165's.

    `plugins` are this engine's own (carboy.core.plugin).
    """

    router: _AppRouter
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
        telemetry: Any = None,
        plugins: Sequence[Plugin] = (),
    ) -> None:
        if openapi_url:
            assert title, "A title must be provided for OpenAPI, e.g.: 'My API'"
            assert version, "A version must be provided for OpenAPI, e.g.: '2.1.0'"
        self.debug = debug
        self.title = title
        self.summary = summary
        self.description = description
        self.version = version
        self.terms_of_service = terms_of_service
        self.contact = contact
        self.license_info = license_info
        self.openapi_url = openapi_url
        self.openapi_tags = openapi_tags
        self.root_path_in_servers = root_path_in_servers
        self.docs_url = docs_url
        self.redoc_url = redoc_url
        self.swagger_ui_oauth2_redirect_url = swagger_ui_oauth2_redirect_url
        self.swagger_ui_init_oauth = swagger_ui_init_oauth
        self.swagger_ui_parameters = swagger_ui_parameters
        self.servers = servers or []
        self.separate_input_output_schemas = separate_input_output_schemas
        self.openapi_external_docs = openapi_external_docs
        self.openapi_version = "3.1.0"
        self.openapi_schema: dict[str, Any] | None = None
        self._openapi_routes_version: int | None = None
        self.webhooks = webhooks or APIRouter()
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
        self.exception_handlers: dict[Any, Any] = {
            HTTPException: http_exception_handler,
            RequestValidationError: request_validation_exception_handler,
            WebSocketRequestValidationError: websocket_request_validation_exception_handler,
            **(exception_handlers or {}),
        }
        self._overrides = Overrides(self._overridden)
        self.router = _AppRouter(
            routes=routes,
            redirect_slashes=redirect_slashes,
            dependency_overrides_provider=self,
            on_startup=on_startup,
            on_shutdown=on_shutdown,
            lifespan=lifespan,
            default_response_class=default_response_class,
            dependencies=dependencies,
            callbacks=callbacks,
            deprecated=deprecated,
            include_in_schema=include_in_schema,
            responses=responses,
            generate_unique_id_function=generate_unique_id_function,
            strict_content_type=strict_content_type,
            max_body_size=max_body_size,
            form_limits=form_limits,
        )
        self.router.owner = self
        self.plugins = tuple(plugins)
        self.declared = Declared(
            self.router,
            app=self,
            settings=self.settings,
            handlers=AppHandlers(lambda: self.exception_handlers),
            table=lambda: self.exception_handlers,
            plugins=self.plugins,
        )
        self.engine = Engine(self.declared)
        self.router._included_in.add(self)
        self._serve_everywhere()
        self._decide_front()
        self.setup()

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

    # -- the OpenAPI document ---------------------------------------------------------------------

    def openapi(self) -> dict[str, Any]:
        """The document, made when the routes have changed. May be replaced by a function."""
        version = self.router._get_routes_version()
        if not self.openapi_schema or self._openapi_routes_version != version:
            from carboy.fastapi.openapi.utils import get_openapi

            self.openapi_schema = get_openapi(
                title=self.title,
                version=self.version,
                openapi_version=self.openapi_version,
                summary=self.summary,
                description=self.description,
                terms_of_service=self.terms_of_service,
                contact=self.contact,
                license_info=self.license_info,
                routes=self.routes,
                webhooks=self.webhooks.routes,
                tags=self.openapi_tags,
                servers=self.servers,
                separate_input_output_schemas=self.separate_input_output_schemas,
                external_docs=self.openapi_external_docs,
            )
            self._openapi_routes_version = version
        return self.openapi_schema

    def setup(self) -> None:
        """Add the routes of the document and its pages."""
        from carboy.fastapi.pages import add_pages

        add_pages(self)

    # -- serving --------------------------------------------------------------------------------

    def _serve_everywhere(self) -> None:
        async def __call__(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N807
            await self._serve(scope, receive, send)

        self.__dict__["__call__"] = __call__

    @property
    def _is_wrapped(self) -> bool:
        return bool(self.user_middleware) or self.debug

    def _decide_front(self) -> None:
        """Have requests that come past ASGI go through what stands around the engine."""
        overridden = type(self).__call__ is not Entry.__call__
        if not (self._is_wrapped or overridden):
            self.engine.front = None
            return

        async def call(request: Any) -> Any:
            return Head(200), self

        route = Route(Pattern("around", ()), None, "around", lane=Lane(call, True), buffered=False)
        front = Target(route)
        front.compile(lambda function: function)
        self.engine.front = front

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: through what is around the engine, if anything is."""
        scope["app"] = self
        if self.root_path:
            scope["root_path"] = self.root_path
        if scope["type"] == "lifespan":
            self.engine.freeze()
            await self.router.lifespan(scope, receive, send)
        elif scope["type"] == "http" and not self._is_wrapped:
            from carboy.server.asgi import serve

            # Inside: this is what `front` leads to as well.
            await serve(self.engine, scope, receive, send, passed=True)  # type: ignore[arg-type]
        else:
            if self.middleware_stack is None:
                self.middleware_stack = self.build_middleware_stack()
            await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Middleware around the engine, as Starlette orders it."""
        from starlette.middleware.errors import ServerErrorMiddleware
        from starlette.middleware.exceptions import ExceptionMiddleware

        from carboy.fastapi.foreign import handlers_of

        table = self.exception_handlers
        by_class, by_status = handlers_of(table)
        outer = [handler for key, handler in table.items() if key in (500, Exception)]
        app: ASGIApp = ExceptionMiddleware(
            self._inside, handlers={**by_class, **by_status}, debug=self.debug
        )
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return ServerErrorMiddleware(app, outer[-1] if outer else None, self.debug)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("router", self.router)
        if scope["type"] == "websocket":
            from carboy.fastapi.sockets import serve_websocket

            await serve_websocket(self.router.routes, scope, receive, send)
            return
        from carboy.server.asgi import serve

        await serve(self.engine, scope, receive, send, inside=True)  # type: ignore[arg-type]

    # -- declarations ---------------------------------------------------------------------------

    def add_middleware(self, middleware_class: Any, *args: Any, **kwargs: Any) -> None:
        """Put an ASGI middleware around everything there is so far."""
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
