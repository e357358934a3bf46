"""Bodies in pieces, both ways."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, StreamingResponse

from carboy import APIRouter, BackgroundTasks, Request, Response

from .events import note
from .routes_closing import Opened, OpenedAsync

router = APIRouter()


async def _pieces_async(tag: str, count: int, fail: bool) -> AsyncIterator[bytes]:
    try:
        for number in range(count):
            note(tag, f"piece {number}")
            yield b"%d;" % number
            await asyncio.sleep(0)
        if fail:
            raise ZeroDivisionError
    finally:
        note(tag, "end of pieces")


def _pieces(tag: str, count: int, fail: bool) -> Iterator[bytes]:
    try:
        for number in range(count):
            note(tag, f"piece {number}")
            yield b"%d;" % number
        if fail:
            raise ZeroDivisionError
    finally:
        note(tag, "end of pieces")


@router.get("/stream/async/async")
async def stream_async(tag: str, value: OpenedAsync, fail: bool = False) -> StreamingResponse:
    task = BackgroundTask(note, tag, "task")
    return StreamingResponse(_pieces_async(tag, 3, fail), background=task)


@router.get("/stream/async/def")
async def stream_def_in_async(tag: str, value: OpenedAsync, fail: bool = False) -> Response:
    task = BackgroundTask(note, tag, "task")
    return StreamingResponse(_pieces(tag, 3, fail), background=task)


@router.get("/stream/def/def")
def stream(tag: str, value: Opened, fail: bool = False) -> StreamingResponse:
    task = BackgroundTask(note, tag, "task")
    return StreamingResponse(_pieces(tag, 3, fail), background=task)


@router.get("/stream/def/async")
def stream_async_in_def(
    tag: str, value: Opened, tasks: BackgroundTasks, fail: bool = False
) -> StreamingResponse:
    tasks.add_task(note, tag, "task")
    return StreamingResponse(_pieces_async(tag, 3, fail))


@router.get("/stream/length/{promised}")
async def stream_length(promised: int) -> StreamingResponse:
    """Ten bytes in two pieces under a length of the application's own."""
    pieces = iter([b"12345", b"67890"])
    return StreamingResponse(pieces, headers={"content-length": str(promised)})


@router.get("/stream/endless/async")
async def endless_async(tag: str, value: OpenedAsync) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 1000
                await asyncio.sleep(0.005)
        finally:
            note(tag, "end of pieces")

    return StreamingResponse(pieces())


@router.get("/stream/silent/async")
async def silent_async(tag: str, value: OpenedAsync) -> StreamingResponse:
    """One piece, then nothing: only who listens notices that the client is gone."""

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await asyncio.sleep(30)
        finally:
            note(tag, "end of pieces")

    return StreamingResponse(pieces())


#: What /file sends.
FILE = Path(__file__)


@router.get("/file")
async def file(tag: str, value: OpenedAsync) -> FileResponse:
    return FileResponse(FILE, background=BackgroundTask(note, tag, "task"))


@router.get("/file/def")
def file_in_thread(tag: str, value: Opened, tasks: BackgroundTasks) -> FileResponse:
    tasks.add_task(note, tag, "task")
    return FileResponse(FILE)


class Announced(Response):
    """Sends itself: an ASGI application of its own."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": scope["method"].encode()})


@router.get("/self-sent")
async def self_sent() -> Response:
    return Announced()


@router.get("/self-sent/def")
def self_sent_in_thread() -> Response:
    return Announced()


@router.post("/upload/body")
async def upload_body(request: Request) -> str:
    return hashlib.sha256(await request.body()).hexdigest()


@router.post("/upload/json")
async def upload_json(request: Request) -> Any:
    return json.loads(json.dumps(await request.json()))


@router.post("/upload/stream")
async def upload_stream(request: Request) -> str:
    digest = hashlib.sha256()
    async for piece in request.stream():
        digest.update(piece)
    return digest.hexdigest()


@router.post("/upload/unread")
async def upload_unread(request: Request) -> str:
    """Answers without a look at the body."""
    return request.method
