"""Typed parameters of Flask views: of every kind of view, by the engine's door and by WSGI's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial, wraps
from typing import Annotated, Any

import pytest
from pydantic import BaseModel
from werkzeug.routing import Rule

from carboy import (
    App,
    BackgroundTasks,
    Depends,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
    Security,
)
from carboy.fastapi.security import SecurityScopes
from carboy.flask import Blueprint, abort, g
from carboy.flask import request as flask_request
from carboy.flask.views import MethodView, View
from carboy.testing import TestClient

Page = Annotated[int, Query()]


@pytest.fixture
def app() -> App:
    made = App(secret_key="k")
    made.config["PROPAGATE_EXCEPTIONS"] = False
    return made


@pytest.fixture(params=["engine", "wsgi"])
def ask(request: pytest.FixtureRequest, app: App) -> Callable[..., Any]:
    """`ask(path)` -> the JSON that was answered, or the status that was not 200."""

    def by_engine(path: str, method: str = "GET", **more: Any) -> Any:
        client = TestClient(app, raise_server_exceptions=False)
        answer = client.request(method, path, **more)
        return answer.json() if answer.status_code == 200 else answer.status_code

    def by_wsgi(path: str, method: str = "GET", **more: Any) -> Any:
        answer = app.test_client().open(path, method=method, **more)
        return answer.get_json() if answer.status_code == 200 else answer.status_code

    return by_engine if request.param == "engine" else by_wsgi


def test_every_method_of_a_class_view_has_its_own(app: App, ask: Callable[..., Any]) -> None:
    class Items(MethodView):
        def get(self, id: int, page: Page = 1) -> Any:
            return [id, page]

        async def post(self, id: int, page: Annotated[int, Query(ge=2)]) -> Any:
            return [id, page, "post"]

        def put(self, id: int) -> Any:
            return [id, flask_request.args.get("page")]

    class AllAsync(MethodView):
        init_every_request = False

        async def get(self, page: Page = 1) -> Any:
            return [page]

    class Whole(View):
        def dispatch_request(self, page: Page = 1) -> Any:
            return [page]

    app.add_url_rule("/items/<int:id>", view_func=Items.as_view("items"))
    app.add_url_rule("/async", view_func=AllAsync.as_view("async"))
    app.add_url_rule("/whole", view_func=Whole.as_view("whole"))
    assert ask("/items/1?page=4") == [1, 4]
    assert ask("/items/1?page=4", "POST") == [1, 4, "post"]
    assert ask("/items/1?page=1", "POST") == 422
    assert ask("/items/1?page=x", "PUT") == [1, "x"]
    assert ask("/async?page=3") == [3]
    assert ask("/whole?page=3") == [3]
    assert ask("/items/1?page=x", "HEAD") == 422


def test_what_the_url_gives_is_not_asked_of_the_query(app: App, ask: Callable[..., Any]) -> None:
    @app.route("/a")
    @app.route("/a/<int:id>")
    def one(id: Page = 5, page: Page = 1) -> Any:
        return [id, page]

    def two(id: Page = 5) -> Any:
        return [id]

    app.add_url_rule("/q", "q", two)
    app.add_url_rule("/p/<int:id>", "p", two)
    app.add_url_rule("/d", "d", two, defaults={"id": 8})
    assert ask("/a") == [5, 1]
    assert ask("/a/3?page=2&id=9") == [3, 2]
    assert ask("/a?id=9") == [9, 1]
    assert ask("/q?id=3") == [3]
    assert ask("/p/4?id=3") == [4]
    assert ask("/d?id=3") == [8]


def test_a_blueprint_may_be_registered_twice(app: App, ask: Callable[..., Any]) -> None:
    shop = Blueprint("shop", __name__)

    @shop.route("/items/<int:id>")
    def item(id: int, page: Page = 1, tenant: Annotated[str, Query()] = "none") -> Any:
        return [id, page, tenant]

    app.register_blueprint(shop, url_prefix="/one")
    app.register_blueprint(shop, url_prefix="/two/<tenant>", name="two")
    assert ask("/one/items/1?page=3") == [1, 3, "none"]
    assert ask("/two/acme/items/1?page=3") == [1, 3, "acme"]


def test_any_callable_and_however_it_came(app: App, ask: Callable[..., Any]) -> None:
    class Callable_:  # noqa: N801
        def __call__(self, page: Page = 1) -> Any:
            return [page]

        def method(self, page: Page = 1) -> Any:
            return [page, "method"]

    def bound(first: str, page: Page = 1) -> Any:
        return [first, page]

    def user(function: Any) -> Any:
        @wraps(function)
        def around(*args: Any, **named: Any) -> Any:
            g.user = "ada"
            return function(*args, **named)

        return around

    @app.route("/wrapped")
    @user
    def wrapped(page: Page = 1) -> Any:
        return [page, g.user]

    app.add_url_rule("/object", "object", Callable_())
    app.add_url_rule("/method", "method", Callable_().method)
    app.add_url_rule("/partial", "partial", partial(bound, "first"))
    app.url_map.add(Rule("/endpoint", endpoint="later"))

    @app.endpoint("later")
    def later(page: Page = 1) -> Any:
        return [page]

    assert ask("/object?page=2") == [2]
    assert ask("/method?page=2") == [2, "method"]
    assert ask("/partial?page=2") == ["first", 2]
    assert ask("/wrapped?page=2") == [2, "ada"]
    assert ask("/endpoint?page=2") == [2]


class Search(BaseModel):
    q: str = ""
    page: int = 1


def test_specials_security_headers_and_models(app: App, ask: Callable[..., Any]) -> None:
    def scopes(wanted: SecurityScopes) -> list[str]:
        return wanted.scopes

    @app.route("/<int:id>")
    def view(
        id: int,
        request: Request,
        search: Annotated[Search, Query()],
        asked: list[str] = Security(scopes, scopes=["read"]),
        x_name: Annotated[str, Header()] = "none",
    ) -> Any:
        return [id, request.url.path, search.model_dump(), asked, x_name]

    found = ask("/3?q=tea&page=2", headers={"x-name": "ada"})
    assert found == [3, "/3", {"q": "tea", "page": 2}, ["read"], "ada"]


def test_overrides_come_and_go(app: App, ask: Callable[..., Any]) -> None:
    ended = []

    def real() -> str:
        return "real"

    async def other(x: int = 0) -> AsyncIterator[str]:
        yield f"other {x}"
        ended.append(x)

    @app.route("/")
    def view(name: str = Depends(real)) -> Any:
        return [name]

    assert ask("/?x=3") == ["real"]
    app.dependency_overrides[real] = other
    assert ask("/?x=3") == ["other 3"]
    assert ended == [3]
    app.dependency_overrides.clear()
    assert ask("/?x=3") == ["real"]


def test_background_tasks_run_once_the_answer_is_out(app: App, ask: Callable[..., Any]) -> None:
    done: list[Any] = []

    async def later(tasks: BackgroundTasks) -> None:
        tasks.add_task(done.append, "dependency")

    @app.route("/<how>")
    def view(how: str, tasks: BackgroundTasks, _: None = Depends(later)) -> Any:
        tasks.add_task(done.append, how)
        if how == "failing":
            abort(404)
        return [len(done)]

    assert ask("/fine") == [0]
    assert done == ["dependency", "fine"]
    assert ask("/failing") == 404
    assert done == ["dependency", "fine"]


def test_what_is_set_on_fastapi_s_response_is_in_the_answer(app: App) -> None:
    def limits(response: Response) -> None:
        response.headers["x-left"] = "3"
        response.set_cookie("seen", "1")

    @app.route("/")
    def view(response: Response, _: None = Depends(limits)) -> Any:
        response.status_code = 201
        return {"a": 1}, {"x-own": "2"}

    @app.route("/failing")
    async def failing(_: None = Depends(limits)) -> Any:
        raise HTTPException(404)

    for client in (TestClient(app), app.test_client()):
        answer: Any = client.get("/")
        assert answer.status_code == 201
        assert (answer.headers["x-left"], answer.headers["x-own"]) == ("3", "2")
        assert answer.headers["set-cookie"].startswith("seen=1")
        assert "x-left" not in client.get("/failing").headers


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("how", ["fine", "abort", "http", "fails"])
def test_dependencies_of_every_colour_see_what_the_view_raises(
    app: App, ask: Callable[..., Any], is_async: bool, how: str
) -> None:
    seen: list[Any] = []

    async def outer() -> AsyncIterator[str]:
        try:
            yield "outer"
        except Exception as error:
            seen.append(("outer", type(error).__name__, g.how))
            raise
        finally:
            seen.append("outer")

    def inner(name: str = Depends(outer)) -> Iterator[str]:
        try:
            yield f"{name} inner"
        except Exception as error:
            seen.append(("inner", type(error).__name__, g.how))
            raise
        finally:
            seen.append("inner")

    def body() -> Any:
        g.how = how
        if how == "abort":
            abort(404)
        if how == "http":
            raise HTTPException(418)
        if how == "fails":
            raise ZeroDivisionError

    if is_async:

        @app.route("/")
        async def view(name: str = Depends(inner)) -> Any:
            body()
            return [name]
    else:

        @app.route("/")
        def view(name: str = Depends(inner)) -> Any:
            body()
            return [name]

    expected: Any = {"fine": ["outer inner"], "abort": 404, "http": 418, "fails": 500}[how]
    assert ask("/") == expected
    if how == "fine":
        assert seen == ["inner", "outer"]
        return
    raised = {"abort": "NotFound", "http": "HTTPException", "fails": "ZeroDivisionError"}[how]
    assert seen == [("inner", raised, how), "inner", ("outer", raised, how), "outer"]
