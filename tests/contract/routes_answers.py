"""Parameters in, values out, in both colours; statuses without a body; what runs at once."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

from pydantic import BaseModel

from carboy import APIRouter, Body, Cookie, Header, Request, Response

router = APIRouter()


class Item(BaseModel):
    name: str
    price: float
    tags: list[str] = []


@router.get("/typed/{number}")
def typed(number: int, q: str = "none") -> dict[str, Any]:
    return {"number": number, "q": q, "thread": threading.current_thread() is not _main()}


@router.get("/typed-async/{number}")
async def typed_async(number: int, q: str = "none") -> dict[str, Any]:
    return {"number": number, "q": q}


def _main() -> threading.Thread:
    return threading.main_thread()


@router.post("/items", status_code=201)
def create(item: Item) -> Item:
    return item


@router.post("/items-async", status_code=201)
async def create_async(item: Item) -> Item:
    return item


@router.get("/headers")
async def headers(
    x_number: Annotated[int, Header()],
    x_list: Annotated[list[str] | None, Header()] = None,
    flavour: Annotated[str, Cookie()] = "plain",
) -> dict[str, Any]:
    return {"number": x_number, "list": x_list or [], "flavour": flavour}


@router.get("/headers/def")
def headers_in_thread(
    x_number: Annotated[int, Header()],
    x_list: Annotated[list[str] | None, Header()] = None,
    flavour: Annotated[str, Cookie()] = "plain",
) -> dict[str, Any]:
    return {"number": x_number, "list": x_list or [], "flavour": flavour}


@router.get("/cookies")
async def cookies(response: Response) -> None:
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")


@router.get("/echo/{text}")
async def echo(text: str, q: str = "", many: str = "") -> list[str]:
    return [text, q, many]


@router.get("/paths/{rest:path}")
def paths(rest: str) -> str:
    return rest


@router.get("/url")
async def url(request: Request) -> list[str]:
    return [request.method, request.url.path, request.url.query, str(request.base_url)]


@router.post("/size")
async def size(content: Annotated[dict[str, str], Body()]) -> int:
    return len(content["text"])


@router.post("/size/def")
def size_in_thread(content: Annotated[dict[str, str], Body()]) -> int:
    return len(content["text"])


@router.get("/large")
async def large(length: int) -> Response:
    return Response(b"x" * length, media_type="text/plain")


@router.api_route("/none/{status}", methods=["GET", "DELETE"])
def none(status: int) -> Response:
    return Response(status_code=status)


@router.delete("/gone", status_code=204)
async def gone() -> None:
    return None


@router.get("/slashed/")
def slashed() -> str:
    return "slashed"


@router.get("/unslashed")
def unslashed() -> str:
    return "unslashed"


#: A barrier opens when this many requests are inside at the same time; nothing is timed.
TOGETHER = 10
_threads = threading.Barrier(TOGETHER)
_tasks = asyncio.Barrier(TOGETHER)


@router.get("/together")
def together() -> str:
    _threads.wait(20)
    return "met"


@router.get("/together-async")
async def together_async() -> str:
    async with asyncio.timeout(20):
        await _tasks.wait()
    return "met"
