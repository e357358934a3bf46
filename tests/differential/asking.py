"""One request, in memory or over a socket, and everything that came back."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
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


#: Seconds for an application to end in.
PATIENCE = 30
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


def ask(app: Any, request: Ask, stays: bool = False) -> Answer | str:
    """Status, headers sorted and body; the name of the exception that came out instead.

    The client is gone once it has sent all, unless it `stays`.
    """
    return asyncio.run(_ask(app, request, stays))


async def _ask(app: Any, request: Ask, stays: bool) -> Answer | str:
    sent: list[Any] = []
    received = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Any:
        if not received and stays:
            await asyncio.Event().wait()
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
        "headers": _with_host(request.headers),
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "state": {},
        "extensions": {},
    }
    try:
        async with asyncio.timeout(PATIENCE):
            await app(scope, receive, send)
    except Exception as error:
        return type(error).__name__
    body = b"".join(one.get("body", b"") for one in sent[1:])
    if request.method == "HEAD":
        body = b""  # servers leave it out; Carboy does not send it to them
    return sent[0]["status"], sorted(sent[0]["headers"]), body


def _with_host(headers: tuple[tuple[bytes, bytes], ...]) -> list[tuple[bytes, bytes]]:
    has_one = any(name == b"host" for name, _ in headers)
    return [*headers] if has_one else [(b"host", b"test"), *headers]


def converse(app: Any, request: Ask, told: list[str]) -> list[Any] | str:
    """All that a WebSocket application sends to a client that connects, says `told` and leaves."""
    return asyncio.run(_converse(app, request, told))


async def _converse(app: Any, request: Ask, told: list[str]) -> list[Any] | str:
    sent: list[Any] = []
    received = [
        {"type": "websocket.connect"},
        *({"type": "websocket.receive", "text": text} for text in told),
        {"type": "websocket.disconnect", "code": 1001, "reason": "bye"},
    ]

    async def receive() -> Any:
        return received.pop(0)

    async def send(message: Any) -> None:
        sent.append({key: message[key] for key in message if message[key] is not None})

    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query,
        "root_path": "",
        "headers": [(b"host", b"test"), *request.headers],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
        "subprotocols": ["chat"] if request.body else [],
        "state": {},
        "extensions": {"websocket.http.response": {}},
    }
    try:
        await app(scope, receive, send)
    except Exception as error:
        return type(error).__name__
    return sent


def over_socket(address: tuple[str, int], request: Ask) -> Answer:
    """The same from a server: status, headers without its own, body."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode(), _target(request)), b"host: test"]
    lines += [b"%b: %b" % pair for pair in request.headers]
    lines += [b"connection: close", b"", request.body]
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(b"\r\n".join(lines))
        answer = HTTPResponse(connection, method=request.method)
        answer.begin()
        body = answer.read()
    own = ("date", "server", "connection")
    headers = [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in answer.getheaders()
        if name.lower() not in own
    ]
    return answer.status, sorted(headers), body


def _target(request: Ask) -> bytes:
    return request.raw_path + (b"?" + request.query if request.query else b"")
