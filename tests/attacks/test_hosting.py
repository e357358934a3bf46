"""A hosted WSGI application gets what was checked, and breaks no framing with what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from contract.servers import DIRECT, Server, serving
from contract.wire import Line, request

from .attacking import Outcome, attempt

APP = "attacks.hosting_app:app"
LINES = {
    "direct": DIRECT,
    "uvicorn": "uvicorn {app} --port {port} --no-access-log",
    "gunicorn": "gunicorn {app} --bind {bind} --no-control-socket --graceful-timeout 5",
}


@pytest.fixture(scope="module", params=list(LINES))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(LINES[request.param].replace("{app}", APP).split()) as one:
        yield one


def told(server: Server, **answer: Any) -> Outcome:
    """What a client gets of an answer like this."""
    body = json.dumps(answer).encode()
    return attempt(server, [request("POST", "/old/told", body=body)])


def seen(server: Server, target: str = "/old/seen", *lines: str) -> dict[str, Any]:
    """The environ of a request."""
    with Line(server.address) as line:
        line.send("\r\n".join([f"GET {target} HTTP/1.1", "Host: a", *lines, "", ""]).encode())
        return dict(line.answer().json())


@pytest.mark.parametrize(
    "header",
    [
        ("X-A", "a\r\nInjected: 1"),
        ("X-A", "a\nInjected: 1"),
        ("X-A", "a\rInjected: 1"),
        ("X-A", "a\0Injected: 1"),
        ("X-A: 1\r\nInjected", "1"),
        ("Injected Too", "1"),
        ("Set-Cookie", "a=b\r\nInjected: 1"),
        ("Location", "/\r\nInjected: 1"),
    ],
)
def test_a_header_starts_no_line(server: Server, header: tuple[str, str]) -> None:
    outcome = told(server, headers=[header])
    assert outcome.statuses in ([500], [])
    assert b"\nInjected" not in outcome.answer
    assert b"\rInjected" not in outcome.answer


@pytest.mark.parametrize(
    "status", ["200 OK\r\nInjected: 1", "200\r\nInjected: 1", "200 \nInjected"]
)
def test_a_reason_starts_no_line(server: Server, status: str) -> None:
    assert b"\nInjected" not in told(server, status=status).answer


@pytest.mark.parametrize("status", ["0 x", "99 x", "1000 x", "abc", "", "-1 x", "200x"])
def test_a_status_that_is_none_ends_no_server(server: Server, status: str) -> None:
    told(server, status=status)
    assert server.process.poll() is None
    assert seen(server)["body"] == 0


@pytest.mark.parametrize(
    "header",
    [
        ("Transfer-Encoding", "chunked"),
        ("Transfer-Encoding", "gzip, chunked"),
        ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Trailer", "X-A"),
        ("Keep-Alive", "timeout=5"),
    ],
)
def test_the_framing_is_not_its_own(server: Server, header: tuple[str, str]) -> None:
    """Hop-by-hop fields are the server's (PEP 3333): none of them says how a body ends."""
    outcome = told(server, headers=[header], body=["0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"])
    head = outcome.answer.partition(b"\r\n\r\n")[0].lower()
    assert outcome.statuses[:1] in ([200], [500], [])
    if b"transfer-encoding" in head:
        # The server's own, and true: the first chunk's size stands before its data.
        assert head.count(b"transfer-encoding") == 1
        assert b"\r\n\r\n5\r\n0\r\n\r\n\r\n" in outcome.answer


@pytest.mark.parametrize("length", ["1", "100", "-1", "+5", "5, 5", "0x5", "9" * 30, "\u00b25"])
def test_a_length_that_is_wrong_is_not_believed(server: Server, length: str) -> None:
    """Whoever reads the next answer of the connection reads no part of this one."""
    answer = {"headers": [["Content-Length", length]], "body": ["body", "HTTP/1.1 299 X\r\n"]}
    asked = request("POST", "/old/told", body=json.dumps(answer).encode(), close=False)
    outcome = attempt(server, [asked, request("GET", "/canary")], patience=2)
    if outcome.statuses[:1] == [200]:
        # It is cut: no other answer follows.
        assert outcome.closed
        assert 200 not in outcome.statuses[1:]


def test_fields_with_underscores_do_not_arrive(server: Server) -> None:
    """`X_User` would be `X-User`, which a proxy may have checked."""
    found = seen(server, "/old/seen", "X_User: evil", "X-User: good", "Content_Length: 5",
                 "Remote_User: evil", "Content_Type: evil", "X-Forwarded_For: evil")  # fmt: skip
    assert "evil" not in json.dumps(found)
    assert found["HTTP_X_USER"] == "good"


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 3", "Content-Length: 40"],
        ["Content-Length: 3", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 3"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Content-Length: +3"],
    ],
)
def test_a_body_has_one_end(server: Server, lines: list[str]) -> None:
    canaries = request("GET", "/canaries")
    with Line(server.address) as line:
        line.send(canaries)
        before = line.answer().json()
    head = "\r\n".join(["POST /old/seen HTTP/1.1", "Host: a", *lines, "", ""]).encode()
    attempt(server, [head + b"0\r\n\r\n" + request("GET", "/canary")], patience=2)
    with Line(server.address) as line:
        line.send(canaries)
        after = line.answer().json()
    # Who takes one framing for the only one may serve what follows, but not both readings of it.
    assert after - before <= ("chunked" in lines[-1] or "chunked" in lines[0])


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/old/a%2fb", "/a/b"),
        ("/old/..%2f..%2fetc", "/../../etc"),
        ("/old//evil.test/", "//evil.test/"),
        ("/old/%2e%2e/ready", "/../ready"),
        ("/old/\u00e9", None),
        ("/old/%00", "/\0"),
        ("/old/%0d%0aX:%20y", "/\r\nX: y"),
        ("/old;a=b/seen", None),
    ],
)
def test_what_is_below_the_prefix_stays_below_it(
    server: Server, target: str, path: str | None
) -> None:
    if path is None:
        raw = request("GET", target.encode().decode("latin-1"))
        assert attempt(server, [raw]).statuses[0] in (200, 400, 404)
        return
    found = seen(server, target)
    assert (found["SCRIPT_NAME"], found["PATH_INFO"]) == ("/old", path)
