"""Forms, files, and limits that routers hand on: to forms, to frontends, to what is mounted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from carboy import APIRouter, Form, Request, UploadFile
from carboy.fastapi import File

#: Bytes of the largest body under /forms/small.
SMALL = 100_000

router = APIRouter(prefix="/forms")
small = APIRouter()


def seen(text: str, file: UploadFile) -> dict[str, Any]:
    return {"text": text, "name": file.filename, "size": len(file.file.read())}


@router.post("/def")
def upload(text: Annotated[str, Form()], file: Annotated[UploadFile, File()]) -> dict[str, Any]:
    return seen(text, file)


@router.get("/open")
def open_files() -> int:
    """How many temporary files this process holds open; nameless, so the kernel is asked."""
    held = Path("/proc/self/fd")
    links = [str(one.readlink()) for one in held.iterdir() if one.is_symlink()]
    return sum(link.startswith(tempfile.gettempdir()) for link in links)


@small.post("/upload")
async def upload_async(
    text: Annotated[str, Form()], file: Annotated[UploadFile, File()]
) -> dict[str, Any]:
    return seen(text, file)


@small.post("/read")
async def read(request: Request) -> int:
    return len(await request.body())


@small.post("/large", max_body_size=2 * SMALL)
async def read_more(request: Request) -> int:
    return len(await request.body())


async def measure(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


small.mount("/mounted", Starlette(routes=[Route("/", measure, methods=["POST"])]))
router.include_router(
    small, prefix="/small", max_body_size=SMALL, form_limits={"max_files": 1, "max_fields": 1}
)
