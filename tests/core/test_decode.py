"""Request bytes to values: equal to the standard library's, whatever is sent."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import cookie_parser

from carboy.core.decode import load_json, parse_cookies, parse_query, parse_query_lists

QUERY = st.text(alphabet="ab=&+%20é;/?", max_size=30).map(lambda text: text.encode("latin-1"))


@given(QUERY)
def test_query_strings_are_read_as_urllib_reads_them(query: bytes) -> None:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    assert parse_query(query) == dict(pairs)
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    assert parse_query_lists(query) == lists


@given(st.text(alphabet='ab=; "\\,', max_size=30))
def test_cookies_are_read_as_starlette_reads_them(text: str) -> None:
    assert parse_cookies([(b"cookie", text.encode())]) == cookie_parser(text)


def _outcome(load: Any, body: bytes) -> Any:
    try:
        return load(body)
    except (ValueError, RecursionError) as error:
        return type(error), str(error)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_loaded_as_the_standard_library_loads_it(value: Any) -> None:
    body = json.dumps(value).encode()
    assert load_json(body) == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b"[1,]",
        b'{"a": 1} x',
        b'"\\ud800"',
        b"\xff",
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"-0",
        b"1e400",
        b"[" * 500 + b"]" * 500,
        b"9" * 5000,
        b'{"a": 1, "a": 2}',
        b"01",
        b'"a\nb"',
    ],
)
def test_odd_json_has_the_standard_librarys_outcome(body: bytes) -> None:
    assert _outcome(load_json, body) == _outcome(json.loads, body)


def test_nan_is_loaded_as_upstream_loads_it() -> None:
    assert math.isnan(load_json(b"NaN"))
