"""One application for both: handlers that block, wait, stream and take long bodies."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

IS_CARBOY = os.environ["FAULTS_PEER"] == "carboy"

if IS_CARBOY:
    from carboy import App as Application
    from carboy.fastapi.responses import FileResponse, StreamingResponse
else:
    from fastapi import FastAPI as Application
    from fastapi.responses import FileResponse, StreamingResponse

app = Application()
#: What only Carboy can be told at a route.
LIMITS: dict[str, Any] = {"timeout": 1} if IS_CARBOY else {}
LARGE: dict[str, Any] = {"max_body": 64 * 2**20} if IS_CARBOY else {}
FILE = Path(tempfile.gettempdir()) / f"faults-{os.getpid()}.txt"
FILE.write_text("from a file")
left: list[float] = []


@app.get("/health")
async def health() -> dict[str, int]:
    return {"pid": os.getpid()}


@app.get("/file")
async def file() -> FileResponse:
    return FileResponse(FILE)


@app.get("/thread/{seconds}")
def thread(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


@app.get("/blocks/{seconds}")
async def blocks(seconds: float) -> str:
    time.sleep(seconds)  # noqa: ASYNC251 - that is the fault
    return "done"


@app.get("/waits/{seconds}")
async def waits(seconds: float) -> str:
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        left.append(time.monotonic())
        raise
    return "done"


@app.get("/late", **LIMITS)
async def late() -> str:
    await asyncio.sleep(30)
    return "done"


@app.get("/left")
async def count_left() -> int:
    return len(left)


@app.post("/long", **LARGE)
async def long(body: dict[str, Any]) -> int:
    return len(body)


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        piece = b"x" * 2**20
        for _ in range(1024):
            yield piece

    return StreamingResponse(pieces())


@app.get("/events")
async def events() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"data: tick\n\n"
            await asyncio.sleep(0.2)

    return StreamingResponse(pieces(), media_type="text/event-stream")
