"""An App with a WSGI application that answers with whatever it is told, under a prefix."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from carboy import App

app = App(secret_key="hosting" * 5)
canaries = 0
SHOWN = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "CONTENT_LENGTH", "CONTENT_TYPE")


@app.get("/ready")
async def ready() -> dict[str, str | None]:
    return {"token": os.environ.get("CONTRACT_TOKEN")}


@app.get("/canary")
async def canary() -> int:
    global canaries
    canaries += 1
    return canaries


@app.get("/canaries")
async def seen() -> int:
    return canaries


def hosted(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """``/seen`` tells the environ; any other path answers as the JSON body says."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"] == "/told":
        told = json.loads(body)
        start(told.get("status", "200 OK"), [tuple(one) for one in told.get("headers", ())])
        return [one.encode("latin-1") for one in told.get("body", ["body"])]
    found = {k: v for k, v in environ.items() if k in SHOWN or k.startswith("HTTP_")}
    answer = json.dumps({**found, "body": len(body)}).encode()
    start("200 OK", [("Content-Type", "application/json")])
    return [answer]


app.mount("/old", hosted)
