"""Contract: what a request opened is closed, in order, once, after its answer, on every path.

The order is FastAPI's: the answer's last byte, background tasks, dependencies from the inside out;
those of scope "function" before the answer leaves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .clients import Client, SocketClient

COLOURS = ["def", "async"]
MIXED = [*COLOURS, "def-in-async", "async-in-def"]
colours = pytest.mark.parametrize("colour", COLOURS)
mixed = pytest.mark.parametrize("colour", MIXED)


@mixed
def test_success(client: Client, tag: str, colour: str) -> None:
    answer = client.get(f"/closing/{colour}?tag={tag}")
    assert (answer.status, answer.json()) == (200, "done")
    expected = ["open", "endpoint", "close"]
    assert client.events(tag, expected) == expected


@mixed
def test_a_dependency_sees_the_endpoints_http_exception(
    client: Client, tag: str, colour: str
) -> None:
    answer = client.get(f"/closing/{colour}?tag={tag}&how=http")
    assert (answer.status, answer.json()) == (409, {"detail": "no"})
    expected = ["open", "endpoint", "saw HTTPException", "close"]
    assert client.events(tag, expected) == expected


@mixed
def test_a_dependency_sees_the_endpoints_error(client: Client, tag: str, colour: str) -> None:
    answer = client.get(f"/closing/{colour}?tag={tag}&how=error")
    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    expected = ["open", "endpoint", "saw ZeroDivisionError", "close"]
    assert client.events(tag, expected) == expected


@mixed
def test_invalid_input_opens_nothing_that_stays_open(client: Client, tag: str, colour: str) -> None:
    assert client.get(f"/closing/{colour}").status == 422
    assert client.get(f"/closing/{colour}?tag={tag}").status == 200


@colours
def test_the_inner_closes_before_the_outer(client: Client, tag: str, colour: str) -> None:
    assert client.get(f"/nested/{colour}?tag={tag}").status == 200
    expected = ["open", "inner open", "endpoint", "inner close", "close"]
    assert client.events(tag, expected) == expected


@colours
def test_an_error_after_the_answer_changes_it_no_more(
    client: Client, tag: str, colour: str
) -> None:
    """The dependency outside the failing one sees the error, the client has its answer."""
    answer = client.get(f"/spoiled/{colour}?tag={tag}")
    if client.transport.name != "memory":
        assert (answer.status, answer.json()) == (200, "done")
    expected = ["open", "spoiled", "saw ZeroDivisionError", "close"]
    assert client.events(tag, expected) == expected


@colours
def test_an_error_after_the_answer_is_logged(wire: SocketClient, tag: str, colour: str) -> None:
    before = wire.logged("ZeroDivisionError")
    wire.get(f"/spoiled/{colour}?tag={tag}")
    expected = ["open", "spoiled", "saw ZeroDivisionError", "close"]
    assert wire.events(tag, expected) == expected
    wire.wait_for_log("ZeroDivisionError", before + 1)


@colours
def test_background_tasks_run_before_dependencies_end(
    client: Client, tag: str, colour: str
) -> None:
    assert client.get(f"/background/{colour}?tag={tag}").json() == "done"
    expected = ["open", "endpoint", "task 1", "task 2", "close"]
    assert client.events(tag, expected) == expected


@colours
def test_dependencies_end_after_the_client_has_its_answer(
    wire: SocketClient, tag: str, colour: str, tmp_path: Path
) -> None:
    """The dependency's end waits until the client says that the answer has come."""
    gate = tmp_path / "gate"
    assert wire.get(f"/gated/{colour}?tag={tag}&gate={gate}").json() == "done"
    gate.touch()
    assert wire.events(tag, ["answered"]) == ["answered"]


@colours
def test_scope_function_ends_before_the_answer_leaves(
    client: Client, tag: str, colour: str
) -> None:
    assert client.get(f"/early/{colour}?tag={tag}").body == b"done"
    expected = ["open", "early open", "endpoint", "early close", "streamed", "close"]
    assert client.events(tag, expected) == expected


@colours
def test_the_end_of_scope_function_can_still_refuse(client: Client, tag: str, colour: str) -> None:
    answer = client.get(f"/early/{colour}?tag={tag}&how=late")
    assert (answer.status, answer.json()) == (409, {"detail": "refused after all"})
    expected = ["open", "early open", "endpoint", "early close", "saw HTTPException", "close"]
    assert client.events(tag, expected) == expected


@pytest.mark.parametrize(("colour", "said"), [("def", "in a thread"), ("async", "on the loop")])
def test_one_voice_is_one_context(client: Client, tag: str, colour: str, said: str) -> None:
    """What a dependency sets its endpoint sees, and it can be reset where it was set."""
    assert client.get(f"/voice/{colour}?tag={tag}").json() == said
    assert client.events(tag, ["unset"]) == ["unset"]
