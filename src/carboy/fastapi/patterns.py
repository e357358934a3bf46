"""Starlette's path syntax as the core's Pattern, its convertors included.

Convertors that an application registered with Starlette are taken over; the built-in ones are the
core's own, which accept the same text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from starlette.convertors import CONVERTOR_TYPES, Convertor

from carboy.core.pattern import BRACE_CONVERTERS, Converter, Pattern, parse_braces, without_groups

_OWN = dict(CONVERTOR_TYPES)


class _Registered(Converter):
    """A convertor of Starlette's registry."""

    def __init__(self, convertor: Convertor[Any]) -> None:
        self.regex = without_groups(convertor.regex)
        self.crosses_slashes = True
        self._convertor = convertor

    def to_python(self, text: str) -> Any:
        return self._convertor.convert(text)

    def to_url(self, value: Any) -> str:
        return self._convertor.to_string(value)


def pattern_of(path: str, *, strict: bool = False) -> Pattern:
    """The Pattern for `path`. ValueError for a name that is used twice."""
    added = tuple(
        (name, made) for name, made in CONVERTOR_TYPES.items() if _OWN.get(name) is not made
    )
    return _parse(path, strict, added)


@lru_cache(maxsize=4096)
def _parse(path: str, strict: bool, added: tuple[tuple[str, Convertor[Any]], ...]) -> Pattern:
    converters = {**BRACE_CONVERTERS, **{name: _Registered(one) for name, one in added}}
    return parse_braces(path, converters, strict=strict)


def convertors_of(pattern: Pattern) -> dict[str, Convertor[Any]]:
    """Starlette's convertors for the variables of `pattern`, by name."""
    kinds = {type(one): name for name, one in BRACE_CONVERTERS.items()}
    return {
        variable.name: variable.converter._convertor
        if isinstance(variable.converter, _Registered)
        else CONVERTOR_TYPES[kinds[type(variable.converter)]]
        for variable in pattern.variables
    }
