"""The ASGI rim on trio's loop (hypercorn's other worker): times are kept there too."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import pytest

from carboy import App, Depends

pytest.importorskip("trio", reason="trio is not installed")


async def ask(app: App, path: str, answered: threading.Event) -> tuple[int, bytes]:
    events: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if not events:
            await anyio.sleep_forever()
        return events.pop()

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            answered.set()

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    with anyio.fail_after(20):
        await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_times_are_kept_on_trio() -> None:
    app, log, answered = App(), list[str](), threading.Event()

    async def held() -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            log.append(type(error).__name__)
            raise
        finally:
            log.append("closed")

    def held_too() -> Iterator[None]:
        yield
        log.append("closed too")

    @app.get("/quick", dependencies=[Depends(held), Depends(held_too)])
    async def quick() -> str:
        return "quick"

    @app.get("/stream", dependencies=[Depends(held)])
    async def stream() -> AsyncIterator[str]:
        yield "piece"

    @app.get("/slow", timeout=0.01, dependencies=[Depends(held)])
    async def slow() -> None:
        await anyio.sleep_forever()

    @app.get("/thread", timeout=0.01)
    def thread() -> None:
        answered.wait(20)
        log.append("ended")

    for path, answer, events in (
        ("/quick", (200, b'"quick"'), ["closed too", "closed"]),
        ("/stream", (200, b'"piece"\n'), ["closed"]),
        ("/slow", (504, b'{"detail":"Gateway Timeout"}'), ["Cancelled", "closed"]),
        ("/thread", (504, b'{"detail":"Gateway Timeout"}'), ["ended"]),
    ):
        log.clear()
        answered.clear()
        assert anyio.run(ask, app, path, answered, backend="trio") == answer
        assert log == events
