"""Contract: who takes too long, is too many or too large is answered so, and life goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .clients import Client, SocketClient
from .routes_limits import SIZED
from .wire import Answer, Line, request

LATE = {"detail": "Gateway Timeout"}


def test_a_coroutine_that_takes_too_long_is_cancelled_and_closed(client: Client, tag: str) -> None:
    answer = client.get(f"/slow/async?tag={tag}")
    assert (answer.status, answer.json()) == (504, LATE)
    assert client.events(tag, ["closed"]) == ["closed"]


def test_a_thread_that_takes_too_long_is_not_waited_for(client: Client) -> None:
    answer = client.get("/slow")
    if client.transport.name.startswith("wsgi"):
        # The endpoint runs in the server's own thread: the server's timeout is the only one.
        assert (answer.status, answer.json()) == (200, "late")
    else:
        assert (answer.status, answer.json()) == (504, LATE)
    assert client.get("/unslashed").status == 200


def test_a_stream_that_has_begun_has_all_the_time(client: Client) -> None:
    answer = client.get("/slow/stream")
    assert (answer.status, answer.body) == (200, b'"first"\n"second"\n')


def test_turns_are_given_back(client: Client) -> None:
    assert [client.get("/turns").status for _ in range(3)] == [200, 200, 200]


def test_the_client_is_answered_at_once_and_the_thread_keeps_its_turn(
    client: Client, tag: str
) -> None:
    late = client.get(f"/kept?tag={tag}")
    assert (late.status, late.json()) == (504, LATE)
    assert client.events(tag, ["begun"]) == ["begun"]
    busy = client.get(f"/kept?tag={tag}")
    assert (busy.status, busy.json()) == (503, {"detail": "Service Unavailable"})
    assert busy.get("retry-after") == "1"
    client.get(f"/gates/{tag}")
    assert client.events(tag, ["begun", "ended", "closed"]) == ["begun", "ended", "closed"]


def test_the_client_does_not_wait_for_what_is_closed(client: Client, tag: str) -> None:
    if client.transport.name == "memory":
        client.get(f"/gates/{tag}")  # an answer in memory is one of which everything is closed
    answer = client.get(f"/slow/closing?tag={tag}")
    assert (answer.status, answer.json()) == (504, LATE)
    if client.transport.name != "memory":
        assert client.events(tag, []) == []
        client.get(f"/gates/{tag}")
    assert client.events(tag, ["closed"]) == ["closed"]


def test_who_ignores_the_cancellation_is_late_all_the_same(client: Client, tag: str) -> None:
    answer = client.get(f"/slow/stubborn?tag={tag}")
    assert (answer.status, answer.json()) == (504, LATE)
    assert client.events(tag, ["stayed"]) == ["stayed"]


@pytest.mark.parametrize("chunk", [0, 7])
def test_a_body_over_the_limit_is_told_by_the_applications_handlers(
    client: Client, chunk: int
) -> None:
    fits, over = b'{"a": 1}', b'{"a": %s}' % (b"1" * SIZED)
    assert client.post_json("/sized", fits, chunk).json() == 1
    plain = client.post_json("/sized", over, chunk)
    assert (plain.status, plain.json()) == (413, {"detail": "Content Too Large"})
    handled = client.post_json("/sized/handled", over, chunk)
    assert (handled.status, handled.json()) == (413, {"ours": 413})
    assert handled.get("x-handled") == "yes"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_endpoint_is_cancelled_when_its_client_leaves(
    wire: SocketClient, tag: str, method: str
) -> None:
    if wire.transport.name.startswith("wsgi"):
        pytest.skip("a WSGI server does not tell whether its client is there")
    with Line(wire.address) as line:
        line.send(request(method, f"/leaving?tag={tag}"))
        assert wire.events(tag, ["begun"]) == ["begun"]
    assert wire.events(tag, ["begun", "cancelled", "closed"]) == ["begun", "cancelled", "closed"]


@contextmanager
def _asked(client: Client, target: str) -> Iterator[list[Answer]]:
    """`target` is asked for while something else is; its answer is there afterwards."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(client.get(target)))
    thread.start()
    try:
        yield answers
    finally:
        thread.join()


def test_routes_of_nested_routers_share_a_limit(client: Client, tag: str) -> None:
    if not client.transport.parallel:
        pytest.skip("one request at a time is all this server takes")
    with _asked(client, f"/shared/a?tag={tag}") as first:
        assert client.events(tag, ["begun"]) == ["begun"]
        assert client.get(f"/shared/b?tag={tag}").status == 503
        client.get(f"/gates/{tag}")
    assert first[0].json() == "done"
    assert client.get(f"/shared/b?tag={tag}").status == 200
