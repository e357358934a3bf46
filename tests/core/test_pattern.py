"""Paths in pieces: parsing, converters there and back, and what can't be declared."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.core.pattern import (
    BRACE_CONVERTERS,
    Converter,
    Pattern,
    PatternError,
    Variable,
    parse_braces,
    regex_for,
)


def shape(source: str) -> list[str]:
    return [p if isinstance(p, str) else f"<{p.name}>" for p in parse_braces(source).pieces]


@pytest.mark.parametrize(
    ("source", "pieces"),
    [
        ("", []),
        ("/", ["/"]),
        ("/a/{b}", ["/a/", "<b>"]),
        ("/{a}-{b:int}.x", ["/", "<a>", "-", "<b>", ".x"]),
        ("/{a}{b}", ["/", "<a>", "<b>"]),
        # What is no variable is text, as upstream.
        ("/{", ["/{"]),
        ("/{}/{1}/{a b}/{a-b}/{a:}", ["/{}/{1}/{a b}/{a-b}/{a:}"]),
        ("/{{a}}", ["/{", "<a>", "}"]),
        ("/<int:a>", ["/<int:a>"]),
        ("/é/{a}", ["/é/", "<a>"]),
    ],
)
def test_pieces(source: str, pieces: list[str]) -> None:
    assert shape(source) == pieces


@pytest.mark.parametrize(
    ("source", "segments"),
    [
        ("", 0),
        ("/", 1),
        ("/a", 1),
        ("/a/", 2),
        ("//", 2),
        ("/a/{b}/c{d}", 3),
    ],
)
def test_segments_are_what_stands_between_slashes(source: str, segments: int) -> None:
    assert len(parse_braces(source).segments) == segments


def test_format_is_what_openapi_writes() -> None:
    assert parse_braces("/a/{b:int}/{c:path}").format == "/a/{b}/{c}"
    assert parse_braces("/a").format == "/a"


def test_names_and_converters() -> None:
    pattern = parse_braces("/{a}/{b:int}")
    assert pattern.names == ("a", "b")
    assert not pattern.is_static
    assert pattern.converters is not None
    assert [convert("7") for convert in pattern.converters] == ["7", 7]
    assert parse_braces("/{a}").converters is None, "text needs no converting"
    assert parse_braces("/a").is_static


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": st.text(min_size=1).filter(lambda text: "/" not in text),
    "path": st.text(),
    "int": st.integers(0),
    "float": st.integers(0, 10**12).map(lambda n: n / 1024),
    "uuid": st.uuids(),
}


@pytest.mark.parametrize("kind", VALUES)
@given(st.data())
def test_what_is_put_into_a_path_is_matched_and_comes_out_again(
    kind: str, data: st.DataObject
) -> None:
    value = data.draw(VALUES[kind])
    converter = BRACE_CONVERTERS[kind]
    pattern = Pattern("/{x}", ("/", Variable("x", converter)))
    path = pattern.fill({"x": value})
    match = re.fullmatch(regex_for(pattern.pieces), path, re.DOTALL)
    assert match
    assert converter.to_python(match[1]) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("str", ""),
        ("str", "a/b"),
        ("int", -1),
        ("int", "x"),
        ("float", -0.5),
        ("float", float("nan")),
        ("float", float("inf")),
    ],
)
def test_what_would_not_match_is_not_written(kind: str, value: Any) -> None:
    with pytest.raises(ValueError):
        BRACE_CONVERTERS[kind].to_url(value)


@pytest.mark.parametrize(
    ("kind", "text", "fits"),
    [
        ("int", "٣", False),
        ("int", "-1", False),
        ("int", "1_0", False),
        ("float", "1.", False),
        ("float", ".5", False),
        ("float", "1e5", False),
        ("float", "nan", False),
        ("uuid", "12345678-1234-1234-1234-123456789abc", True),
        ("uuid", "123456781234123412341234567890AB", True),
        ("uuid", "{12345678-1234-1234-1234-123456789abc}", False),
        ("str", "a/b", False),
        ("str", "a\nb", True),
        ("path", "a\n/b", True),
    ],
)
def test_what_text_fits(kind: str, text: str, fits: bool) -> None:
    regex = regex_for((Variable("x", BRACE_CONVERTERS[kind]),))
    assert bool(re.fullmatch(regex, text, re.DOTALL)) is fits


def test_a_missing_value_is_named() -> None:
    with pytest.raises(KeyError, match="b"):
        parse_braces("/{a}/{b}").fill({"a": "1"})


def test_converters_of_ones_own() -> None:
    class Hex(Converter):
        """Digits and a to f."""

        regex = "[0-9a-f]+"

        def to_python(self, text: str) -> int:
            return int(text, 16)

        def to_url(self, value: Any) -> str:
            return f"{value:x}"

    pattern = parse_braces("/{x:hex}", {**BRACE_CONVERTERS, "hex": Hex()})
    assert pattern.fill({"x": 255}) == "/ff"
    with pytest.raises(PatternError, match="known are float, int, path, str, uuid"):
        parse_braces("/{x:hex}")


def test_text_of_a_path_is_no_regular_expression() -> None:
    pattern = parse_braces("/a.b*(c)/{x}")
    assert re.fullmatch(regex_for(pattern.pieces), "/a.b*(c)/1")
    assert not re.fullmatch(regex_for(pattern.pieces), "/aXb(c)/1")
