"""The Flask side of an `App`: a Flask object that shares the App's engine.

`Side` is mixed into the class of that object, be it made here or an application that somebody wrote
(`App.include`): same object, one base class more. It changes none of Flask's steps, so that routes
stay straight lines; it adds what reaches across: names of typed routes for `url_for`, the App's
exception handlers after Flask's own, typed parameters of views, the App's limits.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import SecurityError
from werkzeug.routing import BuildError, Rule

from carboy.app.mistakes import check_rule
from carboy.app.order import typed_handler
from carboy.app.typed_views import TypedViews
from carboy.core.pattern import BRACE_CONVERTERS, Pattern, PatternError
from carboy.core.route import Route
from carboy.fastapi._body_limit import get_body_size_limit
from carboy.flask import Flask
from carboy.flask.globals import _cv_request
from carboy.flask.rules import STATIC, Bound, bind
from carboy.flask.serving import environ_of
from carboy.flask.url_map import ENGINE_KEY

if TYPE_CHECKING:
    from carboy.app.application import App
    from carboy.app.order import Ranked
    from carboy.core.context import RequestContext
    from carboy.flask.url_map import UrlMap

#: Starlette's converters as Flask writes them.
_KINDS = {type(one): name for name, one in BRACE_CONVERTERS.items()}


class Side(Flask):
    """What makes a Flask object the side of an `App`. Mixed in by `adopt`."""

    shares_engine = True
    owner: App
    _typed_views: TypedViews
    #: id of a typed route -> it and its rule, which builds URLs and matches nothing.
    _rules: dict[int, tuple[Route, Bound]]
    #: A typed route's name -> the rules and functions of those that have it.
    _functions: dict[str, list[tuple[Rule, Callable[..., Any]]]]
    #: id of a route -> it, and the one that asks for its host.
    _for_hosts: dict[int, tuple[Route, Route]]

    def _join(self, owner: App) -> None:
        self.owner = owner
        self.engine = owner.engine
        self._wired(self.url_map)
        self.view_functions = Views(self)
        self._for_hosts = {}
        self._serve_everywhere()
        self._typed_views = TypedViews(owner)
        self._type_views()
        for plugin in owner.plugins:
            self.add_plugin(plugin)

    def _wired(self, url_map: UrlMap) -> UrlMap:
        """The map asks for the names of typed routes, too."""
        if "owner" in self.__dict__:
            url_map.asked = lambda: self.engine.router
            self._rules, self._functions = {}, {}
        return super()._wired(url_map)

    def __getattr__(self, name: str) -> Any:
        # Extensions keep things on the application they were given, which may be the `App`.
        found = self.__dict__.get("owner")
        if found is not None and name in found.__dict__:
            return found.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    # -- routes ---------------------------------------------------------------------------------

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **more: Any
    ) -> None:
        """Flask's; a view may have typed parameters."""
        is_named = endpoint is not None or hasattr(view_func, "__name__")
        if view_func is not None and is_named and "owner" in self.__dict__:
            check_rule(rule, view_func)
            view_func = self._typed_views.of(view_func, _names(rule, more.get("defaults")))
        super().add_url_rule(rule, endpoint, view_func, *args, **more)

    def _type_views(self) -> None:
        """Have those filled that were declared before, or came past `add_url_rule`."""
        for endpoint, view in list(self.view_functions.items()):
            typed = view
            for bound in self.url_map.by_endpoint.get(endpoint, ()):
                if not bound.rule.build_only:
                    typed = self._typed_views.of(view, bound.rule.arguments)
            if typed is not view:
                self.view_functions[endpoint] = typed

    def ranked(self) -> Ranked:
        """Flask's rules as Routes with their ranks, under the App's limits and handlers."""
        self._type_views()
        return [
            (rank, self._hosted(self._limited(route)))
            for rank, route in self.url_map.ranked(self._make_lane)
        ]

    @property
    def missing(self) -> Route:
        """What answers where no route of either kind fits."""
        return self._limited(self._missing)

    def _limited(self, route: Route) -> Route:
        if "app" not in route.extras:
            owner = self.owner
            settings, policy = owner.settings, owner.router.policy
            endpoint = route.name
            route.extras.update(
                app=owner, pages=True, view=lambda: dict.get(self.view_functions, endpoint)
            )
            route.handlers = owner.declared.handlers
            route.timeout = policy.get("timeout", settings.get("timeout"))
            limit = get_body_size_limit(None, owner.max_body_size, settings.get("max_body"))
            route.max_body = policy.get("max_body", limit)
        own = self.config["MAX_CONTENT_LENGTH"]
        if own is not None and route.max_body is not None:
            # Flask answers 413 itself, and what it is told to take is meant.
            route.max_body = max(own + 1, route.max_body)
        return route

    def limit_typed(self, route: Route) -> None:
        """Have MAX_CONTENT_LENGTH hold for a typed route that says no limit of its own."""
        own = self.config["MAX_CONTENT_LENGTH"]
        if own is not None and route.max_body == self.owner.settings.get("max_body"):
            route.max_body = own

    def _hosted(self, route: Route) -> Route:
        """`route`; where rules care for hosts one that lets other hosts' requests go on."""
        seen, url_map = route.extras["seen"], self.url_map
        if not (url_map.knows_hosts or url_map.default_subdomain):
            return route
        if id(route) not in self._for_hosts:

            def fits(request: RequestContext) -> bool:
                try:
                    adapter = self.create_url_adapter(self.request_class(environ_of(request)))
                except SecurityError:  # answered by Flask's steps
                    return True
                return adapter is None or adapter.texts_of_host(seen.bound) is not None

            self._for_hosts[id(route)] = route, replace(route, guard=fits)
        return self._for_hosts[id(route)][1]

    def check(self) -> None:
        """ValueError where the session would have two owners."""
        if self.secret_key is None:
            return
        for one in self.owner.user_middleware:
            cookie = one.kwargs.get("session_cookie", "session")
            name = self.config["SESSION_COOKIE_NAME"]
            if getattr(one.cls, "__name__", "") == "SessionMiddleware" and cookie == name:
                raise ValueError(
                    f"SessionMiddleware and this App's own session both use the cookie {name!r}. "
                    "Routes of both kinds share the App's session, `request.session` too: take the "
                    "middleware away, or give it another session_cookie=."
                )

    # -- names ----------------------------------------------------------------------------------

    def name_typed(self, routes: list[Route]) -> Ranked:
        """Have typed routes' names in the map, for `url_for`; the routes with their ranks."""
        before, self._rules = self._rules, {}
        self._functions = {}
        by_endpoint: Any = self.url_map.by_endpoint
        for _, bound in before.values():
            same = by_endpoint[bound.rule.endpoint]
            same.remove(bound)
            if not same:
                del by_endpoint[bound.rule.endpoint]
        ranked: Ranked = []
        for route in routes:
            known = before.get(id(route))
            made = known[1] if known and known[0] is route else self._bound(route)
            if made is None:
                ranked.append(((STATIC,), route))
                continue
            self._rules[id(route)] = route, made
            route.extras["bound"] = made
            by_endpoint.setdefault(route.name, []).append(made)
            if hasattr(function := typed_handler(route), "__name__"):
                self._functions.setdefault(route.name, []).append((made.rule, function))
            ranked.append((made.rank, route))
        return ranked

    def _bound(self, route: Route) -> Bound | None:
        methods = None if route.methods is None else sorted(route.methods)
        rule = Rule(_angles(route.pattern), endpoint=route.name, methods=methods, build_only=True)
        try:
            return bind(rule, self.url_map)
        except PatternError:  # literal angle brackets, which no browser sends
            return None

    def rule_of(self, route: Route) -> Rule | None:
        """The rule that a typed route has in the map."""
        known = self._rules.get(id(route))
        return None if known is None else known[1].rule

    def path_of(self, name: str, values: dict[str, Any]) -> str | None:
        """The path of a Flask endpoint; None where none of that name takes these values."""
        adapter = self.url_map.bind("localhost")
        try:
            return adapter.build(name, values, append_unknown=False)
        except BuildError:
            return None

    # -- errors ---------------------------------------------------------------------------------

    def handle_user_exception(self, e: Exception) -> Any:
        """Flask's handlers, then the App's; FastAPI's exceptions mean the same here."""
        from carboy.app.errors import answer_in_flask

        return answer_in_flask(self, e, super().handle_user_exception)

    def handle_http_exception(self, e: Any) -> Any:
        """Flask's handlers, then the App's, then a page; JSON for who wants that of no route."""
        from carboy.app.errors import http_error_in_flask

        return http_error_in_flask(self, e, super().handle_http_exception)

    @property
    def propagates(self) -> bool:
        """Whether what nobody handled is raised: in debug mode of either face, and in tests."""
        is_open = self.config["PROPAGATE_EXCEPTIONS"] is None
        return super().propagates or (is_open and (self.owner.debug or _raises_in_test()))

    def answer_unhandled(self, e: Any) -> Any:
        """Flask's handler for 500, then the App's, then a page."""
        from carboy.app.errors import last_in_flask

        answer = super().answer_unhandled(e)
        return last_in_flask(self, e) if answer is e else answer


class Made(Side):
    """The side that an `App` has made itself: equal to the App, for who keeps things by it.

    Extensions that were given the App look for it as `current_app`. An application that somebody
    wrote is known by itself before it is included.
    """

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__dict__.get("owner")

    def __hash__(self) -> int:
        return hash(self.__dict__.get("owner"))


def _raises_in_test() -> bool:
    """Whether the request comes from a test client that raises what a typed route raises."""
    context: Any = _cv_request.get(None)
    if context is None:
        return False
    request = context.request
    served = request.__dict__.get("_served") or request.environ.get(ENGINE_KEY)
    return getattr(getattr(served, "wire", None), "raises", False)


class Views(dict[str, Callable[..., Any]]):
    """Flask's views. The functions of typed routes are found under their names, but not listed.

    Hooks and extensions ask for the view of `request.endpoint`: whether it is marked as public, or
    as exempt from a check.
    """

    def __init__(self, side: Side) -> None:
        super().__init__(side.view_functions)
        self._side = weakref.ref(side)

    def __getitem__(self, endpoint: str) -> Callable[..., Any]:
        # SAFETY: of several of one name the one that is asked for: it may be exempt, others not.
        side: Any = self._side()
        found = () if side is None else side._functions.get(endpoint, ())
        if not found:
            return super().__getitem__(endpoint)
        context = _cv_request.get(None)
        rule = None if context is None else context.request.url_rule
        asked = [function for one, function in found if one is rule]
        if not asked and endpoint not in self and len(found) == 1:
            asked = [found[0][1]]
        return asked[0] if asked else super().__getitem__(endpoint)

    def get(self, endpoint: str, default: Any = None) -> Any:
        """The view of `endpoint`, a typed route's too."""
        try:
            return self[endpoint]
        except KeyError:
            return default


def _names(rule: str, defaults: Any) -> set[str]:
    import re

    return {*re.findall(r"<(?:[^<>]*:)?(\w+)>", rule), *(defaults or ())}


def _angles(pattern: Pattern) -> str:
    def pieces() -> Iterator[str]:
        for piece in pattern.pieces:
            if isinstance(piece, str):
                yield piece
                continue
            kind = _KINDS.get(
                type(piece.converter), "path" if piece.converter.crosses_slashes else ""
            )
            yield f"<{kind}:{piece.name}>" if kind not in ("", "str") else f"<{piece.name}>"

    return "".join(pieces()) or "/"


def make(options: dict[str, Any]) -> Flask:
    """A new Flask object with an `App`'s options for it."""
    return Flask(**options)


def adopt(owner: App, flask: Flask, base: type[Side] = Side) -> Side:
    """Make `flask` the Flask side of `owner`, with `base` as one class more."""
    kind = type(flask)
    # The same name: people read it in messages and representations.
    flask.__class__ = type(kind.__name__, (base, kind), {"__module__": kind.__module__})
    side: Any = flask
    side._join(owner)
    return side  # type: ignore[no-any-return]


def check_included(owner: App, flask: Any) -> None:
    """TypeError or ValueError with what to do, where `flask` can't become the side of `owner`."""
    if not isinstance(flask, Flask):
        what = f"{type(flask).__module__}.{type(flask).__qualname__}"
        raise TypeError(
            f"App.include takes an application of Carboy's Flask face, not {what}. Import Flask "
            "from carboy.flask, or put carboy's faces in flask's place (carboy run --drop-in). "
            'Any WSGI or ASGI application as it is: app.mount("/prefix", application).'
        )
    if isinstance(flask, Side):
        raise ValueError(f"{flask.name!r} is the Flask side of an App already")
    if owner._side is not None:
        raise ValueError(
            f"this App has a Flask side already ({owner._side.name!r}): include the Flask "
            "application before the first @app.route or app.config, declare its views on a "
            'Blueprint, or mount it: app.mount("/prefix", application).'
        )
