"""What a path looks like, whichever dialect wrote it down.

A Pattern is a path split into literal text and variables. FastAPI's ``/u/{id:int}`` is read here
by `parse_braces`; Flask's ``/u/<int:id>`` is read by the Flask dialect into the same pieces, so the
router and the OpenAPI document never learn which syntax was used. Converters know three things:
what text they accept, what value it stands for, and how to write a value back into a URL.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any


class PatternError(ValueError):
    """A path that can't be declared; the message says what to write instead."""


class Converter:
    """Accepts `regex`, and turns the text into a value and back.

    `crosses_slashes` says that the text may hold ``/``; such a variable ends the part of the path
    that the router can look up segment by segment.
    """

    regex = "[^/]+"
    crosses_slashes = False

    def to_python(self, text: str) -> Any:
        """The value for `text`; ValueError means that this route does not match after all."""
        return text

    def to_url(self, value: Any) -> str:
        """The text for `value`, not yet percent-encoded."""
        return str(value)


class StringConverter(Converter):
    """One segment, not empty. The default."""

    def to_url(self, value: Any) -> str:
        text = str(value)
        if "/" in text or not text:
            raise ValueError("a path segment may neither be empty nor hold a slash")
        return text


class PathConverter(Converter):
    """The rest of the path, slashes included; may be empty."""

    regex = ".*"
    crosses_slashes = True


class IntConverter(Converter):
    """Decimal digits."""

    regex = "[0-9]+"

    def to_python(self, text: str) -> int:
        # SAFETY: A11, CPython refuses more than 4,300 digits with ValueError: no match, so 404.
        return int(text)

    def to_url(self, value: Any) -> str:
        number = int(value)
        if number < 0:
            raise ValueError("negative numbers do not match {name:int}")
        return str(number)


class FloatConverter(Converter):
    """Digits, with or without a fraction."""

    regex = r"[0-9]+(?:\.[0-9]+)?"

    def to_python(self, text: str) -> float:
        return float(text)

    def to_url(self, value: Any) -> str:
        number = float(value)
        if number < 0.0 or not math.isfinite(number):
            raise ValueError("only finite numbers from 0 up match {name:float}")
        return f"{number:.20f}".rstrip("0").rstrip(".")


class UuidConverter(Converter):
    """A UUID, with or without hyphens."""

    regex = "[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"

    def to_python(self, text: str) -> uuid.UUID:
        return uuid.UUID(text)


STRING = StringConverter()
BRACE_CONVERTERS: Mapping[str, Converter] = {
    "str": STRING,
    "path": PathConverter(),
    "int": IntConverter(),
    "float": FloatConverter(),
    "uuid": UuidConverter(),
}


@dataclass(frozen=True, slots=True)
class Variable:
    """A named hole in a path."""

    name: str
    converter: Converter = STRING


Piece = str | Variable


@dataclass(frozen=True)
class Pattern:
    """A parsed path: `source` as it was written, `pieces` in order."""

    source: str
    pieces: tuple[Piece, ...]
    variables: tuple[Variable, ...] = field(init=False)
    #: How each variable's text becomes a value, or None where all of them stay text.
    converters: tuple[Callable[[str], Any], ...] | None = field(init=False)

    def __post_init__(self) -> None:
        variables = tuple(piece for piece in self.pieces if isinstance(piece, Variable))
        names = [variable.name for variable in variables]
        for name in names:
            if names.count(name) > 1:
                raise PatternError(f"the path {self.source!r} names {{{name}}} more than once")
        object.__setattr__(self, "variables", variables)
        plain = all(variable.converter is STRING for variable in variables)
        converters = None if plain else tuple(v.converter.to_python for v in variables)
        object.__setattr__(self, "converters", converters)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(variable.name for variable in self.variables)

    @property
    def is_static(self) -> bool:
        return not self.variables

    @cached_property
    def format(self) -> str:
        """The path with bare ``{name}`` holes, as OpenAPI writes it."""
        return "".join(p if isinstance(p, str) else f"{{{p.name}}}" for p in self.pieces)

    @cached_property
    def segments(self) -> tuple[tuple[Piece, ...], ...]:
        """The pieces grouped between slashes; the leading slash is left out."""
        groups: list[list[Piece]] = [[]]
        for piece in self.pieces:
            if isinstance(piece, Variable):
                groups[-1].append(piece)
                continue
            first, *others = piece.split("/")
            if first:
                groups[-1].append(first)
            groups.extend([other] if other else [] for other in others)
        return tuple(tuple(group) for group in groups[1:])

    def fill(self, values: Mapping[str, Any]) -> str:
        """The path with `values` in its holes, not percent-encoded. KeyError if one is missing."""
        return "".join(
            piece if isinstance(piece, str) else piece.converter.to_url(values[piece.name])
            for piece in self.pieces
        )


def regex_for(pieces: tuple[Piece, ...]) -> str:
    """A regular expression for `pieces`, one group a variable, to be used with ``fullmatch``."""
    return "".join(
        re.escape(piece) if isinstance(piece, str) else f"({piece.converter.regex})"
        for piece in pieces
    )


def without_groups(regex: str) -> str:
    """`regex` with its groups made non-capturing: the router counts one group a variable."""
    if "(" not in regex:
        return regex
    result: list[str] = []
    position, in_class = 0, False
    while position < len(regex):
        char = regex[position]
        if char == "\\":
            result.append(regex[position : position + 2])
            position += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            if regex[position + 1 : position + 2] == "]":
                char, position = "[]", position + 1
        elif char == "(" and regex[position + 1 : position + 2] != "?":
            char = "(?:"
        elif regex.startswith("(?P<", position):
            char, position = "(?:", regex.index(">", position)
        result.append(char)
        position += 1
    return "".join(result)


_HOLE = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-zA-Z_][a-zA-Z0-9_]*))?\}")
#: PERF: compiled for who made this mistake only.
_ANGLES = r"<(?:([a-zA-Z_][a-zA-Z0-9_]*)(?:\(.*?\))?:)?([a-zA-Z_][a-zA-Z0-9_]*)>"


def parse_braces(
    source: str, converters: Mapping[str, Converter] = BRACE_CONVERTERS, *, strict: bool = False
) -> Pattern:
    """Read ``/items/{item_id}`` or ``/files/{path:path}``.

    With `strict`, Flask's ``<...>`` is refused with both ways to mend it (FastAPI itself takes it
    as literal text, which no browser ever sends).
    """
    if strict and source and not source.startswith("/"):
        raise PatternError(f"the path {source!r} must start with a slash: '/{source}'")
    if strict and "<" in source and (angle := re.search(_ANGLES, source)):
        kind, name = angle.groups()
        brace = f"{{{name}:{kind}}}" if kind in ("int", "float", "path", "uuid") else f"{{{name}}}"
        raise PatternError(
            f"the path {source!r} uses Flask's {angle[0]!r}. Write "
            f"{source.replace(angle[0], brace)!r} for a typed route, or declare a Flask view with "
            f"@app.route({source!r})."
        )
    pieces: list[Piece] = []
    position = 0
    for hole in _HOLE.finditer(source):
        name, kind = hole.groups()
        if (kind or "str") not in converters:
            raise PatternError(
                f"the path {source!r} asks for an unknown converter {kind!r}; "
                f"known are {', '.join(sorted(converters))}"
            )
        if hole.start() > position:
            pieces.append(source[position : hole.start()])
        pieces.append(Variable(name, converters[kind or "str"]))
        position = hole.end()
    if position < len(source):
        pieces.append(source[position:])
    return Pattern(source, tuple(pieces))
