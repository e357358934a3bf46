"""Requests and contexts that cost little: made from what the engine read, filled in when asked.

The same objects as upstream's, without the work that nobody looks at: the WSGI environ, headers,
URL adapter, session and `g` are made when somebody wants them. What could differ by that (a Host
that is not trusted, a session cookie that is to be renewed) is looked at here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException

from carboy.flask.ctx import AppContext, RequestContext
from carboy.flask.globals import _cv_app, _cv_request
from carboy.flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_tearing_down,
)
from carboy.flask.wrappers import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from carboy.core.context import RequestContext as Served
    from carboy.flask.app import Flask

#: Host fields that an application has taken, at most.
HOSTS = 256


def open_context(
    app: Flask, served: Served, rule: Any, values: dict[str, Any]
) -> RequestContext | None:
    """The pushed context of a matched request; None where this has to go the long way."""
    shared = getattr(served.wire, "shared", None)
    if served.scope["root_path"] if shared is None else shared.root_path:
        return None  # what the engine has matched is not what the application is to see
    request_class = app.request_class
    request: Request = request_class.__new__(request_class)
    request._served = served
    request.method = served.method
    request.path = served.path
    request.query_string = served.query
    request.shallow = False
    request.json_module = app.json
    request.url_rule = rule
    request.view_args = values
    context = RequestContext.__new__(RequestContext)
    context.app = app
    context.request = request
    context.flashes = None
    context._session = None
    context._after_request_functions = []
    return context if _push(context, served) else None


def _push(context: RequestContext, served: Served) -> bool:
    """Make it current, below its application; False where its Host is refused."""
    app = context.app
    host = cookie = None
    for name, value in served.headers:
        if name == b"host":
            host = value
        elif name == b"cookie":
            cookie = value if cookie is None else cookie + b";" + value
    config = app.config
    known = host in app._hosts and config["TRUSTED_HOSTS"] is None
    if not known and not _takes(context, host):
        return False
    if cookie is not None:
        context.has_cookie = config["SESSION_COOKIE_NAME"].encode() in cookie
    app.__dict__["_got_first_request"] = True  # PERF: past `__setattr__`
    current = _cv_app.get(None)
    pushed = None
    if current is None or current.app is not app or _is_left_over(served):
        pushed = AppContext.__new__(AppContext)
        pushed.app = app
        pushed._cv_tokens = [_cv_app.set(pushed)]
        if appcontext_pushed.receivers:
            appcontext_pushed.send(app, _async_wrapper=app.ensure_sync)
    context._cv_tokens = [(_cv_request.set(context), pushed)]
    return True


def _is_left_over(served: Served) -> bool:
    """Whether the application is current by another request of the server's.

    SAFETY: servers may begin a request in the context of one before it on the same connection,
    which is somebody else's behind a proxy: its `g` holds who is logged in.
    """
    return _cv_request.get(None) is not None and getattr(served.wire, "environ", None) is None


def _takes(context: RequestContext, host: bytes | None) -> bool:
    """Look at a Host that is new, by making the adapter that it is for."""
    app = context.app
    try:
        context.url_adapter = app.create_url_adapter(context.request)
    except HTTPException:
        return False
    if len(app._hosts) < HOSTS:
        app._hosts.add(host)
    return True


def close_context(
    context: RequestContext,
    error: BaseException | None,
    hooks: tuple[Callable[..., Any], ...],
    app_hooks: tuple[Callable[..., Any], ...],
) -> None:
    """Pop `context`: teardown, unless a stream keeps it, which then pops it last."""
    app = context.app
    if error is not None and app.should_ignore_error(error):
        error = None
    tokens = context._cv_tokens
    if len(tokens) != 1:
        context.pop(error)
        return
    try:
        for hook in hooks:
            hook(error)
        if request_tearing_down.receivers:
            request_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=error)
    finally:
        _leave(context, error, app_hooks)


def _leave(
    context: RequestContext,
    error: BaseException | None,
    app_hooks: tuple[Callable[..., Any], ...],
) -> None:
    app, request = context.app, context.request
    state = request.__dict__
    try:
        if "files" in state or type(request).close is not Request.close:
            request.close()
    finally:
        token, pushed = context._cv_tokens.pop()
        # PERF: no function of its own: one call less for every request.
        try:
            _cv_request.reset(token)
        except ValueError:
            pass  # closed in a copy of the context it was opened in, which ends with the request
        if "environ" in state:
            # The environ refers to the request and the request to it.
            request.environ["werkzeug.request"] = None
        if pushed is not None:
            try:
                for hook in app_hooks:
                    hook(error)
                if appcontext_tearing_down.receivers:
                    appcontext_tearing_down.send(app, _async_wrapper=app.ensure_sync, exc=error)
            finally:
                try:
                    _cv_app.reset(pushed._cv_tokens.pop())
                except ValueError:
                    pass
            if appcontext_popped.receivers:
                appcontext_popped.send(app, _async_wrapper=app.ensure_sync)
