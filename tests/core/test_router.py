"""The router: order, methods, odd segments, and a cost that stays flat."""

from __future__ import annotations

import gc
import re
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.core.decode import decode_path
from carboy.core.pattern import Converter, Pattern, PatternError, parse_braces
from carboy.core.router import Router


@dataclass(frozen=True)
class Route:
    pattern: Pattern
    methods: frozenset[str] | None = frozenset({"GET"})


def router(*paths: str) -> Router[Route]:
    return Router([Route(parse_braces(path)) for path in paths])


def found(routes: Router[Route], path: str, method: str = "GET") -> Any:
    hit = routes.match(method, path)
    return hit and (hit[0].pattern.source, *hit[1])


def test_declaration_order_wins_even_over_a_static_path() -> None:
    routes = router("/users/{id}", "/users/me")
    assert found(routes, "/users/me") == ("/users/{id}", "me")
    assert found(router("/users/me", "/users/{id}"), "/users/me") == ("/users/me",)


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("/a/{x}", "/a/1", ("1",)),
        ("/a/{x}", "/a/", None),
        ("/a/{x}", "/a/1/2", None),
        ("/a/{x:int}", "/a/7", (7,)),
        ("/a/{x:int}", "/a/x", None),
        ("/a/{x:int}", "/a/" + "9" * 5000, None),
        ("/a/{x:float}", "/a/1.5", (1.5,)),
        ("/{a}.{b}", "/x.y.z", ("x.y", "z")),
        ("/f/{p:path}", "/f/a/b/c", ("a/b/c",)),
        ("/f/{p:path}", "/f/", ("",)),
        ("/f/{p:path}/meta", "/f/a/b/meta", ("a/b",)),
        ("/a/{x:int}", "/a/7\n", None),
        ("/a/b", "/a/b\n", None),
    ],
)
def test_patterns(pattern: str, path: str, params: Any) -> None:
    assert found(router(pattern), path) == (params and (pattern, *params))


def test_methods_are_part_of_the_match() -> None:
    routes = Router(
        [
            Route(parse_braces("/a/{x}"), frozenset({"POST"})),
            Route(parse_braces("/a/b"), frozenset({"GET"})),
            Route(parse_braces("/any/{x}"), None),
        ]
    )
    assert found(routes, "/a/b", "GET") == ("/a/b",)
    assert found(routes, "/a/b", "POST") == ("/a/{x}", "b")
    assert found(routes, "/a/b", "PUT") is None
    assert found(routes, "/any/1", "BREW") == ("/any/{x}", "1")


PATHS = st.lists(
    st.sampled_from(["a", "b", "{x}", "{x:int}", "{x:path}", "1", ""]), min_size=1, max_size=3
).map(lambda parts: "/" + "/".join(parts))
REGEX = {"{x}": "[^/]+", "{x:int}": "[0-9]+", "{x:path}": ".*"}


def _slow_match(patterns: list[str], path: str) -> str | None:
    for pattern in patterns:
        regex = "/".join(REGEX.get(part, re.escape(part)) for part in pattern.split("/"))
        if re.fullmatch(regex, path, re.DOTALL):
            return pattern
    return None


@given(
    st.lists(PATHS.filter(lambda p: p.count("x") < 2), min_size=1, max_size=6),
    st.lists(st.sampled_from(["a", "b", "1", "", "c"]), min_size=1, max_size=4),
)
def test_the_tree_agrees_with_trying_one_after_the_other(
    patterns: list[str], parts: list[str]
) -> None:
    path = "/" + "/".join(parts)
    hit = router(*patterns).match("GET", path)
    assert (hit and hit[0].pattern.source) == _slow_match(patterns, path)


def _calls(routes: Router[Route], path: str) -> int:
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.disable()  # hypothesis counts collections in Python
    sys.setprofile(note)
    try:
        assert routes.match("GET", path)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def test_the_cost_does_not_grow_with_the_number_of_routes() -> None:
    few = router(*(f"/r{n}/{{x}}" for n in range(10)))
    many = router(*(f"/r{n}/{{x}}" for n in range(1000)))
    assert _calls(many, "/r999/1") == _calls(many, "/r0/1") == _calls(few, "/r9/1")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("a", "must start with a slash"),
        ("/{x}/{x}", "more than once"),
        ("/{x:odd}", "unknown converter 'odd'"),
        ("/u/<int:id>", "Write '/u/{id:int}' for a typed route"),
        ("/u/<int:id>", "@app.route('/u/<int:id>')"),
    ],
)
def test_mistakes_say_what_to_write(path: str, says: str) -> None:
    with pytest.raises(PatternError, match=re.escape(says)):
        parse_braces(path, strict=True)


KINDS = {
    "{x}": "[^/]+",
    "{x:int}": "[0-9]+",
    "{x:float}": r"[0-9]+(\.[0-9]+)?",
    "{x:path}": ".*",
    "a{x}": "a[^/]+",
    "{x:int}.a": r"[0-9]+\.a",
    "{x}-{y}": "[^/]+-[^/]+",
    "a": "a",
    "b": "b",
    "1": "1",
    "1.5": r"1\.5",
    "": "",
}
METHODS = st.frozensets(st.sampled_from(["GET", "POST", "PUT"]), min_size=1) | st.none()


@st.composite
def declared(draw: st.DrawFn) -> Route:
    """A random route; names are made unique."""
    parts = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=0, max_size=4))
    source = "".join("/" + part for part in parts)
    count = 0

    def name(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"{{v{count}{match[1] or ''}}}"

    named = re.sub(r"\{\w(:\w+)?\}", name, source)
    return Route(parse_braces(named), draw(METHODS))


def _naive(routes: list[Route], method: str, path: str) -> tuple[Route, tuple[Any, ...]] | None:
    """Try one regular expression after the other."""
    for route in routes:
        if route.methods is not None and method not in route.methods:
            continue
        text = ""
        for piece in route.pattern.pieces:
            text += re.escape(piece) if isinstance(piece, str) else f"({piece.converter.regex})"
        if match := re.fullmatch(text, path, re.DOTALL):
            values = zip(route.pattern.variables, match.groups(), strict=True)
            return route, tuple(one.converter.to_python(value) for one, value in values)
    return None


@given(
    st.lists(declared(), max_size=12),
    st.sampled_from(["GET", "POST", "BREW"]),
    st.lists(st.sampled_from(["a", "b", "1", "1.5", "1.a", "ab", "a-b-c", "\n", ""]), max_size=5),
)
def test_the_tree_agrees_with_a_list_of_regular_expressions(
    routes: list[Route], method: str, parts: list[str]
) -> None:
    path = "".join("/" + part for part in parts)
    made = Router(routes)
    ours, theirs = made.match(method, path), _naive(routes, method, path)
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert ours[0] is theirs[0]
        assert ours[1] == theirs[1]
    fitting = [route for route in routes if _naive([Route(route.pattern, None)], "", path)]
    assert [route for _, route, _ in made.candidates(path)] == fitting


@given(st.lists(declared(), max_size=6), st.text(max_size=8).filter(lambda p: p[:1] != "/"))
def test_what_does_not_begin_at_the_root_fits_nothing(routes: list[Route], path: str) -> None:
    assert Router(routes).candidates(path) == [] or path == ""


@pytest.mark.parametrize("path", ["*", "x", "x/items", "http://a/items"])
def test_a_path_that_is_none_is_a_miss(path: str) -> None:
    assert found(router("", "/items", "/{x}", "/{p:path}"), path) is None


@pytest.mark.parametrize(
    ("raw", "hit"),
    [
        (b"/a/b", ("/a/{x}", "b")),
        (b"/a/b%2Fc", ("/a/{x}/{y}", "b", "c")),
        (b"/a%2Fb", ("/a/{x}", "b")),
        (b"/a/b%0a", ("/a/{x}", "b\n")),
        (b"/a/7%0a", ("/a/{x}", "7\n")),
        (b"/s%0a", None),
        (b"/a%0a/b", None),
        (b"/n/7%0a", None),
        (b"/a/%00", ("/a/{x}", "\0")),
        (b"/a/..", ("/a/{x}", "..")),
        (b"/a/%252F", ("/a/{x}", "%2F")),
    ],
)
def test_decoded_paths(raw: bytes, hit: Any) -> None:
    assert found(router("/s", "/n/{x:int}", "/a/{x}", "/a/{x}/{y}"), decode_path(raw)) == hit


def test_a_route_for_any_method_hides_what_comes_later() -> None:
    paths = [("/a", None), ("/a", {"GET"}), ("/{x}", {"POST"})]
    routes = Router([Route(parse_braces(p), m and frozenset(m)) for p, m in paths])
    hit = routes.match("GET", "/a")
    assert hit is not None
    assert hit[0].methods is None


def test_a_static_path_settles_methods_one_by_one() -> None:
    late = Route(parse_braces("/a"), frozenset({"GET", "PUT"}))
    routes = [Route(parse_braces("/{x}"), frozenset({"GET"})), late, Route(late.pattern, None)]
    made = Router(routes)
    for method, rank in (("GET", 0), ("PUT", 1), ("BREW", 2)):
        hit = made.match(method, "/a")
        assert hit is not None
        assert hit[0] is routes[rank], method


def test_a_converter_that_finds_no_value_is_no_match() -> None:
    class Even(Converter):
        """Even digits only, which the regular expression does not say."""

        regex = "[0-9]"

        def to_python(self, text: str) -> int:
            if int(text) % 2:
                raise ValueError(text)
            return int(text)

    even = parse_braces("/{x:even}", {"even": Even()})
    routes = Router([Route(even), Route(parse_braces("/{x}"))])
    assert found(routes, "/4") == ("/{x:even}", 4)
    assert found(routes, "/5") == ("/{x}", "5")
    static = Router([Route(even), Route(parse_braces("/5"))])
    assert found(static, "/5") == ("/5",)


THOUSAND = {
    "static": ([f"/s{n}" for n in range(1000)], "/s999", "/s0"),
    "first segment": ([f"/r{n}/{{x}}" for n in range(1000)], "/r999/1", "/r0/1"),
    "last segment": ([f"/r/{{x}}/{n}" for n in range(1000)], "/r/1/999", "/r/1/0"),
    "deep": (
        [f"/api/{{v}}/t{n}/{{x:int}}/{{p:path}}" for n in range(1000)],
        "/api/1/t999/1/a",
        "/api/1/t0/1/a",
    ),
}


@pytest.mark.parametrize("kind", THOUSAND)
def test_a_thousand_routes_cost_what_one_costs(kind: str) -> None:
    paths, last, first = THOUSAND[kind]
    many = router(*paths)
    assert _calls(many, last) == _calls(many, first) == _calls(router(paths[0]), first)


def test_a_miss_costs_no_more_among_a_thousand() -> None:
    class Counting(dict[str, Any]):
        """Counts the nodes that are asked for a child."""

        asked = 0

        def get(self, key: str, default: Any = None) -> Any:
            Counting.asked += 1
            return super().get(key, default)

    def count(nodes: Any) -> None:
        for child in nodes.literals.values():
            count(child)
        for child in [
            *([nodes.plain] if nodes.plain else []),
            *(c for _, c in nodes.mixed.values()),
        ]:
            count(child)
        nodes.literals = Counting(nodes.literals)

    routes = router(*(f"/{{a}}/{{b}}/x{n}/{{c}}" for n in range(1000)))
    count(routes._root)
    assert routes.match("GET", "/1/2/none/3") is None
    assert Counting.asked == 3


@pytest.mark.parametrize("pattern", ["{path:path}", "{name}", "items/{name}", "{path:path}/end"])
def test_a_pattern_without_its_slash_takes_what_starlettes_takes(pattern: str) -> None:
    from starlette.routing import compile_path

    routes, regex = router("/known", pattern), compile_path(pattern)[0]
    for path in ("/", "/a", "/a/b", "/items/x", "/a/end", "a"):
        fits = regex.match(path)
        assert found(routes, path) == (None if fits is None else (pattern, *fits.groups()))
    assert found(routes, "/known") == ("/known",)
