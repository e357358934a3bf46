"""One URL map of typed routes and Flask's rules, in an order that can be said in two sentences.

Among typed routes the earlier declared wins, among Flask's rules the more specific, as in FastAPI
and in Flask. Between the two kinds the more specific wins: text before variables, `int` before any
text, one segment before the rest of a path.

So each typed route gets a rank as Flask's rules have one, but never before that of an earlier typed
route that fits some of the same paths. The same path and method in both kinds is an error that
names both handlers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from werkzeug.routing import UUIDConverter

from carboy.core.pattern import (
    FloatConverter,
    IntConverter,
    Pattern,
    UuidConverter,
    Variable,
    regex_for,
)
from carboy.core.route import Route
from carboy.flask.rules import Weight

if TYPE_CHECKING:
    from carboy.app.application import App

Rank = tuple[Weight, ...]
Ranked = list[tuple[Rank, Route]]
Methods = frozenset[str] | None
_REST = object()
#: Methods that frameworks answer by themselves.
_AUTOMATIC = frozenset({"HEAD", "OPTIONS"})


class CollisionError(ValueError):
    """A typed route and a Flask view both take a path and method; the message names both."""


def one_map(typed: Ranked, flask: Ranked, app: App) -> list[Route]:
    """All routes, those that win first."""
    pages = {app.openapi_url, app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url}
    shapes: dict[Any, list[Route]] = {}
    for _, route in typed:
        shapes.setdefault(_shape(route.pattern), []).append(route)
    entries: list[tuple[Rank, int, int, Route]] = []
    earlier = _Tree()
    for index, (rank, route) in enumerate(typed):
        rank = earlier.add(route, rank)
        is_page = "inner" not in route.extras and route.pattern.source in pages
        entries.append((rank, 2 if is_page else 0, index, route))
    for index, (rank, route) in enumerate(flask):
        seen = route.extras["seen"]
        has_host = bool(seen.bound.host.source)
        if not seen.other_slash and not has_host:
            for other in shapes.get(_shape(route.pattern), ()):
                _check(other, route, pages)
        # Between equals a typed route is first, but for who wants one host only.
        entries.append((rank, -1 if has_host else 1, index, route))
    entries.sort(key=lambda one: one[:3])
    return [one[3] for one in entries]


class _Tree:
    """The ranks of typed routes by their paths, to find those that fit some of the same paths."""

    def __init__(self) -> None:
        self.literals: dict[str, _Tree] = {}
        #: A segment with variables -> what it may be, and what follows.
        self.variables: dict[Any, tuple[re.Pattern[str], _Tree]] = {}
        self.rest: dict[Methods, Rank] = {}
        self.ends: dict[Methods, Rank] = {}

    def add(self, route: Route, rank: Rank) -> Rank:
        """Keep a route's rank, moved behind those it may not overtake; returns that."""
        pattern, methods = route.pattern, route.methods
        segments: list[Any] = [*_segments(pattern)]
        found = (
            other
            for ranks in self._overlapping(segments, 0)
            for taken, other in ranks.items()
            if taken is None or methods is None or taken & methods
        )
        rank = max((rank, *found))
        node = self
        for segment in segments:
            if segment is _REST:
                _keep(node.rest, methods, rank)
                return rank
            node = node._child(segment)
        _keep(node.ends, methods, rank)
        return rank

    def _child(self, segment: Any) -> _Tree:
        if isinstance(segment, str):
            return self.literals.setdefault(segment, _Tree())
        if segment not in self.variables:
            self.variables[segment] = re.compile(regex_for(segment)), _Tree()
        return self.variables[segment][1]

    def _all(self) -> Iterator[dict[Methods, Rank]]:
        yield self.rest
        for child in (*self.literals.values(), *(one for _, one in self.variables.values())):
            yield child.ends
            yield from child._all()

    def _overlapping(self, segments: list[Any], index: int) -> Iterator[dict[Methods, Rank]]:
        """The ranks of what may fit a path that these segments fit.

        Two segments with variables may, whatever these accept.
        """
        if index == len(segments):
            yield self.ends
            return
        segment = segments[index]
        if segment is _REST:
            yield from self._all()
            return
        yield self.rest
        for child in self._fitting(segment):
            yield from child._overlapping(segments, index + 1)

    def _fitting(self, segment: Any) -> Iterator[_Tree]:
        if isinstance(segment, str):
            if (child := self.literals.get(segment)) is not None:
                yield child
            for regex, child in self.variables.values():
                if regex.fullmatch(segment):
                    yield child
            return
        regex = re.compile(regex_for(segment))
        for text, child in self.literals.items():
            if regex.fullmatch(text):
                yield child
        for _, child in self.variables.values():
            yield child


def _keep(ranks: dict[Methods, Rank], methods: Methods, rank: Rank) -> None:
    ranks[methods] = max(rank, ranks.get(methods, rank))


def _segments(pattern: Pattern) -> Iterator[Any]:
    """Texts, tuples of pieces, and `_REST` for all that follows a variable that crosses slashes."""
    for segment in pattern.segments:
        variables = [piece for piece in segment if isinstance(piece, Variable)]
        if any(one.converter.crosses_slashes for one in variables):
            yield _REST
            return
        yield (
            tuple(p if isinstance(p, str) else Variable("", p.converter) for p in segment)
            if variables
            else "".join(str(piece) for piece in segment)
        )


def _shape(pattern: Pattern) -> tuple[str, ...]:
    """What paths a pattern takes, whatever its variables are called."""
    return tuple(
        piece if isinstance(piece, str) else f"<{_SAME.get(regex := _regex(piece), regex)}>"
        for piece in pattern.pieces
    )


#: Werkzeug's and Starlette's ways to say the same, or what people take for that.
_SAME = {
    r"\d+": IntConverter.regex,
    r"\d+\.\d+": FloatConverter.regex,
    "[^/]{1,}": "[^/]+",
    "[^/].*?": ".*",
    UUIDConverter.regex: UuidConverter.regex,
}


def _regex(variable: Variable) -> str:
    return variable.converter.regex.removeprefix("(?-s:").removesuffix(")")


def _check(typed: Route, flask: Route, pages: set[str | None]) -> None:
    """CollisionError where both take a method by their own wish."""
    if "inner" not in typed.extras and typed.pattern.source in pages:
        return  # the documentation's own pages give way
    if flask.name == "static" and flask.pattern.source.endswith("<path:filename>"):
        return  # so do Flask's static files, which nobody has declared
    view = flask.extras["view"]()
    if view is None:
        return  # a second name for `url_for`: add_url_rule("/", endpoint="index")
    wanted = [_wanted(typed), _wanted(flask)]
    if None in wanted:
        both: Any = wanted[0] or wanted[1] or {"any method"}
    else:
        both = wanted[0] & wanted[1]  # type: ignore[operator]
    if both:
        raise CollisionError(
            f"{', '.join(sorted(both))} {flask.pattern.source} is declared twice: by the typed "
            f"route {typed.pattern.source!r} ({_where(typed_handler(typed))}) and by the Flask "
            f"view {flask.name!r} ({_where(view)}). Take one of them away, or give it another "
            "path or other methods."
        )


def _wanted(route: Route) -> Methods:
    """The methods that a route was declared for."""
    methods = route.methods
    return None if methods is None else methods - _AUTOMATIC or methods


def typed_handler(route: Route) -> Any:
    """The function that a typed route calls."""
    state: Any = route.extras.get("route")
    return getattr(state, "endpoint", None)


def _where(handler: Callable[..., Any] | None) -> str:
    """``name, file:line`` of a function."""
    if handler is None:
        return "no function"
    inner = inspect.unwrap(handler)
    code = getattr(inner, "__code__", None)
    name = getattr(inner, "__qualname__", repr(inner))
    return name if code is None else f"{name}, {code.co_filename}:{code.co_firstlineno}"
