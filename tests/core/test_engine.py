"""Freeze and serve: late changes, threads that come first together, mistakes made late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

import pytest

from carboy.core.engine import Engine, Target
from carboy.core.errors import Handling
from carboy.core.pattern import Pattern
from carboy.core.route import Route
from carboy.core.router import Router
from carboy.core.signature import Function, Parameter, Source, Use

from .doubles import call, function_of, plain_route, request_for


class App:
    """An application as the engine sees it. `between` is called while routes are being ranked."""

    def __init__(self, *routes: Route) -> None:
        self.routes = list(routes)
        self.overrides: dict[Any, Function] = {}
        self.built = 0
        self.between: Callable[[], None] = lambda: None
        self.missing = plain_route(function_of(lambda: "missing"))
        self.engine = Engine(self)

    def routes_in_rank(self) -> Iterable[Route]:
        self.built += 1
        routes = list(self.routes)
        self.between()
        return routes

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        self.missed = method, path, found
        return self.missing

    def override(self, function: Function) -> Function:
        return self.overrides.get(function.call, function)

    def outer(self, error: BaseException) -> Handling | None:
        return None

    def lifespan(self) -> AbstractAsyncContextManager[dict[str, Any] | None]:
        return nullcontext()

    def get(self, path: str, method: str = "GET") -> Any:
        request = request_for(path, method=method)
        target = self.engine.match(request)
        assert request.target is target
        assert target.call is not None
        return call(target, request)[1]  # type: ignore[arg-type]


def saying(text: str, path: str, *methods: str) -> Route:
    wanted = frozenset(methods or ("GET",)) if methods != ("*",) else None
    return plain_route(function_of(lambda: text), path, methods=wanted)


def test_match_sets_target_and_params() -> None:
    app = App(saying("static", "/a"), saying("int", "/{x:int}"), saying("text", "/{x}"))
    for path, params in (("/a", ()), ("/7", (7,)), ("/b", ("b",))):
        request = request_for(path)
        target = app.engine.match(request)
        assert request.params == params
        assert request.path_params == dict(zip(target.pattern.names, params, strict=True))
    assert [app.get(path) for path in ("/a", "/7", "/b")] == [b'"static"', b'"int"', b'"text"']


def test_a_miss_is_asked_for_with_what_takes_other_methods() -> None:
    app = App(saying("a", "/a"), saying("x", "/{x}", "POST"))
    assert app.get("/none/at/all") == b'"missing"'
    assert app.missed == ("GET", "/none/at/all", [])
    assert app.get("/a", "PUT") == b'"missing"'
    assert app.missed == ("PUT", "/a", app.routes)
    request = request_for("/none/at/all")
    target = app.engine.match(request)
    assert app.engine.match(request_for("/elsewhere/at/all")) is target, "compiled once"
    assert request.path_params == {}


def test_routes_are_compiled_when_first_asked_for_or_at_freeze() -> None:
    app = App(saying("a", "/a"), saying("b", "/b"))
    app.get("/a")
    assert [target.call is None for target in app.engine.router.routes] == [False, True]
    app.engine.freeze()
    assert all(target.call for target in app.engine.router.routes)
    assert app.built == 1


def test_a_late_route_is_found_and_nothing_else_is_compiled_again() -> None:
    app = App(saying("a", "/a"))
    app.get("/a")
    [before] = app.engine.router.routes
    app.routes.append(saying("b", "/b"))
    assert app.get("/b") == b'"missing"', "nobody has said so yet"
    app.engine.invalidate()
    assert app.get("/b") == b'"b"'
    assert app.engine.router.routes[0] is before
    app.routes.insert(0, saying("new", "/{x}"))
    app.engine.invalidate()
    assert app.get("/a") == b'"new"'


def test_recompiling_is_for_every_route() -> None:
    inner = function_of(lambda: "old")
    root = function_of(lambda d: d)
    root.uses = (Use("d", inner, "d"),)
    app = App(plain_route(root, "/a"))
    assert app.get("/a") == b'"old"'
    app.overrides[inner.call] = function_of(lambda: "new")
    assert app.get("/a") == b'"old"'
    app.engine.invalidate(recompile=True)
    assert app.get("/a") == b'"new"'


def test_an_override_that_takes_a_body_has_it_read() -> None:
    inner, body = function_of(max), function_of(lambda b: b)
    body.parameters = (Parameter("b", Source.BODY, "b", int, True, check=int),)
    root = function_of(lambda d: d)
    root.uses = (Use("d", inner, "d"),)
    app = App(plain_route(root, "/a", buffered=False))
    assert app.engine.match(request_for("/a")).buffered is False
    app.overrides[inner.call] = body
    app.engine.invalidate(recompile=True)
    assert app.engine.match(request_for("/a")).buffered is True


def test_threads_that_come_first_together_build_once() -> None:
    app = App(*(saying(str(n), f"/{n}") for n in range(50)))
    gate = threading.Barrier(8)
    app.between = lambda: time.sleep(0.05)  # long enough for everybody to be there
    answers: list[Any] = []

    def visit() -> None:
        gate.wait()
        answers.extend(app.get(f"/{n}") for n in range(50))

    threads = [threading.Thread(target=visit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted([b'"%d"' % n for n in range(50)] * 8)
    assert app.built == 1


def test_a_change_during_a_build_is_not_lost() -> None:
    app = App(saying("a", "/a"))
    late: list[threading.Thread] = []

    def declare() -> None:
        app.routes.append(saying("b", "/b"))
        app.engine.invalidate()

    def between() -> None:
        if not late:  # the routes have been listed: what comes now is missed by this build
            late.append(threading.Thread(target=declare))
            late[0].start()
            late[0].join(0.2)  # until it has changed everything, or waits for this build

    app.between = between
    app.get("/a")
    late[0].join()
    assert app.get("/b") == b'"b"'


def test_recompiling_during_a_build_is_not_lost() -> None:
    inner = function_of(lambda: "old")
    root = function_of(lambda d: d)
    root.uses = (Use("d", inner, "d"),)
    app = App(plain_route(root, "/a"))
    app.get("/a")
    late: list[threading.Thread] = []

    def override() -> None:
        app.overrides[inner.call] = function_of(lambda: "new")
        app.engine.invalidate(recompile=True)

    def between() -> None:
        if not late:
            late.append(threading.Thread(target=override))
            late[0].start()
            late[0].join(0.2)

    app.between = between
    app.engine.invalidate()
    app.get("/a")
    late[0].join()
    assert app.get("/a") == b'"new"'


def test_invalidating_while_routes_are_ranked_is_allowed() -> None:
    app = App(saying("a", "/a"))
    app.between = app.engine.invalidate
    assert app.get("/a") == b'"a"'


def test_a_mistake_is_raised_at_freeze_and_answered_when_made_late() -> None:
    root, inner = function_of(lambda d: d), function_of(lambda: 1)
    root.uses = (Use("d", inner, "d"),)
    looping = function_of(lambda d: d)
    looping.uses = (Use("d", inner, "d"),)
    app = App(plain_route(root, "/a"), saying("b", "/b"))
    app.overrides[inner.call] = looping
    with pytest.raises(RecursionError):
        app.engine.freeze()
    target = app.engine.match(request_for("/a"))
    with pytest.raises(RecursionError):
        target.call(request_for("/a"))  # type: ignore[misc]
    assert app.get("/b") == b'"b"'
    app.overrides.clear()
    app.engine.invalidate(recompile=True)
    assert app.get("/a") == b"1"


def test_an_application_that_can_not_list_its_routes_answers_with_that() -> None:
    app = App(saying("a", "/a"))

    def broken() -> None:
        raise LookupError("no such router")

    app.between = broken
    request = request_for("/a")
    target = app.engine.match(request)
    assert request.path_params == {}
    assert target.max_body is None
    with pytest.raises(LookupError, match="no such router"):
        target.call(request)  # type: ignore[misc]
    app.between = lambda: None
    assert app.get("/a") == b'"a"'


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("GET /a", b'"a"'),
        ("GET,POST /both", b'"both"'),
        ("POST /both", b'"both"'),
        ("* /any", b'"any"'),
        ("BREW /any", b'"any"'),
        ("GET /", b'"empty"'),
        ("GET /{x}", b'"x"'),
    ],
)
def test_find_by_title(title: str, says: bytes) -> None:
    app = App(
        saying("a", "/a"),
        saying("both", "/both", "GET", "POST"),
        saying("any", "/any", "*"),
        saying("empty", ""),
        saying("x", "/{x}", "GET", "HEAD"),
    )
    target = app.engine.find(title)
    assert call(target, request_for())[1] == says  # type: ignore[arg-type]
    assert all(app.engine.find(one.route.title) is one for one in app.engine.router.routes)


def test_what_is_not_found_lists_what_there_is() -> None:
    app = App(saying("a", "/a"), saying("b", "/b", "POST"))
    with pytest.raises(KeyError, match=r"GET /a\\n  POST /b"):
        app.engine.find("PUT /a")


def test_reprs_say_what_it_is() -> None:
    app = App(saying("a", "/a"))
    request = request_for("/a")
    assert repr(app.engine.match(request)) == "<Target GET /a>"
    assert repr(request) == "<GET /a>"
    assert isinstance(request.target.pattern, Pattern)


def test_a_request_knows_its_headers_and_makes_its_scope_once() -> None:
    request = request_for("/a", headers=[(b"a", b"1"), (b"a", b"2")])
    assert (request.header(b"a"), request.header(b"b")) == (b"1", None)
    assert request.scope is request.scope
