"""Heads: nothing that could split or garble a response is ever written."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.core.answer import BODILESS, Answer, AnswerError, Head

TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize("code", range(256))
def test_every_byte_in_a_header_is_let_through_or_refused(code: int) -> None:
    name, value = b"x%ca" % code, b"a%cb" % code
    if code in TOKEN:
        assert Head(200, [(name, b"v")]).headers == [(name.lower(), b"v")]
    else:
        with pytest.raises(AnswerError, match="is not a header name"):
            Head(200, [(name, b"v")])
    if (code < 0x20 and code != 0x09) or code == 0x7F:
        with pytest.raises(AnswerError, match="control character"):
            Head(200, [(b"x", value)])
    else:
        assert Head(200, [(b"x", value)]).raw == b"HTTP/1.1 200 OK\r\nx: %b\r\n" % value


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0", b"a\n", b"\ra"])
def test_no_value_starts_another_line(value: bytes) -> None:
    with pytest.raises(AnswerError):
        Head(200, [(b"x", value)])


@pytest.mark.parametrize("name", [b"", b"a b", b"a:", b" a", b"a\r\n", "é".encode()])
def test_a_name_is_a_token(name: bytes) -> None:
    with pytest.raises(AnswerError):
        Head(200, [(name, b"v")])


@given(
    st.integers(200, 999),
    st.lists(st.tuples(st.binary(max_size=6), st.binary(max_size=6))).map(list),
)
def test_a_head_has_as_many_lines_as_it_says(status: int, headers: Any) -> None:
    try:
        head = Head(status, headers)
    except AnswerError:
        return
    lines = head.raw.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 1 + len(head.headers)
    assert b"\n" not in b"".join(lines)
    assert lines[0].startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("status", [0, 100, 101, 199, 1000, -1, True, "200", 200.0, None])
def test_what_is_no_final_status_is_refused(status: Any) -> None:
    with pytest.raises(AnswerError):
        Head(status)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK\r\n"),
        (HTTPStatus.NOT_FOUND, b"HTTP/1.1 404 Not Found\r\n"),
        (299, b"HTTP/1.1 299 \r\n"),
        (999, b"HTTP/1.1 999 \r\n"),
    ],
)
def test_status_lines(status: int, line: bytes) -> None:
    head = Head(status)
    assert head.raw == line
    assert type(head.status) is int


def test_statuses_without_a_body() -> None:
    assert {code for code in range(200, 600) if Head(code).bodiless} == BODILESS == {204, 205, 304}


def test_framing_is_the_transports_business() -> None:
    head = Head(
        200, [(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"07"), (b"X-A", b"1")]
    )
    assert head.headers == [(b"x-a", b"1")]
    assert head.length == 7
    assert head.raw == b"HTTP/1.1 200 OK\r\nx-a: 1\r\n"


@pytest.mark.parametrize(
    "value", [b"", b"-1", b"+1", b"1.0", b"0x1", b" 1", b"1 ", b"1,1", b"\xb2", b"9" * 5000]
)
def test_a_content_length_is_a_number(value: bytes) -> None:
    with pytest.raises(AnswerError, match="content-length"):
        Head(200, [(b"content-length", value)])


def test_a_content_length_is_one_number() -> None:
    assert Head(200, [(b"content-length", b"5"), (b"content-length", b"5")]).length == 5
    with pytest.raises(AnswerError, match="two values for content-length: 5 and 6"):
        Head(200, [(b"content-length", b"5"), (b"content-length", b"6")])


@pytest.mark.parametrize(
    ("value", "close"),
    [
        (b"close", True),
        (b"Close", True),
        (b"keep-alive, close", True),
        (b"keep-alive", False),
        (b"x-closed", False),
    ],
)
def test_connection_is_heard_and_not_written(value: bytes, close: bool) -> None:
    head = Head(200, [(b"connection", value), (b"a", b"b")])
    assert (head.close, head.headers) == (close, [(b"a", b"b")])
    # A later field of the same name does not take it back.
    assert Head(200, [(b"connection", value), (b"connection", b"x")]).close is close


def test_headers_may_be_added_and_nothing_is_lost() -> None:
    head = Head(200, [(b"a", b"1"), (b"content-length", b"3"), (b"connection", b"close")])
    more = head.with_headers([(b"A", b"2")], 201)
    assert (more.status, more.length, more.close) == (201, 3, True)
    assert more.headers == [(b"a", b"1"), (b"a", b"2")]
    assert head.headers == [(b"a", b"1")]
    assert head.with_headers([]).status == 200


def test_repr_shows_what_is_sent() -> None:
    assert repr(Head(404, [(b"a", b"1")])) == "Head(404, [(b'a', b'1')])"


def test_an_answer_is_opened_and_packed_again() -> None:
    head = Head(418, [(b"a", b"1"), (b"content-length", b"3"), (b"connection", b"close")])
    answer = Answer.of(head, b"tea")
    answer.add("A", "2")
    answer.status = 200
    packed, body = answer.pack()
    assert (packed.status, packed.headers, body) == (200, [(b"a", b"1"), (b"a", b"2")], b"tea")
    assert (packed.length, packed.close) == (3, True)
    assert head.headers == [(b"a", b"1")], "the head was made at freeze and serves others too"


def test_headers_of_an_answer() -> None:
    answer = Answer(b"x", 201, [("X-One", "1"), ("x-one", "2"), ("y", "é")])
    assert answer.get("x-ONE") == "1"
    assert answer.get("y") == "é"
    assert answer.get("none") is None
    assert answer.get("naïve€") is None
    answer.set("X-ONE", "3")
    assert answer.headers == [(b"y", "é".encode("latin-1")), (b"x-one", b"3")]


@pytest.mark.parametrize(("name", "value"), [("a b", "1"), ("é", "1"), ("a", "€"), ("a", "1\n")])
@pytest.mark.parametrize("change", [Answer.add, Answer.set])
def test_a_header_that_is_refused_changes_nothing(
    change: Callable[[Answer, str, str], None], name: str, value: str
) -> None:
    answer = Answer(headers=[("a", "1")])
    with pytest.raises(AnswerError):
        change(answer, name, value)
    assert answer.headers == [(b"a", b"1")]


def test_what_is_wrong_with_an_answer_shows_when_it_is_packed() -> None:
    answer = Answer()
    answer.status = 99
    with pytest.raises(AnswerError):
        answer.pack()
    answer = Answer()
    answer.headers.append((b"a", b"1\r\nb: 2"))
    with pytest.raises(AnswerError):
        answer.pack()


HEADS = [
    Head(200, [(b"x", b"1")]),
    Head(404),
    Head(200, [(b"content-length", b"3")]),
    Head(200, [(b"connection", b"close")]),
]


@pytest.mark.parametrize("head", HEADS, ids=repr)
def test_an_unchanged_answer_says_what_its_head_said(head: Head) -> None:
    packed, body = Answer.of(head, b"abc").pack()
    assert (packed.raw, packed.length, packed.close) == (head.raw, head.length, head.close)
    assert body == b"abc"


def test_an_unchanged_answer_costs_no_new_head() -> None:
    head = Head(200, [(b"x", b"1")])
    assert Answer.of(head, b"").pack()[0] is head


def test_a_change_of_an_answer_leaves_its_head_as_it_was() -> None:
    head = Head(200, [(b"x", b"1")])
    for change in (
        lambda answer: answer.add("y", "2"),
        lambda answer: answer.set("x", "2"),
        lambda answer: answer.headers.clear(),
        lambda answer: setattr(answer, "status", 201),
    ):
        answer = Answer.of(head, b"")
        change(answer)
        packed, _ = answer.pack()
        assert (packed.status, packed.headers) == (answer.status, answer.headers)
        assert packed.raw != head.raw
        assert (head.status, head.headers) == (200, [(b"x", b"1")])
