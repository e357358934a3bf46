"""What happens to the catalogue, as server-sent events, and a search that answers as you type."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from sqlmodel import Session, col, func, select
from starlette.concurrency import run_in_threadpool

from carboy import APIRouter, Header
from carboy.fastapi import WebSocket, WebSocketDisconnect
from carboy.fastapi.sse import EventSourceResponse, ServerSentEvent
from shelf.database import get_engine, search
from shelf.models import BIGGEST_INTEGER, BookPublic, Change

router = APIRouter()
#: Seconds between two looks. The table is what all workers share, so each of them tells everything.
PERIOD = 0.5


@router.get("/news", response_class=EventSourceResponse)
async def news(
    last_event_id: Annotated[int | None, Header(ge=0, le=BIGGEST_INTEGER)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Every change from now on; a browser that was away is told what it missed."""
    last = await run_in_threadpool(latest) if last_event_id is None else last_event_id
    while True:
        for change in await run_in_threadpool(changes_since, last):
            assert change.id is not None
            last = change.id
            data = {"book_id": change.book_id, "title": change.title, "at": change.at}
            yield ServerSentEvent(event=change.what, id=str(last), data=data)
        await asyncio.sleep(PERIOD)


def latest() -> int:
    """The id of the last change, 0 before the first."""
    with Session(get_engine()) as session:
        return session.exec(select(func.max(Change.id))).one() or 0


def changes_since(last: int) -> Sequence[Change]:
    """The next hundred."""
    with Session(get_engine()) as session:
        query = select(Change).where(col(Change.id) > last).order_by(col(Change.id)).limit(100)
        return session.exec(query).all()


@router.websocket("/search")
async def live_search(websocket: WebSocket) -> None:
    """For every text that comes in, the books that mention it."""
    await websocket.accept()
    try:
        while True:
            text = (await websocket.receive_text()).strip()[:200]
            await websocket.send_json(await run_in_threadpool(found, text) if text else [])
    except WebSocketDisconnect:
        pass


def found(text: str) -> list[dict[str, object]]:
    """The first twenty books that mention `text`, as JSON data."""
    with Session(get_engine()) as session:
        books = search(session, text, limit=20)
        return [BookPublic.model_validate(book).model_dump() for book in books]
