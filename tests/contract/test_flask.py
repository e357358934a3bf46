"""Contract: a Flask application on every transport, its order of things included."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from carboy.testing import TestClient

from .clients import Client, MemoryClient, SocketClient
from .conftest import MEMORY
from .flask_app import TOGETHER, app
from .servers import TRANSPORTS, Transport, serving

NAME = "contract.flask_app:app"


@pytest.fixture(scope="module", params=[*TRANSPORTS, MEMORY], ids=lambda t: t.name)
def flask(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The Flask application on one transport."""
    transport: Transport = request.param
    if transport is MEMORY:
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as memory:
            yield MemoryClient(transport, memory)
        return
    command = [word.replace("{app}", NAME) for word in transport.command]
    with serving(command) as server:
        yield SocketClient(transport, server)
        assert server.process.poll() is None, f"the server died:\n{server.log()}"


def test_the_reference_sample(flask: Client) -> None:
    answer = flask.get("/hello?name=B%C3%A4r")
    assert (answer.status, answer.body) == (200, b'{"message":"Hello, B\\u00e4r!"}\n')
    assert answer.get("content-type") == "application/json"
    assert flask.get("/hello").json() == {"message": "Hello, World!"}


def test_the_order_of_hooks_and_closing(flask: Client, tag: str) -> None:
    assert flask.get(f"/view?tag={tag}").body == b"done"
    expected = ["before", "view", "after", "teardown NoneType", "close"]
    assert flask.events(tag, expected) == expected


def test_a_stream_keeps_its_request(flask: Client, tag: str) -> None:
    assert flask.get(f"/stream?tag={tag}").body == b"0/stream;1/stream;2/stream;"
    pieces = ["piece 0", "piece 1", "piece 2"]
    # COMPAT: the request is torn down once it is answered, and again after the last piece.
    over = "teardown NoneType"
    expected = ["before", "after", over, *pieces, over, "close"]
    assert flask.events(tag, expected) == expected


def test_an_unhandled_error(flask: Client, tag: str) -> None:
    answer = flask.get(f"/broken?tag={tag}")
    assert (answer.status, answer.get("content-type")) == (500, "text/html; charset=utf-8")
    assert b"secret" not in answer.body
    expected = ["before", "after", "teardown ZeroDivisionError", "close"]
    assert flask.events(tag, expected) == expected


def test_misses(flask: Client) -> None:
    assert flask.get("/nowhere").status == 404
    answer = flask.send("DELETE", "/hello")
    assert answer.status == 405
    assert sorted((answer.get("allow") or "").split(", ")) == ["GET", "HEAD", "OPTIONS"]


def test_head_has_a_length_and_no_body(flask: Client) -> None:
    answer = flask.send("HEAD", "/hello")
    assert (answer.status, answer.get("content-length"), answer.body) == (200, "28", b"")


def test_async_views(flask: Client) -> None:
    assert flask.get("/wait/7").json() == {"number": 7}


def test_a_session_cookie_comes_back(flask: Client) -> None:
    first = flask.send("POST", "/count")
    cookie = (first.get("set-cookie") or "").partition(";")[0]
    assert (first.body, cookie.startswith("session=")) == (b"1", True)
    assert flask.send("POST", "/count", [("cookie", cookie)]).body == b"2"


@pytest.mark.parametrize("chunk", [0, 5000], ids=["sized", "chunked"])
@pytest.mark.parametrize("size", [0, 70_000, 1024 * 1024])
def test_bodies_arrive_whole(flask: Client, size: int, chunk: int) -> None:
    assert flask.send("POST", "/size", (), b"x" * size, chunk).body == str(size).encode()


def test_forms_with_files(flask: Client) -> None:
    parts = [b'a"\r\n\r\n1', b'f"; filename="f.txt"\r\n\r\n' + b"y" * 100_000]
    head = b'--cut\r\ncontent-disposition: form-data; name="'
    body = b"\r\n".join([*(head + part for part in parts), b"--cut--\r\n"])
    kind = [("content-type", "multipart/form-data; boundary=cut")]
    assert flask.send("POST", "/form", kind, body).json() == {"a": "1", "f": 100_000}


def test_def_views_run_at_the_same_time(flask: Client) -> None:
    if not flask.transport.parallel:
        pytest.skip("a sync worker of gunicorn serves one request at a time")
    if isinstance(flask, MemoryClient):
        pytest.skip("one memory client makes one request at a time")
    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(lambda _: flask.get("/together").body, range(TOGETHER)))
    assert answers == [b"met"] * TOGETHER
