"""The client's side: HTTP/1.1 over a socket, read strictly, and nothing between.

An `Answer` is what the bytes say. Reading stops where the framing ends; `whole` is False where the
server closed before that. A body where none may be, or an answer with two framings, is an error.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

Address = tuple[str, int] | str
#: Seconds before a test gives up on a server that says nothing.
PATIENCE = 20


@dataclass
class Answer:
    """One response; header names in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    whole: bool = True

    def get(self, name: str) -> str | None:
        """The value of header `name`; there must not be two."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Every value of header `name`."""
        return [value for key, value in self.headers if key == name]

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Broken(Exception):
    """The server's bytes are not HTTP."""


class Line:
    """A connection to the server. Reads whole answers, or bytes for who wants to look closer."""

    def __init__(self, address: Address) -> None:
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.read = b""

    def __enter__(self) -> Line:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of `data`; a server that has hung up already is no error here."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.read += data
        return bool(data)

    def _until(self, mark: bytes) -> bytes | None:
        """What stands before `mark`, which is taken as well; None if the server closed before."""
        while (at := self.read.find(mark)) < 0:
            if not self._more():
                return None
        found, self.read = self.read[:at], self.read[at + len(mark) :]
        return found

    def _exactly(self, size: int) -> tuple[bytes, bool]:
        pieces = [self.read]
        size -= len(self.read)
        while size > 0:
            self.read = b""
            if not self._more():
                return b"".join(pieces), False
            pieces.append(self.read)
            size -= len(self.read)
        found = b"".join(pieces)
        cut = len(found) + size
        self.read = found[cut:]
        return found[:cut], True

    def at_end(self) -> bool:
        """Whether the server has closed, with nothing left to read. Waits for it."""
        return not self.read and not self._more()

    def answer(self, method: str = "GET") -> Answer:
        """The next final answer."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            raise Broken(f"the server closed the connection without an answer: {self.read!r}")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, status = status_line.split(" ", 2)[:2]
        if version != "HTTP/1.1":
            raise Broken(f"not a status line: {status_line!r}")
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise Broken(f"not a header line: {line!r}")
            headers.append((name.lower(), value.strip()))
        answer = Answer(int(status), headers)
        self._body(answer, method)
        return answer

    def _body(self, answer: Answer, method: str) -> None:
        length = answer.get("content-length")
        coding = answer.get("transfer-encoding")
        if length is not None and coding is not None:
            raise Broken("content-length and transfer-encoding in one answer")
        if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
            if answer.status == 204 and (length or coding):
                raise Broken("framing on a 204 (RFC 9110, 8.6)")
        elif coding == "chunked":
            self._chunks(answer)
        elif length is not None:
            answer.body, answer.whole = self._exactly(int(length))
        else:
            while self._more():
                pass
            answer.body, self.read = self.read, b""

    def _chunks(self, answer: Answer) -> None:
        pieces: list[bytes] = []
        answer.whole = False
        while (size := self._until(b"\r\n")) is not None:
            data, whole = self._exactly(int(size, 16))
            pieces.append(data)
            if not whole or (end := self._exactly(2)) == (b"", False):
                break
            if end[0] != b"\r\n":
                raise Broken(f"a chunk ends with {end[0]!r}")
            if not data:
                answer.whole = True
                break
        answer.body = b"".join(pieces)


def request(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    chunk: int = 0,
    close: bool = True,
) -> bytes:
    """The bytes of a request; with `chunk` the body goes in chunks of that many bytes."""
    lines = [f"{method} {target} HTTP/1.1", "Host: contract.test"]
    lines += [f"{name}: {value}" for name, value in headers]
    if close:
        lines.append("Connection: close")
    if chunk:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    elif body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
