"""Finding the route for a path, at a cost that does not grow with the number of routes.

Two structures, both built at freeze. `static` maps a whole path to its answer for every method,
already settled against patterns declared earlier. The rest is a tree with one level a segment:
literal children in a dict, then variables, then what may cross slashes. Among all routes that fit a
path, the one with the lowest rank wins; ranks are the dialect's business (FastAPI's is the order of
declaration, Flask's is specificity), not the router's.
SAFETY: only single segments, or the rest after a crossing variable, meet a regular expression, with
``fullmatch``, so that ``%0a`` never slips past an anchor (A12).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from carboy.core.pattern import STRING, Pattern, Piece, Variable, regex_for


class Routed(Protocol):
    """What the router needs to know of whatever it routes to."""

    @property
    def pattern(self) -> Pattern: ...

    @property
    def methods(self) -> frozenset[str] | None: ...


T = TypeVar("T", bound=Routed)
Params = tuple[Any, ...]
Found = tuple[int, T, Params]


class _Node(Generic[T]):
    """One level of the tree."""

    __slots__ = ("ends", "literals", "mixed", "plain", "tails")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.plain: _Node[T] | None = None
        self.mixed: dict[tuple[Piece, ...], tuple[re.Pattern[str], _Node[T]]] = {}
        self.tails: list[tuple[re.Pattern[str], int, T]] = []
        self.ends: list[tuple[int, T]] = []


class Router(Generic[T]):
    """Routes in order of rank: earlier ones win where two fit the same path and method."""

    def __init__(self, routes: Iterable[T]) -> None:
        self.routes: Sequence[T] = list(routes)
        self._root: _Node[T] = _Node()
        #: Patterns that begin with no slash: a variable of theirs may take it ("{path:path}").
        self._whole: list[tuple[re.Pattern[str], int, T]] = []
        for rank, route in enumerate(self.routes):
            self._insert(rank, route)
        self.static: dict[str, dict[str, tuple[T, Params]]] = self._settle()

    def _insert(self, rank: int, route: T) -> None:
        node, pattern = self._root, route.pattern
        if pattern.pieces and not pattern.format.startswith("/"):
            self._whole.append((re.compile(regex_for(pattern.pieces), re.DOTALL), rank, route))
            return
        segments = pattern.segments
        for index, segment in enumerate(segments):
            if any(isinstance(p, Variable) and p.converter.crosses_slashes for p in segment):
                rest = _join(segments[index:])
                node.tails.append((re.compile(regex_for(rest), re.DOTALL), rank, route))
                return
            node = self._child(node, segment)
        node.ends.append((rank, route))

    @staticmethod
    def _child(node: _Node[T], segment: tuple[Piece, ...]) -> _Node[T]:
        if not segment or (len(segment) == 1 and isinstance(segment[0], str)):
            literal = segment[0] if segment else ""
            assert isinstance(literal, str)
            return node.literals.setdefault(literal, _Node())
        only = segment[0]
        if len(segment) == 1 and isinstance(only, Variable) and only.converter is STRING:
            if node.plain is None:
                node.plain = _Node()
            return node.plain
        shape = tuple(p if isinstance(p, str) else Variable("", p.converter) for p in segment)
        if shape not in node.mixed:
            node.mixed[shape] = (re.compile(regex_for(segment)), _Node())
        return node.mixed[shape][1]

    def _settle(self) -> dict[str, dict[str, tuple[T, Params]]]:
        """Decide, once, which route answers each static path for each method."""
        static: dict[str, dict[str, tuple[T, Params]]] = {}
        for route in self.routes:
            path = route.pattern.format
            if not route.pattern.is_static or path in static:
                continue
            methods = static[path] = {}
            for _, candidate, params in self.candidates(path):
                # A route for any method hides what comes later, a guarded one may let it through:
                # leave those to `match`.
                if candidate.methods is None or getattr(candidate, "guard", None) is not None:
                    break
                for method in candidate.methods:
                    methods.setdefault(method, (candidate, params))
        return static

    def candidates(self, path: str) -> list[Found[T]]:
        """Every route whose pattern fits `path`, whatever its methods, best first."""
        segments = path.split("/")
        last = len(segments)
        fits = self._fitting_whole(path) if self._whole else []
        # Each node has one parent, so no node is met twice: no path can make this explode.
        root = (self._root, 1, ())
        # What does not start at the root is the "*" of OPTIONS, or nonsense.
        stack: list[tuple[_Node[T], int, tuple[str, ...]]] = [] if segments[0] else [root]
        while stack:
            node, index, values = stack.pop()
            if index == last:
                for rank, route in node.ends:
                    fits.append((rank, route, values))
                continue
            if node.tails:
                rest = "/".join(segments[index:])
                for regex, rank, route in node.tails:
                    if match := regex.fullmatch(rest):
                        fits.append((rank, route, values + match.groups()))
            segment = segments[index]
            if (child := node.literals.get(segment)) is not None:
                stack.append((child, index + 1, values))
            if segment and node.plain is not None:
                stack.append((node.plain, index + 1, (*values, segment)))
            if node.mixed:
                for regex, child in node.mixed.values():
                    if match := regex.fullmatch(segment):
                        stack.append((child, index + 1, values + match.groups()))
        if len(fits) > 1:
            fits.sort(key=_rank)
        for fit in fits:
            if fit[1].pattern.converters is not None:
                return _converted(fits)
        return fits

    def _fitting_whole(self, path: str) -> list[tuple[int, T, tuple[str, ...]]]:
        matches = ((rank, route, regex.fullmatch(path)) for regex, rank, route in self._whole)
        return [(rank, route, match.groups()) for rank, route, match in matches if match]

    def match(self, method: str, path: str) -> tuple[T, Params] | None:
        """The route and its converted path values, or None where no route takes this method."""
        # PERF: a static path costs two dict look-ups and no walk.
        if (methods := self.static.get(path)) and (hit := methods.get(method)):
            return hit
        for _, route, params in self.candidates(path):
            if route.methods is None or method in route.methods:
                return route, params
        return None


def _rank(found: Found[Any]) -> int:
    return found[0]


def _converted(fits: list[tuple[int, T, tuple[str, ...]]]) -> list[Found[T]]:
    """The fits with values in place of text, less those whose converter finds no value."""
    found: list[Found[T]] = []
    for rank, route, texts in fits:
        converters = route.pattern.converters
        if converters is None:
            found.append((rank, route, texts))
            continue
        try:
            params = [convert(text) for convert, text in zip(converters, texts, strict=True)]
        except ValueError:
            continue
        found.append((rank, route, tuple(params)))
    return found


def _join(segments: Sequence[tuple[Piece, ...]]) -> tuple[Piece, ...]:
    joined: list[Piece] = []
    for index, segment in enumerate(segments):
        if index:
            joined.append("/")
        joined.extend(segment)
    return tuple(joined)
