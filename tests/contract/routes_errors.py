"""Errors and answers that are not HTTP."""

from __future__ import annotations

from starlette.responses import FileResponse, StreamingResponse

from carboy import APIRouter, HTTPException, Request, Response

from .events import note

router = APIRouter()


class Teapot(Exception):
    """Has an `async def` handler."""


class Closed(Exception):
    """Has a `def` handler."""


@router.get("/errors/unhandled")
def unhandled() -> None:
    raise ZeroDivisionError("secret")


@router.get("/errors/unhandled/async")
async def unhandled_async() -> None:
    raise ZeroDivisionError("secret")


@router.get("/errors/http")
def http() -> None:
    raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Basic"})


@router.get("/errors/http/async")
async def http_async() -> None:
    raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Basic"})


@router.get("/errors/teapot")
def teapot() -> None:
    raise Teapot("tea")


@router.get("/errors/teapot/async")
async def teapot_async() -> None:
    raise Teapot("tea")


@router.get("/errors/closed")
def closed() -> None:
    raise Closed("Monday")


@router.get("/errors/closed/async")
async def closed_async() -> None:
    raise Closed("Monday")


SPLIT = "fine\r\nset-cookie: stolen=1\r\n\r\nsecond answer"


@router.get("/split/{way}", response_model=None)
async def split(way: str, response: Response) -> Response | str:
    """A header value with a line break in it, by every way a header can take."""
    if way == "injected":
        response.headers["x-note"] = SPLIT
        return "never sent"
    if way == "exception":
        raise HTTPException(400, "never sent", {"x-note": SPLIT})
    if way == "stream":
        return StreamingResponse(iter([b"never sent"]), headers={"x-note": SPLIT})
    if way == "file":
        return FileResponse(__file__, headers={"x-note": SPLIT})
    if way == "name":
        return Response(b"never sent", headers={SPLIT: "fine"})
    return Response(b"never sent", headers={"x-note": SPLIT})


@router.get("/split-def")
def split_in_thread() -> Response:
    return Response(b"never sent", headers={"x-note": SPLIT})


@router.get("/status/{number}")
async def status(number: int) -> Response:
    return Response(b"never sent", status_code=number)


@router.get("/length/{promised}")
async def length(promised: int) -> Response:
    return Response(b"12345", headers={"content-length": str(promised)})


@router.get("/length-def/{promised}")
def length_in_thread(promised: int) -> Response:
    return Response(b"12345", headers={"content-length": str(promised)})


@router.get("/framing")
async def framing() -> Response:
    """Framing is the transport's business: an application's own is dropped."""
    return Response(b"12345", headers={"transfer-encoding": "chunked"})


@router.post("/limit/raw")
async def limit_raw(request: Request) -> int:
    return len(await request.body())


@router.post("/limit/noted")
def limit_noted(tag: str, content: list[int]) -> None:
    note(tag, "ran")


@router.post("/limit/noted/async")
async def limit_noted_async(tag: str, content: list[int]) -> None:
    note(tag, "ran")
