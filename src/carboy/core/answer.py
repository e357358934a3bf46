"""What goes back to the client, as values.

A `Head` is a status and headers, checked and written out once, at freeze where it can be; a body is
bytes or a stream. An endpoint returns the pair, no object is made for the common answer. `Answer`
is the same pair opened up for code that changes it: plugins and error handlers.
SAFETY: R1, R2, R5: nothing that could split or garble a response gets past `Head`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

Headers = Iterable[tuple[bytes, bytes]]
#: An ASGI application that sends the whole response itself (Starlette's FileResponse and the like).
Sender = Callable[[Any, Any, Any], Awaitable[None]]
#: Bytes, blocking chunks, awaitable chunks, or a `Sender`.
Body = bytes | Iterator[bytes] | AsyncIterator[bytes] | Sender

# RFC 9110, 5.6.2 (token) and 5.5 (field values; obs-text is allowed, controls but tab are not).
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
#: Statuses that never carry a body (RFC 9110, 6.4.1).
BODILESS = frozenset({204, 205, 304})


class AnswerError(ValueError):
    """An application tried to send something that is not HTTP; nothing was sent."""


class Head:
    """Status and header fields of a response, checked when made.

    `headers` are (lower-case name, value) pairs without ``content-length`` unless `length` is set;
    `raw` is the status line and the fields as bytes, each line ended by CRLF.
    """

    __slots__ = ("bodiless", "close", "headers", "length", "raw", "status")

    def __init__(self, status: int, headers: Headers = ()) -> None:
        if type(status) is not int:
            status = _whole(status)
        if not 200 <= status <= 999:
            raise AnswerError(f"{status!r} is not the status of a final response (200 to 999)")
        self.status = status
        self.bodiless = status in BODILESS
        self.length: int | None = None
        self.close = False
        checked: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            name = name.lower()
            _check(name, value)
            if name == b"content-length":
                self.length = _length(value, self.length)
                continue
            if name == b"transfer-encoding":
                continue  # SAFETY: R6, framing is the transport's business alone.
            if name == b"connection":
                self.close = self.close or b"close" in map(bytes.strip, value.lower().split(b","))
                continue
            checked.append((name, value))
        self.headers = checked
        lines = [b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, b""))]
        lines.extend(b"%b: %b\r\n" % pair for pair in checked)
        self.raw = b"".join(lines)

    def with_headers(self, headers: Headers, status: int | None = None) -> Head:
        """A new Head: these headers and those added, and another status if given."""
        return Head(self.status if status is None else status, [*self.fields(), *headers])

    def fields(self) -> list[tuple[bytes, bytes]]:
        """Every header as it was given: `headers`, and what `length` and `close` stand for."""
        fields = list(self.headers)
        if self.length is not None:
            fields.append((b"content-length", b"%d" % self.length))
        if self.close:
            fields.append((b"connection", b"close"))
        return fields

    def __repr__(self) -> str:
        return f"Head({self.status}, {self.headers!r})"


def _whole(status: Any) -> int:
    if isinstance(status, bool) or not isinstance(status, int):
        raise AnswerError(f"a status is a whole number such as 200, not {status!r}")
    return int(status)


def _check(name: bytes, value: bytes) -> None:
    if not _TOKEN.fullmatch(name):
        raise AnswerError(f"{name!r} is not a header name (RFC 9110, 5.1)")
    if _BAD_VALUE.search(value):
        raise AnswerError(f"the value of header {name!r} holds a control character: {value!r}")


def _length(value: bytes, before: int | None) -> int:
    if not value.isdigit() or len(value) > 18:
        raise AnswerError(f"content-length is a number of bytes, not {value!r}")
    length = int(value)
    if before not in (None, length):
        raise AnswerError(f"two values for content-length: {before} and {length}")
    return length


JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON_200 = Head(200, [JSON])


def _pair(name: str, value: str) -> tuple[bytes, bytes]:
    try:
        pair = name.lower().encode("ascii"), value.encode("latin-1")
    except UnicodeEncodeError as error:
        raise AnswerError(f"header {name!r}: {value!r} is not Latin-1 text") from error
    _check(*pair)
    return pair


class Answer:
    """A response that can still be changed: `status`, `headers` (name, value pairs), `body`."""

    __slots__ = ("_head", "body", "headers", "status")

    def __init__(
        self, body: Body = b"", status: int = 200, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.body = body
        self.status = status
        #: What it was opened from, where an unchanged answer may be that again.
        self._head: Head | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            self.add(name, value)

    @classmethod
    def of(cls, head: Head, body: Body) -> Answer:
        """Open up what an endpoint returned."""
        answer = cls(body, head.status)
        if head.length is None and not head.close:
            answer._head = head
            answer.headers = head.headers.copy()
        else:
            answer.headers = head.fields()
        return answer

    def get(self, name: str) -> str | None:
        """The first value of header `name`, or None."""
        key = name.lower().encode("utf-8")
        return next((v.decode("latin-1") for n, v in self.headers if n == key), None)

    def add(self, name: str, value: str) -> None:
        """Append a header, beside any of the same name."""
        self.headers.append(_pair(name, value))

    def set(self, name: str, value: str) -> None:
        """Replace every header called `name`."""
        new = _pair(name, value)
        self.headers = [*(pair for pair in self.headers if pair[0] != new[0]), new]

    def pack(self) -> tuple[Head, Body]:
        """The pair that transports write."""
        head = self._head
        # PERF: who only looks pays for no new Head: 2 µs of an answer with two headers.
        if head is not None and self.status == head.status and self.headers == head.headers:
            return head, self.body
        return Head(self.status, self.headers), self.body
