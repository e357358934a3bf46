"""A Flask route as one straight line of source: hooks, view, answer, teardown, and no more.

`lane_for` writes what one endpoint needs, flattened over its blueprints, and emits a step only
where the application has one. `carboy show` prints it, tracebacks show it. What people change
while serving is compared first: another view or another hook, and the line is written anew. An
application that overrides a step of the dispatch, or a rule that redirects, goes the long way
(serving.py).
SAFETY: as in core/compile.py, the text holds identifiers minted there and `repr()` of strings.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from werkzeug.routing import converters as werkzeug_converters

from carboy.core.compile import build
from carboy.core.route import Lane, Route
from carboy.flask import finishing
from carboy.flask.hooked import Hooked
from carboy.flask.lean import close_context, open_context
from carboy.flask.serving import STEPS, is_wrapped, serve, views_on_loop

if TYPE_CHECKING:
    from carboy.flask.app import Flask

#: Converters of whose making nothing can be seen from outside.
_KNOWN = tuple(
    getattr(werkzeug_converters, f"{name}Converter")
    for name in ("Unicode", "Any", "Path", "Integer", "Float", "UUID")
)


#: What a line of WSGI's door returns where the request has to go the long way.
LONG: Any = object()


def lane_for(app: Flask, route: Route) -> Lane:
    """The lane of `route`: its straight line, or the long way."""
    if is_wrapped(app) or not _is_straight(app, route):
        return Lane(_long_way(weakref.ref(app)), False)
    return _Line(app, route).lane()


def door_line(app: Flask, route: Route) -> Callable[[Any], Any] | None:
    """The line of `route` for WSGI's door (door.py), or None."""
    line: Callable[[Any], Any] | None = app._door_lines.get(route, LONG)
    if line is LONG:
        made = _DoorLine(app, route).lane().call if _is_straight(app, route) else None
        line = app._door_lines[route] = made
    return line


def _long_way(get_app: Callable[[], Flask | None]) -> Callable[[Any], Any]:
    def endpoint(request: Any) -> Any:
        app = get_app()
        assert app is not None
        return serve(app, request)

    return endpoint


def _is_straight(app: Flask, route: Route) -> bool:
    """Whether nothing of this application or rule asks for the long way."""
    from carboy.flask.app import Flask
    from carboy.flask.wrappers import Request

    seen = route.extras.get("seen")
    if seen is None or seen.other_slash:
        return False
    bound, url_map, kind = seen.bound, app.url_map, type(app)
    if any(
        name in app.__dict__ or getattr(kind, name) is not getattr(Flask, name)
        # Middleware stands around both doors; within it the way is as straight.
        for name in STEPS - {"wsgi_app"}
    ):
        return False
    if not issubclass(app.request_class, Request):
        return False
    if app.request_class.__init__ is not Request.__init__:
        return False
    if url_map.host_matching or url_map.knows_hosts or url_map.default_subdomain:
        return False
    rule = bound.rule
    if app.subdomain_matching or rule.redirect_to is not None or rule.alias:
        return False
    if any(type(one) not in _KNOWN for one in bound.converters.values()):
        return False
    if rule.endpoint not in app.view_functions:
        return False
    # A rule of the same endpoint whose defaults these values may be is redirected to.
    others = url_map.by_endpoint[rule.endpoint]
    return not any(
        other.rule.provides_defaults_for(rule) for other in others[: others.index(bound)]
    )


class _Line(Hooked):
    """Writes the line of one route."""

    #: Whether an async view may be awaited.
    can_wait = True

    def __init__(self, app: Flask, route: Route) -> None:
        self.route = route
        self.bound = route.extras["seen"].bound
        self.rule = self.bound.rule
        self.view = dict.__getitem__(app.view_functions, self.rule.endpoint)
        is_async = iscoroutinefunction(self.view) and views_on_loop(app)
        super().__init__(app, self.rule.endpoint, is_async and self.can_wait)

    def lane(self) -> Lane:
        """The compiled line."""
        self.write.names.update(
            # PERF: an `App`'s table of views has a method of its own in Python.
            views=self.app.view_functions, find=dict.get, rule=self.rule, **self.ends()
        )  # fmt: skip
        self.begin()
        self.run()
        self.answer()
        self.end()
        compiled = build(self.route, self.write)
        return Lane(self.settled(compiled.call), self.is_async, compiled.source)

    def ends(self) -> dict[str, Any]:
        """What a line does where it meets the server."""
        app = weakref.ref(self.app)
        return {
            "stale": _stale(app),
            "long_way": _long_way(app),
            "open_context": open_context,
            "close_context": close_context,
            "respond": finishing.respond,
            "finish": finishing.finish,
            "failed": finishing.failed,
        }

    def begin(self) -> None:
        """The head of the function: is it still true, the values, the context."""
        write = self.write
        away = "await request.threads.insist({}, request)" if self.is_async else "{}(request)"
        endpoint = repr(self.rule.endpoint)
        view = write.bind(f"view_{getattr(self.view, '__name__', '')}", self.view)
        self.view_name = view
        write(f"{write.prefix} endpoint(request):")
        write("    app = get_app()")
        write(f"    if tables != known or find(views, {endpoint}) is not {view}:")
        write(f"        return {away.format('stale')}")
        if getattr(self.rule, "provide_automatic_options", False):
            write('    if request.method == "OPTIONS":')
            write(f"        return {away.format('long_way')}")
        self.values(away)
        write("    context = open_context(app, request, rule, values)")
        write("    if context is None:")
        write(f"        return {away.format('long_way')}")
        write("    error = None")

    def values(self, away: str) -> None:
        """The view's arguments."""
        write = self.write
        items = []
        can_fail = False
        for index, name in enumerate(self.route.pattern.names):
            made = self.bound.converters[name]
            text = f"request.params[{index}]"
            if type(made).to_python is not werkzeug_converters.BaseConverter.to_python:
                text = f"{write.bind(f'to_{name}', made.to_python)}({text})"
                can_fail = True
            items.append(f"{name!r}: {text}")
        values = f"values = {{{', '.join(items)}}}"
        if can_fail:
            write("    try:")
            write(f"        {values}")
            write("    except ValueError:")
            write(f"        return {away.format('long_way')}")
        else:
            write(f"    {values}")
        if self.rule.defaults:
            write(f"    values.update({write.bind('defaults', self.rule.defaults)})")

    def run(self) -> None:
        """Session, preprocessors, before hooks, view; errors to their handlers."""
        write = self.write
        write("    try:")
        self.open_session()
        write("        try:")
        self.start("values")
        view = f"{'await ' if self.is_async else ''}{self.view_name}(**values)"
        if not self.is_async and iscoroutinefunction(self.view):
            view = f"{write.bind('view', self.app.ensure_sync(self.view))}(**values)"
        if self.before:
            self.ask_before()
            write("            if result is None:")
            write(f"                result = {view}")
        else:
            write(f"            result = {view}")
        write("        except Exception as raised:")
        write(f"            result = {self.threaded('handled', 'app, raised', is_rare=True)}")

    def answer(self) -> None:
        """The response, after hooks, the session; else straight to bytes."""
        write = self.write
        if self.after:
            write("        response = make_response(context, result)")
            self.run_after()
            write(f"        answer = {self.saving('finish', 'context, response')}")
        else:
            write(f"        answer = {self.saving('respond', 'context, result')}")

    def end(self) -> None:
        """What nobody handled, and what happens in any case."""
        write = self.write
        write("    except Exception as raised:")
        write("        error = raised")
        write(f"        answer = {self.threaded('failed', 'context, raised', is_rare=True)}")
        write("    except BaseException as raised:")
        write("        error = raised")
        write("        raise")
        write("    finally:")
        self.close()
        write("        error = None")
        write("    return answer")


class _DoorLine(_Line):
    """The line for WSGI's door: nothing is awaited, the answer is started here."""

    can_wait = False

    def ends(self) -> dict[str, Any]:
        from carboy.flask import door

        lines, route = self.app._door_lines, self.route

        def stale(request: Any) -> Any:
            lines.pop(route, None)
            return LONG

        names = ("open_context", "close_context", "respond", "finish", "failed")
        ends = {name: getattr(door, name) for name in names}
        return ends | {"stale": stale, "long_way": lambda request: LONG}


def _stale(get_app: Callable[[], Flask | None]) -> Callable[[Any], Any]:
    """A view or a hook is another one: this request goes the long way, the next a new line."""

    def stale(request: Any) -> Any:
        app = get_app()
        assert app is not None
        request.target.compile(app.override)
        return serve(app, request)

    return stale
