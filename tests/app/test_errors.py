"""One error path: every exception, raised in every place, with handlers of every kind and key.

`ANSWERS` is the law: for which keys a handler is asked, whoever registers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, product
from typing import Any

import pytest
import starlette.exceptions
import werkzeug.exceptions
from starlette.responses import PlainTextResponse

from carboy import App, Depends, HTTPException, Query
from carboy.fastapi.exceptions import RequestValidationError
from carboy.flask import Blueprint, abort, session
from carboy.testing import TestClient


class Boom(Exception):
    pass


class Gone(werkzeug.exceptions.NotFound):
    pass


def _raising(make: Callable[[], Exception]) -> Callable[[], Any]:
    def fail() -> Any:
        raise make()

    return fail


RAISED: dict[str, Callable[[], Any]] = {
    "abort": lambda: abort(404, "d"),
    "werkzeug's": _raising(lambda: Gone("d")),
    "fastapi's": _raising(lambda: HTTPException(404, "d")),
    "starlette's": _raising(lambda: starlette.exceptions.HTTPException(404, "d")),
    "invalid input": _raising(lambda: RequestValidationError([])),
    "a bug": _raising(lambda: Boom("d")),
}
HTTP = {"abort", "werkzeug's", "fastapi's", "starlette's"}
#: Key -> what Flask's `errorhandler` for it answers, and FastAPI's `exception_handler`.
ANSWERS: dict[Any, tuple[set[str], set[str]]] = {
    404: (HTTP, HTTP),
    422: ({"invalid input"}, set()),
    500: ({"a bug"}, {"a bug"}),
    Exception: (HTTP | {"a bug"}, {"a bug"}),
    werkzeug.exceptions.HTTPException: (HTTP | {"a bug"}, HTTP),
    werkzeug.exceptions.NotFound: (HTTP, HTTP),
    Gone: ({"werkzeug's"}, {"werkzeug's"}),
    HTTPException: (HTTP - {"starlette's"}, HTTP - {"starlette's"}),
    starlette.exceptions.HTTPException: (HTTP, HTTP),
    RequestValidationError: ({"invalid input"}, {"invalid input"}),
    Boom: ({"a bug"}, {"a bug"}),
}
PLACES = ("view", "dependency", "hook")


def _register(app: App, shop: Blueprint, by: str, key: Any, is_async: bool) -> None:
    def flask(error: Any) -> Any:
        return f"{by} {type(error).__name__}", 299

    async def flask_async(error: Any) -> Any:
        return flask(error)

    def typed(request: Any, error: Any) -> Any:
        return PlainTextResponse(f"{by} {type(error).__name__}", 299)

    async def typed_async(request: Any, error: Any) -> Any:
        return typed(request, error)

    if by == "typed":
        app.exception_handler(key)(typed_async if is_async else typed)
    else:
        scope: Any = shop if by == "blueprint" else app
        scope.errorhandler(key)(flask_async if is_async else flask)


def _made(kind: str, place: str, fail: Any, handlers: list[tuple[str, Any, bool]]) -> TestClient:
    app = App()
    shop = Blueprint("shop", __name__)
    for by, key, is_async in handlers:
        _register(app, shop, by, key, is_async)
    if place == "hook":
        app.before_request(lambda: fail())

    def dependency() -> Any:
        return fail() if place == "dependency" else None

    def view(found: Any = Depends(dependency)) -> Any:
        return fail() if place == "view" else "ok"

    async def view_async(found: Any = Depends(dependency)) -> Any:
        return view(found)

    which: Any = view_async if len(handlers) % 2 else view
    if kind == "typed":
        app.get("/x", name="shop.x")(which)
    else:
        shop.add_url_rule("/x", "x", which)
    app.register_blueprint(shop)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("kind", ["typed", "flask"])
@pytest.mark.parametrize("raised", list(RAISED))
def test_a_handler_is_asked_for_what_it_is_registered_for(kind: str, raised: str) -> None:
    places = cycle(PLACES)
    handlers = product(("blueprint", "application", "typed"), ANSWERS, (False, True))
    for (by, key, is_async), place in zip(handlers, places, strict=False):
        client = _made(kind, place, RAISED[raised], [(by, key, is_async)])
        answer = client.get("/x")
        is_asked = raised in ANSWERS[key][by == "typed"]
        assert (answer.status_code == 299) == is_asked, (by, key, is_async, place, answer.text)
        if is_asked:
            assert answer.text.startswith(by)
        elif raised in HTTP:
            assert answer.status_code == 404
        else:
            assert answer.status_code == (422 if raised == "invalid input" else 500)


@pytest.mark.parametrize("kind", ["typed", "flask"])
@pytest.mark.parametrize(("raised", "key"), [*((one, 404) for one in HTTP), ("a bug", Boom)])
def test_of_several_handlers_the_one_of_the_route_s_kind_is_asked(
    kind: str, raised: str, key: Any
) -> None:
    order = {"typed": ["typed", "blueprint", "application"]}.get(
        kind, ["blueprint", "application", "typed"]
    )
    for first, place in product(range(3), PLACES):
        registered = [(by, key, bool(first % 2)) for by in reversed(order[first:])]
        expected = order[first]
        if place == "hook" and kind == "typed":
            # A hook is Flask's code.
            expected = next(
                by for by in ("blueprint", "application", "typed") if by in order[first:]
            )
        answer = _made(kind, place, RAISED[raised], registered).get("/x")
        assert answer.text.startswith(expected), (place, registered)


def test_an_exception_is_handed_on_as_it_was_raised() -> None:
    app = App()
    told: list[Any] = []
    raised = [Gone("d"), HTTPException(404, {"code": 7})]

    @app.exception_handler(404)
    def typed(request: Any, error: Any) -> Any:
        told.append(error)
        return PlainTextResponse("told", 404)

    @app.route("/flask/<int:which>")
    def in_flask(which: int) -> Any:
        raise raised[which]

    client = TestClient(app)
    for which in (0, 1):
        assert client.get(f"/flask/{which}").text == "told"
    assert told[0].__cause__ is raised[0]
    assert told[1] is raised[1]


def test_invalid_input_keeps_its_errors_for_a_handler_of_422() -> None:
    app = App()

    @app.errorhandler(422)
    def invalid(error: Any) -> Any:
        return [one["loc"] for one in error.__cause__.errors()], 422

    @app.get("/typed")
    def typed(n: int) -> Any:
        return n

    @app.route("/flask")
    def in_flask(n: int = Query()) -> Any:
        return str(n)

    client = TestClient(app)
    for path in ("/typed", "/flask"):
        assert client.get(f"{path}?n=x").json() == [["query", "n"]]


@pytest.mark.parametrize("how", ["TESTING", "PROPAGATE_EXCEPTIONS", "debug"])
@pytest.mark.parametrize("path", ["/typed", "/flask"])
def test_what_nobody_handles_is_raised_for_tests_and_debuggers(how: str, path: str) -> None:
    app = App(debug=how == "debug")
    if how != "debug":
        app.config[how] = True

    @app.errorhandler(500)
    def broken(error: Any) -> Any:
        return "broken", 500

    @app.get("/typed")
    def typed() -> Any:
        raise Boom

    @app.route("/flask")
    def in_flask() -> Any:
        raise Boom

    with pytest.raises(Boom):
        TestClient(app).get(path)
    if how == "debug":
        return  # Starlette's page with the traceback
    with pytest.raises(Boom):
        app.test_client().get(path)


@pytest.mark.parametrize("has_flask", [False, True])
@pytest.mark.parametrize("raises", [False, True])
def test_what_a_dependency_raises_at_its_end_is_seen_by_tests(
    has_flask: bool, raises: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(secret_key="k" if has_flask else None)

    def database() -> Iterator[str]:
        yield "db"
        raise Boom

    @app.get("/")
    def read(db: str = Depends(database)) -> str:
        return db

    client = TestClient(app, raise_server_exceptions=raises)
    if raises:
        with pytest.raises(Boom):
            client.get("/")
    else:
        assert client.get("/").json() == "db"
        assert "GET / failed" in caplog.text


@pytest.mark.parametrize("kind", ["def", "async", "view"])
def test_what_nobody_handles_goes_through_after_hooks_too(kind: str) -> None:
    app = App(secret_key="k")

    @app.after_request
    def marked(response: Any) -> Any:
        response.headers["X-Frame-Options"] = "DENY"
        return response

    @app.before_request
    def begin() -> None:
        session["asked"] = kind

    @app.get("/def")
    def fails() -> None:
        raise KeyError("a bug")

    @app.get("/async")
    async def fails_later() -> None:
        raise KeyError("a bug")

    @app.route("/view")
    def view() -> str:
        raise KeyError("a bug")

    client = TestClient(app, raise_server_exceptions=False)
    for answer in (client.get(f"/{kind}"), client.head(f"/{kind}")):
        assert answer.status_code == 500
        assert answer.headers["x-frame-options"] == "DENY"
        assert "session=" in answer.headers["set-cookie"]
    if kind != "view":
        assert client.get(f"/{kind}").text == "Internal Server Error"
        with pytest.raises(KeyError, match="a bug"):
            TestClient(app).get(f"/{kind}")
