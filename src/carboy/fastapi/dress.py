"""Between the engine's values and Starlette's objects, made only when somebody asks for them.

`make_*` dress a RequestContext as what handlers ask for; `undress` turns a Response that a handler
returned into the (Head, Body) pair that transports write. Starlette is loaded at first use.
"""

from __future__ import annotations

import sys
from typing import Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext

Pair = tuple[Head, Body]


def make_request(request: RequestContext) -> Any:
    """The request as a starlette.requests.Request; always the same one."""
    if request.dressed is None:
        from starlette.requests import Request

        scope = request.scope
        route = request.target.route
        outer = scope.get("path_params")
        params = request.path_params
        scope["path_params"] = {**outer, **params} if outer else params
        receive: Any = request.receive
        if request.target.max_body is not None:
            from carboy.fastapi._body_limit import refusing

            receive = refusing(request)
        state = route.extras.get("route")
        if state is not None:
            scope["endpoint"] = state.endpoint
            scope["route"] = original = getattr(state, "original_route", state)
            if original is not state:
                from carboy.fastapi.scopes import EFFECTIVE, say

                say(scope, EFFECTIVE, state)
        if (app := route.extras.get("app")) is not None:
            scope.setdefault("app", app)
            scope.setdefault("router", app.router)
        if (share := route.extras.get("share")) is not None:
            share(scope)
        request.dressed = Request(scope, receive)
    return request.dressed


def make_response(request: RequestContext) -> Any:
    """An empty Response on which a handler sets headers, cookies and a status for its answer."""
    from starlette.responses import Response

    response = Response()
    del response.headers["content-length"]
    response.status_code = None  # type: ignore[assignment]
    return response


def make_background(request: RequestContext) -> Any:
    """Tasks to run once the answer is out."""
    if request.background is None:
        from carboy.fastapi.background import BackgroundTasks

        request.background = BackgroundTasks()
    return request.background


def amend(head: Head, response: Any) -> Head:
    """`head` with what was set on the object from `make_response`."""
    return head.with_headers(response.raw_headers, response.status_code)


def is_response(value: Any) -> bool:
    """Whether `value` is one of Starlette's responses, which nobody can have made unless loaded."""
    module = sys.modules.get("starlette.responses")
    return module is not None and isinstance(value, module.Response)


def undress(request: RequestContext, response: Any) -> Pair:
    """The pair for a Response. One that overrides how it is sent is left to send itself."""
    from starlette.responses import Response, StreamingResponse

    send = type(response).__call__
    if send is Response.__call__:
        _keep_background(request, response)
        return Head(response.status_code, response.raw_headers), bytes(response.body)
    if send is StreamingResponse.__call__:
        _keep_background(request, response)
        return Head(response.status_code, response.raw_headers), response.body_iterator
    if response.background is None and request.background is not None:
        response.background, request.background = request.background, None
    return Head(response.status_code, ()), response


def _keep_background(request: RequestContext, response: Any) -> None:
    """COMPAT: tasks given to the response go before those that were injected."""
    if response.background is not None:
        request.background = response.background
