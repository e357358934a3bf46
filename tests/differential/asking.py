"""One request in memory, and everything that came back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ask:
    """A request as bytes on the wire would say it."""

    method: str
    path: str
    raw_path: bytes
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


def ask(app: Any, request: Ask) -> Answer | str:
    """Status, headers sorted and body; the name of the exception that came out instead."""
    return asyncio.run(_ask(app, request))


async def _ask(app: Any, request: Ask) -> Answer | str:
    sent: list[Any] = []
    received = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Any:
        return received.pop(0) if received else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query,
        "root_path": "",
        "headers": [(b"host", b"test"), *request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "state": {},
        "extensions": {},
    }
    try:
        await app(scope, receive, send)
    except Exception as error:
        return type(error).__name__
    body = b"".join(one.get("body", b"") for one in sent[1:])
    if request.method == "HEAD":
        body = b""  # servers leave it out; Carboy does not send it to them
    return sent[0]["status"], sorted(sent[0]["headers"]), body
