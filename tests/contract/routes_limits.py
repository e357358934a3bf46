"""Endpoints that take too long, and one that takes turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from carboy import APIRouter, Depends

from .events import note

router = APIRouter(timeout=0.3)


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
