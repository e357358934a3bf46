"""What handlers do wrong: they block threads, block the loop, take too long, are left alone."""

import contextlib
import socket
import statistics
import time

from harness.env import Environment

from faults.serving import Peer, Serving, ask, serving
from faults.table import Row, measure

BLOCKED = 200
FLOOD = 3000
HEALTH_MS = 50
INTERIM = b"HTTP/1.1 1"
#: Seconds after which a client gives up.
PATIENCE = 10


def rows(environment: Environment) -> list[Row]:
    """All of them."""
    return [
        measure(
            f"{BLOCKED} requests to `def` handlers that block for 2 s: an async health route",
            f"slowest under {HEALTH_MS} ms",
            lambda peer, env: _beside_blocked(peer, env, "/health"),
            environment,
        ),
        measure(
            "the same: a route that answers with a file",
            f"slowest under {HEALTH_MS} ms",
            lambda peer, env: _beside_blocked(peer, env, "/file"),
            environment,
        ),
        measure(
            f"{FLOOD} requests to `def` handlers that block for 2 s",
            "what does not fit is refused at once, 503 with Retry-After",
            _flood,
            environment,
        ),
        measure(
            "a handler that blocks the loop for 0.3 s, now and then",
            "named in the log with file and line",
            _blocks_the_loop,
            environment,
        ),
        measure("a handler that takes 30 s, allowed 1 s", "504 within 2.5 s", _late, environment),
        measure(
            "50 clients leave while their handler waits",
            "cancelled within 1 s",
            _leave,
            environment,
        ),
        measure(
            "a client closes its sending half and waits", "it is answered", _half_close, environment
        ),
        measure(
            "a client asks for a stream of 1 GiB and reads nothing for 5 s",
            "at most 8 MiB more memory",
            _unread,
            environment,
        ),
    ]


@contextlib.contextmanager
def _asked(server: Serving, target: str, count: int):  # type: ignore[no-untyped-def]
    """`count` connections that have asked for `target`."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            one = stack.enter_context(server.connect())
            one.sendall(ask(target))
            sockets.append(one)
        yield sockets


def _beside_blocked(peer: Peer, environment: Environment, target: str) -> tuple[str, bool]:
    with serving(peer, environment) as server:
        server.get(target)
        with _asked(server, "/thread/2", BLOCKED):
            time.sleep(0.3)
            times = []
            end = time.monotonic() + 4
            while time.monotonic() < end:
                begin = time.monotonic()
                if server.get(target, PATIENCE) is None:
                    return f"no answer within {PATIENCE} s", False
                times.append((time.monotonic() - begin) * 1000)
                time.sleep(0.02)
    slowest = max(times)
    text = f"{statistics.median(times):.1f} ms in the middle, {slowest:.0f} ms at most"
    return text, slowest < HEALTH_MS


def _flood(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server, _asked(server, "/thread/2", FLOOD) as sockets:
        time.sleep(1)
        refused = named = 0
        for one in sockets:
            one.setblocking(False)
            try:
                head = one.recv(4096).lower()
            except BlockingIOError:
                continue
            refused += b" 503 " in head.split(b"\r\n")[0]
            named += b"\r\nretry-after:" in head
        health = server.get("/health", PATIENCE)
    text = f"{refused} refused within 1 s, {FLOOD - refused} wait; health {_status(health)}"
    return text, 0 < refused == named and health is not None


def _blocks_the_loop(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server:
        end = time.monotonic() + 15
        while time.monotonic() < end:
            server.get("/blocks/0.3")
            time.sleep(0.4)
            lines = [line for line in server.log.read_text().splitlines() if "blocks()" in line]
            if lines:
                where = lines[0].partition("blocks() at ")[2].partition(". ")[0]
                return f"named: app.py:{where.rpartition(':')[2]}", "app.py:" in where
    return "not named in 15 s", False


def _late(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server:
        begin = time.monotonic()
        answer = server.get("/late", PATIENCE)
        seconds = time.monotonic() - begin
    if answer is None:
        return f"no answer within {PATIENCE} s", False
    return f"{answer[0]} after {seconds:.1f} s", answer[0] == 504 and seconds < 2.5


def _leave(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server:
        with _asked(server, "/waits/20", 50):
            time.sleep(1)
        begin = time.monotonic()
        count = 0
        while count < 50 and time.monotonic() - begin < PATIENCE / 2:
            answer = server.get("/left")
            count = int(answer[1]) if answer else 0
            time.sleep(0.02)
        seconds = time.monotonic() - begin
    if count < 50:
        return f"{count} of 50 cancelled within {seconds:.0f} s", False
    return f"50 of 50 after {seconds:.2f} s", seconds < 1


def _half_close(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server, server.connect() as one:
        one.sendall(ask("/waits/1", "connection: close"))
        one.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            got = b""
            while data := one.recv(4096):
                got += data
            # A client skips what is only on the way to the answer.
            heads = [part for part in got.split(b"\r\n\r\n") if not part.startswith(INTERIM)]
            first = heads[0].split(b"\r\n")[0]
            return first.decode() or "closed without an answer", b" 200 " in first
    return "no answer", False


def _unread(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server, server.connect() as one:
        server.get("/health")
        before = server.memory()
        one.sendall(ask("/stream"))
        highest = before
        end = time.monotonic() + 5
        while time.monotonic() < end:
            highest = max(highest, server.memory())
            time.sleep(0.1)
    more = (highest - before) / 2**20
    return f"{more:.1f} MiB", more <= 8


def _status(answer: object) -> str:
    return f"{answer[0]}" if isinstance(answer, tuple) else "without an answer"
