"""The router: order, methods, odd segments, and a cost that stays flat."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.core.pattern import Pattern, PatternError, parse_braces
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

    sys.setprofile(note)
    try:
        assert routes.match("GET", path)
    finally:
        sys.setprofile(None)
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
