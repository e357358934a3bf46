"""What the plugin `OpenTelemetry` reports of requests, of both faces and over every door."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.responses import StreamingResponse

from carboy import App
from carboy.flask import Flask, Response
from carboy.plugins.opentelemetry import OpenTelemetry
from carboy.testing import TestClient

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


class Watched:
    """Where spans and measurements go, and the plugin that sends them there."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracer = self.tracers.get_tracer("test")

    def plugin(self, **more: Any) -> OpenTelemetry:
        return OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters, **more)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def server(self) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.kind is SpanKind.SERVER]
        return found

    def points(self, name: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def typed(watched: Watched) -> Any:
    app = App(plugins=[watched.plugin(exclude="/health")])

    @app.get("/async/{number}")
    async def is_async(number: int) -> int:
        with watched.tracer.start_as_current_span("inside"):
            return number

    @app.get("/def/{number}")
    def is_def(number: int) -> int:
        with watched.tracer.start_as_current_span("inside"):
            return number

    @app.get("/fails")
    async def fails() -> None:
        raise KeyError("secret")

    @app.get("/health")
    async def health() -> None: ...

    return app


def flask(watched: Watched) -> Any:
    app = Flask(__name__)
    watched.plugin(exclude="/health").init_app(app)

    @app.get("/async/<int:number>")
    async def is_async(number: int) -> str:
        with watched.tracer.start_as_current_span("inside"):
            return str(number)

    @app.get("/def/<int:number>")
    def is_def(number: int) -> str:
        with watched.tracer.start_as_current_span("inside"):
            return str(number)

    @app.get("/fails")
    def fails() -> None:
        raise KeyError("secret")

    @app.get("/health")
    def health() -> str:
        return ""

    return app


def memory(app: Any, path: str, **headers: str) -> int:
    client = TestClient(app, raise_server_exceptions=False, base_url="http://shop.example:8080")
    return int(client.get(path, headers=headers).status_code)


def asgi(app: Any, path: str, **headers: str) -> int:
    sent: list[Any] = []

    events = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if not events:
            await asyncio.Event().wait()  # the client stays
        return events.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    fields = {"host": "shop.example:8080", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "http_version": "1.1",
        "path": path,
        "root_path": "",
        "query_string": query.encode(),
        "client": ("10.0.0.9", 5),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
    }
    try:
        asyncio.run(app(scope, receive, send))
    except KeyError:
        pass  # goes on to the server
    return int(sent[0]["status"])


def wsgi(app: Any, path: str, **headers: str) -> int:
    from werkzeug.test import Client

    if "user_agent" in headers:
        headers["user-agent"] = headers.pop("user_agent")
    client = Client(app)
    answer = client.get(path, base_url="http://shop.example:8080", headers=headers, buffered=True)
    return answer.status_code


CASES = pytest.mark.parametrize(
    ("make", "ask"),
    [
        pytest.param(make, ask, id=f"{make.__name__}-{ask.__name__}")
        for make in (typed, flask)
        for ask in (memory, asgi, wsgi)
    ],
)
Make = Callable[[Watched], Any]
Ask = Callable[..., int]


@CASES
@pytest.mark.parametrize("colour", ["async", "def"])
def test_a_request_is_a_span_around_what_happens_in_it(
    watched: Watched, make: Make, ask: Ask, colour: str
) -> None:
    path = f"/{colour}/7?a=b&sig=secret"
    assert ask(make(watched), path, **PARENT, **{"user-agent": "test"}) == 200
    span = watched.server
    template = {"typed": f"/{colour}/{{number}}", "flask": f"/{colour}/<int:number>"}[make.__name__]
    assert span.name == f"GET {template}"
    found = dict(span.attributes or {})
    found.pop("client.address", None)  # what stands in a test for a client has none
    assert found == {
        "http.request.method": "GET",
        "http.route": template,
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": f"/{colour}/7",
        "url.query": "a=b&sig=REDACTED",
        "network.protocol.version": "1.1",
        "server.address": "shop.example",
        "server.port": 8080,
        "user_agent.original": "test",
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    (inside,) = [one for one in watched.spans if one.name == "inside"]
    assert inside.parent is not None
    assert inside.parent.span_id == span.context.span_id
    assert not trace.get_current_span().get_span_context().is_valid


@CASES
def test_a_failure_is_told(watched: Watched, make: Make, ask: Ask) -> None:
    assert ask(make(watched), "/fails") == 500
    span = watched.server
    attributes = dict(span.attributes or {})
    assert (attributes["http.response.status_code"], attributes["http.route"]) == (500, "/fails")
    assert span.status.status_code is StatusCode.ERROR
    if make is typed:
        assert attributes["error.type"] == "KeyError"
        assert [event.name for event in span.events] == ["exception"]
    else:  # Flask has made an answer of it
        assert attributes["error.type"] == "500"


@CASES
def test_what_has_no_route_has_no_name_of_a_clients_choice(
    watched: Watched, make: Make, ask: Ask
) -> None:
    assert ask(make(watched), "/nowhere/7") == 404
    span = watched.server
    assert span.name == "GET"
    assert "http.route" not in dict(span.attributes or {})
    assert span.status.status_code is StatusCode.UNSET


@CASES
def test_requests_are_measured(watched: Watched, make: Make, ask: Ask) -> None:
    app = make(watched)
    for path in ("/def/1", "/def/2", "/nowhere", "/health"):
        ask(app, path)
    points = watched.points("http.server.request.duration")
    seen = {(p.attributes.get("http.route"), p.count): dict(p.attributes) for p in points}
    template = {"typed": "/def/{number}", "flask": "/def/<int:number>"}[make.__name__]
    assert seen == {
        (template, 2): {
            "http.request.method": "GET",
            "http.route": template,
            "http.response.status_code": 200,
            "network.protocol.version": "1.1",
            "url.scheme": "http",
        },
        (None, 1): {
            "http.request.method": "GET",
            "http.response.status_code": 404,
            "network.protocol.version": "1.1",
            "url.scheme": "http",
        },
    }
    assert points[0].explicit_bounds[0] == 0.005
    assert [point.value for point in watched.points("http.server.active_requests")] == [0]
    assert len(watched.spans) == 5  # two in the endpoint, none for /health


@pytest.mark.parametrize("ask", [memory, asgi, wsgi])
@pytest.mark.parametrize("face", ["typed", "flask"])
def test_a_span_ends_with_its_stream(watched: Watched, face: str, ask: Ask) -> None:
    seen: list[int] = []

    def pieces() -> Iterator[str]:
        seen.append(len(watched.spans))
        yield "a"

    async def pieces_async() -> AsyncIterator[str]:
        for piece in pieces():
            yield piece

    app: Any
    if face == "flask":
        app = flask(watched)
        app.add_url_rule("/stream", "stream", lambda: Response(pieces()))
    else:
        app = typed(watched)

        @app.get("/stream")
        async def stream() -> StreamingResponse:
            return StreamingResponse(pieces_async())

    assert ask(app, "/stream") == 200
    assert seen == [0]
    assert dict(watched.server.attributes or {})["http.response.status_code"] == 200


def test_a_request_whose_time_is_up(watched: Watched) -> None:
    app = App(plugins=[watched.plugin()], timeout=0.05)

    @app.get("/late")
    async def late() -> None:
        await asyncio.sleep(3600)

    assert memory(app, "/late") == 504
    attributes = dict(watched.server.attributes or {})
    assert (attributes["http.response.status_code"], attributes["error.type"]) == (504, "504")


def test_it_is_silent_where_the_application_reports_by_itself(watched: Watched) -> None:
    app = App(
        plugins=[watched.plugin()],
        telemetry={"tracer_provider": watched.tracers, "meter_provider": watched.meters},
    )

    @app.get("/hello")
    async def hello() -> None: ...

    assert memory(app, "/hello") == 200
    assert watched.server.instrumentation_scope is not None
    assert watched.server.instrumentation_scope.name == "fastapi"
    assert [point.count for point in watched.points("http.server.request.duration")] == [1]


def test_a_wsgi_server_gets_no_loop_for_it(watched: Watched) -> None:
    before = threading.active_count()
    assert wsgi(flask(watched), "/def/1") == 200
    assert threading.active_count() == before


def test_methods_of_a_clients_own(watched: Watched) -> None:
    TestClient(typed(watched)).request("BREW", "/def/1")
    attributes = dict(watched.server.attributes or {})
    assert watched.server.name == "HTTP"
    assert attributes["http.request.method"] == "_OTHER"
    assert attributes["http.request.method_original"] == "BREW"


def test_a_provider_may_be_set_later() -> None:
    code = (
        "from carboy.flask import Flask\n"
        "from carboy.plugins.opentelemetry import OpenTelemetry\n"
        "app = Flask('a')\n"
        "OpenTelemetry().init_app(app)\n"
        "app.add_url_rule('/a', 'a', lambda: 'a')\n"
        "assert app.test_client().get('/a').text == 'a'\n"
        "from opentelemetry import trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor\n"
        "provider = TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))\n"
        "trace.set_tracer_provider(provider)\n"
        "assert app.test_client().get('/a').text == 'a'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count('"name": "GET /a"') == 1
    assert done.stderr == ""


def test_the_other_face_is_told_otherwise(watched: Watched) -> None:
    with pytest.raises(TypeError, match="give it telemetry="):
        watched.plugin().init_app(App())
