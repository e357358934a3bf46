"""The corners of PEP 3333, as a hosted application meets them on each transport."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from contract.clients import Client, MemoryClient, SocketClient
from contract.servers import TRANSPORTS, Transport, serving
from contract.wire import Line, request

from carboy.testing import TestClient

MEMORY = Transport("memory", ())
WANTED = ("direct", "asgi-uvicorn", "wsgi-gthread")
SOCKETS = [one for one in TRANSPORTS if one.name in WANTED]
#: With nothing around the application, and with middleware.
PLACES = [*((one, "app") for one in (*SOCKETS, MEMORY)), (SOCKETS[0], "wrapped")]
PLACES.append((SOCKETS[-1], "wrapped"))


@pytest.fixture(scope="module", params=PLACES, ids=lambda one: f"{one[0].name}-{one[1]}")
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The application on one transport."""
    transport, name = request.param
    if transport is MEMORY:
        site = importlib.import_module("app.hosted_wsgi")
        memory = TestClient(site.app, raise_server_exceptions=False, follow_redirects=False)
        with memory:
            yield MemoryClient(transport, memory)
        return
    command = [word.replace("{app}", f"app.hosted_wsgi:{name}") for word in transport.command]
    with serving(command) as server:
        yield SocketClient(transport, server)
        assert server.process.poll() is None, f"the server died:\n{server.log()}"


@pytest.fixture
def wire(client: Client) -> SocketClient:
    """The same, for what shows on a socket only."""
    if not isinstance(client, SocketClient):
        pytest.skip("there is no socket in memory")
    return client


@pytest.fixture
def tag() -> str:
    """A name for this test's events."""
    return uuid4().hex


def is_wsgi(client: Client) -> bool:
    return client.transport.name.startswith("wsgi")


@pytest.mark.parametrize(
    ("page", "status", "body"),
    [
        ("written", 200, b"written twice and yielded"),
        ("late_start", 201, b"late"),
        ("changed", 418, b"changed"),
        ("sized", 200, b"abcde"),
    ],
)
def test_answers(client: Client, tag: str, page: str, status: int, body: bytes) -> None:
    answer = client.get(f"/old/{page}?tag={tag}")
    assert (answer.status, answer.body, answer.whole) == (status, body, True)
    assert client.events(tag, ["closed"]) == ["closed"]
    if page == "sized":
        assert answer.get("content-length") == "5"


@pytest.mark.parametrize("page", ["started_twice", "never_started", "breaks_early"])
def test_nothing_sent_is_500(client: Client, tag: str, page: str) -> None:
    answer = client.get(f"/old/{page}?tag={tag}")
    assert answer.status == 500
    if page != "started_twice":
        assert client.events(tag, ["closed"]) == ["closed"]


def test_an_exit_ends_no_server(client: Client, tag: str) -> None:
    if is_wsgi(client):
        pytest.skip("gunicorn lets an application end its worker, as without Carboy")
    assert client.get(f"/old/exits?tag={tag}").status == 500
    assert client.get("/ready").status == 200


@pytest.mark.parametrize("page", ["too_late", "breaks_midway"])
def test_an_error_after_the_start_cuts_the_answer(wire: SocketClient, tag: str, page: str) -> None:
    answer = wire.get(f"/old/{page}?tag={tag}")
    assert (answer.status, answer.whole) == (200, False)
    assert wire.events(tag, ["closed"]) == ["closed"]
    wire.wait_for_log("ValueError", 1)


def test_more_than_was_promised_is_an_error(client: Client, tag: str) -> None:
    if is_wsgi(client):
        pytest.skip("gunicorn cuts it")
    answer = client.get(f"/old/too_long?tag={tag}")
    assert answer.status == 500 or not answer.whole
    assert client.events(tag, ["closed"]) == ["closed"]


def test_no_content(client: Client) -> None:
    answer = client.get("/old/nothing")
    assert (answer.status, answer.body, answer.get("content-length")) == (204, b"", None)


def test_head(client: Client, tag: str) -> None:
    answer = client.send("HEAD", f"/old/sized?tag={tag}")
    assert (answer.status, answer.get("content-length"), answer.body) == (200, "5", b"")
    assert client.events(tag, ["closed"]) == ["closed"]
    assert client.send("HEAD", f"/old/endless?tag={tag}-2").status == 200
    assert client.events(f"{tag}-2", ["closed"]) == ["closed"]


def test_a_stream_leaves_as_it_comes(wire: SocketClient, tag: str) -> None:
    with Line(wire.address) as line:
        line.send(request("GET", f"/old/two_steps?tag={tag}"))
        while b"first " not in line.read:
            assert line._more()
        assert b"second" not in line.read
        wire.send("POST", f"/events/{tag}")
        while b"second" not in line.read:
            assert line._more()


def test_who_leaves_ends_the_stream(wire: SocketClient, tag: str) -> None:
    with Line(wire.address) as line:
        line.send(request("GET", f"/old/endless?tag={tag}"))
        while line.read.count(b"x") < 3000:
            assert line._more()
    assert wire.events(tag, ["closed"]) == ["closed"]


def test_who_reads_slowly_makes_it_wait(wire: SocketClient, tag: str) -> None:
    with Line(wire.address) as line:
        line.send(request("GET", f"/old/torrent?tag={tag}"))
        taken = wire.get(f"/events/{tag}").json()
        while True:
            time.sleep(0.3)
            now = wire.get(f"/events/{tag}").json()
            if now == taken and now:
                break
            taken = now
        assert int(taken[0]) < 300, "all of it was taken, though nobody reads"
    assert wire.events(f"{tag}-end", ["closed"]) == ["closed"]


def test_a_body_is_a_file(client: Client) -> None:
    answer = client.send("POST", "/old/lines", (), b"one\ntwothree\nfour\nfive")
    assert answer.body == b"one\n|two|three\n|four\n|five"


def test_a_body_that_is_not_read(client: Client) -> None:
    answer = client.send("POST", "/old/unread", (), b"x" * 90_000)
    assert (answer.status, answer.body) == (200, b"not read")


@pytest.mark.parametrize("chunk", [0, 30_000])
def test_the_limit(client: Client, tag: str, chunk: int) -> None:
    good = client.send("POST", f"/old/hungry?tag={tag}", (), b"x" * 100_000, chunk)
    assert (good.status, good.body) == (200, b"100000")
    bad = client.send("POST", f"/old/hungry?tag={tag}", (), b"x" * 100_001, chunk)
    assert bad.status == 413


def test_who_leaves_amid_the_body_is_told(wire: SocketClient, tag: str) -> None:
    if is_wsgi(wire):
        pytest.skip("how a WSGI server tells is its own business")
    with Line(wire.address) as line:
        head = b"POST /old/hungry?tag=%b HTTP/1.1\r\nhost: a\r\n" % tag.encode()
        line.send(head + b"content-length: 90000\r\n\r\n" + b"x" * 20_000)
        time.sleep(0.2)
    assert wire.events(tag, ["ClientGone"]) == ["ClientGone"]


def test_variables(client: Client) -> None:
    headers = [("x-two", "1"), ("x-two", "2"), ("x_two", "3")]
    answer = client.send("GET", "/old/variables/%C3%A9%20x?a=%20b", headers)
    found = dict(line.split("=", 1) for line in answer.body.decode("latin-1").splitlines())
    assert found["SCRIPT_NAME"] == "/old"
    assert found["PATH_INFO"].encode("latin-1").decode() == "/variables/é x"
    assert (found["QUERY_STRING"], found["REQUEST_METHOD"]) == ("a=%20b", "GET")
    assert found["HTTP_X_TWO"].replace(" ", "") in ("1,2", "1,2,3")
    assert "3" not in found["HTTP_X_TWO"] or is_wsgi(client)


def test_one_connection_goes_on(wire: SocketClient, tag: str) -> None:
    if is_wsgi(wire):
        pytest.skip("gunicorn's keep-alive is its own business")
    with Line(wire.address) as line:
        for page in ("sized", "written", "late_start", "nothing"):
            line.send(request("GET", f"/old/{page}?tag={tag}", close=False))
            assert line.answer().whole
