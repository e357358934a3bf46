"""Rules of Flask as OpenAPI paths, and their converters as schemas."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    PathConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
)

#: What Werkzeug makes of string(minlength, maxlength, length).
_LENGTHS = re.compile(r"\[\^/\]\{(\d+)(,?)(\d*)\}")


def path_of(rule: Rule) -> tuple[str, list[dict[str, Any]]]:
    """``/books/{number}`` and its path parameters, in order, without those of a host."""
    path, parameters, host = "", [], True
    for is_variable, text in rule._trace:
        if host:
            host = text != "|"
        elif is_variable:
            path += "{" + text + "}"
            schema = schema_of(rule._converters[text])
            parameters.append({"name": text, "in": "path", "required": True, "schema": schema})
        else:
            path += text
    return path, parameters


def schema_of(converter: BaseConverter) -> dict[str, Any]:
    """The texts that a converter takes."""
    if isinstance(converter, IntegerConverter | FloatConverter):
        return _number(converter)
    if isinstance(converter, UUIDConverter):
        return {"type": "string", "format": "uuid"}
    if isinstance(converter, AnyConverter):
        return {"type": "string", "enum": sorted(converter.items)}
    if isinstance(converter, PathConverter):
        return {"type": "string"}
    if isinstance(converter, UnicodeConverter):
        return _text(converter)
    return _own(converter)


def _number(converter: IntegerConverter | FloatConverter) -> dict[str, Any]:
    whole = isinstance(converter, IntegerConverter)
    schema: dict[str, Any] = {"type": "integer" if whole else "number"}
    least = converter.min
    if not converter.signed:
        least = 0 if least is None else max(least, 0)
    if least is not None:
        schema["minimum"] = least
    if converter.max is not None:
        schema["maximum"] = converter.max
    return schema


def _text(converter: UnicodeConverter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    found = _LENGTHS.fullmatch(converter.regex)
    if found is None:
        return schema
    least, comma, most = found.groups()
    if least != "1" or not comma:
        schema["minLength"] = int(least)
    if most or not comma:
        schema["maxLength"] = int(most or least)
    return schema


def _own(converter: BaseConverter) -> dict[str, Any]:
    """An application's own: the pattern, where JSON Schema's regular expressions mean the same."""
    if converter.regex == BaseConverter.regex or "(?" in converter.regex:
        return {"type": "string"}
    return {"type": "string", "pattern": f"^(?:{converter.regex})$"}
