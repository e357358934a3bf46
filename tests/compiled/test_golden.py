"""What a dozen routes are compiled to, checked in: a change of behaviour is a reviewable diff.

``CARBOY_UPDATE_GOLDEN=1 pytest tests/compiled`` writes the files anew.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from pydantic import BaseModel

from carboy import (
    App,
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    Header,
    Query,
    Response,
)
from carboy.core.plugin import Around

GOLDEN = Path(__file__).parent / "golden"


class Item(BaseModel):
    name: str
    price: float


class Point(msgspec.Struct):
    x: int


def get_session() -> Iterator[str]:
    yield "session"


async def get_user(token: Annotated[str, Header()], level: int = 1) -> AsyncIterator[str]:
    yield token


app = App(openapi_url=None)


@app.get("/hello")
async def hello(name: str | None = "World") -> Any:
    return {"message": name}


@app.get("/hello-def")
def hello_def(name: str | None = "World") -> Any:
    return {"message": name}


@app.get("/items/{item_id}")
async def read_item(item_id: int, q: str | None = None) -> Any:
    return [item_id, q]


@app.get("/files/{path:path}")
def read_file(path: str) -> Any:
    return path


@app.post("/items")
def create_item(item: Item) -> Item:
    return item


@app.post("/points")
async def create_point(point: Point) -> Point:
    return point


@app.post("/pair")
async def pair(first: Item, second: Annotated[int, Body(ge=1)] = 1) -> Any:
    return [first, second]


@app.get("/search")
async def search(tags: Annotated[list[int], Query()], limit: int = 10) -> Any:
    return [tags, limit]


@app.get("/who")
async def who(user_agent: Annotated[str, Header()], seen: Annotated[str, Cookie()] = "") -> Any:
    return [user_agent, seen]


@app.get("/books")
def books(session: Annotated[str, Depends(get_session)]) -> Any:
    return session


@app.get("/profile")
async def profile(
    user: Annotated[str, Depends(get_user)], session: Annotated[str, Depends(get_session)]
) -> Any:
    return [user, session]


@app.get("/parts")
async def parts(response: Response, tasks: BackgroundTasks) -> Any:
    return {}


@app.delete("/items/{item_id}", status_code=204)
def delete_item(item_id: int) -> None:
    return None


class Timing:
    def around(self, route: Any) -> Around:
        return self.timing

    def timing(self, request: Any) -> Any:
        yield


plugged = App(plugins=[Timing()], openapi_url=None)
plugged.get("/hello")(hello)


def _titles() -> list[tuple[App, str]]:
    return [
        (one, target.route.title) for one in (app, plugged) for target in one.engine.router.routes
    ]


@pytest.mark.parametrize(
    ("app", "title"),
    [
        pytest.param(a, title, id=title + (" plugged" if a is plugged else ""))
        for a, title in _titles()
    ],
)
def test_the_source_is_the_golden_one(app: App, title: str) -> None:
    source = app.engine.find(title).source
    stem = title.lower().translate(str.maketrans(" /{}:", "-----")).strip("-")
    path = GOLDEN / f"{'plugged-' if app is plugged else ''}{stem}.py.txt"
    if os.environ.get("CARBOY_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(source)
    assert source == path.read_text()


NASTY = [
    "x\n    import os",
    "x'); print('",
    'x" or "',
    "é",
    "class",
    "request",
    "body",
    "",
    "__x__",
]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_an_application_becomes_code(text: str) -> None:
    nasty = App(openapi_url=None)

    async def endpoint(q: str = Query("default", alias=text or "q")) -> Any:
        return q

    async def dependency() -> str:
        return "got"

    dependency.__name__ = endpoint.__name__ = text
    path = "/" + text.replace("{", "").replace("<", "")
    nasty.get(path, dependencies=[Depends(dependency)])(endpoint)
    nasty.freeze()
    (target,) = nasty.engine.router.routes
    assert "import os" not in target.source.replace(repr(text), "")
    assert "print(" not in target.source.replace(repr(text), "")
