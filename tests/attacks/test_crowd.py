"""Many clients at once, of which some leave: each is answered as itself, and nothing is left."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from contract.servers import DIRECT, Server, serving
from contract.wire import Line, request

APP = "attacks.crowd_app:app"
LINES = {
    "direct": DIRECT,
    "direct-asyncio": f"{DIRECT} --loop asyncio",
    "direct-below": f"{DIRECT} --root-path /below",
    "uvicorn": "uvicorn {app} --port {port} --no-access-log",
    "gthread": "gunicorn {app} --bind {bind} --no-control-socket --graceful-timeout 5 "
    "--worker-class gthread --threads 24 --keep-alive 30",
}
PLACES = (
    *("/async", "/state", "/def", "/dependency", "/background", "/flask", "/flask-async"),
    *("/stream", "/stream-def", "/stream-flask", "/fails"),
)
LEAVING = ("/slow", "/slow-def", "/stream", "/stream-def", "/stream-flask", "/dependency")
CLIENTS = int(os.environ.get("CARBOY_CROWD_CLIENTS", "40"))
REQUESTS = int(os.environ.get("CARBOY_CROWD_REQUESTS", "25"))


@pytest.fixture(scope="module", params=list(LINES))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(LINES[request.param].replace("{app}", APP).split()) as one:
        yield one


def ask(method: str, path: str, name: str, cookie: str = "") -> bytes:
    headers = [("X-User", name)] if name else []
    headers += [("Cookie", cookie)] if cookie else []
    return request(method, path, headers, close=False)


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """One answer, of either framing."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    body = b""
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return int(head[0].split()[1]), headers, body


async def client(address: Any, number: int, chance: random.Random) -> int:
    """Enters, and asks who it is; sometimes it leaves instead of reading."""
    name, cookie, asked = f"user-{number}", "", 0
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request("POST", f"/enter/{name}", close=False))
    status, headers, _ = await answer(reader)
    assert status == 200
    cookie = headers["set-cookie"].partition(";")[0]
    while asked < REQUESTS:
        if chance.random() < 0.1:
            path = chance.choice(LEAVING)
            writer.write(ask("GET", f"{path}?user={name}", name, cookie))
            await writer.drain()
            await asyncio.sleep(chance.random() * 0.01)
            writer.close()
            reader, writer = await asyncio.open_connection(*address)
            continue
        # Now and then three at once, as far as a server takes that.
        paths = [chance.choice(PLACES) for _ in range(chance.choice((1, 1, 1, 3)))]
        asked += len(paths)
        writer.write(b"".join(ask("GET", f"{path}?user={name}", name, cookie) for path in paths))
        for path in paths:
            status, headers, body = await asyncio.wait_for(answer(reader), 60)
            assert status == 200, (path, body)
            for line in body.decode().splitlines():
                found = json.loads(line) if line[:2] == '{"' else ast.literal_eval(line)
                assert set(found.values()) == {name}, (path, found)
            assert "set-cookie" not in headers
            if headers.get("connection") == "close":
                break
        else:
            continue
        writer.close()
        reader, writer = await asyncio.open_connection(*address)
    writer.close()
    return asked


async def crowd(address: Any, seed: int) -> None:
    chance = random.Random(seed)
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(client(address, number, random.Random(chance.random())))


def told(server: Server) -> dict[str, Any]:
    with Line(server.address) as line:
        line.send(request("GET", "/told"))
        return dict(line.answer().json())


async def settled(server: Server) -> dict[str, Any]:
    """What is left when all is over: the request that asks is one."""
    for _ in range(100):
        found = await asyncio.to_thread(told, server)
        if found["open"] == 1 and found["users"] == 1:
            break
        await asyncio.sleep(0.05)
    return found


def test_each_is_answered_as_itself_and_nothing_is_left(server: Server) -> None:
    asyncio.run(crowd(server.address, 1))
    first = asyncio.run(settled(server))
    assert first["wrong"] == []
    assert (first["open"], first["users"]) == (1, 1), first
    asyncio.run(crowd(server.address, 2))
    second = asyncio.run(settled(server))
    assert second["wrong"] == []
    assert (second["open"], second["users"]) == (1, 1), second
    assert second["tasks"] <= first["tasks"] + 2
    assert second["memory"] - first["memory"] < 32 * 1024
