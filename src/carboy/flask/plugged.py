"""Plugins (core/plugin.py) of a Flask application, by way of its own hooks.

A plugin's first half is the first before hook there is, its second half the last after hook; what
nobody answers reaches it at teardown. So it is the same by either door, knows the rule that was
matched, and an application without plugins has nothing of it. COMPAT: exceptions that Flask answers
(500 among them) are answers by then, which is what after hooks see of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.wrappers import Response as BaseResponse

from carboy.core.answer import Answer, Body, Head
from carboy.core.closing import finish
from carboy.core.context import RequestContext
from carboy.core.engine import Engine, Target
from carboy.core.pattern import Pattern
from carboy.core.plugin import Around, Plugin, Running, begin, fail, leave
from carboy.core.route import Route
from carboy.core.voice import drive
from carboy.flask.door import Door
from carboy.flask.globals import request_ctx
from carboy.flask.url_map import ENGINE_KEY
from carboy.server.portal import portal_of
from carboy.server.wsgi import request_of

if TYPE_CHECKING:
    from carboy.flask.app import Flask

#: In a request's environ: what the engine is told about a request that came past it.
_SERVED = "carboy.plugged"


class Plugged:
    """One plugin around the requests of one application."""

    #: Its hooks neither wait nor block: an `async def` view needs no thread for them.
    is_plugged = True

    def __init__(self, app: Flask, plugin: Plugin) -> None:
        self._plugin = plugin
        self._app = app
        #: In a request's attributes: what has been begun.
        self._key = f"{_SERVED}.{id(self)}"
        #: Rule -> the rule, its route, and what is around it; None stands for no rule.
        self._known: dict[int | None, tuple[Rule | None, Route, Around | None]] = {}

    def _around(self, rule: Rule | None) -> tuple[Route, Around | None]:
        key = None if rule is None else id(rule)
        known = self._known.get(key)
        if known is None:
            route = _route_of(self._app, rule)
            known = self._known[key] = rule, route, self._plugin.around(route)
        return known[1:]

    def before(self) -> Any:
        """The first half; a response where the plugin answers in the view's place."""
        request: Any = request_ctx.request
        route, around = self._around(request.url_rule)
        if around is None:
            return None
        running: Running = []
        served = served_of(self._app.engine, request, route)
        answer = begin(running, around, served)
        if answer is not None:
            body: Any = answer.body
            return self._app.response_class(body, answer.status, _text(answer.headers))
        request.__dict__[self._key] = running, served
        return None

    def after(self, response: BaseResponse) -> BaseResponse:
        """The second half."""
        running, served = request_ctx.request.__dict__.pop(self._key, (None, None))
        if not running:
            return response
        if not isinstance(response.headers, Headers):  # COMPAT: replaced by a dict
            response.headers = Headers(response.headers)
        whole = response.is_sequence and not response.direct_passthrough
        body: Any = response.get_data() if whole else response.response
        fields = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in response.headers]
        head = Head(response.status_code, fields)
        changed, new_body = leave(running, Answer.of(head, body))
        if served.opened:
            # A plugin waits for the end of the stream, which is Werkzeug's to notice here.
            response.call_on_close(lambda: drive(finish(served), served))
        _apply(response, head, changed, None if new_body is body else new_body)
        return response

    def teardown(self, error: BaseException | None) -> None:
        """What was begun and has no answer: an exception that is raised to the server."""
        running, _ = request_ctx.request.__dict__.pop(self._key, (None, None))
        if not running:
            return
        if error is None:
            running.pop().close()
            return
        try:
            fail(running, error)
        except BaseException as raised:
            if raised is not error:
                raise


def _apply(response: BaseResponse, head: Head, changed: Head, body: Body | None) -> None:
    """What the plugin has changed, on the response."""
    if changed is not head and (changed.status, changed.fields()) != (head.status, head.fields()):
        response.status_code = changed.status
        kept = changed.fields() if body is None else changed.headers
        response.headers = Headers(_text(kept))
    if isinstance(body, bytes):
        response.set_data(body)
    elif body is not None:
        response.headers.pop("content-length", None)
        response.response = body  # type: ignore[assignment]


def _text(fields: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def _route_of(app: Flask, rule: Rule | None) -> Route:
    """The Route that a rule stands for, as a plugin may ask about it."""
    if rule is None:
        return Route(Pattern("not found", ()), None, "not found")
    endpoint: Any = rule.endpoint
    known = app.url_map.by_endpoint.get(endpoint, ())
    patterns = [one.path for one in known if one.rule is rule]
    methods = None if rule.methods is None else frozenset(rule.methods)
    return Route(patterns[0] if patterns else Pattern(rule.rule, ()), methods, str(endpoint))


def served_of(engine: Engine, request: Any, route: Route) -> RequestContext:
    """The engine's request, or one like it where a WSGI server has called."""
    lean: RequestContext | None = request.__dict__.get("_served")
    # What came by WSGI's door knows the headers that matching needs, and no more.
    if lean is not None and not isinstance(lean.wire, Door):
        return lean
    environ = request.environ
    if (found := environ.get(ENGINE_KEY)) is not None:
        return found  # type: ignore[no-any-return]
    if _SERVED not in environ:
        made = environ[_SERVED] = request_of(environ, _Later(engine))  # type: ignore[arg-type]
        made.target = Target(route)
        values = request.view_args or {}
        made.params = tuple(values.get(name) for name in route.pattern.names)
    return environ[_SERVED]  # type: ignore[no-any-return]


def is_aside(served: RequestContext) -> bool:
    """Whether `served` was made here: the engine does not know it, and will not finish it."""
    return type(getattr(served.wire, "host", None)) is _Later


class _Later:
    """The application's portal, not started before somebody asks for anything of it."""

    #: A Flask application has no lifespan, and so no state.
    state: ClassVar[dict[str, Any]] = {}

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(portal_of(self._engine), name)
