"""Two answers: equal ones never differ, and any one change is seen."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer

from carboy.migrate.proof.comparing import Rules, differences
from carboy.migrate.proof.exchange import Ask, Reply
from carboy.migrate.proof.masking import Masks

ASK = Ask("GET", "/books?page=1", headers=(("host", "shop.example"),))
JSON = ("content-type", "application/json")
HTML = ("content-type", "text/html; charset=utf-8")
NAMES = [
    "vary",
    "allow",
    "location",
    "cache-control",
    "x-frame-options",
    "www-authenticate",
    "etag",
]

words = st.text("abcXYZ019-_/", min_size=1, max_size=8)
cookie_headers = st.builds(
    lambda name, value, path, flags: "; ".join([f"{name}={value}", f"Path={path}", *flags]),
    words,
    words,
    words,
    st.lists(st.sampled_from(["HttpOnly", "Secure", "SameSite=Lax"]), unique=True),
).map(lambda value: ("set-cookie", value))
fields = st.tuples(st.sampled_from(NAMES), words)
kinds = st.sampled_from([JSON, HTML, ("content-type", "image/png"), ("content-type", "text/plain")])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = (
    st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
    | json_values.map(lambda value: json.dumps(value).encode())
)
replies = st.builds(
    lambda status, kind, headers, cookies, body, cut: Reply(
        status, (kind, *headers, *cookies), body, cut
    ),
    st.integers(200, 599),
    kinds,
    st.lists(fields, max_size=4),
    st.lists(cookie_headers, max_size=3),
    bodies,
    st.booleans(),
)
methods = st.sampled_from(["GET", "HEAD", "POST"]).map(lambda method: replace(ASK, method=method))


def found(old: Reply, new: Reply, rules: Rules = Rules(), ask: Ask = ASK) -> list[str]:
    return [one.what for one in differences(ask, old, new, rules)]


@given(methods, replies)
def test_an_answer_equals_itself(ask: Ask, reply: Reply) -> None:
    assert differences(ask, reply, reply) == []


@given(methods, replies, replies)
def test_what_differs_differs_both_ways(ask: Ask, one: Reply, other: Reply) -> None:
    there, back = differences(ask, one, other), differences(ask, other, one)
    assert sorted(there) == sorted(d._replace(old=d.new, new=d.old) for d in back)
    for difference in there:
        assert difference.old != difference.new


@given(methods, replies, st.integers(200, 599))
def test_another_status_is_seen(ask: Ask, reply: Reply, status: int) -> None:
    assume(status != reply.status)
    assert "status" in found(reply, replace(reply, status=status), ask=ask)


@given(methods, replies, st.data())
def test_a_header_that_is_gone_is_seen(ask: Ask, reply: Reply, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(reply.headers) - 1))
    left = (*reply.headers[:index], *reply.headers[index + 1 :])
    name, value = reply.headers[index]
    twins = [one for one in left if one[0] == name]
    # One of two ETags, or of two lists with the same methods, changes nothing.
    assume(not twins or name == "set-cookie")
    assert found(reply, replace(reply, headers=left), ask=ask), (name, value)


@given(methods, replies, st.sampled_from(NAMES), words)
def test_a_header_that_is_more_is_seen(ask: Ask, reply: Reply, name: str, value: str) -> None:
    assume(all(key != name for key, _ in reply.headers))
    more = replace(reply, headers=(*reply.headers, (name, value)))
    assert f"header {name}" in found(reply, more, ask=ask)


@given(replies, words, words)
def test_another_value_of_a_header_is_seen(reply: Reply, one: str, other: str) -> None:
    assume(one.lower() != other.lower())
    for name in ("vary", "cache-control", "allow", "location"):
        left = tuple(pair for pair in reply.headers if pair[0] != name)
        olds, news = ((*left, (name, "/" + value)) for value in (one, other))
        what = found(replace(reply, headers=olds), replace(reply, headers=news))
        assert f"header {name}" in what


@given(replies, st.data())
def test_another_byte_of_the_body_is_seen(reply: Reply, data: st.DataObject) -> None:
    reply = replace(reply, cut=False)
    body = bytearray(reply.body or b"x")
    old = replace(reply, body=bytes(body))
    index = data.draw(st.integers(0, len(body) - 1))
    body[index] = data.draw(st.integers(0, 255))
    new = replace(reply, body=bytes(body))
    assume(old.body != new.body)
    if reply.headers[0] == JSON:
        # Blanks, and other ways to write the same text, are the same value.
        assume(_parsed(old.body) is _parsed(new.body) is None)
    assert any(what.startswith("body") for what in found(old, new))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@given(json_values, json_values)
def test_json_is_compared_by_value(one: Any, other: Any) -> None:
    old, new = (Reply(200, (JSON,), json.dumps(value).encode()) for value in (one, other))
    equal = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (found(old, new) == []) == equal
    spaced = Reply(200, (JSON,), json.dumps(one, indent=2, sort_keys=True).encode())
    assert found(old, spaced) == []


@given(cookie_headers, cookie_headers)
def test_cookies_are_compared_one_by_one(one: tuple[str, str], other: tuple[str, str]) -> None:
    old, new = (Reply(200, (HTML, cookie)) for cookie in (one, other))
    parts = [[part.strip() for part in cookie[1].split(";")] for cookie in (one, other)]
    equal = parts[0][0] == parts[1][0] and set(parts[0]) == set(parts[1])
    assert (found(old, new) == []) == equal


#: Pairs of headers, and whether they are equal.
ALIKE = {
    "media type": (("content-type", "Text/HTML;charset=UTF-8"), HTML, True),
    "charset gone": (("content-type", "text/html"), HTML, False),
    "vary's order": (("vary", "Cookie, Accept"), ("vary", "accept,cookie"), True),
    "allow's order": (("allow", "GET, HEAD"), ("allow", "HEAD, GET"), True),
    "allow": (("allow", "GET, HEAD"), ("allow", "GET, HEAD, OPTIONS"), False),
    "host of location": (("location", "http://shop.example/a"), ("location", "/a"), True),
    "relative location": (("location", "?page=2"), ("location", "/books?page=2"), True),
    "another host": (("location", "http://evil.example/a"), ("location", "/a"), False),
    "host that begins alike": (("location", "http://shop.example.org/"), ("location", "/"), False),
    "date": (("date", "Mon"), ("date", "Tue"), True),
    "server": (("server", "a"), ("server", "b"), True),
    "etag": (("etag", '"a"'), ("etag", '"b"'), True),
    "expiry": (
        ("set-cookie", "a=1; Expires=Thu, 01 Jan 2032 00:00:00 GMT"),
        ("set-cookie", "a=1; Expires=Fri, 02 Jan 2032 00:00:00 GMT"),
        True,
    ),
    "deletion": (
        ("set-cookie", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("set-cookie", "a=1; Expires=Fri, 02 Jan 2032 00:00:00 GMT"),
        False,
    ),
    "deletion by age": (("set-cookie", "a=1; Max-Age=0"), ("set-cookie", "a=1; Max-Age=9"), False),
    "case of samesite": (
        ("set-cookie", "a=1; SameSite=lax"),
        ("set-cookie", "a=1; samesite=Lax"),
        True,
    ),
    "samesite": (
        ("set-cookie", "a=1; SameSite=Lax"),
        ("set-cookie", "a=1; SameSite=Strict"),
        False,
    ),
    "value": (("set-cookie", "a=1"), ("set-cookie", "a=2"), False),
    "token": (("set-cookie", "csrftoken=1"), ("set-cookie", "csrftoken=2"), True),
}


@pytest.mark.parametrize("name", ALIKE)
def test_headers(name: str) -> None:
    one, other, equal = ALIKE[name]
    old, new = (Reply(200, (header,)) for header in (one, other))
    assert (found(old, new) == []) == equal


def _flask(payload: Any, key: str = "k", at: int = 0) -> str:
    made = str(URLSafeTimedSerializer(key, salt="cookie-session").dumps(payload))
    return made if at == 0 else made.replace(made.split(".")[-2], "AAAAAA")


def _starlette(payload: Any, signature: str) -> str:
    return f"{base64.b64encode(json.dumps(payload).encode()).decode()}.Z8.{signature}"


def _token(payload: Any, signature: str) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256"}, payload)
    ]
    return ".".join([*parts, signature])


def test_sessions_are_compared_by_what_they_hold() -> None:
    long = {"user": "ada", "basket": list(range(200))}
    assert _flask(long).startswith("."), "packed"
    pairs = [
        (_flask({"user": 1}), _flask({"user": 1}, key="other")),
        (_flask(long), _flask(long, key="other")),
        (_flask({"user": 1, "csrf_token": "aa"}), _flask({"user": 1, "csrf_token": "bb"})),
        (_starlette({"user": 1}, "a"), _starlette({"user": 1}, "b")),
        (_token({"sub": 1, "exp": 5}, "a"), _token({"sub": 1, "exp": 9}, "b")),
    ]
    for one, other in pairs:
        assert one != other
        assert found(*_setting(one, other)) == []
    assert found(*_setting(_flask({"user": 1}), _flask({"user": 2}))) == ["cookie session: user"]
    assert found(*_setting(_flask(long), _flask({"user": "eve"}))) != []
    assert found(*_setting(_token({"sub": 1}, "a"), _token({"sub": 2}, "a"))) != []
    assert found(*_setting(_starlette({"a": 1}, "a"), _starlette({"a": 2}, "a"))) != []


def test_a_cookie_that_unpacks_to_too_much_is_not_unpacked() -> None:
    packed = zlib.compress(b'{"a": "' + b"x" * 2_000_000 + b'"}')
    bomb = "." + base64.urlsafe_b64encode(packed).decode().rstrip("=") + ".t."
    assert found(*_setting(bomb + "a", bomb + "b")) == ["cookie session: value"]


def _setting(one: str, other: str) -> list[Reply]:
    return [Reply(200, (("set-cookie", f"session={value}; Path=/"),)) for value in (one, other)]


PAGE = '<form><input type="hidden" name="csrf_token" value="{0}"></form><script>t="{0}"</script>{1}'


def _pages(*given: tuple[str, str]) -> list[Reply]:
    return [Reply(200, (HTML,), PAGE.format(*one).encode()) for one in given]


def test_tokens_may_differ_and_nothing_else_of_a_page() -> None:
    assert found(*_pages(("aaaa.b-b", "x"), ("c.d&d", "x"))) == []
    assert found(*_pages(("aaaa.b-b", "x"), ("c.d&d", "y"))) == ["body line 1"]
    # Where only one page has a token, that is a difference.
    assert found(Reply(200, (HTML,), b"<form></form>"), *_pages(("a.b", ""))) == ["body line 1"]


def test_masks_let_go_what_they_match() -> None:
    rules = Rules(Masks([re.compile(r"\d\d:\d\d")]))
    old, new = (Reply(200, (HTML,), f"<p>{at}</p>".encode()) for at in ("10:01", "11:59"))
    assert found(old, new) == ["body line 1"]
    assert found(old, new, rules) == []
    old, new = (Reply(200, (JSON,), json.dumps({"at": at}).encode()) for at in ("10:01", "11:59"))
    assert found(old, new) == ["body at"]
    assert found(old, new, rules) == []


def test_headers_can_be_left_out_and_order_of_keys_asked_for() -> None:
    old, new = (Reply(200, (("x-version", value),)) for value in "ab")
    assert found(old, new, Rules(ignore=frozenset({"x-version"}))) == []
    old, new = (Reply(200, (JSON,), body) for body in (b'{"a":1,"b":2}', b'{"b":2,"a":1}'))
    assert found(old, new) == []
    assert found(old, new, Rules(key_order=True)) == ["body (order of keys)"]


def test_numbers_keep_their_kind() -> None:
    for one, other in ((b"1", b"1.0"), (b"1", b"true"), (b"0.1", b"0.10000000000000001")):
        assert len(found(Reply(200, (JSON,), one), Reply(200, (JSON,), other))) == 1


def test_what_is_cut_is_compared_as_far_as_it_goes() -> None:
    whole = Reply(200, (HTML,), b"abcdefgh" * 4)
    cut = Reply(200, (HTML,), whole.body[:20], cut=True)
    assert found(cut, whole) == []
    assert found(replace(cut, body=b"x" + cut.body[1:]), whole) == ["body line 1"]
    assert found(cut, replace(whole, body=b"ab")) == ["body length"]


def test_what_is_shown_is_short_and_around_the_difference() -> None:
    old, new = (Reply(200, (HTML,), (b"x" * 500 + end + b"y" * 500)) for end in (b"OLD", b"NEW"))
    ((_, one, other),) = differences(ASK, old, new)
    assert "OLD" in one
    assert "NEW" in other
    assert max(len(one), len(other)) < 130
