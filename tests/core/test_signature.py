"""Parameters as data: raw values, defaults, explanations, evaluated annotations."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ForwardRef

import pytest

from carboy.core.decode import UNSET
from carboy.core.signature import (
    Function,
    Parameter,
    Source,
    Use,
    annotated_signature,
    explain_function,
    explain_parameter,
    raw_value,
)
from carboy.core.voice import Kind

from .doubles import function_of, request_for

if TYPE_CHECKING:
    from decimal import Decimal as OnlyForCheckers


def parameter(source: Source, alias: str = "a", **options: Any) -> Parameter:
    return Parameter("a", source, alias, Any, options.pop("required", True), **options)


def explain_number(raw: Any, loc: tuple[str, ...]) -> tuple[Any, list[dict[str, Any]]]:
    try:
        return int(raw), []
    except ValueError:
        return None, [{"type": "number", "loc": loc, "input": raw}]


REQUEST = request_for(
    query=b"a=1&a=2&b=%20",
    headers=[(b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=c")],
    params=("first", 7),
)
PATHED = Function(print, Kind.SYNC, path_names=("x", "a"))


@pytest.mark.parametrize(
    ("wanted", "body", "raw"),
    [
        (parameter(Source.PATH), None, 7),
        (parameter(Source.QUERY), None, "2"),
        (parameter(Source.QUERY, many=True), None, ["1", "2"]),
        (parameter(Source.QUERY, "b"), None, " "),
        (parameter(Source.QUERY, "none"), None, UNSET),
        (parameter(Source.HEADER, "X-A"), None, "1"),
        (parameter(Source.HEADER, "x-a", many=True), None, ["1", "2"]),
        (parameter(Source.HEADER, "none"), None, UNSET),
        (parameter(Source.COOKIE), None, "c"),
        (parameter(Source.COOKIE, "none"), None, UNSET),
        (parameter(Source.BODY), {"a": None}, None),
        (parameter(Source.BODY), {}, UNSET),
        (parameter(Source.BODY), [], UNSET),
        (parameter(Source.BODY), UNSET, UNSET),
        (parameter(Source.BODY, whole=True), [1], [1]),
        (parameter(Source.BODY, whole=True), UNSET, UNSET),
    ],
)
def test_raw_values(wanted: Parameter, body: Any, raw: Any) -> None:
    assert raw_value(wanted, PATHED, REQUEST, body) == raw


def test_where_errors_say_a_value_was() -> None:
    assert parameter(Source.HEADER, "X-Odd").loc == ("header", "X-Odd")
    assert parameter(Source.HEADER, "X-Odd").key == "x-odd"
    assert parameter(Source.QUERY, "Q").key == "Q"
    assert parameter(Source.BODY).loc == ("body", "a")
    assert parameter(Source.BODY, whole=True).loc == ("body",)


def test_defaults_are_fresh() -> None:
    shared: list[int] = []
    one = parameter(Source.QUERY, default=shared)
    assert one.make_default() == []
    assert one.make_default() is not shared
    assert parameter(Source.QUERY, default=[1], default_factory=dict).make_default() == {}


def test_explaining_one_parameter() -> None:
    missing = {"type": "missing", "loc": ("query", "a"), "msg": "Field required", "input": None}
    needed = parameter(Source.QUERY, explain=explain_number)
    assert explain_parameter(needed, UNSET) == (None, [missing])
    assert explain_parameter(needed, "7") == (7, [])
    assert explain_parameter(needed, "x")[1][0]["loc"] == ("query", "a")
    assert explain_parameter(parameter(Source.QUERY), "x") == ("x", [])
    optional = parameter(Source.QUERY, required=False, default="x", explain=explain_number)
    assert explain_parameter(optional, UNSET) == ("x", []), "defaults are not checked"
    optional.validate_default = True
    assert explain_parameter(optional, UNSET)[1] == [
        {"type": "number", "loc": ("query", "a"), "input": "x"}
    ]


def test_explaining_a_function_collects_everything() -> None:
    function = function_of(
        print,
        parameters=(
            parameter(Source.QUERY, "b", explain=explain_number),
            parameter(Source.QUERY, "none"),
            parameter(Source.QUERY, "a", explain=explain_number),
        ),
    )
    values, errors = explain_function(function, REQUEST)
    assert values == [None, None, 2]
    assert [error["loc"] for error in errors] == [("query", "b"), ("query", "none")]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"a": 1}, []),
        ({}, []),
        (UNSET, []),
        (b"text", []),
        ([], [("body", "a")]),
        (None, [("body", "a")]),
        (1, [("body", "a")]),
    ],
)
def test_a_key_of_a_body_that_has_none(body: Any, wrong: list[Any]) -> None:
    one = parameter(Source.BODY, required=False, default=3)
    _, errors = explain_function(function_of(print, parameters=(one,)), REQUEST, body)
    assert [error["loc"] for error in errors] == wrong


def test_walk_is_dependencies_first() -> None:
    inner, outer = function_of(max), function_of(min)
    outer.uses = (Use("a", inner, "a"),)
    root = function_of(print, uses=(Use("b", outer, "b"), Use(None, inner, "a")))
    assert root.walk() == [inner, outer, inner, root]
    assert not root.wants_body
    inner.parameters = (parameter(Source.BODY),)
    assert root.wants_body


def written(a: int, b: OnlyForCheckers, c: list[OnlyForCheckers] = []) -> str:  # noqa: B006
    return ""


class Made:
    """A class whose __init__ is asked."""

    def __init__(self, a: int, b: str = "") -> None: ...

    def method(self, a: int) -> None: ...

    def __call__(self, a: int) -> float:
        return 0.0


@pytest.mark.parametrize(
    ("call", "types"),
    [
        (Made, [int, str]),
        (Made(1).method, [int]),
        (Made(1), [int]),
        (functools.partial(Made.method, None), [int]),
        (functools.partial(written, b=1), [int, ForwardRef("OnlyForCheckers")]),
    ],
)
def test_annotations_are_evaluated(call: Callable[..., Any], types: list[Any]) -> None:
    parameters = annotated_signature(call).parameters.values()
    assert [one.annotation for one in parameters][: len(types)] == types


def test_names_for_type_checkers_only_stay_unevaluated() -> None:
    signature = annotated_signature(written)
    assert signature.parameters["a"].annotation is int
    assert signature.parameters["b"].annotation == ForwardRef("OnlyForCheckers")
    assert signature.return_annotation is str


def test_what_takes_nothing_and_says_nothing() -> None:
    signature = annotated_signature(lambda: None)
    assert not signature.parameters
    assert signature.return_annotation is inspect.Signature.empty
