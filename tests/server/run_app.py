"""What test_run serves: who answers, and handlers that wait for a file of the test's."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from starlette.responses import StreamingResponse

from carboy import App, BackgroundTasks, Request, WebSocket, WebSocketDisconnect
from carboy.fastapi.sse import EventSourceResponse

folder = Path(os.environ["RUN_FOLDER"])
if (folder / "broken").exists():
    raise RuntimeError("the application is broken")


def leave_word(word: str) -> None:
    with (folder / "diary").open("a") as diary:
        diary.write(word + "\n")


async def gate() -> None:
    leave_word("inside")
    while not (folder / "gate").exists():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    if os.environ.get("RUN_REFUSES"):
        raise RuntimeError("refuses to start")
    yield
    leave_word("shutdown")


app = App(lifespan=lifespan)


@app.get("/pid")
async def pid() -> int:
    return os.getpid()


@app.get("/slow")
async def slow() -> str:
    await gate()
    return "whole"


@app.get("/hang")
async def hang() -> None:
    leave_word("inside")
    while True:
        time.sleep(1)


@app.get("/broken")
async def broken() -> float:
    return 1 / 0


@app.get("/task")
async def task(tasks: BackgroundTasks) -> str:
    async def work() -> None:
        await gate()
        leave_word("task")

    tasks.add_task(work)
    return "answered"


@app.get("/events", response_class=EventSourceResponse)
async def events() -> AsyncIterator[int]:
    """Without an end of its own."""
    try:
        number = 0
        while True:
            yield (number := number + 1)
            await asyncio.sleep(0.05 if number < 3 else 3600)
    finally:
        leave_word("events closed")


@app.get("/blocking-events", response_class=EventSourceResponse)
def blocking_events() -> Iterator[int]:
    try:
        number = 0
        while True:
            yield (number := number + 1)
            time.sleep(0.05)
    finally:
        leave_word("events closed")


@app.get("/own-events")
async def own_events() -> StreamingResponse:
    async def pieces() -> AsyncIterator[str]:
        try:
            yield "data: 1\n\n"
            await asyncio.sleep(3600)
        finally:
            leave_word("events closed")

    return StreamingResponse(pieces(), media_type="text/event-stream")


@app.get("/seen")
async def seen(request: Request) -> dict[str, Any]:
    return {
        "scheme": request.url.scheme,
        "client": request.client and request.client.host,
        "root_path": request.scope["root_path"],
        "version": request.scope["http_version"],
    }


@app.websocket("/ws")
async def websocket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json([websocket.scope["scheme"], websocket.scope["client"][0]])
    await websocket.close()


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await websocket.receive_text())


@app.get("/loop")
async def loop() -> str:
    return type(asyncio.get_running_loop()).__module__
