"""What tests ask with: one small client for sockets, one for memory, the same words for both."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from carboy.testing import TestClient

from .servers import Server, Transport
from .wire import Answer, Line, request

#: Seconds within which what closes after an answer must have closed.
SETTLED = 10
Pairs = Sequence[tuple[str, str]]


class Client(ABC):
    """A transport: requests in, answers out."""

    transport: Transport
    server: Server | None = None

    @abstractmethod
    def send(
        self, method: str, target: str, headers: Pairs = (), body: bytes = b"", chunk: int = 0
    ) -> Answer:
        """One request, its body in chunks of `chunk` bytes if that is not 0."""

    def get(self, target: str, **headers: str) -> Answer:
        """A GET request; ``x_number="1"`` is the header ``x-number``."""
        return self.send("GET", target, [(k.replace("_", "-"), v) for k, v in headers.items()])

    def post_json(self, target: str, body: bytes, chunk: int = 0) -> Answer:
        """A POST request with a JSON body."""
        return self.send("POST", target, [("content-type", "application/json")], body, chunk)

    def events(self, tag: str, expected: list[str]) -> list[str]:
        """What was noted under `tag`: `expected`, or whatever there is after some seconds."""
        deadline = time.monotonic() + SETTLED
        while (found := self.get(f"/events/{tag}").json()) != expected:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        return list(found)


class SocketClient(Client):
    """Requests over a socket, a new one for each."""

    def __init__(self, transport: Transport, server: Server) -> None:
        self.transport = transport
        self.server = server
        self.address = server.address

    def send(
        self, method: str, target: str, headers: Pairs = (), body: bytes = b"", chunk: int = 0
    ) -> Answer:
        with Line(self.address) as line:
            line.send(request(method, target, headers, body, chunk=chunk))
            answer = line.answer(method)
            if method == "HEAD":
                # The head is the whole answer; whoever leaves now doesn't see what follows it.
                assert line.at_end(), f"bytes after the head: {line.read!r}"
            assert not line.read, f"bytes after the answer: {line.read!r}"
        return answer

    def logged(self, text: str) -> int:
        """How often the server has printed `text`."""
        assert self.server is not None
        return self.server.log().count(text)

    def wait_for_log(self, text: str, count: int) -> None:
        """Until the server has printed `text` that often: it may do so after the answer."""
        deadline = time.monotonic() + SETTLED
        while (found := self.logged(text)) < count:
            assert time.monotonic() < deadline, f"{text!r} was printed {found} times, not {count}"
            time.sleep(0.02)


class MemoryClient(Client):
    """Requests through carboy.testing."""

    def __init__(self, transport: Transport, client: TestClient) -> None:
        self.transport = transport
        self.client = client

    def send(
        self, method: str, target: str, headers: Pairs = (), body: bytes = b"", chunk: int = 0
    ) -> Answer:
        content: Any = iter([body]) if chunk else body or None
        found = self.client.request(method, target, headers=list(headers), content=content)
        raw = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in found.headers.raw]
        return Answer(found.status_code, raw, found.content)
