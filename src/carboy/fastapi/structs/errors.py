"""msgspec's one error about a value -> FastAPI's list of errors, each with type, loc, msg, input.

The words stay msgspec's. The type is what pydantic calls the same mistake, for clients that look at
it; the place is read from msgspec's path, in which a key of a dict is not named: it is found by
reading parts of the value again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import ValidationError
from pydantic_core import ValidationError as PydanticError

Loc = tuple[int | str, ...]
Read = Callable[[Any], Any]

_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISMATCH = re.compile(r"Expected `([^`|]*?)(?: \| null)?`, got `.*`", re.DOTALL)
_LENGTH = re.compile(r"Expected `array` of (?:at (?:least|most) )?length (\d+), got (\d+)")
_KINDS = {
    "str": "string_type",
    "array": "list_type",
    "object": "dict_type",
    "null": "none_required",
    "uuid": "uuid_type",
    **{name: f"{name}_type" for name in ("int", "float", "bool", "bytes", "date", "time")},
    "datetime": "datetime_type",
    "duration": "time_delta_type",
    "decimal": "decimal_type",
}
#: What msgspec says of a limit -> (pydantic's type, the limit's name in `ctx`).
_LIMITS: list[tuple[re.Pattern[str], str, str]] = [
    (re.compile(pattern, re.DOTALL), kind, name)
    for pattern, kind, name in (
        (r"Expected `str` of length >= (\d+)", "string_too_short", "min_length"),
        (r"Expected `str` of length <= (\d+)", "string_too_long", "max_length"),
        (r"Expected `\w+` of length >= (\d+)", "too_short", "min_length"),
        (r"Expected `\w+` of length <= (\d+)", "too_long", "max_length"),
        (r"Expected `str` matching regex (.*)", "string_pattern_mismatch", "pattern"),
        (r"Expected `\w+` >= (\S+)", "greater_than_equal", "ge"),
        (r"Expected `\w+` <= (\S+)", "less_than_equal", "le"),
        (r"Expected `\w+` > (\S+)", "greater_than", "gt"),
        (r"Expected `\w+` < (\S+)", "less_than", "lt"),
        (r"Expected `\w+` that's a multiple of (\S+)", "multiple_of", "multiple_of"),
    )
]
_BEGINNINGS = {
    "Invalid enum value": "enum",
    "Invalid value": "union_tag_invalid",
    "Invalid RFC3339 encoded datetime": "datetime_parsing",
    "Invalid RFC3339 encoded date": "date_parsing",
    "Invalid RFC3339 encoded time": "time_parsing",
    "Expected `datetime` with": "timezone_aware",
    "Invalid ISO8601 duration": "time_delta_parsing",
    "Invalid UUID": "uuid_parsing",
    "Invalid decimal string": "decimal_parsing",
    "Invalid base64 encoded string": "bytes_invalid_encoding",
}


def explained(read: Read, value: Any, loc: Loc) -> tuple[Any, list[dict[str, Any]]]:
    """The value as `read` makes it and no errors; or None and the errors, below `loc`."""
    try:
        return read(value), []
    except ValidationError as error:
        text = str(error)
        said, path, is_key = _parted(text)
        below, at = _walked(read, value, path, text)
        if is_key and isinstance(at, dict):
            at = _bad_entry(read, value, below, at, text)
            below = (*below, at, "[key]")
        cause = error.__cause__
        if isinstance(cause, PydanticError):
            found: Any = cause.errors(include_url=False)
            return None, [{**one, "loc": (*loc, *below, *one["loc"])} for one in found]
        return None, [{**_typed(said, at, cause), "loc": (*loc, *below, *_own(said))}]


def _typed(said: str, at: Any, cause: BaseException | None) -> dict[str, Any]:
    """Everything but the place; the keys in FastAPI's order."""
    if _MISSING.fullmatch(said):
        return {"type": "missing", "loc": (), "msg": "Field required", "input": at}
    if found := _UNKNOWN.fullmatch(said):
        extra = at.get(found[1]) if isinstance(at, dict) else at
        return {"type": "extra_forbidden", "loc": (), "msg": said, "input": extra}
    if cause is not None:  # said by the class itself
        return {"type": "value_error", "loc": (), "msg": said, "input": at}
    for pattern, kind, name in _LIMITS:
        if found := pattern.fullmatch(said):
            limit = found[1].strip("'") if name == "pattern" else _number(found[1])
            return {"type": kind, "loc": (), "msg": said, "input": at, "ctx": {name: limit}}
    if found := _LENGTH.fullmatch(said):
        wanted, given = int(found[1]), int(found[2])
        kind, name = ("too_short", "min_length") if given < wanted else ("too_long", "max_length")
        return {"type": kind, "loc": (), "msg": said, "input": at, "ctx": {name: wanted}}
    for beginning, kind in _BEGINNINGS.items():
        if said.startswith(beginning):
            return {"type": kind, "loc": (), "msg": said, "input": at}
    found = _MISMATCH.fullmatch(said)
    kind = "value_error" if found is None else _KINDS.get(found[1], "type_error")
    return {"type": kind, "loc": (), "msg": said, "input": at}


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _own(said: str) -> Loc:
    """The field that an error about an object is about."""
    found = _MISSING.fullmatch(said) or _UNKNOWN.fullmatch(said)
    return () if found is None else (found[1],)


def _parted(text: str) -> tuple[str, str, bool]:
    """(what is said, the path below the value, whether it is said of a key there)."""
    said, _, place = text.rpartition(" - at `")
    is_key = place.startswith("key` in `")
    place = place.removeprefix("key` in `")
    if not said or not place.startswith("$") or not place.endswith("`"):
        return text, "", False
    return said, place[1:-1], is_key


def _walked(read: Read, whole: Any, path: str, text: str) -> tuple[Loc, Any]:
    """msgspec's path through `whole` as a loc, and what is there (None if it has been changed)."""
    loc: list[int | str] = []
    at = whole
    while path:
        step, path = _step(at, path)
        if step == "[...]":
            if not isinstance(at, dict):
                return tuple(loc), at
            step = _bad_entry(read, whole, tuple(loc), at, text)
        loc.append(step)
        try:
            at = at[step]
        except (LookupError, TypeError):
            return tuple(loc), None
    return tuple(loc), at


def _step(at: Any, path: str) -> tuple[int | str, str]:
    """The next step of a path, and the rest; names may hold the path's own marks."""
    if path[0] == "[":
        inside, _, rest = path[1:].partition("]")
        return (int(inside) if inside.isdigit() else "[...]"), rest
    path = path[1:]
    ends = [place for place, mark in enumerate(path) if mark in ".["] + [len(path)]
    if isinstance(at, dict):
        known = [end for end in ends if path[:end] in at]
        ends = known[-1:] or ends
    return path[: ends[0]], path[ends[0] :]


def _bad_entry(read: Read, whole: Any, loc: Loc, at: dict[Any, Any], text: str) -> Any:
    """The key of `at`, which stands at `loc`, that the complaint is about, or whose value it is.

    SAFETY: found by halving, so that a large dict is read again a few times, not once a key.
    """
    keys = list(at)
    low, high = 0, len(keys)
    while high - low > 1:
        middle = (low + high) // 2
        part = {key: at[key] for key in keys[:middle]}
        if _complaint(read, _with(whole, loc, part)) == text:
            high = middle
        else:
            low = middle
    return keys[low]


def _with(whole: Any, loc: Loc, part: Any) -> Any:
    """A copy of `whole` with `part` at `loc`."""
    if not loc:
        return part
    copied = whole.copy()
    copied[loc[0]] = _with(whole[loc[0]], loc[1:], part)
    return copied


def _complaint(read: Read, value: Any) -> str | None:
    try:
        read(value)
    except ValidationError as error:
        return str(error)
    return None
