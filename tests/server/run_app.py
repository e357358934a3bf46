"""What test_run serves: who answers, and handlers that wait for a file of the test's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from carboy import App, BackgroundTasks

folder = Path(os.environ["RUN_FOLDER"])


def leave_word(word: str) -> None:
    with (folder / "diary").open("a") as diary:
        diary.write(word + "\n")


async def gate() -> None:
    leave_word("inside")
    while not (folder / "gate").exists():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
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


@app.get("/task")
async def task(tasks: BackgroundTasks) -> str:
    async def work() -> None:
        await gate()
        leave_word("task")

    tasks.add_task(work)
    return "answered"
