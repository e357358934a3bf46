"""The ASGI rim, called by the test: what is over when a call ends, and when it is cancelled."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from carboy import App, Depends

SCOPE = {"type": "http", "method": "GET", "query_string": b"", "headers": []}


class Pieces:
    """A stream that tells when it is closed."""

    def __init__(self, events: list[str]) -> None:
        self.events = events

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        self.events.append("piece")
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.events.append("end of pieces")


def _app(events: list[str], inside: threading.Event, go_on: threading.Event) -> App:
    app = App()

    def opened() -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            events.append(f"saw {type(error).__name__}")
            raise
        finally:
            inside.set()
            go_on.wait(20)
            events.append("close")

    @app.get("/", dependencies=[Depends(opened)])
    def endpoint() -> str:
        return "done"

    @app.get("/stream", dependencies=[Depends(opened)])
    def stream() -> StreamingResponse:
        inside.set()
        go_on.wait(20)
        return StreamingResponse(Pieces(events))

    return app


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def test_the_call_ends_when_everything_is_closed() -> None:
    events: list[str] = []
    inside, go_on = threading.Event(), threading.Event()
    app = _app(events, inside, go_on)

    async def main() -> None:
        async def send(message: dict[str, Any]) -> None:
            events.append(message["type"])

        call = asyncio.create_task(app({**SCOPE, "path": "/"}, _receive, send))
        while not inside.is_set() or len(events) < 2:
            await asyncio.sleep(0)
        # The answer is out, the dependency's end is not yet over.
        for _ in range(20):
            await asyncio.sleep(0)
        assert not call.done()
        go_on.set()
        await call

    asyncio.run(main())
    assert events == ["http.response.start", "http.response.body", "close"]


def test_a_stream_from_a_thread_is_closed_when_the_call_is_cancelled() -> None:
    events: list[str] = []
    inside, go_on = threading.Event(), threading.Event()
    app = _app(events, inside, go_on)

    async def main() -> None:
        async def send(message: dict[str, Any]) -> None:
            raise AssertionError("nobody is there")

        call = asyncio.create_task(app({**SCOPE, "path": "/stream"}, _receive, send))
        while not inside.is_set():
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(main())
    assert events == ["end of pieces", "saw CancelledError", "close"]
