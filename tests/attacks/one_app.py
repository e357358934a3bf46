"""An App with both kinds of routes, which answer with whom they take the client for."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

from starlette.responses import StreamingResponse

from carboy import App, Request
from carboy.flask import Response, g, session
from carboy.flask import request as current

app = App(secret_key="attacked" * 5, flask_habits=True)
#: What a library of the application's may set, as Flask sets its own.
SET: ContextVar[str | None] = ContextVar("set", default=None)


def who() -> dict[str, Any]:
    """What is known of the client, by every way in which it may be."""
    return {"g": getattr(g, "user", None), "session": session.get("user"), "set": SET.get()}


def enter(user: str) -> None:
    g.user = user
    SET.set(user)


@app.get("/ready")
async def ready() -> dict[str, str | None]:
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.get("/who")
async def who_async() -> dict[str, Any]:
    return who()


@app.get("/who-def")
def who_def() -> dict[str, Any]:
    return who()


@app.route("/who-flask")
def who_flask() -> dict[str, Any]:
    return who()


@app.route("/who-flask-async")
async def who_flask_async() -> dict[str, Any]:
    await asyncio.sleep(0)
    return who()


@app.post("/read")
async def read(request: Request, user: str) -> int:
    enter(user)
    return len(await request.body())


@app.post("/pieces")
async def pieces(request: Request, user: str) -> int:
    enter(user)
    size = 0
    async for piece in request.stream():
        size += len(piece)
        await asyncio.sleep(0)
    return size


@app.post("/model")
def model(body: dict[str, Any], user: str) -> int:
    enter(user)
    return len(body)


@app.route("/flask", methods=["POST"])
def flask() -> str:
    enter(current.args["user"])
    return str(len(current.get_data()))


@app.post("/streamed")
async def streamed(user: str) -> StreamingResponse:
    enter(user)

    async def much() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 65536

    return StreamingResponse(much())


@app.post("/streamed-def")
def streamed_def(user: str) -> StreamingResponse:
    enter(user)

    def much() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 65536

    return StreamingResponse(much())


@app.route("/streamed-flask", methods=["POST"])
def streamed_flask() -> Response:
    enter(current.args["user"])
    return Response(b"x" * 65536 for _ in range(100))


@app.post("/waits")
async def waits(user: str) -> str:
    enter(user)
    await asyncio.sleep(0.02)
    return g.user


@app.post("/waits-def")
def waits_def(user: str) -> str:
    enter(user)
    time.sleep(0.02)
    return g.user
