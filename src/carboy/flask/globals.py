"""The names that mean "the current one": `request`, `session`, `g`, `current_app`.

Each is a proxy on a ContextVar that the contexts (ctx.py) set and reset. Nothing here knows how a
request got here.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from werkzeug.local import LocalProxy

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.ctx import AppContext, RequestContext, _AppCtxGlobals
    from carboy.flask.sessions import SessionMixin
    from carboy.flask.wrappers import Request

NO_APP = """\
Working outside of application context.

This needs to know the current application, and there is none here. Do it while a request is being
handled, or inside "with app.app_context():". Typed routes of an App that has no Flask side yet get
one by App(secret_key=...), or by app.flask where the App is made.
"""
NO_REQUEST = """\
Working outside of request context.

This needs an HTTP request, and none is being handled here. In a test, do it inside
"with app.test_request_context():".
"""

# COMPAT: the two variables are not public upstream either, but extensions and test suites use them.
_cv_app: ContextVar[AppContext] = ContextVar("carboy.flask.app_ctx")
_cv_request: ContextVar[RequestContext] = ContextVar("carboy.flask.request_ctx")


class _Proxy(LocalProxy[Any]):
    """Werkzeug's proxy; what is asked most of one takes one call in place of four.

    Where nothing is current, Werkzeug's way finds the error.
    """

    __slots__ = ()


class _AppProxy(_Proxy):
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        context = _cv_app.get(None)
        return getattr(self._get_current_object() if context is None else context.app, name)


class _GlobalsProxy(_Proxy):
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        context = _cv_app.get(None)
        return getattr(self._get_current_object() if context is None else context.g, name)

    def __setattr__(self, name: str, value: Any) -> None:
        context = _cv_app.get(None)
        setattr(self._get_current_object() if context is None else context.g, name, value)


class _RequestProxy(_Proxy):
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        context = _cv_request.get(None)
        return getattr(self._get_current_object() if context is None else context.request, name)


class _SessionProxy(_Proxy):
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        context = _cv_request.get(None)
        return getattr(self._get_current_object() if context is None else context.session, name)

    def __getitem__(self, key: str) -> Any:
        context = _cv_request.get(None)
        return (self._get_current_object() if context is None else context.session)[key]

    def __setitem__(self, key: str, value: Any) -> None:
        context = _cv_request.get(None)
        (self._get_current_object() if context is None else context.session)[key] = value

    def __contains__(self, key: object) -> bool:
        context = _cv_request.get(None)
        return key in (self._get_current_object() if context is None else context.session)


for _kind in (_AppProxy, _GlobalsProxy, _RequestProxy, _SessionProxy):
    _kind.__name__ = "LocalProxy"  # COMPAT: what an unbound one shows

app_ctx: AppContext = LocalProxy(_cv_app, unbound_message=NO_APP)  # type: ignore[assignment]
current_app: Flask = _AppProxy(_cv_app, "app", unbound_message=NO_APP)  # type: ignore[assignment]
g: _AppCtxGlobals = _GlobalsProxy(_cv_app, "g", unbound_message=NO_APP)  # type: ignore[assignment]

request_ctx: RequestContext = LocalProxy(  # type: ignore[assignment]
    _cv_request, unbound_message=NO_REQUEST
)
request: Request = _RequestProxy(  # type: ignore[assignment]
    _cv_request, "request", unbound_message=NO_REQUEST
)
session: SessionMixin = _SessionProxy(  # type: ignore[assignment]
    _cv_request, "session", unbound_message=NO_REQUEST
)
