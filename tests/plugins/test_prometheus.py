"""What `Metrics` counts, over every door that needs no socket."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import FileResponse, StreamingResponse

from carboy import APIRouter, App, HTTPException, Request
from carboy.fastapi import FastAPI
from carboy.plugins.prometheus import Metrics
from carboy.testing import TestClient


def values(metrics: Metrics, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """The samples called `name`, by these labels' values."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        for sample in family.samples:
            if sample.name == name:
                key = tuple(sample.labels[label] for label in labels)
                assert key not in found, "one series, told twice"
                found[key] = sample.value
    return found


def counted(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return values(metrics, "http_requests_total", "method", "route", "status")


def in_flight(metrics: Metrics) -> float:
    return values(metrics, "http_requests_in_flight")[()]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(registry=CollectorRegistry())


@pytest.fixture
def app(metrics: Metrics) -> App:
    app = App(plugins=[metrics])

    @app.get("/async/{number}")
    async def is_async(number: int) -> float:
        return in_flight(metrics)

    @app.get("/def/{number}")
    def is_def(number: int) -> float:
        return in_flight(metrics)

    @app.put("/def/{number}")
    def put(number: int) -> None: ...

    @app.get("/refuses")
    async def refuses() -> None:
        raise HTTPException(418)

    @app.get("/fails")
    async def fails() -> None:
        raise KeyError

    @app.get("/def-fails")
    def def_fails() -> None:
        raise KeyError

    return app


def memory(app: Any, method: str, path: str) -> int:
    client = TestClient(app, raise_server_exceptions=False)
    return int(client.request(method, path).status_code)


def asgi(app: Any, method: str, path: str) -> int:
    sent: list[Any] = []

    events = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Any:
        if not events:
            await asyncio.Event().wait()  # the client stays
        return events.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    try:
        asyncio.run(app(scope, receive, send))
    except KeyError:
        pass  # goes on to the server
    return int(sent[0]["status"])


def wsgi(app: Any, method: str, path: str) -> int:
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "a",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
    }
    pieces = app(environ, lambda line, fields: status.append(line))
    list(pieces)
    if hasattr(pieces, "close"):
        pieces.close()
    return int(status[0][:3])


DOORS = pytest.mark.parametrize("ask", [memory, asgi, wsgi])


@DOORS
def test_requests_are_counted_by_method_route_and_status(
    metrics: Metrics, app: App, ask: Any
) -> None:
    asked = {
        ("GET", "/async/1"): ("/async/{number}", 200),
        ("GET", "/async/x"): ("/async/{number}", 422),
        ("HEAD", "/async/1"): ("/async/{number}", 200),
        ("GET", "/def/1"): ("/def/{number}", 200),
        ("PUT", "/def/1"): ("/def/{number}", 200),
        ("GET", "/refuses"): ("/refuses", 418),
        ("GET", "/fails"): ("/fails", 500),
        ("GET", "/def-fails"): ("/def-fails", 500),
        ("GET", "/nowhere/at/all"): ("", 404),
        ("DELETE", "/refuses"): ("", 405),
    }
    for (method, path), (_, status) in asked.items():
        assert ask(app, method, path) == status
    ask(app, "GET", "/async/2")
    expected = {(method, route, str(s)): 1.0 for (method, _), (route, s) in asked.items()}
    expected["GET", "/async/{number}", "200"] = 2.0
    assert counted(metrics) == expected
    durations = values(metrics, "http_request_duration_seconds_count", "method", "route")
    assert durations["GET", "/async/{number}"] == 3
    assert sum(durations.values()) == sum(expected.values())
    assert in_flight(metrics) == 0


@pytest.mark.parametrize("path", ["/async/1", "/def/1"])
def test_a_request_is_in_flight_while_it_is_answered(metrics: Metrics, app: App, path: str) -> None:
    assert TestClient(app).get(path).json() == 1.0


def test_methods_of_a_clients_own_are_one(metrics: Metrics, app: App) -> None:
    for method in ("BREW", "WHEN"):
        assert asgi(app, method, "/refuses") == 405
    assert counted(metrics) == {("_OTHER", "", "405"): 2.0}


@pytest.mark.parametrize("colour", ["async def", "def"])
def test_a_stream_is_in_flight_until_its_end(metrics: Metrics, app: App, colour: str) -> None:
    seen: list[float] = []

    async def pieces_async() -> AsyncIterator[str]:
        seen.append(in_flight(metrics))
        yield "a"

    def pieces() -> Iterator[str]:
        seen.append(in_flight(metrics))
        yield "a"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces() if colour == "def" else pieces_async())

    for ask in (memory, asgi, wsgi):
        assert ask(app, "GET", "/stream") == 200
    assert (seen, in_flight(metrics)) == ([1.0, 1.0, 1.0], 0.0)
    assert counted(metrics) == {("GET", "/stream", "200"): 3.0}


def test_a_stream_that_breaks_is_over(metrics: Metrics, app: App) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "a"
        raise KeyError

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces())

    asgi(app, "GET", "/stream")
    assert (in_flight(metrics), sum(counted(metrics).values())) == (0.0, 1.0)


def test_the_status_of_a_file_is_the_one_that_is_sent(
    metrics: Metrics, app: App, tmp_path: Path
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("0123456789")

    @app.get("/file")
    async def whole() -> FileResponse:
        return FileResponse(file)

    client = TestClient(app)
    assert client.get("/file").text == "0123456789"
    assert client.get("/file", headers={"range": "bytes=2-3"}).text == "23"
    assert counted(metrics) == {("GET", "/file", "200"): 1.0, ("GET", "/file", "206"): 1.0}


def test_routers_and_excluded_routes(metrics: Metrics) -> None:
    quiet = Metrics(registry=metrics.registry, exclude=["/api/health"])
    app = FastAPI(plugins=[quiet])
    router = APIRouter(prefix="/{tenant}")

    @router.get("/items/{item}")
    def item(tenant: str, item: int) -> None: ...

    @app.get("/api/health")
    def health() -> None: ...

    app.include_router(router)
    for path in ("/a/items/1", "/b/items/2", "/api/health"):
        assert memory(app, "GET", path) == 200
    assert counted(metrics) == {("GET", "/{tenant}/items/{item}", "200"): 2.0}


def test_a_plugin_of_one_route_counts_that_one(metrics: Metrics) -> None:
    app = App()

    @app.get("/one", plugins=[metrics])
    def one() -> None: ...

    @app.get("/two")
    def two() -> None: ...

    assert [memory(app, "GET", path) for path in ("/one", "/two", "/three")] == [200, 200, 404]
    assert counted(metrics) == {("GET", "/one", "200"): 1.0}


def test_the_numbers_are_shown(metrics: Metrics, app: App) -> None:
    Counter("books_lent", "Books.", registry=metrics.registry).inc(3)
    metrics.expose(app)
    client = TestClient(app)
    client.get("/def/1")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'http_requests_total{method="GET",route="/def/{number}",status="200"} 1.0' in answer.text
    assert "books_lent_total 3.0" in answer.text
    assert "carboy_pool_threads" in answer.text
    newer = client.get(
        "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert newer.headers["content-type"].startswith("application/openmetrics-text")
    assert newer.text.endswith("# EOF\n")
    # What shows the numbers is no part of them, nor of the document.
    assert set(counted(metrics)) == {("GET", "/def/{number}", "200")}
    assert "/metrics" not in app.openapi()["paths"]


def test_a_router_may_show_them_under_its_prefix_behind_a_lock(metrics: Metrics) -> None:
    async def locked(request: Request) -> None:
        if request.headers.get("x-key") != "open":
            raise HTTPException(403)

    from carboy import Depends

    app = App(plugins=[metrics])
    router = APIRouter(prefix="/internal", dependencies=[Depends(locked)])
    metrics.expose(router, "/numbers")
    app.include_router(router)
    client = TestClient(app)
    assert client.get("/internal/numbers").status_code == 403
    assert client.get("/internal/numbers", headers={"x-key": "open"}).status_code == 200
    assert counted(metrics) == {}


def test_durations_are_summed_up_from_bucket_to_bucket(metrics: Metrics) -> None:
    route = metrics._tally.route("/a")
    for seconds in (0.001, 0.002, 0.3, 99.0):
        metrics._tally.begin()
        route.end("GET", 200, seconds)
    buckets = values(metrics, "http_request_duration_seconds_bucket", "le")
    assert buckets["0.001",] == 1  # a bound belongs to its bucket
    assert (buckets["0.0025",], buckets["0.25",], buckets["0.5",]) == (2, 2, 3)
    assert (buckets["10.0",], buckets["+Inf",]) == (3, 4)
    assert values(metrics, "http_request_duration_seconds_sum")[()] == pytest.approx(99.303)


def test_threads_that_end_at_once_lose_nothing(metrics: Metrics) -> None:
    from concurrent.futures import ThreadPoolExecutor

    route = metrics._tally.route("/a")

    def many() -> None:
        for _ in range(2000):
            metrics._tally.begin()
            route.end("GET", 200, 0.1)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(many) for _ in range(8)]:
            done.result()
    assert (counted(metrics)["GET", "/a", "200"], in_flight(metrics)) == (16000, 0)


def test_metrics_of_one_registry_are_one() -> None:
    registry = CollectorRegistry(auto_describe=True)
    first, second = Metrics(registry=registry), Metrics(registry=registry)
    apps = [App(plugins=[one]) for one in (first, second)]
    for app in apps:
        assert memory(app, "GET", "/nowhere") == 404
    assert counted(first) == counted(second) == {("GET", "", "404"): 2.0}
    with pytest.raises(ValueError, match="give the same buckets="):
        Metrics(registry=registry, buckets=[1, 2])


@pytest.mark.parametrize("buckets", [[], [1, 1], [2, 1], [0, 1], [-1, 1], [1, float("inf")]])
def test_buckets_are_checked(buckets: list[float]) -> None:
    with pytest.raises(ValueError, match="buckets are seconds"):
        Metrics(registry=CollectorRegistry(), buckets=buckets)


def test_excluded_paths_are_checked() -> None:
    with pytest.raises(ValueError, match="as '/health': 'health'"):
        Metrics(registry=CollectorRegistry(), exclude=["health"])
    assert Metrics(registry=CollectorRegistry(), exclude="/health").exclude == {"/health"}


def test_without_a_server_of_its_own_no_connections_are_told(metrics: Metrics, app: App) -> None:
    assert memory(app, "GET", "/async/1") == 200
    assert values(metrics, "carboy_connections") == {(): 0.0}
    assert set(values(metrics, "carboy_pool_threads", "pool")) == {("handlers",), ("files",)}
