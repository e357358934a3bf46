"""Requests written with one side's values reach the other side with its own."""

from __future__ import annotations

import json
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carboy.migrate.proof.carrying import Carried, fill, issued, unknown
from carboy.migrate.proof.exchange import Ask, Reply
from carboy.migrate.proof.redaction import Redaction

HTML = ("content-type", "text/html")
JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")
OLD, NEW = "old+value/1=", "new+value/2="
PLACEHOLDER = Redaction(b"k").placeholder(OLD)

#: Where an answer may issue a value.
ISSUED = {
    "hidden input": lambda value: Reply(200, (HTML,), f'<input name=t value="{value}">'.encode()),
    "meta": lambda value: Reply(200, (HTML,), f'<meta name=csrf content="{value}">'.encode()),
    "link": lambda value: Reply(200, (HTML,), f'<a href="/x?t={quote_plus(value)}">'.encode()),
    "json": lambda value: Reply(200, (JSON,), json.dumps({"a": [{"t": value}]}).encode()),
    "location": lambda value: Reply(302, (("location", f"/x?t={quote_plus(value)}"),)),
    "etag": lambda value: Reply(200, (("etag", value),)),
}
#: How a request may bring it back.
BROUGHT = {
    "form": lambda value: Ask("POST", "/", "", (FORM,), f"t={quote_plus(value)}".encode()),
    "json": lambda value: Ask("POST", "/", "", (JSON,), json.dumps({"t": value}).encode()),
    "query": lambda value: Ask("GET", "/", f"t={quote_plus(value)}"),
    "path": lambda value: Ask("GET", f"/x/{quote_plus(value)}/y"),
    "header": lambda value: Ask("GET", "/", "", (("authorization", f"Bearer {value}"),)),
    "bytes": lambda value: Ask("POST", "/", "", (), b"\xff" + value.encode()),
}


@pytest.mark.parametrize("place", ISSUED)
@pytest.mark.parametrize("way", BROUGHT)
def test_a_value_that_was_issued_is_replaced(place: str, way: str) -> None:
    carried = Carried()
    carried.learn(ISSUED[place](OLD), ISSUED[place](NEW))
    assert carried.put(BROUGHT[way](OLD)) == BROUGHT[way](NEW)


def test_what_a_record_has_left_out_is_replaced_too() -> None:
    carried = Carried()
    carried.learn(ISSUED["json"](PLACEHOLDER), ISSUED["json"](NEW))
    assert carried.put(BROUGHT["header"](PLACEHOLDER)) == BROUGHT["header"](NEW)


def test_cookies() -> None:
    def setting(*pairs: str) -> Reply:
        return Reply(200, tuple(("set-cookie", f"{pair}; Path=/") for pair in pairs))

    def bringing(text: str) -> Ask:
        return Ask("GET", "/", "", (("cookie", text),) if text else ())

    carried = Carried()
    carried.learn(setting(f"session={PLACEHOLDER}", "a=1"), setting("session=mine", "a=2"))
    assert carried.put(bringing(f"session={PLACEHOLDER}; a=1; theme=dark")) == bringing(
        "session=mine; a=2; theme=dark"
    )
    # This side has set none, so it gets none, and no placeholder either.
    carried.learn(setting(f"session={PLACEHOLDER}"), setting())
    assert carried.put(bringing(f"session={PLACEHOLDER}")) == bringing("")


def test_values_change_places_at_once() -> None:
    """One side's value may be what the other side calls another."""
    one, other = "aaaaaaaa", "bbbbbbbb"
    carried = Carried()
    carried.learn(
        Reply(200, (JSON,), json.dumps([one, other]).encode()),
        Reply(200, (JSON,), json.dumps([other, one]).encode()),
    )
    assert carried.put(Ask("GET", f"/{one}/{other}")).path == f"/{other}/{one}"


def test_short_values_are_left_alone() -> None:
    carried = Carried()
    carried.learn(Reply(200, (JSON,), b'["it"]'), Reply(200, (JSON,), b'["xx"]'))
    assert carried.put(Ask("GET", "/it")).path == "/it"


@given(st.binary(max_size=100), st.sampled_from([HTML, JSON]))
def test_any_answer_can_be_learnt_from(body: bytes, kind: tuple[str, str]) -> None:
    reply = Reply(200, (kind,), body)
    carried = Carried()
    carried.learn(reply, reply)
    ask = Ask("POST", "/a", "b=c", (kind,), body)
    assert carried.put(ask) == ask
    assert all(issued(reply).values())


@given(st.text(min_size=8, max_size=12))
def test_equal_values_change_nothing(value: str) -> None:
    reply = Reply(200, (JSON,), json.dumps([value]).encode())
    carried = Carried()
    carried.learn(Reply(200, (JSON,), json.dumps(["x" * 9]).encode()), reply)
    carried.learn(reply, reply)
    ask = Ask("POST", "/", "", (JSON,), json.dumps([value]).encode())
    assert carried.put(ask) == ask or "x" * 9 in value


PARTS = ("content-type", "multipart/form-data; boundary=b")


@pytest.mark.parametrize(
    ("kind", "body", "filled"),
    [
        (FORM, "a=1&password={}", "a=1&password=pa+ss"),
        (JSON, '{{"u": [{{"password": "{}"}}]}}', '{{"u": [{{"password": "pa ss"}}]}}'),
        (
            PARTS,
            '--b\r\nx: y; name="password"\r\n\r\n{}\r\n--b--',
            '--b\r\nx: y; name="password"\r\n\r\npa ss\r\n--b--',
        ),
    ],
)
def test_secrets_are_filled_in_where_they_were_left_out(
    kind: tuple[str, str], body: str, filled: str
) -> None:
    headers = (kind, ("authorization", f"Bearer {PLACEHOLDER}"))
    ask = Ask("POST", "/", f"token={PLACEHOLDER}", headers, body.format(PLACEHOLDER).encode())
    assert unknown(ask)
    done = fill(ask, {"password": "pa ss", "authorization": "Bearer x", "token": "t"})
    assert done.body.decode() == filled.format()
    assert done.headers == (kind, ("authorization", "Bearer x"))
    assert done.query == "token=t"
    assert not unknown(done)


def test_so_many_values_are_known() -> None:
    carried = Carried(most=3)
    names = [f"value-{number}" for number in range(5)]

    def listing(prefix: str, *values: str) -> Reply:
        return Reply(200, (JSON,), json.dumps([prefix + value for value in values]).encode())

    carried.learn(listing("old-", *names[:3]), listing("new-", *names[:3]))
    assert carried.put(Ask("GET", "/old-value-0")).path == "/new-value-0"
    carried.learn(listing("old-", names[3]), listing("new-", names[3]))
    # The oldest is gone; the one that was brought is not the oldest.
    assert carried.put(Ask("GET", "/old-value-0")).path == "/new-value-0"
    assert carried.put(Ask("GET", "/old-value-1")).path == "/old-value-1"
    assert carried.put(Ask("GET", "/old-value-3")).path == "/new-value-3"
