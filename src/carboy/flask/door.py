"""WSGI's door: servers, middleware and Werkzeug's test client come to the same straight lines.

The environ is the server's own, its body is read when the view wants it, and the answer is the one
that Werkzeug's Response would start, to the letter. What has no straight line is called in order.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from werkzeug.http import HTTP_STATUS_CODES

from carboy.core.context import RequestContext as Served
from carboy.flask import finishing, lean
from carboy.flask.globals import _cv_request
from carboy.flask.serving import call_in_order, keep_contexts
from carboy.flask.signals import request_tearing_down
from carboy.flask.straight import LONG, door_line
from carboy.flask.typing import StartResponse, WSGIEnvironment
from carboy.flask.url_map import ENGINE_KEY
from carboy.server.wsgi import serve

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.ctx import RequestContext

#: Where a test client wants to be told that a typed route of an `App` answers.
TYPED_KEY = "carboy.typed"


class Door:
    """The Wire of a request that came as an environ."""

    __slots__ = ("app", "environ", "start_response")

    shelter = None
    #: Who comes with a prefix is called in order.
    shared = SimpleNamespace(root_path="")

    def __init__(self, app: Flask, environ: WSGIEnvironment, start_response: StartResponse) -> None:
        self.app = app
        self.environ = environ
        self.start_response = start_response

    @property
    def threads(self) -> Any:
        from carboy.server.portal import portal_of

        return portal_of(self.app.engine).threads

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        from carboy.server.portal import portal_of

        served = self.environ.get(ENGINE_KEY)
        if served is not None and served.wire is not self:
            return served.portal  # type: ignore[no-any-return]
        return portal_of(self.app.engine).call

    def scope(self, request: Served) -> dict[str, Any]:
        """What is asked of it here."""
        return {"type": "http", "root_path": "", "headers": request.headers}

    async def receive(self, request: Served) -> dict[str, Any]:
        raise NotImplementedError("the body is in the environ")


def serve_wsgi(
    app: Flask, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """`Flask.wsgi_app`."""
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    # Who comes with a prefix is called in order, but for typed routes.
    is_plain = path[:1] == "/" and path[1:2] != "/" and not environ.get("SCRIPT_NAME")
    if is_plain or app.shares_engine:
        served = Served(
            Door(app, environ, start_response),
            environ.get("REQUEST_METHOD", "GET").upper(),
            path,
            environ.get("QUERY_STRING", "").encode("latin-1"),
            [
                (name, environ[key].encode("latin-1"))
                for key, name in (("HTTP_HOST", b"host"), ("HTTP_COOKIE", b"cookie"))
                if key in environ
            ],
        )
        route = app.engine.match(served).route
        if app.shares_engine and route.make_lane is not app._make_lane:
            return _typed(app, environ, start_response)
        # An upgrade may be meant for another rule than the engine has found.
        line = door_line(app, route) if is_plain and "HTTP_UPGRADE" not in environ else None
        if line is not None and (answer := line(served)) is not LONG:
            return answer  # type: ignore[no-any-return]
    return call_in_order(app, environ, lambda response: response(environ, start_response))


def _typed(app: Flask, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The answer of a typed route of the `App` whose Flask side this is."""
    if (tell := environ.get(TYPED_KEY)) is not None:
        tell(True)
    with _kept(app, environ):
        return serve(app.engine, environ, start_response, raises=app.propagates)


def _kept(app: Flask, environ: WSGIEnvironment) -> AbstractContextManager[Any]:
    """Has contexts of a typed route kept for a test client that wants them (``with client:``)."""
    if "werkzeug.debug.preserve_context" not in environ:
        return nullcontext()

    def keep(sender: Flask, **_: Any) -> None:
        served = _cv_request.get().request.__dict__.get("_served")
        if getattr(getattr(served, "wire", None), "environ", None) is environ:
            keep_contexts(environ)

    return request_tearing_down.connected_to(keep, app)


def open_context(
    app: Flask, served: Served, rule: Any, values: dict[str, Any]
) -> RequestContext | None:
    """A lean context whose request has its environ already."""
    context = lean.open_context(app, served, rule, values)
    if context is not None:
        request = context.request
        environ = request.environ = served.wire.environ  # type: ignore[attr-defined]
        environ["werkzeug.request"] = request
        request.scheme = environ.get("wsgi.url_scheme", "http")
        request.root_path = ""
        request.remote_addr = environ.get("REMOTE_ADDR")
    return context


def close_context(context: RequestContext, *rest: Any) -> None:
    """Pop it, unless a test client wants to keep it."""
    keep_contexts(context.request.environ)
    lean.close_context(context, *rest)


def respond(context: RequestContext, result: Any) -> Any:
    """`finishing.respond` for WSGI."""
    plain = finishing.plain_answer(context, result)
    if plain is None:
        return finish(context, finishing.late(context, finishing.make_response(context, result)))
    status, kind, text = plain
    body = text.encode()
    start_response = context.request._served.wire.start_response  # type: ignore[attr-defined]
    start_response(
        f"{status} {HTTP_STATUS_CODES.get(status, 'Unknown').upper()}",
        [("Content-Type", kind), ("Content-Length", str(len(body)))],
    )
    return () if context.request.method == "HEAD" else (body,)


def finish(context: RequestContext, response: Any) -> Any:
    """`finishing.finish` for WSGI."""
    finishing.save(context, response)
    return start(context, response)


def failed(context: RequestContext, error: Exception) -> Any:
    """`finishing.failed` for WSGI."""
    try:
        raise error
    except Exception as raised:
        return start(context, context.app.handle_exception(raised))


def start(context: RequestContext, response: Any) -> Any:
    """Have Werkzeug's response start, while the request is current."""
    wire: Any = context.request._served.wire
    return response(wire.environ, wire.start_response)
