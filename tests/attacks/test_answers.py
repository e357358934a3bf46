"""Answers that must not be sent: what an application passes on breaks no framing (R1 to R10).

Whatever is wrong is an error in the application, answered 500 before anything is written.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract.wire import Line, request

from .attacking import Attacked, Outcome, attempt

#: Lines of the log that an error of the application's may take: its traceback.
TRACEBACK = 200


def _refused(outcome: Outcome) -> bool:
    return outcome.statuses == [500] and b"injected" not in outcome.answer.lower()


@pytest.mark.parametrize(
    "value",
    [b"a\r\nInjected: 1", b"a\nInjected: 1", b"a\rInjected: 1", b"a\0injected", b"a\x1binjected",
     b"a\x7finjected", b"a\x01injected"],
)  # fmt: skip
def test_a_header_value_starts_no_line(server: Attacked, value: bytes) -> None:
    with server.unharmed(TRACEBACK):
        assert _refused(server.post("/raw", b"X-A\0\0" + value))


@pytest.mark.parametrize(
    "name", [b"X\r\nInjected", b"X Injected", b"Injected:", b"", b"X\0injected", b"Injected\xe4"]
)
def test_a_header_name_is_a_token(server: Attacked, name: bytes) -> None:
    with server.unharmed(TRACEBACK):
        assert _refused(server.post("/raw", name + b"\0\0v"))


@pytest.mark.parametrize("name", [b"Transfer-Encoding", b"transfer-encoding"])
def test_the_framing_is_not_the_applications(server: Attacked, name: bytes) -> None:
    with server.unharmed(TRACEBACK):
        outcome = server.post("/raw", name + b"\0\0chunked")
    assert outcome.statuses in ([200], [500])
    assert b"transfer-encoding" not in outcome.answer.lower()


BAD = ["a; Domain=evil", "a\r\nInjected: 1", "a\nInjected", "a\0injected"]


@pytest.mark.parametrize("where", ["key", "path", "domain"])
@pytest.mark.parametrize("text", BAD)
def test_a_cookies_attributes_start_no_line(server: Attacked, where: str, text: str) -> None:
    """A `;` in a path or domain is Starlette's to refuse, which it does in names only."""
    cookie: dict[str, Any] = {"key": "k", "value": "v"} | {where: text}
    with server.unharmed(TRACEBACK):
        outcome = server.post("/cookie", json.dumps(cookie).encode())
    if outcome.statuses == [200]:
        line = next(one for one in outcome.answer.split(b"\r\n") if one.startswith(b"set-cookie"))
        assert where != "key" and ";" in text
        assert b"injected" not in outcome.answer.lower().replace(line.lower(), b"")
    else:
        assert _refused(outcome)


@pytest.mark.parametrize("text", BAD)
def test_a_cookies_value_is_one_value(server: Attacked, text: str) -> None:
    with server.unharmed(TRACEBACK):
        outcome = server.post("/cookie", json.dumps({"key": "k", "value": text}).encode())
    assert outcome.statuses == [200]
    line = next(one for one in outcome.answer.split(b"\r\n") if one.startswith(b"set-cookie"))
    value = line.partition(b"=")[2]
    assert value.startswith(b'"') and value.count(b'"') == 2  # quoted, and nothing breaks out
    assert b";" not in value[: value.rindex(b'"')]


@pytest.mark.parametrize("status", [0, -1, 99, 100, 101, 103, 1000, 65535, "200 x", None, 2.5])
def test_a_status_is_a_final_one(server: Attacked, status: Any) -> None:
    with server.unharmed(TRACEBACK):
        outcome = server.post("/status", json.dumps({"status": status}).encode())
    assert outcome.statuses == [500]


@pytest.mark.parametrize("length", ["3", "5", "-1", "x", "", "4, 4", "+4", "4 "])
@pytest.mark.parametrize("stream", [False, True])
def test_a_length_that_is_not_the_bodys_is_not_sent(
    server: Attacked, length: str, stream: bool
) -> None:
    """A stream's head is gone when its end shows: then the connection is cut, never reused."""
    told = json.dumps({"length": length, "stream": stream}).encode()
    with server.unharmed(TRACEBACK):
        outcome = server.post("/length", told)
    assert outcome.closed
    if outcome.statuses == [200]:
        head, _, body = outcome.answer.partition(b"\r\n\r\n")
        assert stream and head.lower().count(b"content-length: %b" % length.strip().encode()) == 1
        assert len(body) <= int(length)
    else:
        assert outcome.statuses == [500]


@pytest.mark.parametrize(
    "target", ["//evil.example/", "/\\evil.example/", "/%5cevil.example/", "//evil.example/%2f.."]
)
def test_a_redirect_stays_on_this_host(server: Attacked, target: str) -> None:
    """R7."""
    with Line(server.server.address) as line:
        line.send(request("GET", target))
        answer = line.answer()
    assert answer.status in (404, 307, 308, 400)
    location = answer.get("location") or "http://contract.test/"
    assert location.startswith(("http://contract.test/", "/")) and not location.startswith("//")


def test_what_a_client_sends_is_escaped_in_the_log(logging_server: Attacked) -> None:
    """R9: in the access log, and in the log of errors."""
    before = len(logging_server.server.log())
    ask = b"GET /%0aFAKE%1b[31m?q=%0a\x7f HTTP/1.1\r\nHost: a\r\nUser-Agent: \t\x9b31m\r\n\r\n"
    assert attempt(logging_server.server, [ask.replace(b"\x7f", b"")], 1).statuses == [404]
    log = logging_server.server.log()[before:]
    assert "FAKE" in log
    assert log.count("\n") == 1 and "\x1b[31m" not in log and "\n/" not in log
