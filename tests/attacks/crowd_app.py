"""Says who asks by every way there is, in every kind of route, after everybody else had time."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.responses import PlainTextResponse, StreamingResponse
from werkzeug.local import LocalProxy

from carboy import App, BackgroundTasks, Depends, Request
from carboy.flask import Response, g, session, stream_with_context
from carboy.flask import request as current

app = App(secret_key="a crowd" * 5, timeout=5)
current_user: Any = LocalProxy(lambda: g.user)
#: Requests that began, and that ended: every one does once.
began = ended = 0
#: What went wrong where nobody is answered.
wrong: list[str] = []


class User:
    """One for a request: how many there are is asked in the end."""

    def __init__(self, name: str | None) -> None:
        self.name = name


@app.before_request
def load() -> None:
    global began
    began += 1
    if "user" in g:
        wrong.append(f"a second beginning of {current.path}")
    g.user = User(session.get("user"))


@app.teardown_request
def unload(error: BaseException | None) -> None:
    global ended
    if g.setdefault("over", False):
        # COMPAT: as upstream, `stream_with_context` tears down before and after the stream.
        if current.path != "/stream-flask":
            wrong.append(f"a second teardown of {current.path}")
        return
    g.over = True
    ended += 1
    if current.headers.get("x-user", "") != (g.user.name or ""):
        wrong.append(f"teardown of {current.path}: {current.headers.get('x-user')}, {g.user.name}")


def who() -> dict[str, Any]:
    return {
        "g": g.user.name,
        "current": current_user.name,
        "session": session.get("user"),
        "header": current.headers.get("x-user"),
        "query": current.args.get("user"),
    }


@app.get("/ready")
async def ready() -> dict[str, str | None]:
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.get("/told")
async def told() -> dict[str, Any]:
    gc.collect()
    users = sum(type(one) is User for one in gc.get_objects())
    status = dict(
        line.split(":", 1)
        for line in open("/proc/self/status", encoding="ascii")  # noqa: PTH123, SIM115
    )
    return {
        "open": began - ended,
        "began": began,
        "wrong": wrong[:10],
        "users": users,
        "tasks": len(asyncio.all_tasks()),
        "memory": int(status["VmRSS"].split()[0]),
    }


@app.route("/enter/<name>", methods=["POST"])
def enter(name: str) -> str:
    session["user"] = name
    return name


@app.get("/async")
async def in_async() -> dict[str, Any]:
    await asyncio.sleep(0.002)
    return who()


@app.get("/state")
async def in_state(request: Request) -> dict[str, Any]:
    await asyncio.sleep(0.002)
    return {**who(), "g": request.state.user.name, "session": request.session.get("user")}


@app.get("/def")
def in_def() -> dict[str, Any]:
    time.sleep(0.002)
    return who()


async def opened() -> AsyncIterator[dict[str, Any]]:
    before = who()
    await asyncio.sleep(0.001)
    yield before
    await asyncio.sleep(0.001)
    if who() != before:
        wrong.append(f"the end of a dependency: {before}, {who()}")


def opened_def() -> Iterator[dict[str, Any]]:
    before = who()
    yield before
    if who() != before:
        wrong.append(f"the end of a def dependency: {before}, {who()}")


@app.get("/dependency")
async def in_dependency(
    one: dict[str, Any] = Depends(opened), two: dict[str, Any] = Depends(opened_def)
) -> dict[str, Any]:
    return one if one == two else {"wrong": [one, two]}


@app.get("/background")
async def in_background(tasks: BackgroundTasks) -> dict[str, Any]:
    before = who()

    async def later() -> None:
        await asyncio.sleep(0.002)
        if who() != before:
            wrong.append(f"a background task: {before}, {who()}")

    def later_def() -> None:
        if who() != before:
            wrong.append(f"a def background task: {before}, {who()}")

    tasks.add_task(later)
    tasks.add_task(later_def)
    return before


@app.route("/flask")
def in_flask() -> dict[str, Any]:
    time.sleep(0.002)
    return who()


@app.route("/flask-async")
async def in_flask_async() -> dict[str, Any]:
    await asyncio.sleep(0.002)
    return who()


@app.get("/stream")
async def in_stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for _ in range(3):
            await asyncio.sleep(0.001)
            yield f"{who()}\n"

    return StreamingResponse(lines())


@app.get("/stream-def")
def in_stream_def() -> StreamingResponse:
    def lines() -> Iterator[str]:
        for _ in range(3):
            time.sleep(0.001)
            yield f"{who()}\n"

    return StreamingResponse(lines())


@app.route("/stream-flask")
def in_stream_flask() -> Response:
    def lines() -> Iterator[str]:
        for _ in range(3):
            time.sleep(0.001)
            yield f"{who()}\n"

    return Response(stream_with_context(lines()))


@app.get("/fails")
async def fails() -> None:
    await asyncio.sleep(0.001)
    raise ValueError(who())


@app.exception_handler(ValueError)
async def failed(request: Request, error: ValueError) -> PlainTextResponse:
    await asyncio.sleep(0.001)
    return PlainTextResponse(f"{error.args[0] if error.args[0] == who() else 'somebody else'}")


@app.get("/slow")
async def slow() -> dict[str, Any]:
    await asyncio.sleep(0.5)
    return who()


@app.get("/slow-def")
def slow_def() -> dict[str, Any]:
    time.sleep(0.02)
    return who()
