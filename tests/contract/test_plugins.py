"""Contract: a plugin goes around its routes and around 404s, on every transport."""

from __future__ import annotations

import pytest

from .clients import Client

PLUGGED = pytest.mark.parametrize("path", ["/plugged", "/plugged/async"])


@PLUGGED
def test_it_changes_the_answer(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.json(), answer.get("x-witness")) == ("endpoint", "200")


@PLUGGED
def test_it_answers_in_the_endpoints_place(client: Client, path: str) -> None:
    answer = client.get(path, x_shortcut="1")
    assert (answer.status, answer.body, answer.get("x-witness")) == (203, b"taken", "shortcut")


def test_it_has_no_part_in_other_routes(client: Client) -> None:
    assert client.get("/unslashed").get("x-witness") is None


def test_it_sees_404(client: Client) -> None:
    answer = client.get("/nowhere")
    assert (answer.status, answer.get("x-witness")) == (404, "404")


def test_it_sees_405(client: Client) -> None:
    answer = client.send("DELETE", "/plugged")
    assert (answer.status, answer.get("x-witness")) == (405, "405")


def test_it_sees_the_answer_of_an_exception_handler(client: Client) -> None:
    answer = client.get("/plugged/refused")
    assert (answer.status, answer.get("x-witness")) == (503, "503")
    assert answer.body == b"closed until Monday"


@pytest.mark.parametrize(("path", "said"), [("", b"async"), ("/def", b"def")])
def test_it_catches_what_nobody_handles(client: Client, path: str, said: bytes) -> None:
    answer = client.get(f"/plugged/broken{path}")
    assert (answer.status, answer.body) == (503, b"saved from " + said)
