"""What an application that reports tells OpenTelemetry about its requests, over every door."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from carboy.fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from carboy.fastapi.responses import StreamingResponse
from carboy.fastapi.telemetry import TelemetryConfig, get_telemetry_data
from carboy.testing import TestClient


class Watched:
    """An application, and what it has reported."""

    def __init__(self, **settings: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.tracer = TracerProvider(shutdown_on_exit=False)
        self.tracer.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meter = MeterProvider([self.reader], shutdown_on_exit=False)
        config: TelemetryConfig = {"tracer_provider": self.tracer, "meter_provider": self.meter}
        config.update(**settings)
        self.app = FastAPI(telemetry=config)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    @property
    def server(self) -> ReadableSpan:
        (found,) = [span for span in self.spans if span.kind is SpanKind.SERVER]
        return found

    def points(self) -> list[Any]:
        data = self.reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        return [
            point
            for metric in metrics
            if metric.name == "http.server.request.duration"
            for point in metric.data.data_points
        ]


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()

    def doubled(n: int) -> int:
        return 2 * n

    @made.app.get("/sync/{n}")
    def sync(n: int, twice: int = Depends(doubled)) -> dict[str, int]:
        return {"n": n, "twice": twice}

    @made.app.get("/fail")
    async def fail() -> None:
        raise KeyError("secret")

    yield made
    made.tracer.shutdown()
    made.meter.shutdown()


def asgi(app: Any, path: str) -> int:
    """The status of a GET over the ASGI rim."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    asyncio.run(app(scope, receive, send))
    return int(sent[0]["status"])


def memory(app: Any, path: str) -> int:
    """The status of a GET past ASGI, as on the direct protocol."""
    return int(TestClient(app, raise_server_exceptions=False).get(path).status_code)


def wsgi(app: Any, path: str) -> int:
    """The status of a GET over the WSGI rim."""
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "a",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    answer = app(environ, lambda line, headers, *error: status.append(line))
    for _ in answer:
        pass
    if hasattr(answer, "close"):
        answer.close()
    return int(status[0].split()[0])


@pytest.mark.parametrize("ask", [asgi, memory, wsgi])
def test_every_door_leads_through_what_reports(watched: Watched, ask: Any) -> None:
    assert ask(watched.app, "/sync/3") == 200
    assert watched.names == [
        "fastapi.dependencies",
        "fastapi.endpoint",
        "fastapi.serialization",
        "GET /sync/{n}",
    ]
    server = watched.server
    assert server.attributes is not None
    assert server.attributes["http.response.status_code"] == 200
    assert {span.parent.span_id for span in watched.spans if span.parent} == {
        server.context.span_id
    }
    (point,) = watched.points()
    assert (point.count, point.attributes["http.route"]) == (1, "/sync/{n}")


def test_an_unhandled_error_is_named_and_its_text_is_not_told(watched: Watched) -> None:
    assert memory(watched.app, "/fail") == 500
    assert watched.server.status.status_code is StatusCode.ERROR
    assert watched.server.attributes is not None
    assert watched.server.attributes["error.type"] == "KeyError"
    assert "secret" not in repr([(span.attributes, span.events) for span in watched.spans])


def test_an_http_exception_is_an_answer_for_operations(watched: Watched) -> None:
    @watched.app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(503)

    assert memory(watched.app, "/teapot") == 503
    kinds = {span.name: span.status.status_code for span in watched.spans}
    assert kinds["fastapi.endpoint"] is StatusCode.UNSET
    assert kinds["GET /teapot"] is StatusCode.ERROR


def test_the_span_ends_with_the_last_byte(watched: Watched) -> None:
    seen: list[tuple[str, int]] = []

    async def opened() -> AsyncIterator[None]:
        yield
        seen.append(("closed", len(watched.spans)))

    def later() -> None:
        seen.append((trace.get_current_span().name, len(watched.spans)))  # type: ignore[attr-defined]

    @watched.app.get("/stream", dependencies=[Depends(opened)])
    async def stream(tasks: BackgroundTasks) -> StreamingResponse:
        tasks.add_task(later)

        async def pieces() -> AsyncIterator[str]:
            yield "a"
            assert "GET /stream" not in watched.names
            yield "b"

        return StreamingResponse(pieces())

    assert memory(watched.app, "/stream") == 200
    assert watched.names[-2:] == ["GET /stream", "fastapi.background_task"]
    ended = len(watched.names) - 1
    assert seen == [("fastapi.background_task", ended), ("closed", ended + 1)]


def test_data_lasts_as_long_as_the_request(watched: Watched) -> None:
    found: list[Any] = []

    @watched.app.post("/items")
    async def items(item: dict[str, int], q: str = "x") -> None:
        data = get_telemetry_data()
        assert data is not None
        assert data.request is not None
        found.extend([data.body, data.values, data.errors, data.request.url.path])

    client = TestClient(watched.app)
    assert client.post("/items", json={"a": 1}).status_code == 200
    assert found == [{"a": 1}, {"item": {"a": 1}, "q": "x"}, [], "/items"]
    assert get_telemetry_data() is None


def test_what_is_missed_is_reported_by_the_nearest_template(watched: Watched) -> None:
    client = TestClient(watched.app, follow_redirects=False)
    assert client.post("/sync/1").status_code == 405
    assert client.get("/sync/1/").status_code == 307
    assert client.get("/nothing").status_code == 404
    assert watched.names == ["POST /sync/{n}", "GET /sync/{n}", "GET"]


def test_a_mounted_application_reports_its_part(watched: Watched) -> None:
    inner = FastAPI()

    @inner.get("/things/{name}")
    def thing(name: str) -> str:
        return name

    watched.app.mount("/of/{owner}", inner)
    assert memory(watched.app, "/of/me/things/a") == 200
    assert watched.names[-1] == "GET /of/{owner}/things/{name}"
    assert watched.names.count("fastapi.endpoint") == 1


def test_excluded_requests_and_switched_off_operations() -> None:
    watched = Watched(exclude=lambda scope: scope["path"] == "/health", operation_spans=False)

    @watched.app.get("/{name}")
    def name(name: str) -> str:
        return name

    assert memory(watched.app, "/health") == 200
    assert watched.spans == []
    assert memory(watched.app, "/other") == 200
    assert watched.names == ["GET /{name}"]
