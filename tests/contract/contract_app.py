"""The application that every transport serves.

Its routes stand in routes_*.py, by subject. Here is what belongs to the whole application: the
settings, the lifespan, a plugin, the exception handlers, and the window on what happened.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse

from carboy import App, Request
from carboy.core.answer import Answer
from carboy.core.context import RequestContext
from carboy.core.route import Route

from . import (
    routes_answers,
    routes_closing,
    routes_errors,
    routes_forms,
    routes_limits,
    routes_streams,
)
from .events import leave_word, note, noted

#: Bytes of the largest request body taken.
MAX_BODY = 1_500_000


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    note("lifespan", "startup")
    leave_word("startup")
    yield {"motto": "festina lente"}
    # Whoever closes things at shutdown may need a thread for it.
    await run_in_threadpool(leave_word, "shutdown")


class Witness:
    """Goes around the routes under /plugged and around 404s; leaves a header on what it sees."""

    def around(self, route: Route) -> Callable[[RequestContext], Any] | None:
        path = route.pattern.source
        if not (path.startswith("/plugged") or route.name in ("not found", "method not allowed")):
            return None

        def witness(request: RequestContext) -> Generator[None, Answer, Answer | None]:
            if request.header(b"x-shortcut"):
                return Answer(b"taken", 203, [("x-witness", "shortcut")])
            try:
                answer = yield
            except LookupError as error:
                return Answer(f"saved from {error.args[0]}".encode(), 503)
            answer.add("x-witness", str(answer.status))
            return None

        return witness


class ContractApp(App):
    settings = {**App.settings, "max_body": MAX_BODY}


app = ContractApp(lifespan=lifespan, plugins=[Witness()])
for module in (
    routes_answers,
    routes_closing,
    routes_errors,
    routes_forms,
    routes_limits,
    routes_streams,
):
    app.include_router(module.router)


@app.exception_handler(routes_errors.Teapot)
async def brew(request: Request, error: routes_errors.Teapot) -> JSONResponse:
    return JSONResponse({"brewed": error.args[0], "at": request.url.path}, 418)


@app.exception_handler(routes_errors.Closed)
def closed(request: Request, error: routes_errors.Closed) -> PlainTextResponse:
    return PlainTextResponse(f"closed until {error.args[0]}", 503, {"retry-after": "60"})


@app.get("/ready")
async def ready() -> dict[str, str | None]:
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.get("/events/{tag}")
async def events(tag: str) -> list[str]:
    return noted(tag)


@app.get("/lifespan")
async def lifespan_seen(request: Request) -> dict[str, Any]:
    return {"events": noted("lifespan"), "motto": request.state.motto}


@app.get("/lifespan/def")
def lifespan_seen_in_thread(request: Request) -> dict[str, Any]:
    return {"motto": request.state.motto}


@app.get("/plugged")
def plugged() -> str:
    return "endpoint"


@app.get("/plugged/async")
async def plugged_async() -> str:
    return "endpoint"


@app.get("/plugged/refused")
def plugged_refused() -> str:
    raise routes_errors.Closed("Monday")


@app.get("/plugged/broken")
async def plugged_broken() -> str:
    raise LookupError("async")


@app.get("/plugged/broken/def")
def plugged_broken_in_thread() -> str:
    raise LookupError("def")
