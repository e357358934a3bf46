"""Routes and routers that serve themselves: inside Starlette's routers, or as ASGI applications.

Here too lives the faithful lane: what a subclass of APIRoute gets from `get_route_handler`, to call
it with a Request of its own and have a Response to change.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from starlette._exception_handler import wrap_app_handling_exceptions
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.engine import Engine, Target
from carboy.core.errors import NO_HANDLERS
from carboy.core.route import Lane
from carboy.fastapi._body_limit import (
    MAX_BODY_SIZE_SCOPE_KEY,
    serve_within,
    wrap_app_with_body_limit,
)
from carboy.fastapi.dress import make_request, undress
from carboy.fastapi.foreign import sender
from carboy.fastapi.route_state import OPTIONS, RouteState
from carboy.fastapi.scopes import Limits, inherit_form_limits
from carboy.fastapi.translate import route_for
from carboy.server import asgi

if TYPE_CHECKING:
    from carboy.fastapi.declared import Declared
    from carboy.fastapi.frontend import FrontendRouteGroup
    from carboy.fastapi.router import APIRouter

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def _target(state: RouteState) -> Target:
    """A compiled endpoint that raises what it does not answer."""
    from carboy.fastapi.declared import Declared

    route = route_for(state, {}, NO_HANDLERS)
    watch = _watch_of(state)
    target = Target(route if watch is None else watch(route))
    provider = state.dependency_overrides_provider
    router = getattr(provider, "router", None)
    declared = getattr(provider, "declared", None) or Declared(router or _no_router())
    target.compile(declared.override)
    return target


def _no_router() -> APIRouter:
    from carboy.fastapi.router import APIRouter

    return APIRouter()


def _watch_of(state: RouteState) -> Any:
    """What makes routes report, where the application does."""
    declared = getattr(state.dependency_overrides_provider, "declared", None)
    return getattr(declared, "watch", None)


def _context(target: Target, request: Request) -> RequestContext:
    scope: Any = request.scope
    wire = asgi.AsgiWire(scope, request.receive)  # type: ignore[arg-type]
    context = RequestContext(
        wire, scope["method"], scope["path"], scope["query_string"], scope["headers"]
    )
    context.target = target
    values = scope.get("path_params", {})
    context.params = tuple(values.get(name) for name in target.pattern.names)
    context.dressed = request
    return context


def handler_of(state: Any) -> Handler:
    """``await handler(request)``: the compiled endpoint, as a function from Request to Response."""
    compiled: dict[Any, Target] = {}

    async def handler(request: Request) -> Response:
        watch = _watch_of(state)
        if (target := compiled.get(watch)) is None:
            target = compiled[watch] = _target(state)
        context = _context(target, request)
        if target.buffered:
            context.body = await request.body()
        call: Any = target.call
        if target.is_async:
            head, body = await call(context)
        else:
            head, body = await context.threads.run(call, context)
        outer = request.scope.get("carboy.request")
        if outer is not None:
            # What was opened here is closed with the request that this is a part of.
            outer.opened = [*(outer.opened or ()), *(context.opened or ())]
            outer.background = context.background
        return dressed_response(head, body, context)

    _PLAIN_HANDLERS.add(handler)
    return handler


def dressed_response(head: Head, body: Body, context: RequestContext) -> Response:
    """A Starlette Response for what an endpoint returned."""
    if isinstance(body, Response):
        return body
    if type(body) is bytes:
        response = Response(body, head.status)
        response.raw_headers = [*head.headers]
        if not head.bodiless:
            length = len(body) if head.length is None else head.length
            response.raw_headers.append((b"content-length", b"%d" % length))
    else:
        response = StreamingResponse(body, head.status)  # type: ignore[arg-type]
        response.raw_headers = [*head.headers]
    return response


def overridden(handler: Handler, limits: Limits) -> Callable[[RequestContext], Any]:
    """The endpoint for a route with a handler of its own."""

    async def call(request: RequestContext) -> tuple[Head, Body]:
        dressed = make_request(request)
        dressed.scope["carboy.request"] = request
        inherit_form_limits(dressed.scope, limits.form_limits)
        response = await handler(dressed)
        return undress(request, response)

    return call


def handled(route: Any, limits: Limits, enter: Callable[[Any], None]) -> Lane:
    """The endpoint for a route whose class goes around how it is called."""
    app = wrap_app_with_body_limit(sender(route.handle), limits.max_body_size)

    async def call(request: RequestContext) -> tuple[Head, Any]:
        scope = make_request(request).scope
        enter(scope)
        inherit_form_limits(scope, limits.form_limits)
        return Head(200), app

    return Lane(call, True)


def surrounded(target: Target, declared: Declared) -> Lane:
    """`target` behind the middleware of its route and of the routers around it."""
    state = target.route.extras["route"]

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if target.call is None:
            target.compile(declared.override)
        context = _context(target, Request(scope, receive, send))
        await asgi.answer(None, context, receive, send)  # type: ignore[arg-type]

    app: ASGIApp = serve
    for cls, args, kwargs in reversed(state.policy["middleware"]):
        app = cls(app, *args, **kwargs)

    async def call(request: RequestContext) -> tuple[Head, Any]:
        scope = make_request(request).scope
        declared.enter(scope)
        inherit_form_limits(scope, declared.limits.form_limits)
        return Head(200), app

    return Lane(call, True)


def route_app(state: Any) -> ASGIApp:
    """A route as an ASGI application: path values are in the scope already."""
    compiled: list[Target] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if not compiled:
            compiled.append(_target(state))
        request = Request(scope, receive, send)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            context = _context(compiled[0], request)
            await asgi.answer(None, context, receive, send)  # type: ignore[arg-type]

        await wrap_app_handling_exceptions(serve, request)(scope, receive, send)

    return wrap_app_with_body_limit(app, state.max_body_size)


def engine_of(router: APIRouter) -> Engine:
    """An engine for a router of its own; errors are raised to whoever serves it."""
    from carboy.fastapi.declared import Declared

    engine: Engine | None = router.__dict__.get("_engine")
    if engine is None or router.__dict__.get("_engine_version") != router._get_routes_version():
        engine = router.__dict__["_engine"] = Engine(Declared(router))
        router.__dict__["_engine_version"] = router._get_routes_version()
    return engine


async def serve_router(router: APIRouter, scope: Scope, receive: Receive, send: Send) -> None:
    """A router as an ASGI application."""
    scope.setdefault("router", router)
    if scope["type"] == "lifespan":
        await router.lifespan(scope, receive, send)
    elif scope["type"] == "websocket":
        from carboy.fastapi.sockets import serve_websocket

        await serve_websocket(router.routes, scope, receive, send)
    else:
        engine = engine_of(router)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            serve: Any = serve_within if MAX_BODY_SIZE_SCOPE_KEY in scope else asgi.serve
            await serve(engine, scope, receive, send, inside=True)

        await wrap_app_handling_exceptions(serve, Request(scope, receive, send))(
            scope, receive, send
        )


async def serve_frontends(
    group: FrontendRouteGroup, scope: Scope, receive: Receive, send: Send
) -> None:
    """Frontends, called as a route: in a router of their own."""
    from carboy.fastapi.router import APIRouter

    router: APIRouter | None = group.__dict__.get("_standalone")
    if router is None:
        provider = group.dependency_overrides_provider
        router = APIRouter(redirect_slashes=False, dependency_overrides_provider=provider)
        router._low_priority_routes.append(group)
        router._frontend_routes = group
        group.__dict__["_standalone"] = router
    await serve_router(router, scope, receive, send)


def request_response(func: Callable[[Request], Any]) -> ASGIApp:
    """An ASGI application for ``func(request) -> Response``, sync or async."""
    from starlette.routing import request_response as starlette_request_response

    app = starlette_request_response(func)
    if func in _PLAIN_HANDLERS:
        _PLAIN_APPS.add(app)
    return app


#: What a route's own handler is, and applications made of that: the engine needs neither.
_PLAIN_HANDLERS: weakref.WeakSet[Any] = weakref.WeakSet()
_PLAIN_APPS: weakref.WeakSet[Any] = weakref.WeakSet()


def is_plain_app(app: Any) -> bool:
    """Whether `app` does nothing but what the route would."""
    return app in _PLAIN_APPS


def get_request_handler(dependant: Any, **options: Any) -> Handler:
    """``await handler(request)`` for a Dependant; `options` are named in `_HANDLER_OPTIONS`."""
    state = RouteState()
    state._populate(dependant.path or "/", dependant.call, response_model=None)
    state.dependant = dependant
    for name, attribute in _HANDLER_OPTIONS.items():
        if name in options:
            setattr(state, attribute, options[name])
    return handler_of(state)


def handler_options(state: Any) -> dict[str, Any]:
    """A path operation as arguments for `get_request_handler`."""
    return {name: getattr(state, attribute) for name, attribute in _HANDLER_OPTIONS.items()}


#: Argument of `get_request_handler` -> attribute of a path operation.
_HANDLER_OPTIONS = {
    **{name: name for name in ("dependant", "body_field", "status_code", "response_class")},
    **{name: name for name in ("response_field", "stream_item_field", "is_json_stream")},
    **{name: name for name in OPTIONS if name.startswith("response_model_")},
    **{name: name for name in ("strict_content_type", "form_limits")},
    "dependency_overrides_provider": "dependency_overrides_provider",
    "embed_body_fields": "_embed_body_fields",
}


async def run_endpoint_function(
    *, dependant: Any, values: dict[str, Any], is_coroutine: bool
) -> Any:
    """The endpoint's result for these values, a blocking one's from a thread."""
    if is_coroutine:
        return await dependant.call(**values)
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(dependant.call, **values)


async def serialize_response(
    *,
    field: Any = None,
    response_content: Any,
    is_coroutine: bool = True,
    endpoint_ctx: Any = None,
    dump_json: bool = False,
    **options: Any,
) -> Any:
    """`response_content` as JSON data (or JSON bytes), by its field where there is one."""
    from carboy.fastapi.encoders import jsonable_encoder
    from carboy.fastapi.exceptions import ResponseValidationError

    if field is None:
        return jsonable_encoder(response_content)
    value, errors = field.validate(response_content, {}, loc=("response",))
    if errors:
        raise ResponseValidationError(
            errors=errors, body=response_content, endpoint_ctx=endpoint_ctx
        )
    return (field.serialize_json if dump_json else field.serialize)(value, **options)
