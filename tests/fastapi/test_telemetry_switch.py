"""When an application reports, and that one which does not has nothing of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from carboy.fastapi import Depends, FastAPI
from carboy.fastapi.telemetry._asgi import ExceptionTelemetryMiddleware, is_instrumented
from carboy.testing import TestClient

NOTHING_LOADED = """
import sys
from carboy.fastapi import FastAPI
from carboy.testing import TestClient

app = FastAPI(telemetry={"operation_spans": True})

@app.get("/{name}")
def name(name: str) -> str:
    return name

with TestClient(app) as client:
    assert client.get("/a").json() == "a"
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
assert app.engine.front is None
"""

LATE = """
import asyncio
from carboy.fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

app = FastAPI()
sent = []

@app.get("/{name}")
async def name(name: str) -> str:
    return name

async def receive():
    return {"type": "http.request", "body": b"", "more_body": False}

async def send(message):
    sent.append(message)

def ask():
    scope = {"type": "http", "method": "GET", "path": "/a", "query_string": b"", "headers": []}
    asyncio.run(app(scope, receive, send))
    assert sent[-1]["body"] == b'"a"'

ask()
exporter = InMemorySpanExporter()
provider = TracerProvider(shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
ask()
assert exporter.get_finished_spans()[-1].name == "GET /{name}"
assert app.engine.front is not None
"""


def _run(program: str) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr


def test_opentelemetry_is_not_loaded_for_an_application_that_does_not_use_it() -> None:
    _run(NOTHING_LOADED)


def test_a_provider_that_is_set_late_is_noticed() -> None:
    _run(LATE)


def _app(telemetry: Any) -> FastAPI:
    app = FastAPI(telemetry=telemetry)

    def one() -> int:
        return 1

    @app.get("/{n}")
    def sum_(n: int, other: int = Depends(one)) -> int:
        return n + other

    return app


def test_only_an_application_that_reports_is_compiled_with_it() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    plain, reporting = _app(None), _app({"tracer_provider": provider})
    assert "solving" not in plain.engine.find("GET /{n}").source
    assert plain.engine.front is None
    source = reporting.engine.find("GET /{n}").source
    assert "with solving(request):\n            got_one = " in source
    assert reporting.engine.front is not None


def test_switched_off_signals_need_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    off = {"tracer_provider": provider, "tracing": False, "metrics": False, "logs": False}
    assert _app(off).engine.front is None
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    assert _app({"tracing": False}).engine.front is None
    assert _app(None).engine.front is not None


def test_an_application_that_turns_on_late_keeps_its_middleware(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Any] = []

    class Counted:
        def __init__(self, app: Any) -> None:
            self.app = app
            made.append(self)

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await self.app(scope, receive, send)

    app = _app(None)
    app.add_middleware(Counted)
    assert TestClient(app).get("/1").json() == 2
    monkeypatch.setattr(
        trace, "get_tracer_provider", lambda: TracerProvider(shutdown_on_exit=False)
    )
    with TestClient(app) as client:  # start-up is where it is decided
        assert client.get("/1").json() == 2
    stack: Any = app.middleware_stack
    assert isinstance(stack.app, ExceptionTelemetryMiddleware)
    assert len(made) == 1


def test_instrumentation_is_found_however_deep_and_in_circles() -> None:
    class OpenTelemetryMiddleware:
        app: Any = None

    class Around:
        def __init__(self, app: Any) -> None:
            self.app = app

    circle = Around(None)
    circle.app = Around(circle)
    assert not is_instrumented(circle)
    assert not is_instrumented(Around(OpenTelemetryMiddleware()))  # somebody else's
    OpenTelemetryMiddleware.__module__ = "opentelemetry.instrumentation.asgi"
    assert is_instrumented(Around(Around(OpenTelemetryMiddleware())))
