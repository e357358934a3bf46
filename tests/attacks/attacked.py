"""The application that is attacked: it counts who gets to the canary, and answers as it is told."""

from __future__ import annotations

import os
from typing import Annotated, Any

from starlette.responses import FileResponse, Response, StreamingResponse

from carboy import App, Cookie, Depends, Form, Header, Request, UploadFile
from carboy.fastapi.security import HTTPBasic, HTTPBasicCredentials

app = App()
canaries = 0


@app.get("/ready")
async def ready() -> dict[str, str | None]:
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.get("/")
async def root() -> int:
    return os.getpid()


@app.get("/canary")
async def canary() -> int:
    global canaries
    canaries += 1
    return canaries


@app.get("/canaries")
async def seen() -> int:
    return canaries


@app.post("/echo")
async def echo(request: Request) -> int:
    """Reads its body itself."""
    return len(await request.body())


@app.post("/whole")
async def whole(body: dict[str, Any]) -> int:
    """Has its body read."""
    return len(body)


@app.get("/where")
async def where(request: Request) -> dict[str, str]:
    return {"path": request.url.path, "host": request.url.netloc, "routed": request.scope["path"]}


@app.post("/raw")
async def raw(request: Request) -> Response:
    """An answer with the header that the body holds, whatever it is: name, NUL NUL, value."""
    name, _, value = (await request.body()).partition(b"\0\0")
    answer = Response("body")
    answer.raw_headers.append((name, value))
    return answer


@app.post("/cookie")
async def cookie(given: dict[str, Any]) -> Response:
    answer = Response("body")
    answer.set_cookie(**given)
    return answer


@app.post("/status")
async def status(given: dict[str, Any]) -> Response:
    return Response("body", status_code=given["status"])


@app.post("/length")
async def length(given: dict[str, Any]) -> Response:
    """Promises another length than it has."""
    headers = {"content-length": given["length"]}
    if given.get("stream"):
        return StreamingResponse(iter([b"bo", b"dy"]), headers=headers)
    return Response("body", headers=headers)


@app.get("/file")
async def file() -> FileResponse:
    return FileResponse(__file__)


@app.post("/form")
async def form(a: Annotated[str, Form()] = "") -> int:
    return len(a)


@app.post("/upload")
async def upload(a: UploadFile | None = None) -> str | None:
    return a and a.filename


@app.get("/basic")
async def basic(who: Annotated[HTTPBasicCredentials, Depends(HTTPBasic())]) -> str:
    return who.username


@app.get("/cookies")
async def cookies(request: Request, a: Annotated[str, Cookie()] = "") -> int:
    return len(request.cookies)


@app.get("/headers")
async def headers(accept_language: Annotated[list[str] | None, Header()] = None) -> int:
    return len(accept_language or ())


@app.get("/path/{rest:path}")
async def path(rest: str, q: str = "") -> int:
    return len(rest) + len(q)
