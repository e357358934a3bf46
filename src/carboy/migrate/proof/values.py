"""JSON by value: read with nothing lost, and where two values are not equal.

Numbers keep their kind: 1 and 1.0 are not equal here, nor are 1 and true, since clients tell them
apart. Keys in another order are equal unless asked otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

#: What is no JSON.
BROKEN = object()
_ABSENT = object()


def parsed(body: bytes) -> Any:
    """The value of JSON bytes; BROKEN where they are none, or where an object repeats a key."""
    try:
        return json.loads(body, object_pairs_hook=_object, parse_float=_number)
    except (ValueError, RecursionError):
        return BROKEN


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice: one of the values would be lost")
    return made


def _number(text: str) -> float:
    value = float(text)
    # So many digits that a float would lose some: only the text can be compared.
    if len(text) > 17 and repr(value) != text:
        raise ValueError("a number that is no float")
    return value


def unequal(old: Any, new: Any, most: int, key_order: bool = False) -> list[tuple[str, str, str]]:
    """(where, old, new) of the first `most` places that differ."""
    return list(islice(_unequal(old, new, "", key_order), most))


def _unequal(old: Any, new: Any, where: str, key_order: bool) -> Iterator[tuple[str, str, str]]:
    if type(old) is not type(new):
        yield where, written(old), written(new)
    elif isinstance(old, dict):
        for key in dict.fromkeys((*old, *new)):
            inner = f"{where}.{key}" if where else key
            yield from _unequal(old.get(key, _ABSENT), new.get(key, _ABSENT), inner, key_order)
        if key_order and old.keys() == new.keys() and list(old) != list(new):
            yield f"{where} (order of keys)".strip(), ", ".join(old), ", ".join(new)
    elif isinstance(old, list):
        for index in range(max(len(old), len(new))):
            one, other = (side[index] if index < len(side) else _ABSENT for side in (old, new))
            yield from _unequal(one, other, f"{where}[{index}]", key_order)
    elif written(old) != written(new):
        yield where, written(old), written(new)


def written(value: Any) -> str:
    """A value as JSON, or that there is none."""
    return "(none)" if value is _ABSENT else json.dumps(value, ensure_ascii=False)
