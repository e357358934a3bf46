"""Hypothesis makes requests of every shape; views of both packages have to read the same in them.

CARBOY_FUZZ as in test_operations.py.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from .asking import Ask
from .flask_views import reader
from .test_operations import JSONS, TEXTS
from .wsgi_asking import PACKAGES, draws, same

CONFIGS: list[dict[str, Any]] = [
    {}, {}, {}, {"MAX_CONTENT_LENGTH": 20}, {"MAX_FORM_PARTS": 1}, {"MAX_FORM_MEMORY_SIZE": 4},
    {"TRAP_BAD_REQUEST_ERRORS": True}, {"DEBUG": True, "PROPAGATE_EXCEPTIONS": False},
    {"TRUSTED_HOSTS": ["test", ".sub.test"]}, {"TESTING": True},
]  # fmt: skip
HEADERS: dict[str, list[str]] = {
    "accept": ["*/*", "text/html,application/json;q=0.9", "text/*;level=1;q=0", "garbage;;q=x"],
    "accept-language": ["de-CH, de;q=0.5", "*"],
    "accept-encoding": ["gzip, br;q=0.1", ""],
    "accept-charset": ["utf-8, *;q=0.1"],
    "authorization": ["Basic dTpw", "Basic %%", "Bearer abc", 'Digest username="a", nonce="b"', ""],
    "if-none-match": ['"a", W/"b"', "*", "rubbish"],
    "if-match": ['"a"'],
    "if-modified-since": ["Wed, 21 Oct 2015 07:28:00 GMT", "yesterday"],
    "if-range": ['"a"', "Wed, 21 Oct 2015 07:28:00 GMT"],
    "range": ["bytes=0-1", "bytes=-2,4-", "lines=1", "bytes=5-2"],
    "cache-control": ["no-cache, max-age=5", "max-age=x", "private=\"a\""],
    "referer": ["http://else.test/ä"],
    "user-agent": ["Mozilla/5.0 (X11)", ""],
    "x-forwarded-for": ["1.2.3.4, 5.6.7.8"],
    "x-forwarded-host": ["evil.test"],
    "x-requested-with": ["XMLHttpRequest"],
    "date": ["Wed, 21 Oct 2015 07:28:00 GMT"],
    "max-forwards": ["3", "x"],
    "cookie": ["a=1; b=2", 'a="x y"; a=3', "ä=1", "a", "a=; =b;; c=%C3%A4", "a=\\303", 'q="\\054"'],
    "origin": ["null", "http://else.test"],
    "host": ["test:8000", "a.sub.test", "TEST", "evil.test", "test:80", "[::1]:5", "a b", "", "ä"],
    "content-encoding": ["gzip"],
}  # fmt: skip
FORM = "application/x-www-form-urlencoded"
KINDS = [
    FORM, FORM, f"{FORM}; charset=latin-1", f"{FORM.upper()} ",
    "multipart/form-data; boundary=limit",
    "multipart/form-data", "multipart/mixed; boundary=limit", "application/json",
    "application/json; charset=utf-16", "application/vnd.api+json", "text/plain", "", "rubbish",
    "text/plain; charset=ascii; a=\"b;c\"",
]  # fmt: skip
PATHS = [
    "/plain", "/query", "/form", "/form", "/key", "/json", "/json", "/lenient", "/data_first",
    "/stream", "/headers",
]  # fmt: skip


@st.composite
def headers(draw: st.DrawFn) -> list[tuple[bytes, bytes]]:
    names = draw(st.lists(st.sampled_from(sorted(HEADERS)), max_size=4, unique=True))
    return [(name.encode(), draw(st.sampled_from(HEADERS[name])).encode("utf-8")) for name in names]


@st.composite
def bodies(draw: st.DrawFn, kind: str) -> bytes:
    """What `kind` says, or nearly; seldom something else."""
    told = draw(st.sampled_from([kind] * 6 + KINDS))
    pairs = draw(st.lists(st.tuples(st.sampled_from(["a", "b", "ä", "n", ""]), TEXTS), max_size=4))
    if told.startswith("multipart"):
        return _multipart(draw, pairs)
    if "form" in told:
        coded = draw(st.sampled_from([quote, quote_plus, str]))
        text = "&".join(f"{coded(name)}={coded(value)}" for name, value in pairs)
        return text.encode("utf-8", "replace") + draw(
            st.sampled_from([b""] * 6 + [b"&", b"=%ff", b"&x"])
        )
    if "json" in told:
        text = json.dumps(draw(JSONS), ensure_ascii=draw(st.booleans()))
        end = draw(st.sampled_from([""] * 8 + ["}", "NaN", "\ufeff", "//"]))
        coding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-16", "utf-8-sig", "utf-32-le"]))
        return (end + text if end == "\ufeff" else text + end).encode(coding)
    return draw(st.sampled_from([b"", b"plain", b"\xff\x00", "ä".encode(), b"a=1&b=2"]))


def _multipart(draw: st.DrawFn, pairs: list[tuple[str, str]]) -> bytes:
    lines: list[str] = []
    for name, value in pairs:
        shown = f'Content-Disposition: form-data; name="{name}"'
        if draw(st.integers(0, 2)) == 0:
            named = draw(st.sampled_from(["a.txt", "ä.bin", "", "../x", 'q\\"x', "a;b"]))
            shown += draw(
                st.sampled_from([f'; filename="{named}"', f"; filename*=UTF-8''{quote(named)}"])
            )
        lines += ["--limit", shown]
        if draw(st.booleans()):
            kinds = ["text/plain; charset=latin-1", "image/png", "application/json"]
            lines.append(f"Content-Type: {draw(st.sampled_from(kinds))}")
        if draw(st.integers(0, 5)) == 0:
            lines.append("X-Own: ä")
        lines += ["", value]
    lines.append(
        draw(st.sampled_from(["--limit--"] * 8 + ["--limit", "rubbish", "--limit--\r\nx"]))
    )
    end = draw(st.sampled_from(["\r\n"] * 6 + ["\n"]))
    return end.join(lines).encode("utf-8", "replace") + end.encode()


@st.composite
def requests(draw: st.DrawFn) -> Ask:
    path = draw(st.sampled_from(PATHS))
    pairs = draw(st.lists(st.tuples(st.sampled_from(["n", "a", "ä", ""]), TEXTS), max_size=3))
    query = "&".join(f"{quote(name)}={quote_plus(text)}" for name, text in pairs).encode()
    query += draw(st.sampled_from([b""] * 6 + [b"&a", b"%ff", b"&n=%ff&;=", b"?"]))
    given_headers = draw(headers())
    method = draw(st.sampled_from(["GET", "POST", "POST", "PUT", "HEAD"]))
    body = b""
    if method in ("POST", "PUT"):
        kind = draw(st.sampled_from(KINDS))
        body = draw(bodies(kind))
        if kind:
            given_headers.append((b"content-type", kind.encode()))
        length = draw(
            st.sampled_from([len(body)] * 8 + [len(body) + 1, max(len(body) - 1, 0), "x", -1])
        )
        if length != "none":
            given_headers.append((b"content-length", str(length).encode()))
    return Ask(method, path, path.encode(), query, tuple(given_headers), body)


@draws(60)
@given(st.sampled_from(CONFIGS), st.lists(requests(), min_size=4, max_size=6))
def test_requests_are_read_alike(config: dict[str, Any], asked: list[Ask]) -> None:
    theirs, ours = (reader(package, config) for package in PACKAGES)
    for request in asked:
        same(ours, theirs, request)
