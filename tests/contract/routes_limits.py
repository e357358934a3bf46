"""Endpoints that take too long, take turns, or take no large bodies."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

from carboy import APIRouter, Depends
from carboy.fastapi import Request
from carboy.fastapi.responses import JSONResponse

from .events import note

router = APIRouter(timeout=0.3)
#: Seconds after which a gate that nobody opens is left: the test has failed then.
GATE = 15


class Gate:
    """What a test opens; until then, threads and coroutines wait."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def wait(self) -> bool:
        """In a thread."""
        return self.opened.wait(GATE)

    async def passed(self) -> None:
        """On the loop, which may be trio's or asyncio's."""
        for _ in range(GATE * 100):
            if self.opened.is_set():
                return
            await asyncio.sleep(0.01)


gates: defaultdict[str, Gate] = defaultdict(Gate)


@router.get("/gates/{tag}")
async def open_gate(tag: str) -> None:
    gates[tag].opened.set()


async def held(tag: str) -> AsyncIterator[None]:
    try:
        yield
    finally:
        note(tag, "closed")


@router.get("/slow/async")
async def slow_async(held: None = Depends(held)) -> None:
    await asyncio.Event().wait()


@router.get("/slow")
def slow() -> str:
    time.sleep(1)
    return "late"


@router.get("/slow/stream", timeout=0.3)
async def slow_stream() -> AsyncIterator[str]:
    yield "first"
    await asyncio.sleep(0.5)
    yield "second"


@router.get("/turns", limit=1, timeout=None)
def turns() -> str:
    return "done"


@router.get("/kept", limit=1)
def kept(tag: str, held: None = Depends(held)) -> str:
    note(tag, "begun")
    gates[tag].wait()
    note(tag, "ended")
    return "done"


async def slow_to_close(tag: str) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await gates[tag].passed()
        note(tag, "closed")


@router.get("/slow/closing")
async def slow_closing(held: None = Depends(slow_to_close)) -> None:
    await asyncio.Event().wait()


@router.get("/slow/stubborn")
async def stubborn(tag: str) -> str:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        note(tag, "stayed")
    return "late"


@router.get("/leaving", timeout=None, cancel_on_disconnect=True)
@router.post("/leaving", timeout=None, cancel_on_disconnect=True)
async def leaving(tag: str, held: None = Depends(held)) -> None:
    note(tag, "begun")
    try:
        await asyncio.Event().wait()
    finally:
        note(tag, "cancelled")


def too_large(request: Request, error: Any) -> JSONResponse:
    return JSONResponse({"ours": error.status_code}, 413, {"x-handled": "yes"})


#: Bytes of the largest body of the two that follow.
SIZED = 20


@router.post("/sized", max_body=SIZED)
def sized(body: dict[str, int]) -> int:
    return len(body)


@router.post("/sized/handled", max_body=SIZED, exception_handlers={413: too_large})
def sized_handled(body: dict[str, int]) -> int:
    return len(body)


shared = APIRouter(limit=1)
beneath = APIRouter()


@shared.get("/shared/a")
@beneath.get("/shared/b")
async def in_turn(tag: str) -> str:
    note(tag, "begun")
    await gates[tag].passed()
    return "done"


shared.include_router(beneath)
router.include_router(shared, timeout=None)
