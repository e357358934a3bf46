"""Compressed bodies are compared, and redacted, by what is inside."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from carboy.migrate.proof.coding import MOST, opened
from carboy.migrate.proof.comparing import differences
from carboy.migrate.proof.exchange import Ask, Exchange, Reply, line_of
from carboy.migrate.proof.redaction import Redaction

BODY = json.dumps({"password": "secret-value", "name": "ada"}).encode()
RAW = zlib.compressobj(wbits=-15)
PACKED = {
    "gzip": gzip.compress(BODY),
    "x-gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "Deflate": RAW.compress(BODY) + RAW.flush(),
    "gzip, deflate": zlib.compress(gzip.compress(BODY)),
    "identity": BODY,
}


@pytest.mark.parametrize("coding", PACKED)
def test_bodies_are_opened(coding: str) -> None:
    assert opened(coding, PACKED[coding]) == BODY


def test_what_is_plain_cut_closed_or_too_much() -> None:
    assert opened(None, BODY) == BODY
    assert opened("gzip", BODY) == BODY
    long = bytes(range(256)) * 1000
    beginning = opened("gzip", gzip.compress(long)[:-20])
    assert beginning is not None
    assert beginning
    assert long.startswith(beginning)
    assert opened("br", BODY) is None
    assert opened("gzip, br", BODY) is None
    bomb = opened("gzip", gzip.compress(b"x" * (MOST + 5)))
    assert bomb is not None
    assert len(bomb) == MOST


@pytest.mark.parametrize("coding", PACKED)
def test_secrets_are_found_in_them(coding: str) -> None:
    headers = (("content-type", "application/json"), ("content-encoding", coding))
    ask, reply = Ask("POST", "/", "", headers, PACKED[coding]), Reply(200, headers, PACKED[coding])
    plain = Redaction(b"k").redact(Exchange(ask, reply))
    assert b"secret-value" not in line_of(plain)
    assert plain.ask.body == plain.reply.body
    assert json.loads(plain.ask.body)["name"] == "ada"
    closed = Redaction(b"k").redact(
        Exchange(ask, Reply(200, (("content-encoding", "br"),), b"who knows"))
    )
    assert (closed.reply.body, closed.reply.cut) == (b"", True)


def test_they_are_compared_by_what_is_inside() -> None:
    ask = Ask("GET", "/")
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    one, other = (Reply(200, headers, gzip.compress(BODY, level, mtime=level)) for level in (1, 9))
    assert one != other
    assert differences(ask, one, other) == []
    plain = Reply(200, headers[:1], BODY)
    assert [found.what for found in differences(ask, one, plain)] == ["header content-encoding"]
    changed = Reply(200, headers, gzip.compress(BODY.replace(b"ada", b"eve")))
    assert [found.what for found in differences(ask, one, changed)] == ["body name"]
    closed = (("content-encoding", "br"),)
    assert differences(ask, Reply(200, closed, b"a"), Reply(200, closed, b"b"))
