"""Nobody gets what was set for another client: a proxy's connection serves one after the other.

asyncio handles what it reads in the context of whoever told it to read on, and what is written in
that of who wrote. Had these a request's, the next one on the connection would find its `g`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from contract.servers import DIRECT, Server, serving
from contract.wire import Line, request

APP = "attacks.one_app:app"
#: Whoever is asked second.
ASKED = ("/who", "/who-def", "/who-flask", "/who-flask-async")
LONG = b'{"a": "' + b"z" * 3_000_000 + b'"}'
NOBODY = {"g": None, "session": None, "set": None}


@pytest.fixture(scope="module", params=["asyncio", "auto", "uvicorn", "below"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    line = "uvicorn {app} --port {port} --loop asyncio --http h11 --reset-contextvars"
    if request.param == "below":
        line = f"{DIRECT} --loop asyncio --root-path /below"
    elif request.param != "uvicorn":
        line = f"{DIRECT} --loop {request.param}"
    with serving(line.replace("{app}", APP).split()) as one:
        yield one


def first(path: str, body: bytes = b"") -> bytes:
    kind = ("content-type", "application/json")
    return request("POST", f"{path}?user=ada", [kind], body=body, close=False)


def then_get(path: str) -> bytes:
    return request("GET", path, close=False)


@pytest.mark.parametrize("then", ASKED)
@pytest.mark.parametrize(
    "path", ["/read", "/pieces", "/model", "/flask", "/streamed", "/streamed-def", "/waits"]
)
def test_the_next_request_of_a_connection_begins_with_nothing(
    server: Server, path: str, then: str
) -> None:
    with Line(server.address) as line:
        line.send(first(path, LONG))
        assert line.answer().status == 200
        for _ in range(2):
            line.send(then_get(then))
            assert line.answer().json() == NOBODY


@pytest.mark.parametrize("then", ASKED)
@pytest.mark.parametrize(
    "path", ["/streamed", "/streamed-def", "/streamed-flask", "/waits", "/waits-def"]
)
def test_what_was_asked_ahead_begins_with_nothing(server: Server, path: str, then: str) -> None:
    with Line(server.address) as line:
        ahead = first(path) + then_get(then) * 3
        sending = threading.Thread(target=line.send, args=(ahead,))
        sending.start()
        assert line.answer().status == 200
        assert [line.answer().json() for _ in range(3)] == [NOBODY] * 3
        sending.join()


@pytest.mark.parametrize("more", ["", " --root-path /below"])
def test_a_server_that_hands_contexts_on_hands_no_g_on(more: str) -> None:
    """uvicorn's own protocols do, unless they are told not to."""
    line = "uvicorn {app} --port {port} --loop asyncio --http h11".replace("{app}", APP) + more
    with serving(line.split()) as server, Line(server.address) as one:
        one.send(first("/read", LONG))
        assert one.answer().status == 200
        for path in ASKED:
            one.send(then_get(path))
            assert one.answer().json() | {"set": None} == NOBODY
