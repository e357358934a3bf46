"""What outlives the answer: dependencies with ``yield`` and background tasks, in both colours."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

from starlette.responses import StreamingResponse

from carboy import APIRouter, BackgroundTasks, Depends, HTTPException

from .events import note

router = APIRouter()


def opened(tag: str) -> Iterator[str]:
    note(tag, "open")
    try:
        yield "value"
    except Exception as error:
        note(tag, f"saw {type(error).__name__}")
        raise
    finally:
        note(tag, "close")


async def opened_async(tag: str) -> AsyncIterator[str]:
    note(tag, "open")
    try:
        yield "value"
    except Exception as error:
        note(tag, f"saw {type(error).__name__}")
        raise
    finally:
        note(tag, "close")


Opened = Annotated[str, Depends(opened)]
OpenedAsync = Annotated[str, Depends(opened_async)]


def inner(tag: str, outer: Opened) -> Iterator[str]:
    note(tag, "inner open")
    yield outer
    note(tag, "inner close")


async def inner_async(tag: str, outer: OpenedAsync) -> AsyncIterator[str]:
    note(tag, "inner open")
    yield outer
    note(tag, "inner close")


def _answer(tag: str, how: str) -> str:
    note(tag, "endpoint")
    if how == "http":
        raise HTTPException(409, "no")
    if how == "error":
        raise ZeroDivisionError
    return "done"


@router.get("/closing/def")
def closing(tag: str, value: Opened, how: str = "") -> str:
    return _answer(tag, how)


@router.get("/closing/async")
async def closing_async(tag: str, value: OpenedAsync, how: str = "") -> str:
    return _answer(tag, how)


@router.get("/closing/def-in-async")
async def closing_mixed(tag: str, value: Opened, how: str = "") -> str:
    return _answer(tag, how)


@router.get("/closing/async-in-def")
def closing_mixed_in_thread(tag: str, value: OpenedAsync, how: str = "") -> str:
    return _answer(tag, how)


@router.get("/nested/def")
def nested(tag: str, value: Annotated[str, Depends(inner)]) -> str:
    return _answer(tag, "")


@router.get("/nested/async")
async def nested_async(tag: str, value: Annotated[str, Depends(inner_async)]) -> str:
    return _answer(tag, "")


def spoiled(tag: str) -> Iterator[None]:
    yield
    note(tag, "spoiled")
    raise ZeroDivisionError


async def spoiled_async(tag: str) -> AsyncIterator[None]:
    yield
    note(tag, "spoiled")
    raise ZeroDivisionError


@router.get("/spoiled/def", dependencies=[Depends(opened), Depends(spoiled)])
def spoiled_end(tag: str) -> str:
    return "done"


@router.get("/spoiled/async", dependencies=[Depends(opened_async), Depends(spoiled_async)])
async def spoiled_end_async(tag: str) -> str:
    return "done"


@router.get("/background/def")
def background(tag: str, value: Opened, tasks: BackgroundTasks) -> str:
    tasks.add_task(note, tag, "task 1")
    tasks.add_task(_note_async, tag, "task 2")
    return _answer(tag, "")


@router.get("/background/async")
async def background_async(tag: str, value: OpenedAsync, tasks: BackgroundTasks) -> str:
    tasks.add_task(note, tag, "task 1")
    tasks.add_task(_note_async, tag, "task 2")
    return _answer(tag, "")


async def _note_async(tag: str, event: str) -> None:
    await asyncio.sleep(0)
    note(tag, event)


def _await_file(path: str) -> str:
    """Wait, for 10 seconds at most, until the client says that it has the whole answer."""
    for _ in range(1000):
        if Path(path).exists():
            return "answered"
        time.sleep(0.01)
    return "not answered"


def gated(tag: str, gate: str) -> Iterator[None]:
    yield
    note(tag, _await_file(gate))


async def gated_async(tag: str, gate: str) -> AsyncIterator[None]:
    yield
    note(tag, await asyncio.to_thread(_await_file, gate))


@router.get("/gated/def", dependencies=[Depends(gated)])
def gated_end() -> str:
    return "done"


@router.get("/gated/async", dependencies=[Depends(gated_async)])
async def gated_end_async() -> str:
    return "done"


def early(tag: str, how: str = "") -> Iterator[None]:
    note(tag, "early open")
    yield
    note(tag, "early close")
    if how == "late":
        raise HTTPException(409, "refused after all")


async def early_async(tag: str, how: str = "") -> AsyncIterator[None]:
    note(tag, "early open")
    yield
    note(tag, "early close")
    if how == "late":
        raise HTTPException(409, "refused after all")


@router.get("/early/def", dependencies=[Depends(opened), Depends(early, scope="function")])
def early_end(tag: str) -> StreamingResponse:
    note(tag, "endpoint")
    return StreamingResponse(_told(tag))


@router.get(
    "/early/async", dependencies=[Depends(opened_async), Depends(early_async, scope="function")]
)
async def early_end_async(tag: str) -> StreamingResponse:
    note(tag, "endpoint")
    return StreamingResponse(_told(tag))


def _told(tag: str) -> Iterator[bytes]:
    note(tag, "streamed")
    yield b"done"


voice: contextvars.ContextVar[str] = contextvars.ContextVar("voice", default="unset")


def speaking(tag: str) -> Iterator[None]:
    token = voice.set("in a thread")
    yield
    voice.reset(token)
    note(tag, voice.get())


async def speaking_async(tag: str) -> AsyncIterator[None]:
    token = voice.set("on the loop")
    yield
    voice.reset(token)
    note(tag, voice.get())


@router.get("/voice/def", dependencies=[Depends(speaking)])
def voice_in_thread() -> str:
    return voice.get()


@router.get("/voice/async", dependencies=[Depends(speaking_async)])
async def voice_on_loop() -> str:
    return voice.get()
