"""Python values to JSON bytes, the same bytes as upstream's, faster.

An undeclared value is what the standard JSON encoder takes as it is (dict, list, text, numbers):
the C encoder writes it with FastAPI's settings. Anything else in it (a date, a model, bytes) sends
the whole value through the dialect's `fallback`, FastAPI's jsonable_encoder.
A declared type is written by its own pydantic serializer, never by the value's: a subclass with
more fields must not show them.
"""

from __future__ import annotations

import json
import json.encoder
from collections.abc import Callable
from typing import Any

#: Types of results that are JSON and can't be a response object, nor hold one as Flask's tuples do.
PLAIN = frozenset({dict, list, str, int, float, bool, type(None)})

Encode = Callable[[Any], bytes]


class NotPlain(Exception):
    """Something in the value is not JSON as it stands."""


def _refuse(value: Any) -> Any:
    raise NotPlain


_SLOW = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    indent=None,
    separators=(",", ":"),
    default=_refuse,
)


def _chunks() -> Callable[[Any, int], tuple[str, ...]]:
    make = getattr(json.encoder, "c_make_encoder", None)
    quote = getattr(json.encoder, "c_encode_basestring", None)
    if make is None or quote is None:  # another Python than CPython
        return lambda value, depth: (_SLOW.encode(value),)
    # PERF: kept ready, 0.4 µs for a small dict where json.dumps takes 1.6 and pydantic's to_json
    # 0.2; but to_json writes 1e16, dates and NaN differently from upstream, unnoticed.
    return make(None, _refuse, quote, None, ":", ",", False, False, False)  # type: ignore[no-any-return]


def encoder(fallback: Callable[[Any], Any]) -> Encode:
    """An encoder that hands values with anything unusual in them to `fallback` first.

    `fallback` returns plain JSON data. ValueError for NaN and infinity, as upstream.
    """
    chunks = _chunks()

    def encode(value: Any) -> bytes:
        try:
            text = "".join(chunks(value, 0))
        except NotPlain:
            return _SLOW.encode(fallback(value)).encode("utf-8")
        # COMPAT: jsonable_encoder leaves out keys that start with "_sa" (SQLAlchemy's own).
        if '"_sa' in text:
            text = _SLOW.encode(fallback(value))
        return text.encode("utf-8")

    return encode
