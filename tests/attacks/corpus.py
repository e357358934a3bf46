"""Requests that must be refused, by the groups of the yardsticks; and some that must not be.

`REFUSED` answers the status that is named, closes, and runs nothing that stands behind. `SERVED`
looks odd and is right. Sources: RFC 9112 (framing), RFC 9110 (fields, Host), published flaws.
"""

from __future__ import annotations

CANARY = b"GET /canary HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*lines: bytes, body: bytes = b"", host: bytes = b"Host: a") -> bytes:
    """A POST with these header lines, with the canary behind it."""
    head = b"\r\n".join([b"POST /echo HTTP/1.1", host, *lines, b"", b""])
    return head + body + CANARY


def get(target: bytes = b"/", *lines: bytes, host: bytes = b"Host: a") -> bytes:
    """A GET, with the canary behind it."""
    fields = [line for line in (host, *lines) if line]
    return b"\r\n".join([b"GET %b HTTP/1.1" % target, *fields, b"", b""]) + CANARY


CHUNKED = b"Transfer-Encoding: chunked"

REFUSED: dict[str, tuple[int, bytes]] = {
    # F1: two framings
    "F1 length and chunked": (400, post(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\n")),
    "F1 chunked and length": (400, post(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\n")),
    # F2: codings
    "F2 xchunked": (400, post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n")),
    "F2 chunked, identity": (400, post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n")),
    "F2 identity": (400, post(b"Transfer-Encoding: identity", body=b"0\r\n\r\n")),
    "F2 gzip": (400, post(b"Transfer-Encoding: gzip", body=b"0\r\n\r\n")),
    "F2 gzip, chunked": (400, post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")),
    "F2 vertical tab": (400, post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")),
    "F2 two codings": (400, post(CHUNKED, CHUNKED, body=b"0\r\n\r\n")),
    "F2 chunked twice": (400, post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n")),
    "F2 chunked, nothing": (400, post(b"Transfer-Encoding: chunked,", body=b"0\r\n\r\n")),
    "F2 empty": (400, post(b"Transfer-Encoding:", body=b"0\r\n\r\n")),
    "F2 quoted": (400, post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n")),
    "F2 in HTTP/1.0": (
        400,
        b"POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + CANARY,
    ),
    # F3: lengths
    **{
        f"F3 length {length!r}": (400, post(b"Content-Length: " + length, body=b"abcde"))
        for length in (
            b"+5", b"-1", b"0x5", b"1_0", b"5,5", b"5, 5", b"1" + b"0" * 30, "٣".encode(), b"5 5",
            b"", b"5\x0b", b"\x0b5", b"5;", b"5.0",
        )
    },
    "F3 two equal lengths": (
        400, post(b"Content-Length: 5", b"Content-Length: 5", body=b"abcde")
    ),
    "F3 two lengths": (400, post(b"Content-Length: 5", b"Content-Length: 6", body=b"abcde")),
    # F4: chunks
    **{
        f"F4 {name}": (400, post(CHUNKED, body=body))
        for name, body in {
            "no end of the data": b"3\r\nabcX0\r\n\r\n",
            "0x": b"0x3\r\nabc\r\n0\r\n\r\n",
            "sign": b"+3\r\nabc\r\n0\r\n\r\n",
            "underscore": b"1_0\r\nabc\r\n0\r\n\r\n",
            "2^64": b"10000000000000003\r\nabc\r\n0\r\n\r\n",
            "2^64 with zeros": b"0" * 40 + b"10000000000000003\r\nabc\r\n0\r\n\r\n",
            "bare LF behind the size": b"3\nabc\r\n0\r\n\r\n",
            "bare LF behind the data": b"3\r\nabc\n0\r\n\r\n",
            "bare LF at the end": b"3\r\nabc\r\n0\n\n",
            "bare CR behind the size": b"3\rabc\r\n0\r\n\r\n",
            "LF in an extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
            "NUL in an extension": b"3;a\0b\r\nabc\r\n0\r\n\r\n",
            "blank before the size": b" 3\r\nabc\r\n0\r\n\r\n",
            "blank behind the size": b"3 \r\nabc\r\n0\r\n\r\n",
            "empty size": b"\r\nabc\r\n0\r\n\r\n",
            "only an extension": b";a\r\nabc\r\n0\r\n\r\n",
            "endless size line": b"0" * 20_000 + b"3\r\nabc\r\n0\r\n\r\n",
            "endless extension": b"3;" + b"x" * 200_000 + b"\r\nabc\r\n0\r\n\r\n",
            "20,000 trailers": b"3\r\nabc\r\n0\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
            "a bad trailer": b"3\r\nabc\r\n0\r\nx y: z\r\n\r\n",
        }.items()
    },
    # F5: fields
    **{
        f"F5 {name}": (400, get(b"/", line))
        for name, line in {
            "bare CR": b"X-A: a\rb",
            "bare LF": b"X-A: a\nX-B: b",
            "NUL": b"X-A: a\0b",
            "control": b"X-A: a\x01b",
            "escape": b"X-A: a\x1b[31m",
            "delete": b"X-A: a\x7fb",
            "folded": b"X-A: a\r\n b",
            "folded by a tab": b"X-A: a\r\n\tb",
            "blank before the colon": b"X-A : a",
            "tab before the colon": b"X-A\t: a",
            "no colon": b"X-A",
            "no name": b": a",
            "blank in the name": b"X A: a",
            "next line in the name": b"X\x85: a",
            "no-break space in the name": b"X\xa0: a",
            "non-ASCII name": b"X-\xc3\xa4: a",
            "parenthesis in the name": b"X(: a",
            "NUL in the name": b"X\0: a",
        }.items()
    },
    "F5 bare LF after the request line": (400, b"GET / HTTP/1.1\nHost: a\r\n\r\n" + CANARY),
    "F5 bare LF at the end of the head": (400, b"GET / HTTP/1.1\r\nHost: a\r\n\n" + CANARY),
    "F5 only bare LF": (400, b"GET / HTTP/1.1\nHost: a\n\n" + CANARY),
    "F5 folded first": (400, b"GET / HTTP/1.1\r\n Host: a\r\n\r\n" + CANARY),
    # F6: Host
    "F6 no Host": (400, get(host=b"")),
    "F6 two": (400, get(b"/", b"Host: b")),
    "F6 two alike": (400, get(b"/", b"Host: a")),
    **{
        f"F6 {host!r}": (400, get(host=b"Host: " + host))
        for host in (
            b"a/?x", b"a/b", b"a?x", b"a#x", b"u@b", b"a b", b"a:99999", b"a:-1", b"a:x", b"a:1:2",
            b"[::1", b"::1", b"[::1]x", b"[zz]", b"a,b", b"a\\b", b"a%00", b"<a>", b"a\"b",
            "ä".encode(), b"a:8\xb2",
        )
    },
    # F7: targets
    **{
        f"F7 {target[:20]!r}": (400, get(target))
        for target in (
            b"@x", b"a/b", b"evil:80", b"http://", b"ftp://a/", b"javascript:x", b"\\evil",
            b"?x", b"/a#b", b"/\x80", b"/\xc3\xa4", b"/a\tb", b"/a\0b", b"http://a b/",
        )
    } | {"F7 long": (414, get(b"/" + b"x" * 64 * 1024))},
    # limits
    "L6 101 fields": (431, get(b"/", *[b"X-A: a"] * 101)),
    "L6 a long value": (431, get(b"/", b"X-A: " + b"a" * 9000)),
    "L6 a long name": (431, get(b"/", b"X-" + b"a" * 9000 + b": a")),
    "L6 long in all": (431, get(b"/", *[b"X-A: " + b"a" * 4000] * 10)),
    # other protocols
    "not HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + CANARY),
    "HTTP/2's preface": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + CANARY),
    "a method with a blank": (400, b"GE T / HTTP/1.1\r\nHost: a\r\n\r\n" + CANARY),
    "an unknown method": (400, b"G\xc3\x84T / HTTP/1.1\r\nHost: a\r\n\r\n" + CANARY),
    "a version": (400, b"GET / HTTP/1.11\r\nHost: a\r\n\r\n" + CANARY),
    "a lower-case version": (400, b"GET / http/1.1\r\nHost: a\r\n\r\n" + CANARY),
    "a tab": (400, b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n" + CANARY),
}  # fmt: skip

ODD_CHUNKS = b'3;a=b;c="d e"\r\nabc\r\n0002\r\nde\r\n0\r\nX-Trailer: a\r\n\r\n'

#: What looks odd and is right: the status; then nothing stands behind it.
SERVED: dict[str, tuple[int, bytes]] = {
    "blanks around a value": (200, b"GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n"),
    "obs-text in a value": (200, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \xe4\r\n\r\n"),
    "a tab in a value": (200, b"GET / HTTP/1.1\r\nHost: a\r\nX-A: a\tb\r\n\r\n"),
    "an empty value": (200, b"GET / HTTP/1.1\r\nHost: a\r\nX-A:\r\n\r\n"),
    "an empty Host": (200, b"GET / HTTP/1.1\r\nHost:\r\n\r\n"),
    "Host with a port": (200, b"GET / HTTP/1.1\r\nHost: a.example:8000\r\n\r\n"),
    "Host of IPv6": (200, b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"),
    "Host with an underscore": (200, b"GET / HTTP/1.1\r\nHost: my_service\r\n\r\n"),
    "HTTP/1.0 without Host": (200, b"GET / HTTP/1.0\r\n\r\n"),
    "empty lines before": (200, b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "absolute target": (200, b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "length 0 at a GET": (200, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    "length with zeros": (
        200,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 05\r\n\r\nabcde",
    ),
    "chunks with extensions": (
        200,
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n%b" % ODD_CHUNKS,
    ),
    "a second blank": (200, b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
    "two slashes": (404, b"GET // HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a slash path": (404, b"GET //evil/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    "encoded control": (404, b"GET /%0a%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
}
