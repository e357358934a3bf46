"""Flask's habits and typed routes in one application: what they share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel
from starlette.responses import HTMLResponse, StreamingResponse

from carboy import APIRouter, App, Body, Depends, Form, HTTPException, Query, Request
from carboy.flask import (
    Blueprint,
    Flask,
    abort,
    after_this_request,
    current_app,
    flash,
    g,
    get_flashed_messages,
    render_template_string,
    session,
    url_for,
)
from carboy.flask import request as flask_request
from carboy.testing import TestClient

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(params=["flask side made", "flask application included"])
def app(request: pytest.FixtureRequest) -> App:
    """An App with both kinds, however its Flask side came about."""
    if request.param == "flask side made":
        return App(secret_key="k")
    one = App()
    flask = Flask(__name__)
    flask.secret_key = "k"
    one.include(flask)
    return one


# -- the session, contexts ----------------------------------------------------------------------


def test_one_session_is_read_and_written_from_both_kinds(app: App) -> None:
    @app.route("/in/<name>")
    def log_in(name: str) -> str:
        session["name"] = name
        return "in"

    @app.get("/who")
    async def who(request: Request) -> Any:
        return {"starlette": request.session.get("name"), "flask": session.get("name")}

    @app.post("/rename")
    def rename(name: str, request: Request) -> Any:
        request.session["name"] = name
        return "done"

    @app.route("/flask")
    def flask_who() -> str:
        return str(session["name"])

    client = TestClient(app)
    assert client.get("/who").json() == {"starlette": None, "flask": None}
    assert client.get("/in/ada").text == "in"
    answer = client.get("/who")
    assert answer.json() == {"starlette": "ada", "flask": "ada"}
    assert answer.headers["vary"] == "Cookie"
    assert client.post("/rename?name=bob").json() == "done"
    assert client.get("/flask").text == "bob"


def _user() -> Iterator[str]:
    g.seen = [flask_request.path]
    yield flask_request.args["user"]


async def _later(user: Annotated[str, Depends(_user)]) -> str:
    g.seen.append(f"{user} {flask_request.endpoint}")
    return user


def _seen(request: Request) -> list[Any]:
    flash("hello")
    return [g.seen, request.state.seen, current_app.config["WHO"], get_flashed_messages()]


async def _read_async(id: int, user: Annotated[str, Depends(_later)], request: Request) -> Any:
    return [id, user, *_seen(request)]


def _read(id: int, user: Annotated[str, Depends(_later)], request: Request) -> Any:
    return [id, user, *_seen(request)]


@pytest.mark.parametrize("read", [_read, _read_async])
def test_the_proxies_work_in_typed_handlers_and_their_dependencies(app: App, read: Any) -> None:
    app.config["WHO"] = "config"
    app.get("/x/{id}", name="the-x")(read)
    seen = ["/x/3", "ada the-x"]
    client = TestClient(app)
    for _ in range(2):
        answer = client.get("/x/3?user=ada")
        assert answer.json() == [3, "ada", seen, seen, "config", ["hello"]]


def test_state_and_g_are_one_namespace_either_way(app: App) -> None:
    @app.before_request
    def load() -> None:
        g.user = "ada"

    @app.get("/")
    async def read(request: Request) -> Any:
        request.state.more = 1
        return {"user": request.state.user, "more": g.more}

    assert TestClient(app).get("/").json() == {"user": "ada", "more": 1}


def test_contexts_are_gone_after_a_request_and_apart_between_requests(app: App) -> None:
    from carboy.flask import has_app_context, has_request_context

    gone = []

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        gone.append(("request", flask_request.path, error))

    @app.teardown_appcontext
    def leave_app(error: BaseException | None) -> None:
        gone.append(("app", None, error))

    @app.get("/a")
    def sync() -> Any:
        return "x" in g

    @app.get("/b")
    async def asynchronous() -> Any:
        found = "x" in g
        g.x = 1
        return found

    client = TestClient(app)
    for path in ("/a", "/b", "/b", "/a"):
        gone.clear()
        assert client.get(path).json() is False
        assert gone == [("request", path, None), ("app", None, None)]
    assert not has_request_context()
    assert not has_app_context()


def test_contexts_last_as_long_as_dependencies_and_streams(app: App) -> None:
    order = []

    @app.teardown_appcontext
    def leave(error: BaseException | None) -> None:
        order.append("teardown")

    def database() -> Iterator[str]:
        yield "db"
        order.append(f"closed with {g.name}")

    @app.get("/whole")
    async def whole(db: str = Depends(database)) -> Any:
        g.name = "whole"
        return db

    @app.get("/stream")
    def stream(db: str = Depends(database)) -> Any:
        g.name = "stream"

        def pieces() -> Iterator[str]:
            yield "a"
            order.append(f"sent with {g.name}")

        return StreamingResponse(pieces())

    client = TestClient(app)
    assert client.get("/whole").json() == "db"
    assert order == ["closed with whole", "teardown"]
    order.clear()
    assert client.get("/stream").text == "a"
    assert order == ["sent with stream", "closed with stream", "teardown"]


# -- hooks --------------------------------------------------------------------------------------


def test_hooks_run_around_typed_routes_those_of_blueprints_by_the_name(app: App) -> None:
    order: list[str] = []
    shop = Blueprint("shop", __name__, url_prefix="/shop")

    @app.before_request
    def before() -> None:
        order.append(f"app {flask_request.endpoint} {flask_request.view_args}")

    @shop.before_request
    async def before_shop() -> Any:
        order.append("shop")
        return "closed" if flask_request.args.get("closed") else None

    @app.after_request
    def after(response: Any) -> Any:
        response.headers["X-Seen"] = str(len(response.get_data()))
        return response

    @shop.route("/flask")
    def in_flask() -> str:
        return "flask"

    app.register_blueprint(shop)

    @app.get("/shop/typed/{n}", name="shop.typed")
    async def typed(n: int) -> Any:
        after_this_request(lambda response: response)
        return n

    @app.get("/shop/elsewhere")
    def elsewhere() -> Any:
        return 1

    client = TestClient(app)
    answer = client.get("/shop/typed/12")
    assert (answer.json(), answer.headers["x-seen"]) == (12, "2")
    assert order == ["app shop.typed {'n': '12'}", "shop"]
    order.clear()
    answer = client.get("/shop/typed/12?closed=1")
    assert (answer.text, answer.headers["content-type"]) == ("closed", "text/html; charset=utf-8")
    order.clear()
    assert client.get("/shop/elsewhere").json() == 1
    assert order == ["app elsewhere {}"]
    assert client.get("/shop/flask").text == "flask"


def test_a_hook_that_is_added_while_serving_counts(app: App) -> None:
    @app.get("/")
    async def read() -> Any:
        return 1

    client = TestClient(app)
    assert client.get("/").json() == 1
    app.flask.before_request_funcs[None].append(lambda: "hooked")
    assert client.get("/").text == "hooked"


def test_an_after_hook_may_change_any_answer_of_a_typed_route(app: App) -> None:
    @app.after_request
    def after(response: Any) -> Any:
        if flask_request.path == "/replaced":
            response.set_data(b"other")
        response.status_code = 201
        return response

    @app.get("/whole")
    def whole() -> Any:
        return {"a": 1}

    @app.get("/replaced")
    def replaced() -> Any:
        return {"a": 1}

    @app.get("/stream")
    def stream() -> Any:
        return StreamingResponse(iter(["a", "b"]), headers={"x-own": "1"})

    client = TestClient(app)
    whole_answer = client.get("/whole")
    assert (whole_answer.status_code, whole_answer.json()) == (201, {"a": 1})
    assert whole_answer.headers["content-length"] == "7"
    assert client.get("/replaced").text == "other"
    streamed = client.get("/stream")
    assert (streamed.status_code, streamed.text, streamed.headers["x-own"]) == (201, "ab", "1")


# -- names --------------------------------------------------------------------------------------


def test_names_of_both_kinds_reach_each_other(app: App) -> None:
    router = APIRouter(prefix="/api")

    @router.get("/items/{item_id}", name="api.item")
    async def item(item_id: int, request: Request) -> Any:
        return {
            "flask": url_for("page", name="a b", q=1),
            "starlette": str(request.url_for("page", name="x")),
            "path": app.url_path_for("page", name="x"),
            "own": str(request.url_for("api.item", item_id=4)),
        }

    @app.route("/pages/<name>")
    def page(name: str) -> str:
        return render_template_string("{{ url_for('api.item', item_id=7) }}")

    app.include_router(router)
    client = TestClient(app)
    assert client.get("/api/items/1").json() == {
        "flask": "/pages/a%20b?q=1",
        "starlette": "http://testserver/pages/x",
        "path": "/pages/x",
        "own": "http://testserver/api/items/4",
    }
    assert client.get("/pages/x").text == "/api/items/7"
    with app.test_request_context():
        assert url_for("api.item", item_id=3, _external=True) == "http://localhost/api/items/3"

    @router.get("/late/{id}", name="late")
    def late(id: int) -> Any:
        return id

    with app.test_request_context():
        assert url_for("late", id=1) == "/api/late/1"
    from starlette.routing import NoMatchFound

    with pytest.raises(NoMatchFound):
        app.url_path_for("nothing")


# -- errors -------------------------------------------------------------------------------------


def test_both_exceptions_mean_the_same_in_both_kinds(app: App) -> None:
    @app.get("/typed/abort")
    async def typed_abort() -> Any:
        abort(404)

    @app.get("/typed/abort/said")
    def typed_abort_said() -> Any:
        abort(409, "taken")

    @app.get("/typed/page", response_class=HTMLResponse)
    def typed_page() -> Any:
        raise HTTPException(404)

    @app.get("/typed/pages", error_pages=True)
    def typed_pages() -> Any:
        abort(404)

    @app.route("/flask/raise")
    def flask_raise() -> str:
        raise HTTPException(404)

    @app.route("/flask/raise/said")
    async def flask_raise_said() -> str:
        raise HTTPException(418, "short & stout", headers={"X-Pot": "1"})

    @app.route("/flask/abort")
    def flask_abort() -> str:
        abort(404)

    client = TestClient(app)
    assert client.get("/typed/abort").json() == {"detail": "Not Found"}
    answer = client.get("/typed/abort/said")
    assert (answer.status_code, answer.json()) == (409, {"detail": "taken"})
    page = client.get("/flask/abort")
    assert page.status_code == 404
    assert "<h1>Not Found</h1>" in page.text
    for path in ("/typed/page", "/typed/pages", "/flask/raise"):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (404, page.text)
        assert answer.headers["content-type"] == page.headers["content-type"]
    answer = client.get("/flask/raise/said")
    assert (answer.status_code, answer.headers["x-pot"]) == (418, "1")
    assert "<p>short &amp; stout</p>" in answer.text


class _Told(Exception):
    pass


def test_handlers_of_one_kind_answer_the_other(app: App) -> None:
    api = Blueprint("api", __name__)

    @api.errorhandler(403)
    def forbidden(error: Any) -> Any:
        return {"by": "blueprint", "said": error.description}, 403

    @app.errorhandler(404)
    async def missing(error: Any) -> Any:
        return f"no {flask_request.path}: {error.description}", 404

    @app.exception_handler(_Told)
    async def told(request: Request, error: _Told) -> Any:
        return HTMLResponse(f"told {error} at {request.url.path}", 400)

    @app.exception_handler(410)
    def gone(request: Request, error: HTTPException) -> Any:
        return HTMLResponse(f"gone: {error.detail}", 410)

    app.register_blueprint(api)

    @app.get("/typed/{status}", name="api.typed")
    async def typed(status: int) -> Any:
        if status == 0:
            raise _Told("typed")
        raise HTTPException(status, "because")

    @app.route("/flask/<int:status>")
    def in_flask(status: int) -> str:
        if status == 0:
            raise _Told("flask")
        abort(status, "because")

    client = TestClient(app)
    answer = client.get("/typed/403")
    assert (answer.status_code, answer.json()) == (403, {"by": "blueprint", "said": "because"})
    assert client.get("/typed/404").text == "no /typed/404: because"
    assert client.get("/nowhere").text.startswith("no /nowhere: ")
    for kind in ("typed", "flask"):
        answer = client.get(f"/{kind}/0")
        assert (answer.status_code, answer.text) == (400, f"told {kind} at /{kind}/0")
        assert client.get(f"/{kind}/410").text == "gone: because"


def test_what_nobody_handles_is_flask_s_500_where_there_is_a_handler(app: App) -> None:
    raised: list[Any] = []
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/typed")
    def typed() -> Any:
        return 1 / 0

    @app.get("/typed/async")
    async def typed_async() -> Any:
        return 1 / 0

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        raised.append(type(error))

    plain = TestClient(app, raise_server_exceptions=False).get("/typed")
    assert (plain.status_code, plain.text) == (500, "Internal Server Error")
    with pytest.raises(ZeroDivisionError):
        TestClient(app).get("/typed")
    raised.clear()

    app.flask._got_first_request = False

    @app.errorhandler(500)
    def broken(error: Any) -> Any:
        return f"broken: {error.original_exception} at {flask_request.path}", 500

    client = TestClient(app)
    for path in ("/typed", "/typed/async"):
        assert client.get(path).text == f"broken: division by zero at {path}"
    assert raised == [ZeroDivisionError] * 2


def test_a_path_that_nobody_has_is_a_page_or_json_for_who_wants_that(app: App) -> None:
    @app.route("/page")
    def page() -> str:
        return "page"

    @app.get("/typed")
    def typed() -> Any:
        return 1

    client = TestClient(app)
    assert "<h1>Not Found</h1>" in client.get("/x").text
    answer = client.get("/x", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert client.post("/typed").json() == {"detail": "Method Not Allowed"}
    assert client.post("/page").status_code == 405


# -- one map ------------------------------------------------------------------------------------


def test_between_the_kinds_the_more_specific_wins_and_methods_add_up(app: App) -> None:
    @app.get("/x/{name}")
    def any_typed(name: str) -> Any:
        return f"typed {name}"

    @app.route("/x/new")
    def new_flask() -> str:
        return "flask new"

    @app.route("/y/<name>")
    def any_flask(name: str) -> str:
        return f"flask {name}"

    @app.get("/y/new")
    def new_typed() -> Any:
        return "typed new"

    @app.get("/z/{id:int}")
    def number(id: int) -> Any:
        return id

    @app.route("/z/<id>")
    def text(id: str) -> str:
        return f"flask {id}"

    @app.route("/z/<id>", methods=["POST"])
    def post(id: str) -> str:
        return f"post {id}"

    client = TestClient(app)
    assert client.get("/x/new").text == "flask new"
    assert client.get("/x/old").json() == "typed old"
    assert client.get("/y/new").json() == "typed new"
    assert client.get("/y/old").text == "flask old"
    assert client.get("/z/7").json() == 7
    assert client.get("/z/a").text == "flask a"
    assert client.post("/z/7").text == "post 7"
    answer = client.put("/z/7")
    assert answer.status_code == 405
    assert {*answer.headers["allow"].split(", ")} == {"GET", "HEAD", "OPTIONS", "POST"}


def test_the_same_path_in_both_kinds_is_an_error_that_names_both(app: App) -> None:
    @app.get("/x/{name}")
    def typed(name: str) -> Any:
        return name

    @app.route("/x/<other>", methods=["GET", "POST"])
    def in_flask(other: str) -> str:
        return other

    with pytest.raises(ValueError, match="GET /x/<other> is declared twice") as error:
        app.freeze()
    assert "in_flask" in str(error.value)
    assert "typed" in str(error.value)
    assert __file__ in str(error.value)


def test_other_methods_of_a_path_may_be_of_the_other_kind(app: App) -> None:
    @app.get("/x")
    def typed() -> Any:
        return "typed"

    @app.route("/x", methods=["POST"])
    def in_flask() -> str:
        return "flask"

    client = TestClient(app)
    assert client.get("/x").json() == "typed"
    assert client.post("/x").text == "flask"
    allowed = client.options("/x").headers["allow"].split(", ")
    assert {*allowed} == {"GET", "HEAD", "OPTIONS", "POST"}
    assert {*client.put("/x").headers["allow"].split(", ")} == {*allowed}


# -- typed parameters of Flask views ------------------------------------------------------------


class Item(BaseModel):
    name: str
    price: float


@pytest.mark.parametrize("is_async", [False, True])
def test_flask_views_take_typed_parameters(app: App, is_async: bool) -> None:
    order = []

    async def user(id: int, x_user: Annotated[str | None, Query()] = None) -> Any:
        yield f"{x_user} of {id}"
        order.append("closed")

    if is_async:

        @app.route("/x/<int:id>", methods=["GET", "POST"])
        async def view(
            id: int, page: Annotated[int, Query(ge=1)] = 1, user: Any = Depends(user)
        ) -> Any:
            order.append("view")
            return {"id": id, "page": page, "user": user, "q": flask_request.args.get("q")}
    else:

        @app.route("/x/<int:id>", methods=["GET", "POST"])
        def view(id: int, page: Annotated[int, Query(ge=1)] = 1, user: Any = Depends(user)) -> Any:
            order.append("view")
            return {"id": id, "page": page, "user": user, "q": flask_request.args.get("q")}

    client = TestClient(app)
    expected = {"id": 3, "page": 2, "user": "ada of 3", "q": "z"}
    assert client.get("/x/3?page=2&x_user=ada&q=z").json() == expected
    assert order == ["view", "closed"]
    answer = client.get("/x/3?page=0")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "page"]
    in_flask = app.test_client().get("/x/3?page=2&x_user=ada&q=z")
    assert in_flask.json == expected


def test_a_flask_view_takes_a_model_from_its_body(app: App) -> None:
    @app.route("/items", methods=["POST"])
    def add(item: Annotated[Item, Body()]) -> Any:
        return {"name": item.name, "raw": flask_request.get_json()["price"]}

    @app.route("/form", methods=["POST"])
    def form(name: Annotated[str, Form()]) -> Any:
        return {"typed": name, "flask": flask_request.form["name"]}

    for client in (TestClient(app), app.test_client()):
        answer: Any = client.post("/items", json={"name": "tea", "price": 2})
        data = answer.json if isinstance(answer.json, dict) else answer.json()
        assert data == {"name": "tea", "raw": 2}
        assert client.post("/items", json={"name": "tea"}).status_code == 422
        answer = client.post("/form", data={"name": "ada"})
        data = answer.json if isinstance(answer.json, dict) else answer.json()
        assert data == {"typed": "ada", "flask": "ada"}


# -- the test clients, the included application -------------------------------------------------


def test_flask_s_test_client_reaches_typed_routes_too(app: App) -> None:
    @app.get("/typed/{n}")
    async def typed(n: int) -> Any:
        session["n"] = n
        return n

    @app.route("/flask")
    def in_flask() -> str:
        return str(session["n"])

    client = app.test_client()
    with client:
        assert client.get("/typed/4").json == 4
        assert client.get("/flask").text == "4"
        assert flask_request.path == "/flask"
    with client.session_transaction() as kept:
        assert kept["n"] == 4


def test_what_cannot_be_included_says_what_to_do() -> None:
    app = App()
    with pytest.raises(TypeError, match=r"app\.mount"):
        app.include(object())  # type: ignore[arg-type]
    app.config["X"] = 1
    with pytest.raises(ValueError, match="has a Flask side already"):
        app.include(Flask(__name__))


def test_two_owners_of_the_session_are_an_error() -> None:
    from starlette.middleware.sessions import SessionMiddleware

    app = App(secret_key="k")
    app.add_middleware(SessionMiddleware, secret_key="other")
    with pytest.raises(ValueError, match="take the middleware away"):
        app.freeze()


def test_an_app_without_a_flask_side_does_not_load_flask() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from carboy import App; app = App()\n"
        "@app.get('/')\ndef f(): return 1\napp.freeze(); app.openapi()\n"
        "assert not [m for m in sys.modules if m.startswith(('carboy.flask', 'werkzeug'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_stands_around_a_typed_route_costs_few_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A count, between an App without a Flask side and one with it."""
    import sys

    from carboy.core.context import RequestContext
    from carboy.flask import signals

    for signal in vars(signals).values():
        if hasattr(signal, "receivers"):  # other tests' may be alive
            monkeypatch.setattr(signal, "receivers", {})

    def counted(app: App) -> list[str]:
        @app.get("/items/{item_id}")
        def item(item_id: str) -> Any:
            return {"item_id": item_id}

        app.freeze()
        if app._side is not None:
            app.flask._hosts.add(b"a")  # as if this were not its first request
        calls: list[str] = []
        for _ in range(2):
            # The wire is asked for nothing but where the application is mounted.
            wire: Any = type("Wire", (), {"shared": type("Shared", (), {"root_path": ""})})
            served = RequestContext(wire, "GET", "/items/7", b"", [(b"host", b"a")])
            call: Any = app.engine.match(served).call
            calls.clear()
            gc.disable()  # hypothesis counts collections in Python
            sys.setprofile(lambda f, kind, _: kind == "call" and calls.append(f.f_code.co_name))
            pair = call(served)
            sys.setprofile(None)
            gc.enable()
            assert pair[1] == b'{"item_id":"7"}'
        return list(calls)

    more = len(counted(App(secret_key="k"))) - len(counted(App()))
    assert more <= 5, counted(App(secret_key="k"))
