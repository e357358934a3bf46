"""How a request gets into the application, from the engine or from a WSGI server.

`call_in_order` is the order of things, whichever door it came by: push, dispatch, answer, pop. The
context is popped before a streamed body is sent. COMPAT: upstream's order; `stream_with_context`
keeps it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from werkzeug.wrappers import Response as BaseResponse

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.flask import cli
from carboy.flask.answers import Stream, undress
from carboy.flask.globals import _cv_app, _cv_request
from carboy.flask.helpers import get_debug_flag, get_load_dotenv
from carboy.flask.typing import WSGIEnvironment
from carboy.flask.url_map import ENGINE_KEY
from carboy.server.asgi import route_path
from carboy.server.environ import environ_for

if TYPE_CHECKING:
    from carboy.flask.app import Flask

T = TypeVar("T")
#: Whoever overrides one of these gets all of them called, in their order.
STEPS = frozenset(
    {"wsgi_app", "full_dispatch_request", "preprocess_request", "dispatch_request"}
    | {"finalize_request", "make_response", "process_response", "do_teardown_request"}
    | {"do_teardown_appcontext", "request_context", "app_context", "create_url_adapter"}
    | {"raise_routing_exception", "make_default_options_response", "ensure_sync"}
    | {"async_to_sync"}
)


def views_on_loop(app: Flask) -> bool:
    """Whether async views run on the server's loop. ValueError: CARBOY_ASYNC_VIEWS is neither."""
    where = app.config.get("CARBOY_ASYNC_VIEWS", "loop")
    if where not in ("loop", "thread"):
        raise ValueError(f'CARBOY_ASYNC_VIEWS is "loop" or "thread", not {where!r}')
    return bool(where == "loop")


def keep_contexts(environ: WSGIEnvironment) -> None:
    """Give the current contexts to the test client that wants them for ``with client:``."""
    if (keep := environ.get("werkzeug.debug.preserve_context")) is not None:
        keep(_cv_app.get())
        keep(_cv_request.get())


def call_in_order(app: Flask, environ: WSGIEnvironment, send: Callable[[BaseResponse], T]) -> T:
    """Push a request's context, dispatch, have the answer sent by `send`, pop."""
    context = app.request_context(environ)
    error: BaseException | None = None
    try:
        try:
            context.push()
            response = app.full_dispatch_request()
        except Exception as raised:
            error = raised
            response = app.handle_exception(raised)
        except BaseException:
            error = sys.exc_info()[1]
            raise
        return send(response)
    finally:
        keep_contexts(environ)
        if error is not None and app.should_ignore_error(error):
            error = None
        context.pop(error)


def serve(app: Flask, request: RequestContext) -> tuple[Head, Body]:
    """The endpoint of every Route: the engine has matched, the body is read."""
    environ = environ_of(request)
    if is_wrapped(app):
        return _through_middleware(app, environ)
    return call_in_order(app, environ, lambda response: undress(request, environ, response))


def is_wrapped(app: Flask) -> bool:
    """Whether somebody put middleware around `wsgi_app`, or overrode it."""
    from carboy.flask.app import Flask

    return "wsgi_app" in app.__dict__ or type(app).wsgi_app is not Flask.wsgi_app


def _through_middleware(app: Flask, environ: WSGIEnvironment) -> tuple[Head, Body]:
    from werkzeug.test import run_wsgi_app

    pieces, status, headers = run_wsgi_app(app.wsgi_app, environ, buffered=False)
    fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return Head(int(status[:3]), fields), Stream(pieces)


def pair_of(request: RequestContext, response: BaseResponse) -> tuple[Head, Body]:
    """The pair for a response to the engine's request."""
    return undress(request, environ_of(request), response)


def environ_of(request: RequestContext) -> WSGIEnvironment:
    """The WSGI environ for a request, the one that it came with if it did. Source: PEP 3333."""
    came: WSGIEnvironment | None = getattr(request.wire, "environ", None)
    if came is not None:
        if request.body is None and (late := _unread(request)) is not None:
            # A copy: what reads the body in the end has it from the server's own.
            return came | {"wsgi.input": late, "wsgi.input_terminated": True}
        return came
    scope = request.scope
    path = route_path(scope["path"], scope["root_path"])
    body = None if request.body is not None else _unread(request)
    environ = environ_for(scope, path, body or BytesIO(request.body or b""))
    environ[ENGINE_KEY] = request
    # What arrived in chunks is read by now: its size is known.
    chunked = environ.pop("HTTP_TRANSFER_ENCODING", None) is not None
    if chunked and type(environ["wsgi.input"]) is BytesIO:
        environ["CONTENT_LENGTH"] = str(len(request.body or b""))
    return environ


def _unread(request: RequestContext) -> Any:
    """The body as a file, where a route reads it for itself (App); else None."""
    made = request.target.route.extras.get("unread")
    return None if made is None else made(request)


def run(
    app: Flask,
    host: str | None,
    port: int | None,
    debug: bool | None,
    load_dotenv: bool,
    options: dict[str, Any],
) -> None:
    """Serve with Werkzeug's development server."""
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        # COMPAT: a module that ends in app.run() may be loaded by a command that serves it.
        return
    if get_load_dotenv(load_dotenv):
        cli.load_dotenv()
        if "FLASK_DEBUG" in os.environ:
            app.debug = get_debug_flag()
    if debug is not None:
        app.debug = bool(debug)
    named, _, numbered = (app.config.get("SERVER_NAME") or "").partition(":")
    host = host or named or "127.0.0.1"
    if port is None:
        port = int(numbered) if numbered else 5000
    options.setdefault("use_reloader", app.debug)
    options.setdefault("use_debugger", app.debug)
    options.setdefault("threaded", True)
    cli.show_server_banner(app.debug, app.name)
    from werkzeug.serving import run_simple

    try:
        run_simple(host, port, app, **options)
    finally:
        # COMPAT: the server may have been stopped to be used in a test afterwards.
        app._got_first_request = False
