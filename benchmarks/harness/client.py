"""Sends an exact number of GET requests over 64 connections and times each of them.

wrk stops after a time, not after a count, so the reference table has this small
epoll client. It runs as a script in a process of its own, on the core of the load:
``client.py PORT PATH COUNT CONNECTIONS`` prints one line of JSON. A server that
closes the connection after an answer gets a new one for the next request.
"""

import json
import re
import select
import socket
import sys
import time

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
CLOSING = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
STALL_SECONDS = 10.0
LARGEST = 65536


class Client:
    """Keeps up to ``connections`` requests under way until ``count`` are answered."""

    def __init__(self, port: int, path: str, count: int, connections: int) -> None:
        """Prepare the request bytes; nothing is sent yet."""
        host = f"127.0.0.1:{port}"
        self.request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.port = port
        self.count = count
        self.sent = self.answered = 0
        self.latency = 0.0
        self.epoll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.started: dict[int, float] = {}
        self.partial: dict[int, bytes] = {}
        for _ in range(min(connections, count)):
            self._connect()

    def _connect(self) -> int:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=STALL_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = connection.fileno()
        self.sockets[number] = connection
        self.epoll.register(number, select.EPOLLIN)
        return number

    def _drop(self, number: int) -> None:
        self.epoll.unregister(number)
        self.sockets.pop(number).close()

    def _send(self, number: int) -> None:
        self.sent += 1
        self.started[number] = time.perf_counter()
        self.sockets[number].sendall(self.request)

    def run(self) -> float:
        """Send everything; return the seconds it took."""
        begun = time.perf_counter()
        for number in list(self.sockets):
            self._send(number)
        while self.answered < self.count:
            events = self.epoll.poll(STALL_SECONDS)
            if not events:
                raise SystemExit("the server stopped answering")
            for number, _ in events:
                self._receive(number)
        return time.perf_counter() - begun

    def _receive(self, number: int) -> None:
        data = self.sockets[number].recv(LARGEST)
        if not data and number not in self.started:
            self._drop(number)
            return
        if not data:
            raise SystemExit("the server closed a connection before its answer")
        if number in self.partial:
            data = self.partial.pop(number) + data
        if not is_complete(data):
            self.partial[number] = data
            return
        self.latency += time.perf_counter() - self.started.pop(number)
        self.answered += 1
        if CLOSING.search(data):
            self._drop(number)
            if self.sent < self.count:
                self._send(self._connect())
        elif self.sent < self.count:
            self._send(number)


def is_complete(data: bytes) -> bool:
    """Say whether a whole answer is there; end the run when it is not a 200."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    length = LENGTH.search(data, 0, end + 2)
    if not data.startswith(b"HTTP/1.1 200") or length is None:
        raise SystemExit(f"unexpected answer {data[:80]!r}")
    return len(data) >= end + 4 + int(length[1])


def main() -> None:
    """Run once from the command line."""
    port, count, connections = int(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
    client = Client(port, sys.argv[2], count, connections)
    busy = time.process_time()
    seconds = client.run()
    print(
        json.dumps(
            {
                "requests": client.answered,
                "seconds": seconds,
                "latency_mean_ms": client.latency * 1e3 / client.answered,
                "client_busy": (time.process_time() - busy) / seconds,
            }
        )
    )


if __name__ == "__main__":
    main()
