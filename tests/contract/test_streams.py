"""Contract: bodies in pieces arrive whole or are seen to be cut, and then everything is closed."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise

import pytest

from .clients import Client, SocketClient
from .routes_streams import FILE
from .wire import Answer, Broken, Line, request

KINDS = ["async/async", "async/def", "def/def", "def/async"]
kinds = pytest.mark.parametrize("kind", KINDS)
PIECES = ["piece 0", "piece 1", "piece 2", "end of pieces"]
CONTENT = FILE.read_bytes()


@kinds
def test_a_stream_arrives_then_everything_closes(client: Client, tag: str, kind: str) -> None:
    answer = client.get(f"/stream/{kind}?tag={tag}")
    assert (answer.status, answer.body, answer.whole) == (200, b"0;1;2;", True)
    expected = ["open", *PIECES, "task", "close"]
    assert client.events(tag, expected) == expected


@kinds
def test_head_of_a_stream_has_no_body(client: Client, tag: str, kind: str) -> None:
    answer = client.send("HEAD", f"/stream/{kind}?tag={tag}")
    assert (answer.status, answer.body) == (200, b"")
    expected = ["open", *PIECES, "task", "close"]
    assert client.events(tag, expected) == expected


def _cut(client: Client, target: str) -> Answer | None:
    """The answer of a request that fails on its way; None where there is no answer at all."""
    try:
        return client.get(target)
    except Broken:
        return None


@kinds
def test_a_stream_that_fails_is_not_ended_well(client: Client, tag: str, kind: str) -> None:
    """The client sees that something is missing; the dependency sees why; no task runs."""
    answer = _cut(client, f"/stream/{kind}?tag={tag}&fail=1")
    assert answer is None or answer.status == 500 or not answer.whole
    expected = ["open", *PIECES, "saw ZeroDivisionError", "close"]
    assert client.events(tag, expected) == expected
    assert client.get("/unslashed").status == 200


def test_a_stream_of_a_known_length_is_not_chunked(client: Client) -> None:
    answer = client.get("/stream/length/10")
    assert (answer.get("content-length"), answer.body) == ("10", b"1234567890")
    assert answer.get("transfer-encoding") is None


@pytest.mark.parametrize("promised", [4, 9, 11])
def test_a_stream_that_breaks_its_promise_is_cut(client: Client, promised: int) -> None:
    answer = _cut(client, f"/stream/length/{promised}")
    assert (
        answer is None or answer.status == 500 or not answer.whole or len(answer.body) <= promised
    )
    if promised > 10:
        assert answer is None or answer.status == 500 or not answer.whole
    assert client.get("/unslashed").status == 200


@pytest.mark.parametrize("kind", ["endless", "silent"])
def test_a_client_that_leaves_ends_the_stream(wire: SocketClient, tag: str, kind: str) -> None:
    if kind == "silent" and wire.transport.name.startswith("wsgi"):
        pytest.skip("a WSGI application hears of its client only when it writes")
    with Line(wire.address) as line:
        line.send(request("GET", f"/stream/{kind}/async?tag={tag}"))
        while b"xx" not in line.read and not line.read.endswith(b"x\r\n"):
            line.read += line.socket.recv(65536)
    noted = wire.events(tag, ["open", "end of pieces", "close"])
    assert [event for event in noted if not event.startswith("saw")] == [
        "open",
        "end of pieces",
        "close",
    ]


@pytest.mark.parametrize("path", ["/file", "/file/def"])
def test_a_file_arrives(client: Client, tag: str, path: str) -> None:
    answer = client.get(f"{path}?tag={tag}")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.get("content-length") == str(len(CONTENT))
    assert client.events(tag, ["open", "task", "close"]) == ["open", "task", "close"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-9", 0, 9), ("5-", 5, len(CONTENT) - 1), ("-7", len(CONTENT) - 7, len(CONTENT) - 1)],
)
@pytest.mark.parametrize("path", ["/file", "/file/def"])
def test_a_range_of_a_file(
    client: Client, tag: str, path: str, asked: str, first: int, last: int
) -> None:
    answer = client.get(f"{path}?tag={tag}", range=f"bytes={asked}")
    assert answer.status == 206
    assert answer.get("content-range") == f"bytes {first}-{last}/{len(CONTENT)}"
    assert answer.body == CONTENT[first : last + 1]


def test_a_range_outside_the_file_is_416(client: Client, tag: str) -> None:
    answer = client.get(f"/file?tag={tag}", range=f"bytes={len(CONTENT)}-")
    assert answer.status == 416


def test_head_of_a_file(client: Client, tag: str) -> None:
    answer = client.send("HEAD", f"/file?tag={tag}")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.get("content-length") == str(len(CONTENT))


@pytest.mark.parametrize("path", ["/self-sent", "/self-sent/def"])
def test_a_response_may_send_itself(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status, answer.get("x-own"), answer.body) == (202, "1", b"GET")


SIZES = [0, 1, 70_000, 1024 * 1024]


@pytest.mark.parametrize("path", ["/upload/body", "/upload/stream"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("chunk", [0, 5000], ids=["sized", "chunked"])
def test_a_handler_reads_its_request(client: Client, path: str, size: int, chunk: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"." * (size % 256)
    answer = client.send("POST", path, (), body, chunk)
    assert answer.json() == hashlib.sha256(body).hexdigest()


def test_a_handler_reads_json(client: Client) -> None:
    value = {"a": [1, 2.5, None, "ü"]}
    assert client.post_json("/upload/json", json.dumps(value).encode()).json() == value


@pytest.mark.parametrize("size", SIZES)
def test_a_handler_need_not_read_its_request(client: Client, size: int) -> None:
    assert client.send("POST", "/upload/unread", (), b"x" * size).json() == "POST"
    assert client.get("/unslashed").status == 200


def test_pieces_are_read_as_they_arrive(wire: SocketClient) -> None:
    """A body that dribbles in is the same body."""
    body = bytes(range(256)) * 8
    with Line(wire.address) as line:
        whole = request("POST", "/upload/stream", (), body)
        marks = [0, 10, len(whole) - len(body), len(whole) - 1000, len(whole) - 1, len(whole)]
        for start, end in pairwise(marks):
            line.send(whole[start:end])
        assert line.answer().json() == hashlib.sha256(body).hexdigest()
