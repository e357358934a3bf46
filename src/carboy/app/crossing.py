"""What a typed handler of an App with a Flask side may do that FastAPI's may not.

It may return Flask's responses (`redirect(...)`, `jsonify(...), 400`), and wear a `def` decorator
that runs an `async def` by `ensure_sync` and may answer by itself (Flask-Login's `login_required`).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext as Served
from carboy.core.route import Route
from carboy.core.voice import AWAITED, Kind, LookedAt
from carboy.server.per_loop import PerLoop

if TYPE_CHECKING:
    from anyio import CapacityLimiter

    from carboy.app.declared import Both
    from carboy.flask.ctx import RequestContext


def cross(declared: Both, route: Route) -> None:
    """Have `route` answer with what Flask's functions and decorators make."""
    if (output := route.output) is not None:
        route.output = replace(output, respond=responding(declared, output.respond))
    function = route.function
    if function is not None and function.kind is Kind.ASYNC and _is_plain(function.call):
        route.function = replace(function, call=_awaiting(function.call))


def responding(declared: Both, respond: Callable[..., Any]) -> Callable[..., Any]:
    """`respond`, but for results that are Flask's."""

    def answer(request: Served, result: Any, response: Any) -> tuple[Head, Body]:
        werkzeug: Any = sys.modules.get("werkzeug.wrappers")
        # A response in a tuple can only be meant as in Flask: ``jsonify(...), 400``.
        is_pair = type(result) is tuple and result and werkzeug is not None
        if is_pair and isinstance(result[0], werkzeug.Response) and declared.side is not None:
            result = declared.side.make_response(result)
        if werkzeug is not None and isinstance(result, werkzeug.Response):
            from carboy.flask.globals import _cv_request
            from carboy.flask.serving import pair_of

            if (context := _cv_request.get(None)) is not None:
                context.__dict__["_made"] = result
            head, body = pair_of(request, result)
            if response is not None:
                head = head.with_headers(response.raw_headers, response.status_code)
            return head, body
        pair: tuple[Head, Body] = respond(request, result, response)
        return pair

    return answer


def fresh_for(context: RequestContext, status: int) -> Any:
    """A response of `status` for after hooks, with what the one that the handler made is marked by.

    Decorators tell hooks by attributes that they have seen to it (Flask-CORS's `cross_origin`).
    """
    response = context.app.response_class(status=status)
    if (made := context.__dict__.pop("_made", None)) is not None:
        response.__dict__ = {**made.__dict__, **response.__dict__}
    return response


def _is_plain(call: Any) -> bool:
    """Whether this is a `def` function, around an `async def` one."""
    return inspect.isfunction(call) and not inspect.iscoroutinefunction(call)


def _awaiting(call: Callable[..., Any]) -> Callable[..., Any]:
    inner = inspect.unwrap(call)

    is_looking = False

    # COMPAT: on the loop, as FastAPI calls it. What `ensure_sync` runs would wait for itself there,
    # so it gives something to await, which decorators hand on. One that looks at what comes out (a
    # cache) is known from the first time on: it gets a thread to wait in.
    @wraps(call)
    async def endpoint(*args: Any, **values: Any) -> Any:
        nonlocal is_looking
        result = None
        if not is_looking:
            before = AWAITED.set(inner)
            try:
                result = call(*args, **values)
            except LookedAt:
                is_looking = True
            finally:
                AWAITED.reset(before)
        if is_looking:
            result = await _in_thread(partial(call, *args, **values))
        return await result if inspect.isawaitable(result) else result

    return endpoint


def _limiter() -> CapacityLimiter:
    from anyio import CapacityLimiter

    return CapacityLimiter(40)


#: Threads of their own: what waits in them may need others to go on.
_limiters = PerLoop("carboy_decorators", _limiter)


async def _in_thread(call: Callable[[], Any]) -> Any:
    """`call()` in a thread, with the contexts of here."""
    from anyio import to_thread

    return await to_thread.run_sync(call, limiter=_limiters.get())
