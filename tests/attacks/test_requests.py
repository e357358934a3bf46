"""Requests that must not be served: on a real socket, in every split, and mutated (F1 to F12)."""

from __future__ import annotations

import re
import threading

import pytest
from contract.wire import Line
from hypothesis import given, settings
from hypothesis import strategies as st
from living import talk

from carboy.server.slow import Times

from . import attacked
from .attacking import Attacked, Outcome, attempt
from .corpus import CANARY, REFUSED, SERVED

#: In how many places long bytes are cut.
CUTS = 40


def _last(data: bytes) -> bytes:
    """The same, as the connection's last request."""
    if b"HTTP/1.1" not in data:
        return data
    return data.replace(b" HTTP/1.1\r\n", b" HTTP/1.1\r\nConnection: close\r\n", 1)


def _whole(data: bytes) -> bytes:
    """The same, for the endpoint that has its body read."""
    return data.replace(b"/echo HTTP", b"/whole HTTP", 1)


def _in_memory(*parts: bytes) -> Outcome:
    before = attacked.canaries
    answer = talk(attacked.app, parts)
    assert attacked.canaries == before, "the canary was run"
    found = re.findall(rb"HTTP/1.1 ([2-9][0-9]{2}) ", answer)
    return Outcome([int(one) for one in found], True, answer)


def _verdicts(*parts: bytes) -> list[int]:
    """The statuses; whether there is a 400 behind the last answer is a matter of time."""
    statuses = _in_memory(*parts).statuses
    return statuses[:-1] if len(statuses) > 1 and statuses[-1] == 400 else statuses


#: Bodies are read by the endpoint itself, or before it runs.
ATTACKS = REFUSED | {
    f"{name}, read before": (status, _whole(data))
    for name, (status, data) in REFUSED.items()
    if b"/echo" in data
}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_is_refused(server: Attacked, name: str) -> None:
    status, data = ATTACKS[name]
    with server.unharmed(lines=0):
        outcome = attempt(server.server, [data])
    assert outcome.statuses == [status]
    assert outcome.closed
    assert b"connection: close" in outcome.answer.lower()


@pytest.mark.parametrize("name", SERVED)
def test_it_is_served(server: Attacked, name: str) -> None:
    status, data = SERVED[name]
    assert attempt(server.server, [_last(data)]).statuses == [status]


@pytest.mark.parametrize("name", REFUSED | SERVED)
def test_any_split_gives_the_same_verdict(name: str) -> None:
    status, data = (REFUSED | SERVED)[name]
    if name in SERVED:
        data = _last(data)
    step = max(1, len(data) // CUTS)
    for cut in range(1, len(data), step):
        assert _in_memory(data[:cut], data[cut:]).statuses == [status], f"cut at {cut}"
    pieces = [data[at : at + step] for at in range(0, len(data), step)]
    assert _in_memory(*pieces).statuses == [status]


@pytest.mark.parametrize("way", ["h2c", "notwebsocket", "TLS/1.2, websocket"])
@pytest.mark.parametrize("body", ["", f"Content-Length: {len(CANARY)}\r\n"])
def test_what_follows_an_upgrade_that_is_not_taken_is_no_request(
    server: Attacked, way: str, body: str
) -> None:
    """F11."""
    head = f"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {way}\r\n{body}\r\n"
    with server.unharmed(lines=0):
        outcome = attempt(server.server, [head.encode() + CANARY])
    assert outcome.statuses == [200]
    assert outcome.closed


@pytest.mark.parametrize("host", ["a", "a.example:8000", "[::1]:80", "", "A_B"])
@pytest.mark.parametrize("target", ["/where", "http://evil/where", "https://u@evil:1/where?x=/y"])
def test_the_path_is_the_routed_one_and_the_host_is_the_headers(
    server: Attacked, host: str, target: str
) -> None:
    """F6, F7: neither is taken from the other's place."""
    with Line(server.server.address) as line:
        line.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        seen = line.answer().json()
    assert seen["path"] == seen["routed"] == "/where"
    assert seen["host"] == host or (host == "" and "evil" not in seen["host"])


def test_pipelining_is_bounded_and_keeps_its_order(server: Attacked) -> None:
    """F10: as many requests as a connection may have, behind one that waits for its body."""
    count = Times().keep_alive_requests - 1
    with server.unharmed(lines=0), Line(server.server.address) as line:
        line.socket.settimeout(60)
        before = server.memory()
        line.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        ask = b"".join(b"GET /nowhere?%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(count))
        sender = threading.Thread(target=line.send, args=(b"x" + ask,))
        sender.start()
        assert line.answer().json() == 1
        for _ in range(count):
            assert line.answer().status == 404
        sender.join()
        assert server.memory() - before < 32 * 1024 * 1024


SEEDS = [
    b"GET /where?a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde",
    (
        b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n"
    ),
]
ODD = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"f", b"-", b"+", b'"',
       b"\x0b", b"\x80", b"\xff", b"\r\n\r\n", b"Host: b\r\n", b"Content-Length: 3\r\n",
       b"Transfer-Encoding: chunked\r\n", b"chunked", b"HTTP/1.0", b"#", b"//", b"@"]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A request with up to three changes somewhere."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.sampled_from([0, 0, 1, 2, 5]))
        data = data[:at] + draw(st.sampled_from([b"", *ODD])) + data[at + gone :]
    return data


@given(data=mutants(), cut=st.integers(1, 200))
@settings(max_examples=300, deadline=None)
def test_a_mutant_is_understood_in_one_way(data: bytes, cut: int) -> None:
    """Whole, in two and in single bytes: the same statuses, and never a failure of ours."""
    # What ends the connection if nothing did.
    data += b"\r\n\r\nGET /end HTTP/1.0\r\n\r\n" + b"\x01" * 300_000
    whole = _verdicts(data)
    assert all(status in (200, 307, 400, 404, 405, 413, 414, 422, 431, 505) for status in whole)
    assert _agrees(whole, data[:cut], data[cut:])
    head = [data[at : at + 1] for at in range(400)]
    assert _agrees(whole, *head, data[400:])


def _agrees(whole: list[int], *parts: bytes) -> bool:
    """Whether the parts are answered as the whole.

    A body that comes after the answer of an endpoint that does not read it ends the connection:
    then what follows is not answered otherwise, but not at all, and the answer says so.
    """
    found = _verdicts(*parts)
    if found == whole:
        return True
    last = _in_memory(*parts).answer.rpartition(b"HTTP/1.1 ")[2]
    return found == whole[: len(found)] and b"\r\nconnection: close\r\n" in last
