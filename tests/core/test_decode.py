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

from carboy.core.decode import (
    decode_path,
    header_lists,
    header_map,
    load_json,
    parse_cookies,
    parse_query,
    parse_query_lists,
    query_pairs,
)

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


@given(st.text(alphabet='0123456789eE+-.{}[]":, \\unNaIfity\x0b\x00é', max_size=12))
def test_whatever_is_sent_as_json_has_the_standard_librarys_outcome(text: str) -> None:
    body = text.encode()
    ours, theirs = _outcome(load_json, body), _outcome(json.loads, body)
    assert ours == theirs or (ours != ours and theirs != theirs)
    assert type(ours) is type(theirs)


@given(st.integers(0, 10**30), st.text("0123456789", max_size=40), st.integers(-400, 400))
def test_numbers_are_rounded_as_the_standard_library_rounds_them(
    whole: int, fraction: str, exponent: int
) -> None:
    text = f"{whole}.{fraction}1e{exponent}".encode()
    assert load_json(text) == json.loads(text)


@given(st.text(alphabet='a=; "\\\x01é,013', max_size=30))
def test_quoted_cookies_are_read_as_starlette_reads_them(text: str) -> None:
    header = text.encode("latin-1")
    assert parse_cookies([(b"cookie", header)]) == cookie_parser(text)


def test_several_cookie_headers_are_read_one_after_the_other() -> None:
    headers = [(b"cookie", b"a=1; b=2"), (b"x", b"a=0"), (b"cookie", b"a=3;"), (b"cookie", b"")]
    assert parse_cookies(headers) == {"a": "3", "b": "2"}
    assert parse_cookies([]) == {}


@given(st.binary(max_size=20))
def test_any_query_bytes_at_all(query: bytes) -> None:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    assert query_pairs(query) == pairs
    assert parse_query(query) == dict(pairs)


def test_headers_by_name_first_and_all() -> None:
    headers = [(b"a", b"1"), (b"b", "é".encode("latin-1")), (b"a", b"2")]
    assert header_map(headers) == {"a": "1", "b": "é"}
    assert header_lists(headers) == {"a": ["1", "2"], "b": ["é"]}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/a%20b", "/a b"),
        (b"/a+b", "/a+b"),
        (b"/%2F%0a", "//\n"),
        (b"/%C3%A9", "/é"),
        (b"/%FF", "/�"),
        (b"/%2525", "/%25"),
        (b"/%zz", "/%zz"),
    ],
)
def test_a_path_is_decoded_once(raw: bytes, path: str) -> None:
    assert decode_path(raw) == path
