"""An App behind a hook that lets nobody in: whatever runs behind it counts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response

from carboy import APIRouter, App, Depends, Request
from carboy.fastapi.routing import APIRoute
from carboy.flask import Blueprint, abort, request
from carboy.flask.views import MethodView

app = App(secret_key="guarded" * 5)
ran = 0
#: Has no hooks in front: whoever may be asked.
OPEN = ("/ready", "/ran")


@app.before_request
def nobody() -> None:
    if request.path not in OPEN:
        abort(401)


def run() -> int:
    global ran
    ran += 1
    return ran


@app.get("/ready")
async def ready() -> dict[str, str | None]:
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.get("/ran")
async def how_often() -> int:
    return ran


@app.get("/typed")
async def typed() -> int:
    return run()


@app.get("/typed-def", dependencies=[Depends(run)])
def typed_def() -> int:
    return run()


@app.get("/slash/")
async def slash() -> int:
    return run()


@app.get("/page", response_class=PlainTextResponse, error_pages=True)
async def page() -> str:
    return str(run())


@app.post("/body")
async def body(given: dict[str, Any]) -> int:
    return run()


@app.get("/rest/{rest:path}")
async def rest(rest: str) -> int:
    return run()


@app.get("/number/{one}")
async def number(one: int) -> int:
    return run()


class Own(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            run()
            return await inner(request)

        return handle


own = APIRouter(prefix="/own", route_class=Own)


@own.get("/class")
async def of_a_class() -> int:
    return run()


class Around:
    """Middleware of a router, which is inside of hooks too."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        run()
        await self.app(scope, receive, send)


layered = APIRouter(prefix="/layered", middleware=[Middleware(Around)])


@layered.get("/one")
async def in_layers() -> int:
    return run()


app.include_router(own)
app.include_router(layered)


@app.route("/flask")
def flask() -> str:
    return str(run())


@app.route("/flask-async/")
async def flask_async() -> str:
    return str(run())


class View(MethodView):
    def get(self) -> str:
        return str(run())

    def post(self) -> str:
        return str(run())


app.add_url_rule("/view", view_func=View.as_view("view"))
pages = Blueprint("pages", __name__, url_prefix="/pages")


@pages.route("/<path:name>")
def show(name: str) -> str:
    return str(run())


app.register_blueprint(pages)
_folder = Path(tempfile.mkdtemp(prefix="guarded-"))
(_folder / "index.html").write_text("<p>a secret</p>")
app.frontend("/front", directory=str(_folder))
