"""Specificity against the order of declaration.

Of Flask's rules that fit a path the most specific answers, of typed routes the first declared. So
where a typed route would hide a more specific one, the latter is moved above it, if nothing but
the order of two functions in a module changes by that. Else the wider one stays a Flask view:
between the two kinds an App goes by specificity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from carboy.migrate.convert.draft import Draft, names_in
from carboy.migrate.convert.found import TypedRoute
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.project import Source

_HOLE = re.compile(r"<(?:(?P<converter>\w+)(?P<args>\(.*?\))?:)?(?P<name>\w+)>")
_BRACES = re.compile(r"\{(?P<name>\w+)(?::(?P<converter>\w+))?\}")
#: What Werkzeug says of its converters: the lower is asked first.
_WEIGHTS = {"int": 50, "float": 50, "path": 200}
_DIGITS = {"int": re.compile(r"\d+"), "float": re.compile(r"\d+\.\d+")}
#: Pages that an App has of its own.
PAGES = {"/docs": "docs_url", "/redoc": "redoc_url", "/openapi.json": "openapi_url"}


@dataclass(frozen=True)
class Segment:
    """Literal text, or (with `converter`) a variable, or a mixture of both."""

    text: str
    converter: str | None = None

    @property
    def weight(self) -> int:
        return 0 if self.converter is None else _WEIGHTS.get(self.converter, 100)

    def meets(self, other: Segment) -> bool:
        """Whether some text fits both."""
        if self.converter is None and other.converter is None:
            return self.text == other.text
        for one, two in ((self, other), (other, self)):
            if one.converter is None:
                digits = _DIGITS.get(two.converter or "")
                return digits is None or digits.fullmatch(one.text) is not None
        return True


def segments(rule: str, hole_in: re.Pattern[str] = _HOLE) -> list[Segment]:
    """A rule, segment by segment."""
    hidden = hole_in.sub(lambda hole: hole[0].replace("/", "\0"), rule)
    found = []
    for part in hidden.strip("/").split("/"):
        hole = hole_in.search(part)
        found.append(Segment(part, (hole["converter"] or "string") if hole else None))
    return found


def overlap(one: list[Segment], two: list[Segment]) -> bool:
    """Whether some path fits both rules."""
    for index in range(max(len(one), len(two))):
        if index >= len(one) or index >= len(two):
            return False
        if "path" in (one[index].converter, two[index].converter):
            return True
        if not one[index].meets(two[index]):
            return False
    return True


def more_specific(one: list[Segment], two: list[Segment]) -> bool:
    """Whether Flask asks the rule `one` before `two`, whichever was declared first."""
    return [part.weight for part in one] < [part.weight for part in two]


def settle(drafts: Iterable[Draft], edits: dict[str, Edits], typed: list[TypedRoute]) -> None:
    """Move views, or keep those that would hide another; `typed` are routes that are so already."""
    converting = [draft for draft in drafts if not draft.reasons]
    for draft in converting:
        _note_pages(draft)
        for route in typed:
            if _hides_route(draft, route):
                draft.keep(_HIDES.format(route.function.name.value))
    for index, wide in enumerate(converting):
        for other, narrow in enumerate(converting):
            if wide is narrow or wide.reasons or not _hides(wide, narrow):
                continue
            same = wide.view.owner is narrow.view.owner and wide.source is narrow.source
            same = same and wide.is_decorated and narrow.is_decorated
            if same and other < index:
                continue
            if same and _may_move(wide, narrow):
                edits[wide.source.name].moved.append((narrow.view.function, wide.view.function))
                narrow.note(f"it moves above {wide.view.name}, which takes its paths as well")
            else:
                wide.keep(_HIDES.format(narrow.view.name))


_HIDES = (
    "its rule takes paths of {}() as well, which is more specific: of typed routes the first "
    "declared wins"
)


def _hides_route(wide: Draft, route: TypedRoute) -> bool:
    """Whether the view, once it is typed, would answer for a typed route that is declared later."""
    narrow = segments(route.path, _BRACES)
    if not any(
        methods & route.methods and overlap(one, narrow) and more_specific(narrow, one)
        for methods, one in _rules(wide)
    ):
        return False
    body = list(wide.source.tree.body)
    first, second = route.function, wide.view.function
    is_earlier = first in body and second in body and body.index(first) < body.index(second)
    return route.source is not wide.source or not is_earlier


def _rules(draft: Draft) -> Iterator[tuple[set[str], list[Segment]]]:
    for rule in draft.view.rules:
        if rule.path is not None:
            methods = set(rule.methods or ["GET"])
            yield methods, segments(draft.view.owner.full_prefix + rule.path)


def _hides(wide: Draft, narrow: Draft) -> bool:
    return any(
        methods & others and overlap(one, two) and more_specific(two, one)
        for methods, one in _rules(wide)
        for others, two in _rules(narrow)
    )


def _note_pages(draft: Draft) -> None:
    for page, option in PAGES.items():
        if draft.target == "app" and takes(draft, page):
            draft.note(f"an App has a page of its own at {page}: App({option}=None)")


def takes(draft: Draft, page: str) -> bool:
    """Whether a view answers for a path."""
    return any(overlap(one, segments(page)) for _, one in _rules(draft))


def _may_move(wide: Draft, narrow: Draft) -> bool:
    """Whether `narrow` may be defined before `wide`: it needs nothing from between them."""
    body = list(wide.source.tree.body)
    first, second = wide.view.function, narrow.view.function
    if first not in body or second not in body:
        return False
    between = body[body.index(first) : body.index(second)]
    needed = set().union(*(names_in(part) for part in _headers(second)))
    return not needed & set(_bound(narrow.source, between))


def _headers(function: cst.FunctionDef) -> Iterator[cst.CSTNode]:
    yield from function.decorators
    yield function.params
    if function.returns is not None:
        yield function.returns


def _bound(source: Source, statements: Sequence[cst.CSTNode]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            yield statement.name.value
        else:
            yield from names_in(statement) & source.bound
