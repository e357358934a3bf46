"""Every hosted application on every transport: the same pages from each."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from contract.clients import Client, MemoryClient, SocketClient
from contract.servers import TRANSPORTS, Transport, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from carboy.testing import TestClient

MEMORY = Transport("memory", ())
WANTED = ("direct", "asgi-uvicorn", "wsgi-sync")
NAMES = [
    *("flask", "django-wsgi", "falcon-wsgi", "bottle", "tornado-container", "plain-wsgi"),
    *("a2wsgi-wsgi", "django-asgi", "falcon-asgi", "quart", "sanic", "fastapi", "plain-asgi"),
    *("plain-asgi2", "a2wsgi-asgi", "carboy-flask", "carboy-fastapi", "carboy-app"),
]


@pytest.fixture(
    scope="module",
    params=[*(one for one in TRANSPORTS if one.name in WANTED), MEMORY],
    ids=lambda one: one.name,
)
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The site on one transport."""
    transport: Transport = request.param
    if transport is MEMORY:
        site = importlib.import_module("app.hosted_site")
        assert list(site.APPLICATIONS) == NAMES
        memory = TestClient(site.app, raise_server_exceptions=False, follow_redirects=False)
        with memory:
            yield MemoryClient(transport, memory)
        return
    command = [word.replace("{app}", "app.hosted_site:app") for word in transport.command]
    with serving(command) as server:
        yield SocketClient(transport, server)
        assert server.process.poll() is None, f"the server died:\n{server.log()}"


each = pytest.mark.parametrize("name", NAMES)


@each
def test_it_knows_where_it_is(client: Client, name: str) -> None:
    found = client.get(f"/{name}/where?q=x").json()
    root = None if name == "sanic" else f"/{name}"
    assert found == {"root": root, "path": "/where", "q": "x"}


@each
def test_it_reads_bodies(client: Client, name: str) -> None:
    for size in (0, 5, 300_000):
        body = b"x" * size
        answer = client.send("POST", f"/{name}/echo", [("content-type", "text/plain")], body)
        assert (answer.status, answer.body) == (200, body)


@each
def test_it_reads_bodies_in_chunks(client: Client, name: str) -> None:
    if name == "a2wsgi-asgi":
        pytest.skip("a2wsgi tells Flask nothing of a body without a length")
    body = b"x" * 70_000
    answer = client.send("POST", f"/{name}/echo", [("content-type", "text/plain")], body, 30_000)
    assert (answer.status, answer.body) == (200, body)


@each
def test_it_streams(client: Client, name: str) -> None:
    answer = client.get(f"/{name}/pieces")
    assert (answer.status, answer.body, answer.whole) == (200, b"one two three", True)


@each
def test_its_errors_are_500(client: Client, name: str) -> None:
    assert client.get(f"/{name}/boom").status == 500


@each
def test_head_has_no_body(client: Client, name: str) -> None:
    answer = client.send("HEAD", f"/{name}/where")
    assert (answer.status in (200, 405), answer.body) == (True, b"")


@each
def test_too_large_a_body_is_refused(client: Client, name: str) -> None:
    if name.startswith("carboy-") and name != "carboy-app":
        pytest.skip("our own faces have limits of their own")
    too_much = b"x" * (10 * 1024 * 1024 + 1)
    answer = client.send("POST", f"/{name}/echo", [("content-type", "text/plain")], too_much)
    assert answer.status == 413


def test_the_rest_goes_to_the_fallback(client: Client) -> None:
    assert client.get("/where").json() == "mine"
    assert client.send("POST", "/echo", (), b"abc").body == b"abc"
    assert client.get("/pieces").body == b"one two three"
    assert client.get("/nowhere").status == 404
    # A path of ours with another method is the old application's as well.
    answer = client.send("POST", "/where")
    assert (answer.status, b"Method Not Allowed" in answer.body) == (405, True)


def test_paths_arrive_as_they_were_sent(client: Client) -> None:
    found: Any = client.get("/plain-wsgi/where%2Fx").status
    assert found == 200


@pytest.mark.parametrize("name", ["fastapi", "carboy-fastapi", "carboy-app"])
def test_websockets_pass(client: Client, name: str) -> None:
    if not isinstance(client, SocketClient) or client.transport.name.startswith("wsgi"):
        pytest.skip("there are no WebSockets here")
    host, port = client.address
    with connect(f"ws://{host}:{port}/{name}/socket") as socket:
        socket.send("this")
        assert socket.recv(10) == "heard this"
    with pytest.raises(InvalidStatus):
        connect(f"ws://{host}:{port}/flask/socket")
