"""Contract: what goes in reaches the handler typed, what comes out is framed as its status says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from .clients import Client, SocketClient
from .routes_answers import TOGETHER

ITEM = {"name": "lamp", "price": 12.5, "tags": ["a", "b"]}


@pytest.mark.parametrize("path", ["/typed", "/typed-async"])
def test_path_and_query_parameters_arrive_typed(client: Client, path: str) -> None:
    answer = client.get(f"{path}/7?q=x")
    assert answer.status == 200
    assert answer.get("content-type") == "application/json"
    assert answer.get("content-length") == str(len(answer.body))
    found = answer.json()
    assert (found["number"], found["q"]) == (7, "x")


def test_a_def_handler_leaves_the_loop_alone(client: Client) -> None:
    if client.transport.name == "wsgi-sync":
        pytest.skip("the sync worker has its main thread only")
    assert client.get("/typed/7").json()["thread"] is True


@pytest.mark.parametrize("path", ["/items", "/items-async"])
def test_a_json_body_becomes_the_declared_model(client: Client, path: str) -> None:
    answer = client.post_json(path, json.dumps(ITEM).encode())
    assert (answer.status, answer.json()) == (201, ITEM)


@pytest.mark.parametrize("path", ["/items", "/items-async"])
def test_a_body_that_does_not_fit_is_422_with_every_error(client: Client, path: str) -> None:
    answer = client.post_json(path, b'{"price": "dear"}')
    assert answer.status == 422
    assert [(e["type"], e["loc"], e["input"]) for e in answer.json()["detail"]] == [
        ("missing", ["body", "name"], {"price": "dear"}),
        ("float_parsing", ["body", "price"], "dear"),
    ]


@pytest.mark.parametrize("path", ["/items", "/items-async"])
def test_a_body_that_is_no_json_is_422(client: Client, path: str) -> None:
    answer = client.post_json(path, b'{"name": ')
    assert answer.status == 422
    [error] = answer.json()["detail"]
    assert (error["type"], error["loc"]) == ("json_invalid", ["body", 9])


@pytest.mark.parametrize("path", ["/typed", "/typed-async"])
def test_a_path_value_that_does_not_fit_is_422(client: Client, path: str) -> None:
    answer = client.get(f"{path}/seven")
    assert answer.status == 422
    assert answer.json() == {
        "detail": [
            {
                "type": "int_parsing",
                "loc": ["path", "number"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "seven",
            }
        ]
    }


@pytest.mark.parametrize("path", ["/headers", "/headers/def"])
def test_headers_and_cookies_are_parameters(client: Client, path: str) -> None:
    answer = client.get(path, x_number="7", Cookie="other=1; flavour=oat")
    assert answer.json() == {"number": 7, "list": [], "flavour": "oat"}


@pytest.mark.parametrize("path", ["/headers", "/headers/def"])
def test_a_missing_header_is_422(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["header", "x-number"]


def test_a_repeated_header_keeps_every_value_in_order(client: Client) -> None:
    pairs = [("x-number", "1"), ("x-list", "a"), ("x-list", "b")]
    found = client.send("GET", "/headers", pairs).json()["list"]
    if client.transport.joins_headers:
        assert [value.strip() for value in found[0].split(",")] == ["a", "b"]
    else:
        assert found == ["a", "b"]


def test_two_cookies_are_two_headers(client: Client) -> None:
    cookies = client.get("/cookies").all("set-cookie")
    assert [cookie.partition(";")[0] for cookie in cookies] == ["one=1", "two=2"]


def test_an_unknown_path_is_404(client: Client) -> None:
    answer = client.get("/nowhere")
    assert (answer.status, answer.json()) == (404, {"detail": "Not Found"})


def test_a_method_that_is_not_taken_is_405_and_names_those_that_are(client: Client) -> None:
    answer = client.send("POST", "/typed/7")
    assert (answer.status, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer.get("allow") == "GET, HEAD"


def test_head_is_get_without_the_body(client: Client) -> None:
    got = client.get("/typed-async/7")
    head = client.send("HEAD", "/typed-async/7")
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "content-type"):
        assert head.get(name) == got.get(name)


def test_head_of_a_def_handler_is_the_same(client: Client) -> None:
    head = client.send("HEAD", "/unslashed")
    assert (head.status, head.body, head.get("content-length")) == (200, b"", "11")


def test_options_names_the_methods(client: Client) -> None:
    answer = client.send("OPTIONS", "/none/200")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.get("allow") == "DELETE, GET, HEAD, OPTIONS"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(client: Client, status: int) -> None:
    answer = client.get(f"/none/{status}")
    assert (answer.status, answer.body) == (status, b"")
    assert answer.get("content-length") is None
    assert answer.get("transfer-encoding") is None


def test_a_declared_204_sends_nothing(client: Client) -> None:
    answer = client.send("DELETE", "/gone")
    assert (answer.status, answer.body, answer.get("content-length")) == (204, b"", None)


@pytest.mark.parametrize(
    ("asked", "meant"), [("/slashed", "/slashed/"), ("/unslashed/", "/unslashed")]
)
def test_the_other_slash_is_a_redirect(client: Client, asked: str, meant: str) -> None:
    answer = client.get(f"{asked}?a=1&b=%20")
    assert answer.status == 307
    location = answer.get("location")
    assert location is not None
    assert location.endswith(f"{meant}?a=1&b=%20")


def test_a_redirect_stays_on_this_host(client: Client) -> None:
    """A path that starts with two slashes is no way to another host."""
    answer = client.send("GET", "/slashed", [("x-forwarded-host", "evil.test")])
    assert "evil.test" not in (answer.get("location") or "")


def test_the_path_is_percent_decoded_once(client: Client) -> None:
    assert client.get("/echo/a%20b%2541+c").json()[0] == "a b%41+c"


def test_path_and_query_speak_utf8(client: Client) -> None:
    answer = client.get("/echo/gr%C3%BC%C3%9Fe?q=%E6%97%A5%E6%9C%AC&many=a+b%2B")
    assert answer.json() == ["grüße", "日本", "a b+"]
    assert "grüße".encode() in answer.body


def test_bytes_that_are_no_utf8_are_replaced(client: Client) -> None:
    assert client.get("/echo/%ff?q=%ff").json() == ["\ufffd", "\ufffd", ""]


def test_an_encoded_slash_separates_as_a_plain_one_does(client: Client) -> None:
    assert client.get("/paths/a%2Fb/c").json() == "a/b/c"
    assert client.get("/echo/a%2Fb").status == 404


def test_the_request_object_knows_its_url(client: Client) -> None:
    method, path, query, _ = client.get("/url?a=1&a=2").json()
    assert (method, path, query) == ("GET", "/url", "a=1&a=2")


@pytest.mark.parametrize("path", ["/size", "/size/def"])
@pytest.mark.parametrize("chunk", [0, 1000, 100_000])
def test_a_large_body_arrives_whole(client: Client, path: str, chunk: int) -> None:
    size = 1024 * 1024
    answer = client.post_json(path, b'{"text": "%b"}' % (b"x" * size), chunk)
    assert (answer.status, answer.json()) == (200, size)


def test_a_large_answer_arrives_whole(client: Client) -> None:
    answer = client.get(f"/large?length={4 * 1024 * 1024}")
    assert answer.get("content-length") == str(4 * 1024 * 1024)
    assert answer.body == b"x" * (4 * 1024 * 1024)


@pytest.mark.parametrize("path", ["/together", "/together-async"])
def test_handlers_that_wait_do_so_at_the_same_time(client: Client, path: str) -> None:
    """Every request waits inside until `TOGETHER` are there: one at a time would never end."""
    if not client.transport.parallel:
        pytest.skip("this server serves one request at a time")
    with ThreadPoolExecutor(2 * TOGETHER) as threads:
        answers = list(threads.map(lambda _: client.get(path), range(2 * TOGETHER)))
    assert [answer.json() for answer in answers] == ["met"] * (2 * TOGETHER)


def test_every_answer_is_dated_once(wire: SocketClient) -> None:
    assert wire.get("/unslashed").get("date")
