"""From declarations to text: names, dependencies, bodies. The text is pinned in tests/compiled."""

from __future__ import annotations

import ast
import asyncio
import json
import keyword
import linecache
import traceback
from enum import Enum
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.core.compile import _OWN, _RESERVED, compile_route
from carboy.core.encode import encoder
from carboy.core.signature import Function, Parameter, Source, Use

from .doubles import (
    Invalid,
    call,
    endpoint,
    function_of,
    named,
    plain_route,
    query,
    request_for,
    same,
)

HOSTILE = sorted(
    {*_OWN, *_RESERVED, *keyword.kwlist, *keyword.softkwlist}
    | {"respond", "encode", "HEAD", "load_body", "explain", "errors", "call", "value", "amend"}
    | {"the_request", "make_request", "got_call", "query_a", "check_a", "default_a", "errors_2"}
    | {"__debug__", "__builtins__", "__name__", "KeyError", "print", "é", "ﬁ", "", "a b", "a\nb"}
    | {"x=1; raise SystemExit", "'", '"', "\\", "\0", "#", "a" * 300}
)


@pytest.mark.parametrize("colour", ["def", "async def"])
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_of_functions_and_parameters_never_meet_the_texts_own(name: str, colour: str) -> None:
    check = SimpleNamespace(count=0)

    def checked(raw: str) -> str:
        check.count += 1
        return raw + "!"

    argument = name if name.isidentifier() and not keyword.iskeyword(name) else "other"
    dependency = function_of(
        named(name, colour, "dependency"),
        parameters=(query(argument, name or "x", check=checked),),
    )
    early = function_of(named(name, "yield", "early"))
    root = function_of(
        named(name, colour, "root"),
        parameters=(
            query(argument, name or "x", required=False, default=name),
            Parameter(argument + "2", Source.BODY, "b", int, True, check=int),
            Parameter(argument + "3", Source.BODY, "c", int, False, default=name),
        ),
        uses=(Use("dep", dependency, "dep"), Use("early", early, "early", early=True)),
    )
    request = request_for(query=f"{quote(name or 'x')}=v".encode(), body=b'{"b": 1}')
    _, body = call(endpoint(root), request)
    expected = {
        argument: "v",
        argument + "2": 1,
        argument + "3": name,
        "dep": ["dependency", {argument: "v!"}],
        "early": "early",
    }
    assert json.loads(body) == ["root", expected]
    assert check.count == 1


def test_a_lone_surrogate_can_be_a_name_but_not_json() -> None:
    root = function_of(
        named("\ud800", "def", 1), parameters=(query("a", "\ud800", required=False),)
    )
    assert call(endpoint(root), request_for())[1] == b'[1,{"a":null}]'


def _tree(name: str, alias: str, path: str) -> ast.Module:
    """What the text says for these words of an application."""
    root = function_of(
        named(name, "def", 1),
        parameters=(
            query("a", alias),
            Parameter("b", Source.HEADER, alias, str, False, default=alias),
            Parameter("c", Source.COOKIE, alias, str, True, check=str),
            Parameter("d", Source.BODY, alias, str, True, check=str),
        ),
    )
    route = plain_route(root)
    object.__setattr__(route.pattern, "source", path)
    return ast.parse(compile_route(route, same).source)


def _words(tree: ast.Module) -> tuple[list[type], set[str], set[Any]]:
    """The kinds of its nodes, its names, its constants."""
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    constants = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return [type(node) for node in nodes], names, constants


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_text_of_an_application_becomes_code(name: str, alias: str, path: str) -> None:
    shape, names, constants = _words(_tree(name, alias, path))
    plain_shape, plain_names, _ = _words(_tree("f", "x", "/"))
    assert shape == plain_shape
    assert constants == {alias, alias.lower(), None}
    assert len(names - plain_names) <= 1, "the function's own, if anything"
    assert all(one.isascii() for one in names)


class Evil:
    """A default whose repr would be code."""

    def __init__(self) -> None:
        self.here = self

    def __repr__(self) -> str:
        raise AssertionError("nobody writes values into the text")

    def __deepcopy__(self, memo: Any) -> Evil:
        return self


def test_values_reach_the_text_through_the_namespace() -> None:
    evil = Evil()
    root = function_of(lambda a: "yes" if a is evil else "no")
    root.parameters = (query("a", required=False, default=evil),)
    assert call(endpoint(root), request_for())[1] == b'"yes"'


def test_names_that_are_no_plain_identifiers_are_passed_as_text() -> None:
    root = function_of(named("f", "def", 1))
    names = ("naïve", "class", "a b", "', **{'x': 1}, '", ", )")
    root.parameters = tuple(query(name, f"q{n}") for n, name in enumerate(names))
    _, body = call(endpoint(root), request_for(query=b"q0=0&q1=1&q2=2&q3=3&q4=4"))
    assert body == encoder(str)([1, {name: str(n) for n, name in enumerate(names)}])


@pytest.mark.parametrize(
    "path", ["/a\nb", "/a\0b", "/<x>", "/é/{x}", "/\ud800", "/'\"\\"], ids=ascii
)
def test_any_path_has_a_file_name_in_tracebacks(path: str) -> None:
    def fails() -> None:
        raise ZeroDivisionError

    compiled = compile_route(plain_route(function_of(fails), path), same)
    try:
        call(compiled, request_for())
    except ZeroDivisionError as error:
        frames = traceback.extract_tb(error.__traceback__)
    shown = {one.line: one.filename for one in frames if one.filename.startswith("<GET /")}
    assert "result = fails()" in shown
    filename = shown["result = fails()"]
    assert filename.isprintable()
    assert "".join(linecache.getlines(filename)) == compiled.source


# -- dependencies -------------------------------------------------------------------------------


def explain_int(raw: Any, loc: tuple[str, ...]) -> tuple[Any, list[dict[str, Any]]]:
    try:
        return int(raw), []
    except ValueError:
        return None, [{"type": "int", "loc": loc}]


def check_int(raw: Any) -> int:
    try:
        return int(raw)
    except ValueError:
        raise KeyError(raw) from None


def number(name: str) -> Parameter:
    return Parameter(name, Source.QUERY, name, int, True, check=check_int, explain=explain_int)


@pytest.mark.parametrize("colour", ["def", "async def"])
def test_one_value_is_made_once_unless_asked_otherwise(colour: str) -> None:
    calls: list[int] = []

    def count() -> int:
        calls.append(1)
        return len(calls)

    counting = function_of(count)
    middle = function_of(named("middle", colour, "m"), uses=(Use("n", counting, "n"),))
    root = function_of(
        named("root", colour, "r"),
        uses=(
            Use("m", middle, "m"),
            Use("n", counting, "n"),
            Use("fresh", counting, "n", cached=False),
            Use(None, counting, "n"),
        ),
    )
    _, body = call(endpoint(root), request_for())
    assert body == b'["r",{"m":["m",{"n":1}],"n":1,"fresh":2}]'


@pytest.mark.parametrize("colour", ["def", "async def"])
def test_all_errors_are_collected_and_valid_siblings_run(colour: str) -> None:
    ran: list[str] = []

    def valid() -> None:
        ran.append("valid")

    def never(**given: Any) -> None:
        raise AssertionError

    inner = function_of(never, parameters=(number("inner"),))
    outer = function_of(never, parameters=(number("outer"),), uses=(Use("i", inner, "i"),))
    root = function_of(
        named("root", colour, 1),
        parameters=(number("own"),),
        uses=(Use("o", outer, "o"), Use("v", function_of(valid), "v"), Use("again", inner, "i")),
    )
    with pytest.raises(Invalid) as raised:
        call(endpoint(root), request_for(query=b"inner=x&own=1"))
    # COMPAT: a dependency that is used twice reports its errors twice, as upstream.
    where = [(error["type"], error["loc"][1]) for error in raised.value.errors]
    assert where == [("int", "inner"), ("missing", "outer"), ("int", "inner")]
    assert ran == ["valid"]


def test_a_check_that_changes_its_mind_is_believed() -> None:
    def fickle(raw: str) -> int:
        raise KeyError

    root = function_of(named("f", "def", 1))
    root.parameters = (
        Parameter("a", Source.QUERY, "a", int, True, check=fickle, explain=explain_int),
    )
    assert call(endpoint(root), request_for(query=b"a=3"))[1] == b'[1,{"a":3}]'


class Shade(Enum):
    """A default that nobody needs to copy."""

    DARK = "dark"


def test_defaults_are_fresh_where_they_could_be_changed() -> None:
    def append(a: list[int], b: Any) -> list[Any]:
        a.append(1)
        return [len(a), b.value]

    root = function_of(append)
    root.parameters = (
        query("a", required=False, default=[]),
        query("b", required=False, default=Shade.DARK),
    )
    compiled = endpoint(root)
    for _ in range(2):
        assert call(compiled, request_for())[1] == b'[1,"dark"]'
    assert "query.get('b', default_b)" in compiled.source


def test_overrides_are_compiled_in_with_their_own_signature() -> None:
    def old(**given: Any) -> None:
        raise AssertionError

    async def new(b: int) -> int:
        return b

    old_function, new_function = function_of(old, parameters=(number("a"),)), function_of(new)
    new_function.parameters = (Parameter("b", Source.BODY, "b", int, True, check=int),)
    root = function_of(named("root", "def", 1), uses=(Use("o", old_function, "o"),))

    def override(function: Function) -> Function:
        return new_function if function is old_function else function

    compiled = compile_route(plain_route(root), override)
    assert compiled.is_async, "an override may have another colour"
    assert compiled.takes_body, "and may want a body"
    assert call(compiled, request_for(body=b'{"b": 7}'))[1] == b'[1,{"o":7}]'


def test_an_override_may_bring_dependencies_of_another_colour() -> None:
    async def inner() -> int:
        await asyncio.sleep(0)
        return 3

    old, new = function_of(max), function_of(named("new", "def", 2))
    new.uses = (Use("i", function_of(inner), "i"),)
    root = function_of(named("root", "def", 1), uses=(Use("o", old, "o"),))
    compiled = compile_route(plain_route(root), lambda one: new if one is old else one)
    assert compiled.is_async
    assert call(compiled, request_for())[1] == b'[1,{"o":[2,{"i":3}]}]'


# -- bodies -------------------------------------------------------------------------------------


def body_parameter(name: str, **options: Any) -> Parameter:
    required = options.pop("required", True)
    options = {"check": check_int, "explain": explain_int, **options}
    return Parameter(name, Source.BODY, name, int, required, **options)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"a": 1, "b": 2}', b'[1,{"a":1,"b":2}]'),
        (b'{"a": "1"}', b'[1,{"a":1,"b":9}]'),
        (b'{"b": 2}', [("body", "a")]),
        (b'{"a": "x", "b": "y"}', [("body", "a"), ("body", "b")]),
        (b"{}", [("body", "a")]),
        (b"[]", [("body", "a"), ("body", "b")]),
        (b"null", [("body", "a"), ("body", "b")]),
        (b"", [("body", "a")]),
    ],
)
def test_keys_of_a_body(body: bytes, answer: Any) -> None:
    root = function_of(named("f", "def", 1))
    root.parameters = (body_parameter("a"), body_parameter("b", required=False, default=9))
    try:
        assert call(endpoint(root), request_for(body=body))[1] == answer
    except Invalid as invalid:
        assert [error["loc"] for error in invalid.errors] == answer


@pytest.mark.parametrize(("required", "empty"), [(True, [("body",)]), (False, b'[1,{"a":9}]')])
def test_a_whole_body(required: bool, empty: Any) -> None:
    root = function_of(named("f", "def", 1))
    root.parameters = (body_parameter("a", whole=True, required=required, default=9),)
    compiled = endpoint(root)
    assert call(compiled, request_for(body=b"5"))[1] == b'[1,{"a":5}]'
    with pytest.raises(Invalid):
        call(compiled, request_for(body=b'"x"'))
    try:
        assert call(compiled, request_for(body=b""))[1] == empty
    except Invalid as invalid:
        assert [error["loc"] for error in invalid.errors] == empty


def test_no_body_is_read_where_none_is_wanted() -> None:
    assert "body" not in endpoint(function_of(named("f", "def", 1))).source
    compiled = endpoint(function_of(named("load_body", "def", 1), parameters=(number("a"),)))
    assert not compiled.takes_body
    with pytest.raises(Invalid):
        call(compiled, request_for(body=b"{", query=b"a=x"))
