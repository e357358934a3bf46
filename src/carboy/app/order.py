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
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from carboy.core.pattern import Pattern, Variable
from carboy.core.route import Route
from carboy.flask.rules import Weight

if TYPE_CHECKING:
    from carboy.app.application import App

Rank = tuple[Weight, ...]
Ranked = list[tuple[Rank, Route]]
_ANY = object()
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
        rank = earlier.add(route.pattern, rank)
        is_page = "inner" not in route.extras and route.pattern.source in pages
        entries.append((rank, 2 if is_page else 0, index, route))
    for index, (rank, route) in enumerate(flask):
        if not route.extras["seen"].other_slash:
            for other in shapes.get(_shape(route.pattern), ()):
                _check(other, route, pages)
        entries.append((rank, 1, index, route))
    entries.sort(key=lambda one: one[:3])
    return [one[3] for one in entries]


class _Tree:
    """The ranks of typed routes by their paths, to find those that fit some of the same paths."""

    def __init__(self) -> None:
        self.children: dict[Any, _Tree] = {}
        self.rank: Rank | None = None

    def add(self, pattern: Pattern, rank: Rank) -> Rank:
        """Keep a route's rank, moved behind those it may not overtake; returns that."""
        keys = list(_keys(pattern))
        behind = max(self._overlapping(keys, 0), default=rank)
        rank = max(rank, behind)
        node = self
        for key in keys:
            node = node.children.setdefault(key, _Tree())
        node.rank = rank if node.rank is None else max(rank, node.rank)
        return rank

    def _all(self) -> Iterator[Rank]:
        if self.rank is not None:
            yield self.rank
        for child in self.children.values():
            yield from child._all()

    def _overlapping(self, keys: list[Any], index: int) -> Iterator[Rank]:
        if (rest := self.children.get(_REST)) is not None:
            yield from rest._all()
        if index == len(keys):
            if self.rank is not None:
                yield self.rank
            return
        key = keys[index]
        if key is _REST:
            yield from self._all()
            return
        for other, child in self.children.items():
            if other is not _REST and (key is _ANY or other is _ANY or other == key):
                yield from child._overlapping(keys, index + 1)


def _keys(pattern: Pattern) -> Iterator[Any]:
    for segment in pattern.segments:
        variables = [piece for piece in segment if isinstance(piece, Variable)]
        if any(one.converter.crosses_slashes for one in variables):
            yield _REST
            return
        yield _ANY if variables else "".join(str(piece) for piece in segment)


def _shape(pattern: Pattern) -> tuple[str, ...]:
    """What paths a pattern takes, whatever its variables are called."""
    return tuple(
        piece if isinstance(piece, str) else f"<{_SAME.get(regex := _regex(piece), regex)}>"
        for piece in pattern.pieces
    )


#: Werkzeug's and Starlette's ways to say the same.
_SAME = {r"\d+": "[0-9]+", "[^/]{1,}": "[^/]+", "[^/].*?": ".*"}


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
    wanted = [None if one.methods is None else one.methods - _AUTOMATIC for one in (typed, flask)]
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
