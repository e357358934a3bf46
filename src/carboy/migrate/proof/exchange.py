"""What was asked and what was answered, as values, and as a line of a record.

Nothing here reads or writes a file. `line_of` and `exchange_of` are each other's inverse: a record
is JSON Lines, one exchange a line, bodies as text where they are UTF-8 and as base64 where not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: `path` percent-encoded as sent, `query` without its question mark.

    `cut` says that `body` is only the beginning.
    """

    method: str
    path: str
    query: str = ""
    headers: Pairs = ()
    body: bytes = b""
    cut: bool = False

    @property
    def target(self) -> str:
        """The path with its query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def header(self, name: str) -> str | None:
        """The first value of header `name` (lower-case), or None."""
        return _first(self.headers, name)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `headers` are in order; `cut` says that `body` is only the beginning."""

    status: int
    headers: Pairs = ()
    body: bytes = b""
    cut: bool = False

    def header(self, name: str) -> str | None:
        """The first value of header `name` (lower-case), or None."""
        return _first(self.headers, name)

    @property
    def kind(self) -> str:
        """The media type alone, in lower case: ``text/html``."""
        return media_type(self.header("content-type"))

    @property
    def text(self) -> str | None:
        """The body as text, or None where it is none."""
        return decoded(self.body)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One of each, when it began (seconds since 1970), and whose it was.

    Exchanges with one `session` number are of one client, as far as cookies tell.
    """

    ask: Ask
    reply: Reply
    session: int = 0
    at: float = 0.0


class NotAnExchange(ValueError):
    """A line that is no exchange: the message says why."""


def _first(headers: Pairs, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def media_type(value: str | None) -> str:
    """``text/html`` of ``Text/HTML; charset=utf-8``; empty where there is none."""
    return (value or "").partition(";")[0].strip().lower()


def is_json(kind: str) -> bool:
    """Whether a media type is JSON's, or one of its relatives."""
    return kind == "application/json" or kind.endswith("+json")


def is_text(kind: str) -> bool:
    """Whether a media type says that a body is for people or parsers of text."""
    return (
        kind.startswith("text/")
        or is_json(kind)
        or kind.endswith(("+xml", "/xml", "/javascript"))
        or kind == "application/x-www-form-urlencoded"
    )


def decoded(body: bytes) -> str | None:
    """`body` as UTF-8 text, or None."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def pairs_of(headers: Iterable[tuple[bytes, bytes]]) -> Pairs:
    """Raw headers as text, names in lower case."""
    return tuple((n.decode("latin-1").lower(), v.decode("latin-1")) for n, v in headers)


def line_of(exchange: Exchange) -> bytes:
    """The exchange as a line, its end included."""
    ask, reply = exchange.ask, exchange.reply
    found = {
        "session": exchange.session,
        "at": exchange.at,
        "request": {
            "method": ask.method,
            "path": ask.path,
            "query": ask.query,
            "headers": ask.headers,
            "body": _body_out(ask.body, ask.cut),
        },
        "response": {
            "status": reply.status,
            "headers": reply.headers,
            "body": _body_out(reply.body, reply.cut),
        },
    }
    # Bytes of headers that are no UTF-8 are Latin-1 here, so that there are no surrogates to write.
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _body_out(body: bytes, cut: bool) -> dict[str, Any]:
    text = decoded(body)
    found: dict[str, Any]
    found = {"base64": base64.b64encode(body).decode()} if text is None else {"text": text}
    return {**found, "cut": True} if cut else found


def exchange_of(line: bytes | str) -> Exchange:
    """The exchange of a line. NotAnExchange: it isn't one."""
    try:
        found = json.loads(line)
        asked, answered = found["request"], found["response"]
        ask = Ask(
            str(asked["method"]).upper(),
            str(asked["path"]),
            str(asked.get("query", "")),
            _pairs_in(asked.get("headers", ())),
            *_body_in(asked.get("body") or {}),
        )
        reply = Reply(
            int(answered["status"]),
            _pairs_in(answered.get("headers", ())),
            *_body_in(answered.get("body") or {}),
        )
        return Exchange(ask, reply, int(found.get("session", 0)), float(found.get("at", 0.0)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise NotAnExchange(f"{type(error).__name__}: {error}") from None


def _pairs_in(headers: Iterable[Any]) -> Pairs:
    return tuple((str(name), str(value)) for name, value in headers)


def _body_in(body: dict[str, Any]) -> tuple[bytes, bool]:
    if "base64" in body:
        return base64.b64decode(body["base64"], validate=True), bool(body.get("cut"))
    return str(body.get("text", "")).encode(), bool(body.get("cut"))
