"""Exporters from the environment: what is asked for, what is refused, what is closed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from carboy.fastapi import FastAPI
from carboy.fastapi.exceptions import FastAPIError
from carboy.fastapi.telemetry import _runtime
from carboy.testing import TestClient

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(_runtime, "_owned", [])
    monkeypatch.setattr(_runtime, "_configured", [])
    yield
    _runtime._shutdown()


@pytest.fixture
def collector() -> Iterator[tuple[str, list[str]]]:
    """The base URL of something that takes what is exported, and the paths it was sent to."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


def test_endpoints_are_the_signals_own_or_below_the_common_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _runtime._export_endpoint("TRACES") is None
    monkeypatch.setenv(ENDPOINT, "http://a:4318/base/")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "https://b/logs")
    assert _runtime._export_endpoint("TRACES") == "http://a:4318/base/v1/traces"
    assert _runtime._export_endpoint("LOGS") == "https://b/logs"
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "none")
    assert _runtime._export_endpoint("LOGS") is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        (ENDPOINT, "nowhere", "absolute HTTP or HTTPS URL"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_TRACES_EXPORTER", "console", "otlp or none"),
    ],
)
def test_what_cannot_be_done_is_said(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://a")
    monkeypatch.setenv(name, value)
    with pytest.raises(FastAPIError, match=words):
        _runtime._export_endpoint("TRACES")


def test_a_wrong_environment_is_a_warning_and_the_application_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINT, "nowhere")
    with (
        caplog.at_level(logging.WARNING, "fastapi"),
        TestClient(FastAPI(telemetry={"auto_configure": True})) as client,
    ):
        assert client.get("/").status_code == 404
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "absolute HTTP" in caplog.text


def test_a_provider_that_is_there_gets_one_exporter_and_keeps_working(
    monkeypatch: pytest.MonkeyPatch, collector: tuple[str, list[str]]
) -> None:
    base, paths = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", base + "/spans")
    provider = TracerProvider(shutdown_on_exit=False)
    app = FastAPI(telemetry={"tracer_provider": provider, "auto_configure": True})
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/").status_code == 404
        assert paths, "what was reported is flushed when the application has stopped"
    assert set(paths) == {"/spans"}
    assert len(_runtime._owned) == 1
    _runtime._shutdown()
    assert _runtime._owned == []
    with provider.get_tracer("other").start_as_current_span("still there") as span:
        assert span.is_recording()
    provider.shutdown()


def test_what_fails_while_closing_does_not_keep_the_rest_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed: list[str] = []

    class Broken:
        def shutdown(self) -> None:
            raise RuntimeError("no")

    class Whole:
        def shutdown(self) -> None:
            closed.append("closed")

    _runtime._owned.extend([Broken(), Whole()])
    _runtime._shutdown()
    _runtime._shutdown()
    assert closed == ["closed"]
    assert caplog.text.count("FastAPI telemetry cleanup failed") == 1
