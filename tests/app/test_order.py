"""Who answers a path, in random sets of typed routes and Flask rules: the law of docs/one-app.md.

What fits a path is asked of Starlette and Werkzeug, each with one route; who of two is the more
specific, of Werkzeug with both. The order is worked out here by trying every path there is.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import compile_path
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, Rule

from carboy import App
from carboy.app.order import CollisionError
from carboy.core.context import RequestContext
from carboy.flask import Flask
from carboy.flask.rules import bind
from carboy.flask.url_map import UrlMap
from carboy.testing import TestClient

TEXTS = ("x", "7", "8", "v7", "v8")
PATHS = [
    *("/" + "/".join(one) for size in (1, 2, 3) for one in product((*TEXTS, "zz"), repeat=size)),
    *("/" + "/".join((*one, "")) for size in (0, 1) for one in product(TEXTS, repeat=size)),
]
#: Flask's segment -> the typed one. Two variables of one family fit some of the same texts.
FAMILIES = (
    {"<a>": "{a}", "<int:a>": "{a:int}"},
    {"<a>": "{a}", "v<a>": "v{a}"},
)
REST = {"<path:p>": "{p:path}"}
METHODS = (("GET",), ("POST",), ("GET", "POST"))

Written = tuple[str, str, tuple[str, ...]]


@st.composite
def routes(draw: st.DrawFn) -> list[Written]:
    """(kind, path as Flask writes it, methods) in order of declaration."""
    family = draw(st.sampled_from(FAMILIES))
    segment = st.sampled_from(["x", "7", "v7", *family])
    rest = st.sampled_from([[], [], list(REST)])
    path = st.builds(
        lambda first, last: "/" + "/".join([*first, *last]),
        st.lists(segment, min_size=1, max_size=2),
        rest,
    )
    kind = st.sampled_from(["typed", "flask"])
    return draw(st.lists(st.tuples(kind, path, st.sampled_from(METHODS)), min_size=2, max_size=8))


def _named(path: str, opening: str) -> str:
    """`path` with a name of its own for each variable."""
    for index in range(path.count(opening)):
        path = path.replace(f"{opening}a", f"{opening}b{index}", 1)
        path = path.replace(":a", f":c{index}", 1)
    return path


def _flask(path: str) -> str:
    return _named(path, "<")


def _typed(path: str) -> str:
    for family in (*FAMILIES, REST):
        for one, other in family.items():
            path = "/".join(other if part == one else part for part in path.split("/"))
    return _named(path, "{")


@cache
def _fits(kind: str, path: str) -> frozenset[str]:
    if kind == "typed":
        regex, _, _ = compile_path(_typed(path))
        return frozenset(one for one in PATHS if regex.match(one))
    adapter = Map([Rule(_flask(path), endpoint="x")]).bind("localhost")
    return frozenset(one for one in PATHS if adapter.test(one))


@cache
def _rank(path: str) -> Any:
    return bind(Rule(_flask(path), endpoint="x"), UrlMap()).rank


def _collide(one: Written, other: Written) -> bool:
    filled = [{path for path in _fits(*x[:2]) if not path.endswith("/")} for x in (one, other)]
    return one[0] != other[0] and filled[0] == filled[1] and bool({*one[2]} & {*other[2]})


def _made(written: list[Written]) -> App:
    app = App()
    for index, (kind, path, methods) in enumerate(written):
        if kind == "typed":
            app.add_api_route(_typed(path), lambda: 0, methods=[*methods], name=str(index))
        else:
            app.add_url_rule(_flask(path), str(index), lambda **_: "", methods=[*methods])
    return app


def _winner(app: App, method: str, path: str) -> int | None:
    wire: Any = type("Wire", (), {"shared": type("Shared", (), {"root_path": ""})})
    route = app.engine.match(RequestContext(wire, method, path, b"", [(b"host", b"a")])).route
    is_ours = "seen" in route.extras or "route" in route.extras
    return int(route.name) if is_ours and route.name.isdigit() else None


@given(routes())
@settings(max_examples=150)
def test_the_winner_obeys_the_law(written: list[Written]) -> None:
    app = _made(written)
    collisions = [(one, other) for one in written for other in written if _collide(one, other)]
    if collisions:
        with pytest.raises(CollisionError):
            app.freeze()
        return
    app.freeze()
    ranks: dict[int, Any] = {}
    for index, (kind, path, methods) in enumerate(written):
        behind = [
            ranks[at]
            for at, (other, before, taken) in enumerate(written[:index])
            if kind == other == "typed"
            and _fits(kind, path) & _fits(kind, before)
            and {*methods} & {*taken}
        ]
        ranks[index] = max([_rank(path), *behind])
    for asked, method in product(PATHS, ("GET", "POST")):
        fitting = [
            index
            for index, (kind, path, methods) in enumerate(written)
            if method in methods and asked in _fits(kind, path)
        ]
        found = _winner(app, method, asked)
        expected = min(
            fitting,
            key=lambda index: (ranks[index], written[index][0] == "flask", index),
            default=None,
        )
        assert found == expected, (method, asked)
        typed = [index for index in fitting if written[index][0] == "typed"]
        if found in typed:
            assert found == typed[0]
        if len(typed) == 1 and len(fitting) == 2 and ranks[typed[0]] == _rank(written[typed[0]][1]):
            assert found == _more_specific(written, fitting, asked)


def _more_specific(written: list[Written], fitting: list[int], asked: str) -> int:
    """Of a typed route and a Flask rule, as Werkzeug says where both are rules."""
    fitting = sorted(fitting, key=lambda index: written[index][0] == "flask")
    rules = [Rule(_flask(written[index][1]), endpoint=str(index)) for index in fitting]
    try:
        return int(Map(rules).bind("localhost").match(asked)[0])
    except NotFound:  # an empty rest, which `<path:…>` does not take
        return fitting[0]


@pytest.mark.parametrize(
    ("rule", "path", "methods"),
    [
        ("/<string:a>", "/{b}", ["GET"]),
        ("/v<int:a>", "/v{b:int}", ["GET"]),
        ("/<float:a>", "/{b:float}", ["GET"]),
        ("/<uuid:a>", "/{b:uuid}", ["GET"]),
        ("/f/<path:a>", "/f/{b:path}", ["GET"]),
        ("/a//b", "/a/b", ["GET"]),
        ("/a", "/a", ["OPTIONS"]),
    ],
)
def test_what_people_take_for_the_same_path_collides(
    rule: str, path: str, methods: list[str]
) -> None:
    app = App()
    app.add_url_rule(rule, "f", lambda **_: "", methods=methods)
    app.add_api_route(path, lambda: 0, methods=methods)
    with pytest.raises(CollisionError, match=f"{methods[0]} .* is declared twice"):
        app.freeze()


@pytest.mark.parametrize(
    ("rule", "path"),
    [("/<string(length=2):a>", "/{b}"), ("/<any(x, y):a>", "/x"), ("/x/", "/x"), ("/x", "/x/")],
)
def test_what_takes_other_paths_does_not(rule: str, path: str) -> None:
    app = App()
    app.add_url_rule(rule, "f", lambda **_: "", strict_slashes=False)
    app.add_api_route(path, lambda: 0)
    app.freeze()


@pytest.mark.parametrize("typed", ["/x/y", "/x/{n}", "/{rest:path}"])
def test_a_rule_for_one_host_leaves_others_to_typed_routes(typed: str) -> None:
    flask = Flask(__name__, subdomain_matching=True)
    flask.config["SERVER_NAME"] = "example.com"
    app = App()
    app.include(flask)
    app.add_api_route(typed, lambda: "typed")
    app.freeze()
    flask.add_url_rule("/x/y", "api", lambda: "flask's", subdomain="api")
    assert TestClient(app, base_url="http://example.com").get("/x/y").json() == "typed"
    assert TestClient(app, base_url="http://api.example.com").get("/x/y").text == "flask's"
    with app.test_request_context():
        assert flask.url_for("api") == "http://api.example.com/x/y"
