"""Monitoring tools that replace parts of Starlette and of FastAPI see what they came to see."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware

from carboy.fastapi import APIRouter, FastAPI, HTTPException
from carboy.fastapi.routing import APIRoute
from carboy.testing import TestClient


def test_a_tool_around_starlettes_applications_sees_requests_and_handled_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []
    plain_call, plain_middleware = Starlette.__call__, ExceptionMiddleware.__call__

    async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["path"])
        await plain_call(self, scope, receive, send)

    async def within(self: Any, scope: Any, receive: Any, send: Any) -> None:
        async def noting(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except HTTPException as error:
                seen.append(error.status_code)
                raise

        app, self.app = self.app, noting
        try:
            await plain_middleware(self, scope, receive, send)
        finally:
            self.app = app

    monkeypatch.setattr(Starlette, "__call__", call)
    monkeypatch.setattr(ExceptionMiddleware, "__call__", within)
    application = FastAPI()

    @application.get("/broken")
    def broken() -> None:
        raise HTTPException(503)

    answer = TestClient(application).get("/broken")
    assert (answer.status_code, answer.json()) == (503, {"detail": "Service Unavailable"})
    assert seen == ["/broken", 503]


def test_modules_are_there_after_the_package_alone() -> None:
    program = "import carboy.fastapi; carboy.fastapi.routing.APIRoute; carboy.fastapi.telemetry"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_route_with_a_handler_of_its_own_has_operations_too() -> None:
    class Loud(APIRoute):
        def get_route_handler(self) -> Any:
            handler = super().get_route_handler()

            async def loud(request: Any) -> Any:
                response = await handler(request)
                response.headers["x-loud"] = "yes"
                return response

            return loud

    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = FastAPI(telemetry={"tracer_provider": provider})
    router = APIRouter(route_class=Loud)

    @router.get("/{name}")
    def name(name: str) -> str:
        return name

    app.include_router(router, prefix="/names")
    assert TestClient(app).get("/names/a").headers["x-loud"] == "yes"
    assert [span.name for span in exporter.get_finished_spans()] == [
        "fastapi.dependencies",
        "fastapi.endpoint",
        "fastapi.serialization",
        "GET /names/{name}",
    ]
