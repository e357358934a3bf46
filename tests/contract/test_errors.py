"""Contract: an error becomes one whole answer that tells no secrets, and the server lives on."""

from __future__ import annotations

import socket

import pytest

from .clients import Client, SocketClient
from .contract_app import MAX_BODY
from .wire import Broken, Line, request

BOTH = ["", "/async"]
DEF_TOO = pytest.mark.parametrize("colour", BOTH, ids=["def", "async"])


@DEF_TOO
def test_an_unhandled_error_is_a_500_that_tells_nothing(client: Client, colour: str) -> None:
    answer = client.get(f"/errors/unhandled{colour}")
    assert (answer.status, answer.body) == (500, b"Internal Server Error")
    assert answer.get("content-type") == "text/plain; charset=utf-8"
    assert client.get("/unslashed").status == 200


@DEF_TOO
def test_an_unhandled_error_is_logged_with_its_traceback(wire: SocketClient, colour: str) -> None:
    before = wire.logged("ZeroDivisionError: secret")
    wire.get(f"/errors/unhandled{colour}")
    wire.wait_for_log("ZeroDivisionError: secret", before + 1)


@DEF_TOO
def test_an_http_exception_carries_its_headers(client: Client, colour: str) -> None:
    answer = client.get(f"/errors/http{colour}")
    assert (answer.status, answer.json()) == (401, {"detail": "who are you?"})
    assert answer.get("www-authenticate") == "Basic"


@DEF_TOO
def test_an_async_handler_answers_its_type(client: Client, colour: str) -> None:
    answer = client.get(f"/errors/teapot{colour}")
    assert answer.status == 418
    assert answer.json() == {"brewed": "tea", "at": f"/errors/teapot{colour}"}


@DEF_TOO
def test_a_def_handler_answers_its_type(client: Client, colour: str) -> None:
    answer = client.get(f"/errors/closed{colour}")
    assert (answer.status, answer.body) == (503, b"closed until Monday")
    assert answer.get("retry-after") == "60"


WAYS = ["response", "injected", "exception", "stream", "file", "name"]


@pytest.mark.parametrize("target", [*(f"/split/{way}" for way in WAYS), "/split-def"])
def test_a_line_break_in_a_header_is_refused(client: Client, target: str) -> None:
    answer = client.get(target)
    assert answer.status == 500
    assert answer.get("x-note") is None
    assert answer.get("set-cookie") is None
    assert b"never sent" not in answer.body
    assert client.get("/unslashed").status == 200


@pytest.mark.parametrize("status", [0, -1, 99, 100, 101, 1000, 65535])
def test_a_status_that_is_none_is_refused(client: Client, status: int) -> None:
    answer = client.get(f"/status/{status}")
    assert answer.status == 500
    assert b"never sent" not in answer.body


@pytest.mark.parametrize("status", [299, 418, 599, 999])
def test_an_unusual_status_is_sent(client: Client, status: int) -> None:
    """Or, where a server can't, it says why and the client gets no answer."""
    refusal = client.transport.unsendable.get(status)
    if refusal is None:
        assert client.get(f"/status/{status}").status == status
        return
    assert isinstance(client, SocketClient)
    before = client.logged(refusal)
    with pytest.raises(Broken, match="without an answer"):
        client.get(f"/status/{status}")
    client.wait_for_log(refusal, before + 1)


@pytest.mark.parametrize("path", ["/length", "/length-def"])
@pytest.mark.parametrize("promised", [0, 4, 6])
def test_a_wrong_content_length_is_refused(client: Client, path: str, promised: int) -> None:
    answer = client.get(f"{path}/{promised}")
    assert answer.status == 500
    assert b"12345" not in answer.body
    assert client.get("/unslashed").status == 200


@pytest.mark.parametrize("path", ["/length", "/length-def"])
def test_a_right_content_length_is_sent_once(client: Client, path: str) -> None:
    answer = client.get(f"{path}/5")
    assert (answer.status, answer.get("content-length"), answer.body) == (200, "5", b"12345")


def test_framing_is_not_the_applications_business(client: Client) -> None:
    answer = client.get("/framing")
    assert (answer.status, answer.body, answer.whole) == (200, b"12345", True)
    assert answer.get("content-length") == "5"


OVER = b'{"text": "%b"}' % (b"x" * MAX_BODY)


@pytest.mark.parametrize("path", ["/size", "/size/def", "/limit/raw"])
@pytest.mark.parametrize("chunk", [0, 100_000], ids=["sized", "chunked"])
def test_a_body_over_the_limit_is_413(client: Client, path: str, chunk: int) -> None:
    assert client.post_json(path, OVER, chunk).status == 413
    assert client.get("/unslashed").status == 200


@pytest.mark.parametrize("chunk", [0, 100_000], ids=["sized", "chunked"])
def test_a_body_at_the_limit_is_taken(client: Client, chunk: int) -> None:
    answer = client.send("POST", "/limit/raw", (), b"x" * MAX_BODY, chunk)
    assert (answer.status, answer.json()) == (200, MAX_BODY)


@pytest.mark.parametrize("path", ["/size", "/size/def", "/limit/raw"])
def test_a_body_announced_over_the_limit_is_not_waited_for(wire: SocketClient, path: str) -> None:
    pairs = [("content-type", "application/json"), ("content-length", str(MAX_BODY + 1))]
    with Line(wire.address) as line:
        line.send(request("GET", path, pairs, close=False).replace(b"GET", b"POST", 1))
        answer = line.answer()
        assert answer.status == 413
        if not wire.transport.name.startswith("wsgi"):  # there it is the server's header alone
            assert answer.get("connection") == "close"
            assert line.at_end()


@pytest.mark.parametrize("colour", BOTH, ids=["def", "async"])
@pytest.mark.parametrize("chunk", [0, 4], ids=["sized", "chunked"])
def test_a_body_that_breaks_off_is_not_handled(
    wire: SocketClient, tag: str, colour: str, chunk: int
) -> None:
    """What has come would do as JSON, but it is not what the client wanted to say."""
    pairs = [("content-type", "application/json")]
    whole = request("POST", f"/limit/noted{colour}?tag={tag}", pairs, b"[1]         ", chunk=chunk)
    with Line(wire.address) as line:
        line.send(whole[:-7])
        line.socket.shutdown(socket.SHUT_WR)
        while line._more():
            pass
        assert b" 200 " not in line.read
    assert wire.events(tag, []) == []
