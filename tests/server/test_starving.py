"""Handlers that block all the threads there are: nothing else waits for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import pytest
from contract.wire import Line, request
from living import Living, running, until

from carboy import App, Body
from carboy.fastapi import UploadFile
from carboy.fastapi.responses import FileResponse
from carboy.server import pool

BLOCKED = 200


class Held:
    """An application with a `def` handler that waits for the test."""

    def __init__(self, directory: Path) -> None:
        self.go_on = threading.Event()
        self.app = app = App()
        self.file = directory / "file.txt"
        self.file.write_text("from a file")

        @app.get("/blocked")
        def blocked() -> str:
            self.go_on.wait(60)
            return "done"

        @app.get("/health")
        async def health() -> str:
            return "well"

        @app.get("/file")
        async def file() -> FileResponse:
            return FileResponse(self.file)

        @app.post("/upload")
        async def upload(file: UploadFile) -> int:
            await file.seek(0)
            return len(await file.read())

        @app.post("/long")
        async def long(text: Annotated[str, Body()]) -> int:
            return len(text)


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


@pytest.fixture
def living(held: Held) -> Iterator[Living]:
    with running(held.app) as living:
        try:
            yield living
        finally:
            held.go_on.set()


def waiting(living: Living) -> int:
    shared = living.server.server_state.carboy  # type: ignore[attr-defined]
    return int(shared.pool.waiting)


def test_what_needs_no_handler_thread_is_served(held: Held, living: Living) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(living.address)) for _ in range(BLOCKED)]
        for line in lines:
            line.send(request("GET", "/blocked", close=False))
        until(lambda: living.connections and waiting(living) == BLOCKED - pool.THREADS)
        with Line(living.address) as other:
            other.send(request("GET", "/health", close=False))
            assert other.answer().json() == "well"
            other.send(request("GET", "/file", close=False))
            assert other.answer().body == b"from a file"
            large = b"x" * 3_000_000
            form = b"\r\n".join(
                [b"--b", b'content-disposition: form-data; name="file"; filename="a"', b"", large]
            )
            kind = [("content-type", "multipart/form-data; boundary=b")]
            other.send(request("POST", "/upload", kind, form + b"\r\n--b--\r\n", close=False))
            assert other.answer().json() == len(large)
            kind = [("content-type", "application/json")]
            other.send(request("POST", "/long", kind, json.dumps("x" * 3_000_000).encode()))
            assert other.answer().json() == 3_000_000
        assert waiting(living) == BLOCKED - pool.THREADS
        held.go_on.set()
        assert [line.answer().json() for line in lines] == ["done"] * BLOCKED


def test_a_full_queue_is_told_at_once_and_goes_on(
    held: Held, living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Line(living.address) as first:
        first.send(request("GET", "/health", close=False))
        assert first.answer().json() == "well"
    shared = living.server.server_state.carboy  # type: ignore[attr-defined]
    shared.pool.queue_limit = 10
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(living.address)) for _ in range(pool.THREADS + 10)]
        # One after the other: threads come only for those that have waited.
        for count, line in enumerate(lines):
            line.send(request("GET", "/blocked", close=False))
            until(lambda n=count: shared.pool.size >= min(n + 1, pool.THREADS))
        until(lambda: waiting(living) == 10)
        with Line(living.address) as other:
            other.send(request("GET", "/blocked", close=False))
            answer = other.answer()
            assert (answer.status, answer.get("retry-after")) == (503, "1")
            other.send(request("GET", "/health", close=False))
            assert other.answer().json() == "well"
        held.go_on.set()
        assert [line.answer().json() for line in lines] == ["done"] * len(lines)
