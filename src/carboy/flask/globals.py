"""The names that mean "the current one": `request`, `session`, `g`, `current_app`.

Each is a proxy on a ContextVar that the contexts (ctx.py) set and reset. Nothing here knows how a
request got here.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from werkzeug.local import LocalProxy

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.ctx import AppContext, RequestContext, _AppCtxGlobals
    from carboy.flask.sessions import SessionMixin
    from carboy.flask.wrappers import Request

NO_APP = """\
Working outside of application context.

This needs to know the current application, and there is none here. Do it while a request is being
handled, or inside "with app.app_context():".
"""
NO_REQUEST = """\
Working outside of request context.

This needs an HTTP request, and none is being handled here. In a test, do it inside
"with app.test_request_context():".
"""

# COMPAT: the two variables are not public upstream either, but extensions and test suites use them.
_cv_app: ContextVar[AppContext] = ContextVar("carboy.flask.app_ctx")
_cv_request: ContextVar[RequestContext] = ContextVar("carboy.flask.request_ctx")

app_ctx: AppContext = LocalProxy(_cv_app, unbound_message=NO_APP)  # type: ignore[assignment]
current_app: Flask = LocalProxy(_cv_app, "app", unbound_message=NO_APP)  # type: ignore[assignment]
g: _AppCtxGlobals = LocalProxy(_cv_app, "g", unbound_message=NO_APP)  # type: ignore[assignment]

request_ctx: RequestContext = LocalProxy(  # type: ignore[assignment]
    _cv_request, unbound_message=NO_REQUEST
)
request: Request = LocalProxy(  # type: ignore[assignment]
    _cv_request, "request", unbound_message=NO_REQUEST
)
session: SessionMixin = LocalProxy(  # type: ignore[assignment]
    _cv_request, "session", unbound_message=NO_REQUEST
)
