"""Contract: who takes too long is answered 504, what it opened is closed, and life goes on."""

from __future__ import annotations

from .clients import Client

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
