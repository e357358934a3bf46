"""Lines of a record: each is one exchange, and nothing of it is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.migrate.proof.exchange import Ask, Exchange, NotAnExchange, Reply, exchange_of, line_of

latin = st.text(st.characters(max_codepoint=255), max_size=20)
pairs = st.lists(st.tuples(latin, latin), max_size=4).map(tuple)
bodies = st.binary(max_size=60) | st.text(max_size=30).map(
    lambda text: text.encode("utf-8", "replace")
)
asks = st.builds(
    Ask, st.sampled_from(["GET", "POST", "PROPFIND"]), latin, latin, pairs, bodies, st.booleans()
)
replies = st.builds(Reply, st.integers(200, 999), pairs, bodies, st.booleans())
exchanges = st.builds(
    Exchange, asks, replies, st.integers(0, 2**48), st.floats(0, 2e9, allow_nan=False)
)


@given(exchanges)
def test_a_line_is_the_whole_exchange(exchange: Exchange) -> None:
    line = line_of(exchange)
    assert line.count(b"\n") == 1
    assert exchange_of(line) == exchange


def test_a_line_can_be_read_by_people() -> None:
    ask = Ask("POST", "/ä", "q=1", (("host", "a"),), "naïve".encode())
    found = json.loads(line_of(Exchange(ask, Reply(200, (("etag", "x"),), b"\xff\x00"))))
    assert found["request"] == {
        "method": "POST",
        "path": "/ä",
        "query": "q=1",
        "headers": [["host", "a"]],
        "body": {"text": "naïve"},
    }
    assert found["response"]["body"] == {"base64": "/wA="}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"request": {}, "response": {}}',
        b'{"request": {"method": "GET", "path": "/"}, "response": {"status": "x"}}',
        b'{"request": {"method": "GET", "path": "/", "headers": [1]}, "response": {"status": 200}}',
        b'{"request": {"method": "GET", "path": "/"}, "response": {"body": {"base64": "%"}}}',
    ],
)
def test_what_is_no_exchange_is_said_to_be_none(line: bytes) -> None:
    with pytest.raises(NotAnExchange):
        exchange_of(line)
