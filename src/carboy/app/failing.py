"""What nobody has handled around a typed route of an `App` with a Flask side.

Pages, and what there is an `errorhandler(500)` for, are answered here, as Flask answers them. All
else is the outer ring's: it logs, and raises for tests. What it sends has been through Flask's
after hooks before, or headers that they set on every answer would be missing from this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import InternalServerError

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext as Served
from carboy.flask import finishing
from carboy.flask.signals import got_request_exception
from carboy.server.outer import PLAIN_500, READY
from carboy.server.traces import is_dev

if TYPE_CHECKING:
    from carboy.flask.ctx import RequestContext

Pair = tuple[Head, Body]


def concerns(context: RequestContext, served: Served, error: Exception, hooked: bool) -> bool:
    """Whether Flask has anything to do with it; `hooked` where there are after hooks."""
    if got_request_exception.receivers:
        return True
    return _answers(context.app) and bool(
        hooked
        or context._after_request_functions
        or served.target.route.extras.get("pages")
        or _handler(context, error) is not None
    )


def failed(context: RequestContext, served: Served, error: Exception) -> Pair:
    """Flask's answer; raised again where the outer ring is to answer."""
    side: Any = context.app
    got_request_exception.send(side, _async_wrapper=side.ensure_sync, exception=error)
    if not _answers(side):
        raise error
    handler = _handler(context, error)
    answer = InternalServerError(original_exception=error)
    if handler is None and not served.target.route.extras.get("pages"):
        if not is_dev():  # who develops is shown the traceback
            head, body = PLAIN_500
            plain = side.response_class(body, head.status, content_type="text/plain; charset=utf-8")
            served.scope[READY] = _finished(context, plain)
        raise error
    side.log_exception((type(error), error, error.__traceback__))
    result: Any = answer if handler is None else side.ensure_sync(handler)(answer)
    return _finished(context, result)


def _finished(context: RequestContext, result: Any) -> Pair:
    side: Any = context.app
    return finishing.open_up(context, side.finalize_request(result, from_error_handler=True))


def _answers(side: Any) -> bool:
    return not side.propagates and side.owner.declared.handlers.outer is None


def _handler(context: RequestContext, error: Exception) -> Any:
    side: Any = context.app
    told = InternalServerError(original_exception=error)
    return side._find_error_handler(told, context.request.blueprints)
