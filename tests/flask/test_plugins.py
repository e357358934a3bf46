"""Carboy's plugins around a Flask application: the same by either door."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.exceptions import BadRequest

from carboy.core.answer import Answer
from carboy.flask import Blueprint, Flask, Response, abort, send_file, stream_with_context
from carboy.plugins.prometheus import Metrics
from carboy.testing import TestClient

Log = list[str]


class Fixed:
    """A plugin that is `around` what its pattern begins with `path`."""

    def __init__(self, around: Any, path: str = "") -> None:
        self._around = around
        self._path = path
        self.asked: list[str] = []

    def around(self, route: Any) -> Any:
        self.asked.append(route.pattern.source)
        return self._around if route.pattern.source.startswith(self._path) else None


def noting(log: Log, name: str) -> Any:
    def around(request: Any) -> Generator[None, Answer, None]:
        log.append(f"{name} begins")
        try:
            answer = yield
        except BaseException as error:
            log.append(f"{name} sees {type(error).__name__}")
            raise
        log.append(f"{name} has {answer.status}")
        answer.add("x-by", name)

    return around


def by_engine(app: Flask, method: str, path: str, **headers: str) -> Any:
    client = TestClient(app, raise_server_exceptions=False)
    return client.request(method, path, headers=headers)


def by_wsgi(app: Flask, method: str, path: str, **headers: str) -> Any:
    # Buffered: read and closed, as a server does.
    return app.test_client().open(path, method=method, headers=headers, buffered=True)


DOORS = pytest.mark.parametrize("ask", [by_engine, by_wsgi])
Ask = Callable[..., Any]


def make() -> Flask:
    app = Flask(__name__)

    @app.get("/user/<int:number>")
    def user(number: int) -> dict[str, int]:
        return {"number": number}

    @app.get("/async/<name>")
    async def is_async(name: str) -> str:
        return name

    @app.get("/refuses")
    def refuses() -> Any:
        abort(418)

    @app.get("/fails")
    def fails() -> Any:
        raise KeyError("no")

    @app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[str]:
            yield from ("a", "b", "c")

        return Response(stream_with_context(pieces()))

    @app.get("/file")
    def file() -> Response:
        return send_file(__file__, conditional=True)

    return app


@pytest.fixture
def app() -> Flask:
    return make()


def all_of(answer: Any, name: str) -> list[str]:
    headers = answer.headers
    found: list[str] = (
        headers.get_list(name) if hasattr(headers, "get_list") else headers.getlist(name)
    )
    return [one.strip() for line in found for one in line.split(",")]


@DOORS
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/user/7", 200),
        ("GET", "/async/ada", 200),
        ("GET", "/refuses", 418),
        ("GET", "/fails", 500),
        ("GET", "/stream", 200),
        ("GET", "/nowhere", 404),
        ("POST", "/refuses", 405),
        ("OPTIONS", "/refuses", 200),
    ],
)
def test_the_first_is_the_outermost(
    app: Flask, ask: Ask, method: str, path: str, status: int
) -> None:
    log: Log = []

    @app.before_request
    def before() -> None:
        log.append("before")

    app.add_plugin(Fixed(noting(log, "outer")))
    app.add_plugin(Fixed(noting(log, "inner")))

    @app.after_request
    def after(response: Response) -> Response:
        log.append("after")
        return response

    answer = ask(app, method, path)
    assert (answer.status_code, all_of(answer, "x-by")) == (status, ["inner", "outer"])
    begins, ends = ["outer begins", "inner begins"], [f"inner has {status}", f"outer has {status}"]
    assert log == [*begins, "before", "after", *ends]


@DOORS
def test_a_plugin_is_asked_once_a_rule(app: Flask, ask: Ask) -> None:
    log: Log = []
    plugin = Fixed(noting(log, "user"), "/user")
    app.add_plugin(plugin)
    for path in ("/user/1", "/user/2", "/stream", "/nowhere", "/nowhere/else"):
        ask(app, "GET", path)
    assert plugin.asked == ["/user/<int:number>", "/stream", "not found"]
    assert log == ["user begins", "user has 200"] * 2


@DOORS
def test_it_may_answer_in_the_views_place(app: Flask, ask: Ask) -> None:
    def short(request: Any) -> Generator[None, Answer, Answer | None]:
        values = request.target.route.pattern.source, request.method, request.path
        return Answer(" ".join(values).encode(), 203, [("x-short", "yes")])
        yield

    log: Log = []
    app.add_plugin(Fixed(noting(log, "outer")))
    app.add_plugin(Fixed(short))
    app.add_plugin(Fixed(noting(log, "never")))
    answer = ask(app, "GET", "/user/7")
    assert (answer.status_code, answer.text) == (203, "/user/<int:number> GET /user/7")
    assert (answer.headers["x-short"], all_of(answer, "x-by")) == ("yes", ["outer"])
    assert log == ["outer begins", "outer has 203"]


@DOORS
def test_it_may_change_what_is_answered(app: Flask, ask: Ask) -> None:
    def louder(request: Any) -> Generator[None, Answer, Answer | None]:
        answer = yield
        assert isinstance(answer.body, bytes)
        answer.body = answer.body.upper() + b"!"
        answer.status = 201
        answer.set("content-type", "text/plain")
        return None

    def other(request: Any) -> Generator[None, Answer, Answer]:
        yield
        return Answer(iter([b"o", b"ther"]), 202)

    app.add_plugin(Fixed(louder, "/async"))
    app.add_plugin(Fixed(other, "/user"))
    answer = ask(app, "GET", "/async/ada")
    assert (answer.status_code, answer.text) == (201, "ADA!")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-length"] == "4"
    answer = ask(app, "GET", "/user/1")
    assert (answer.status_code, answer.text) == (202, "other")
    assert answer.headers.get("content-length", "5") == "5"


@DOORS
def test_who_only_looks_changes_nothing(app: Flask, ask: Ask) -> None:
    def looks(request: Any) -> Generator[None, Answer, None]:
        yield

    app.add_plugin(Fixed(looks))
    for path in ("/user/7", "/stream", "/file", "/fails"):
        before, answer = ask(make(), "GET", path), ask(app, "GET", path)
        assert (answer.status_code, answer.text) == (before.status_code, before.text)
        told = [
            [one for one in made.headers.items() if one[0].lower() != "date"]
            for made in (answer, before)
        ]
        assert told[0] == told[1]


@DOORS
def test_an_exception_that_goes_on_is_thrown_in(app: Flask, ask: Ask) -> None:
    app.testing = True
    log: Log = []
    app.add_plugin(Fixed(noting(log, "outer")))
    try:
        ask(app, "GET", "/fails")
    except KeyError:
        pass
    assert log == ["outer begins", "outer sees KeyError"]


@DOORS
def test_a_plugin_that_fails_is_an_error_like_any_other(app: Flask, ask: Ask) -> None:
    def refuses(request: Any) -> Generator[None, Answer, None]:
        raise BadRequest("not like this")
        yield

    app.add_plugin(Fixed(refuses))
    answer = ask(app, "GET", "/user/7")
    assert answer.status_code == 400
    assert "not like this" in answer.text


def test_plugins_are_declared_before_the_first_request(app: Flask) -> None:
    app.test_client().get("/nowhere")
    with pytest.raises(AssertionError, match="add_plugin"):
        app.add_plugin(Fixed(None))


def test_an_async_view_needs_no_thread_for_them(app: Flask) -> None:
    threads: list[str] = []

    def where(request: Any) -> Generator[None, Answer, None]:
        threads.append(threading.current_thread().name)
        yield
        threads.append(threading.current_thread().name)

    @app.get("/where")
    async def view() -> str:
        threads.append(threading.current_thread().name)
        return "here"

    app.add_plugin(Fixed(where))
    assert by_engine(app, "GET", "/where").text == "here"
    assert len(threads) == 3
    assert set(threads) == {"carboy-loop"}


def numbers(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.render()[0].decode())
        for sample in family.samples
        if sample.name == name
    }


@DOORS
def test_metrics_count_the_requests(app: Flask, ask: Ask) -> None:
    metrics = Metrics(registry=CollectorRegistry())
    metrics.init_app(app)
    metrics.expose(app)
    pages = Blueprint("pages", __name__, url_prefix="/pages")
    seen: list[float] = []

    @pages.get("/<path:rest>")
    def page(rest: str) -> Response:
        def pieces() -> Iterator[str]:
            seen.append(numbers(metrics, "http_requests_in_flight")[()])
            yield rest

        return Response(pieces())

    app.register_blueprint(pages)
    asked = {
        "/user/7": ("/user/<int:number>", "200"),
        "/refuses": ("/refuses", "418"),
        "/fails": ("/fails", "500"),
        "/nowhere": ("", "404"),
        "/pages/a/b": ("/pages/<path:rest>", "200"),
    }
    for path in asked:
        ask(app, "GET", path).text  # noqa: B018 - which reads the stream
    shown = ask(app, "GET", "/metrics")
    assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'route="/user/<int:number>",status="200"} 1.0' in shown.text
    newer = ask(app, "GET", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert newer.text.endswith("# EOF\n")
    assert numbers(metrics, "http_requests_total") == {("GET", *one): 1.0 for one in asked.values()}
    assert numbers(metrics, "http_requests_in_flight") == {(): 0.0}
    assert seen == [1.0]


def test_the_other_face_is_told_of_plugins_otherwise() -> None:
    from carboy import App

    with pytest.raises(TypeError, match=r"App\(plugins=\[metrics\]\)"):
        Metrics(registry=CollectorRegistry()).init_app(App())


@DOORS
def test_headers_that_are_replaced_by_a_dict(ask: Ask) -> None:
    app, log = Flask(__name__), Log()
    app.add_plugin(Fixed(noting(log, "a")))

    @app.get("/")
    def index():
        response = Response("hello")
        response.headers = {"X-View": "yes"}
        return response

    answer = ask(app, "GET", "/")
    assert (answer.headers["x-view"], answer.headers["x-by"]) == ("yes", "a")
