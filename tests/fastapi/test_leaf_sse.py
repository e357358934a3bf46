"""Server-sent events as bytes, and what no event may have."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from carboy.fastapi.responses import EventSourceResponse
from carboy.fastapi.sse import KEEPALIVE_COMMENT, ServerSentEvent, format_sse_event


@pytest.mark.parametrize(
    ("fields", "wire"),
    [
        ({}, b"\n"),
        ({"data_str": "x"}, b"data: x\n\n"),
        ({"data_str": ""}, b"data: \n\n"),
        ({"data_str": "a\r\nb\rc\n\nd"}, b"data: a\ndata: b\ndata: c\ndata: \ndata: d\n\n"),
        ({"data_str": "a\u2028b\x0bc"}, "data: a\u2028b\x0bc\n\n".encode()),
        ({"comment": "one\ntwo"}, b": one\n: two\n\n"),
        (
            {"retry": 0, "id": "7", "data_str": "x", "event": "tick", "comment": "c"},
            b": c\nevent: tick\ndata: x\nid: 7\nretry: 0\n\n",
        ),
    ],
)
def test_format(fields: dict[str, Any], wire: bytes) -> None:
    assert format_sse_event(**fields) == wire


def test_a_keepalive_is_a_comment() -> None:
    assert format_sse_event(comment="ping") == KEEPALIVE_COMMENT


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"event": "a\ndata: forged"}, "'event' must be a single line"),
        ({"id": "a\rb"}, "'id' must be a single line"),
        ({"id": "a\0"}, "null"),
        ({"retry": -1}, "greater than or equal to 0"),
        ({"data": 1, "raw_data": "1"}, "Cannot set both"),
    ],
)
def test_no_event(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ServerSentEvent(**fields)


def test_an_event_may_be_anything_else() -> None:
    assert ServerSentEvent(data={"a": [1]}, event="e", id="", retry=0).raw_data is None
    assert ServerSentEvent(raw_data="a\nb").data is None


def test_the_response() -> None:
    response = EventSourceResponse(iter(()))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
