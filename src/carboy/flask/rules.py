"""From Flask's ``/u/<int:id>`` to the core's Pattern, and to a rank among other rules.

A rule's variables are made by the classes in `url_map.converters`, Werkzeug's or an application's
own. The router only ever matches their text; values are made later, with the request's context
pushed (adapter.py). COMPAT: upstream's order. A custom converter may look at the session or ask a
database, which no event loop should wait for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from werkzeug.routing import BaseConverter, Rule, UnicodeConverter

from carboy.core.pattern import (
    STRING,
    Converter,
    Pattern,
    PatternError,
    Piece,
    Variable,
    without_groups,
)

#: What stays as it is in a path that is built. COMPAT: Werkzeug's choice.
SAFE = "!$&'()*+,/:;=@"

_HOLE = re.compile(
    r"<(?:(?P<kind>[a-zA-Z_][a-zA-Z0-9_]*)(?:\((?P<args>.*?)\))?:)?(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)>"
)
_ARGUMENT = re.compile(
    r"""\s*(?:(?P<key>\w+)\s*=\s*)?
    (?P<value>"[^"]*"|'[^']*'|[+-]?\d+\.\d+|[+-]?\d+|[\w.-]+)\s*(?:,|\Z)""",
    re.VERBOSE,
)
_WORDS = {"True": True, "False": False, "None": None}


class Text(Converter):
    """The text of a Werkzeug converter, as the router needs it; its value is made later."""

    def __init__(self, converter: BaseConverter, ending: str = "") -> None:
        regex = without_groups(converter.regex) + ending
        # COMPAT: a dot is no line feed, also where the router looks for one.
        self.regex = f"(?-s:{regex})" if "." in regex else regex
        self.crosses_slashes = not converter.part_isolating

    def __eq__(self, other: object) -> bool:
        # Equal ones share a node of the router's tree.
        return isinstance(other, Text) and self.regex == other.regex

    def __hash__(self) -> int:
        return hash(self.regex)


class Weight(NamedTuple):
    """How specific a part of a rule is; smaller is tried first. COMPAT: Werkzeug's weighting."""

    dynamic: int
    static_count: int = 0
    statics: tuple[tuple[int, int], ...] = ()
    variable_count: int = 0
    variables: tuple[int, ...] = ()


#: Text without variables comes before everything; a slash that is not there, last.
STATIC = Weight(0)
LENIENT = Weight(2)


@dataclass(eq=False)
class Bound:
    """A rule of a map: as it was declared, and what was read out of it."""

    rule: Rule
    host: Pattern
    path: Pattern
    converters: dict[str, BaseConverter]
    rank: tuple[Weight, ...]
    #: Whether values may be taken from the text as they are.
    plain: bool
    #: Texts of the variables whose values are settled.
    constants: Mapping[str, str]
    host_regex: re.Pattern[str] | None = None
    #: For rules that the engine's router does not hold.
    path_regex: re.Pattern[str] | None = None

    def values(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """The view's arguments. ValidationError where a converter finds no value."""
        rule = self.rule
        if self.plain:
            found = dict(texts)
        else:
            found = {
                name: converter.to_python(texts[name])
                for name, converter in self.converters.items()
            }
        if rule.defaults:
            found.update(rule.defaults)
        return found

    def build(self, pattern: Pattern, values: Mapping[str, Any]) -> str:
        """The host or path with `values` in it, percent-encoded."""
        text = []
        for piece in pattern.pieces:
            if isinstance(piece, str):
                text.append(quote(piece, safe=SAFE))
            elif piece.name in self.constants:
                text.append(self.constants[piece.name])
            else:
                text.append(self.converters[piece.name].to_url(values[piece.name]))
        return "".join(text)


def parse_arguments(text: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """``length=2, "a b", 3`` as positional and named arguments."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    position = 0
    while position < len(text):
        match = _ARGUMENT.match(text, position)
        if match is None:
            raise PatternError(f"can't read the converter argument {text[position:]!r}")
        value = _value(match["value"])
        if match["key"]:
            named[match["key"]] = value
        else:
            positional.append(value)
        position = match.end()
    return tuple(positional), named


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "\"'":
        return text[1:-1]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def bind(rule: Rule, url_map: Any) -> Bound:
    """Read `rule` with the settings and converters of `url_map`; it belongs to that map then."""
    if rule.map is not None:
        raise RuntimeError(f"url rule {rule!r} already belongs to a map")
    rule.map = url_map
    if rule.strict_slashes is None:
        rule.strict_slashes = url_map.strict_slashes
    if rule.merge_slashes is None:
        rule.merge_slashes = url_map.merge_slashes
    if rule.subdomain is None:
        rule.subdomain = url_map.default_subdomain
    domain = (rule.host if url_map.host_matching else rule.subdomain) or ""
    path = re.sub("/{2,}", "/", rule.rule) if rule.merge_slashes else rule.rule
    converters: dict[str, BaseConverter] = {}
    host_pattern = Pattern(domain, tuple(_pieces(domain, rule, converters)))
    path_pattern = Pattern(path, tuple(_pieces(path, rule, converters)))
    rule.arguments.update(converters)
    # What Werkzeug's Rule compares and shows.
    rule._converters = converters
    rule._trace = [*_trace(host_pattern), (False, "|"), *_trace(path_pattern)]
    rank = (*_weights(host_pattern, converters), *_weights(path_pattern, converters))
    plain = all(type(one).to_python is BaseConverter.to_python for one in converters.values())
    settled = {name: one for name, one in (rule.defaults or {}).items() if name in converters}
    constants = {name: converters[name].to_url(one) for name, one in settled.items()}
    return Bound(rule, host_pattern, path_pattern, converters, rank, plain, constants)


def _pieces(source: str, rule: Rule, converters: dict[str, BaseConverter]) -> Iterator[Piece]:
    position = 0
    for hole in _HOLE.finditer(source):
        if hole.start() > position:
            yield _literal(source[position : hole.start()], source)
        name = hole["name"]
        if name in converters:
            raise PatternError(f"the rule {source!r} names <{name}> more than once")
        args, kwargs = parse_arguments(hole["args"] or "")
        made = rule.get_converter(name, hole["kind"] or "default", args, kwargs)
        converters[name] = made
        # PERF: whole segments of any text have a place of their own in the router's tree.
        whole = type(made) is UnicodeConverter and made.regex == "[^/]{1,}"
        position = hole.end()
        # COMPAT: what crosses slashes does not end in one, where the rule itself ends in one.
        ending = "" if made.part_isolating or source[position:] != "/" else "(?<!/)"
        yield Variable(name, STRING if whole else Text(made, ending))
    if position < len(source):
        yield _literal(source[position:], source)


def _literal(text: str, source: str) -> str:
    if "<" in text or ">" in text:
        raise PatternError(f"malformed url rule: {source!r}")
    return text


def _trace(pattern: Pattern) -> Iterator[tuple[bool, str]]:
    for piece in pattern.pieces:
        yield (False, piece) if isinstance(piece, str) else (True, piece.name)


def _weights(pattern: Pattern, converters: Mapping[str, BaseConverter]) -> Iterator[Weight]:
    """One weight a segment; one for all that is left where a variable crosses slashes."""
    if not pattern.pieces or not pattern.source.startswith("/"):
        segments: tuple[tuple[Piece, ...], ...] = (pattern.pieces,)
    else:
        segments = pattern.segments
    for index, segment in enumerate(segments):
        if any(isinstance(p, Variable) and not converters[p.name].part_isolating for p in segment):
            rest = [piece for one in segments[index:] for piece in one]
            yield _weight(rest, converters)
            if pattern.source.endswith("/"):
                yield STATIC
            return
        yield _weight(segment, converters)


def _weight(pieces: Any, converters: Mapping[str, BaseConverter]) -> Weight:
    variables = tuple(converters[p.name].weight for p in pieces if isinstance(p, Variable))
    if not variables:
        return STATIC
    texts = [piece for piece in pieces if isinstance(piece, str)]
    statics = tuple((index, -len(text)) for index, text in enumerate(texts))
    return Weight(1, -len(statics), statics, -len(variables), variables)
