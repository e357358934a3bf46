"""What operators do: kill a worker, restart all of them under load, stop the server.

Clients ask all the while, half of them on connections that they keep, and nobody tries again: what
gets no whole answer is lost, unless its connection is older than the kill, and so may have been
the killed worker's.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from harness.env import Environment

from faults.serving import Peer, Serving, ask, serving
from faults.table import Row, measure

WORKERS = ("--workers", "2")
CLIENTS, REQUESTS = 20, 10_000
#: Requests under way when the server is told to stop, and the seconds that they take.
UNDER_WAY, TAKES = 40, 2
STREAMS = 20
#: Seconds for which a worker has served when it is killed.
SETTLED = 10
#: Seconds after which a server is waited for no more.
PATIENCE = 30


def rows(environment: Environment) -> list[Row]:
    """All of them."""
    return [
        measure(
            f"kill -9 of one of two workers, {CLIENTS} clients asking",
            "another serves within 1 s; lost at most what was in flight on it",
            _kill,
            environment,
        ),
        measure(
            f"SIGHUP to two workers while {REQUESTS:,} requests are made",
            "both replaced, 0 lost",
            _restart,
            environment,
        ),
        measure(
            f"SIGTERM with {UNDER_WAY} requests of {TAKES} s under way, half of them in threads",
            "all answered, then it ends",
            _stop,
            environment,
        ),
        measure(
            f"SIGTERM with {STREAMS} streams of events that have no end",
            f"all ended whole, the server within {PATIENCE} s",
            _streams,
            environment,
        ),
    ]


class Clients:
    """They ask until they are told to stop; what they lost, and which processes answered when."""

    def __init__(self, server: Serving) -> None:
        self.server = server
        self.answered = 0
        #: When the connections were opened on which something was lost.
        self.lost: list[float] = []
        self.seen: dict[int, float] = {}
        self._stop = False

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._ask(number)) for number in range(CLIENTS)]
        try:
            yield
        finally:
            self._stop = True
            await asyncio.gather(*tasks)

    async def until(self, condition: Callable[[], bool]) -> bool:
        """Whether it came true."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.01)
        return True

    async def _ask(self, number: int) -> None:
        keeps, target = number % 2 == 0, ("/health", "/waits/0.02")[number // 2 % 2]
        head = ask(target) if keeps else ask(target, "connection: close")
        while not self._stop:
            opened = time.monotonic()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            except OSError:
                self.lost.append(opened)
                continue
            try:
                while await self._one(reader, writer, head) and keeps and not self._stop:
                    pass
            except (OSError, EOFError, RuntimeError):
                self.lost.append(opened)
            finally:
                writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes
    ) -> bool:
        """Ask for one answer; whether the connection may be used again."""
        writer.write(head)
        async with asyncio.timeout(PATIENCE):
            told, body = await whole(reader)
        if b" 200 " not in told.split(b"\r\n")[0]:
            raise RuntimeError(told.decode())
        self.answered += 1
        if body.startswith(b'{"pid":'):
            self.seen.setdefault(int(body[7:-1]), time.monotonic())
        return b"connection: close" not in told


async def whole(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head, in lower case, and body of an answer that has a length."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    return head, await reader.readexactly(length)


def _kill(peer: Peer, environment: Environment) -> tuple[str, bool]:
    return asyncio.run(_killed(peer, environment))


async def _killed(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment, *WORKERS) as server:
        clients = Clients(server)
        async with clients.asking():
            if not await clients.until(lambda: len(clients.seen) == 2):
                raise RuntimeError("there are not two workers")
            await asyncio.sleep(SETTLED)
            victim = min(clients.seen)
            killed = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            came = await clients.until(lambda: len(clients.seen) > 2)
            await asyncio.sleep(1)
        took = clients.seen[list(clients.seen)[2]] - killed if came else None
        lost = [opened for opened in clients.lost if opened > killed]
        in_flight = len(clients.lost) - len(lost)
    said = "not replaced" if took is None else f"another answers after {took:.2f} s"
    text = f"{said}; lost {in_flight} in flight on it and {len(lost)} others"
    return text, took is not None and took <= 1 and not lost


def _restart(peer: Peer, environment: Environment) -> tuple[str, bool]:
    return asyncio.run(_restarted(peer, environment))


async def _restarted(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment, *WORKERS) as server:
        clients = Clients(server)
        async with clients.asking():
            if not await clients.until(lambda: len(clients.seen) == 2):
                raise RuntimeError("there are not two workers")
            first = set(clients.seen)
            await clients.until(lambda: clients.answered >= REQUESTS // 5)
            os.kill(server.process.pid, signal.SIGHUP)
            replaced = await clients.until(
                lambda: not first & set(server.pids()) and len(set(clients.seen) - first) == 2
            )
            await clients.until(lambda: clients.answered >= REQUESTS)
        lost = len(clients.lost)
    done = "both replaced" if replaced else f"not both replaced in {PATIENCE} s"
    return f"{done}, {lost:,} of {clients.answered + lost:,} lost", replaced and not lost


def _stop(peer: Peer, environment: Environment) -> tuple[str, bool]:
    return asyncio.run(_stopped(peer, environment))


async def _stopped(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment, *WORKERS) as server:
        kinds = [ask(f"/waits/{TAKES}"), ask(f"/thread/{TAKES}")]
        tasks = [asyncio.create_task(_answered(server, kinds[n % 2])) for n in range(UNDER_WAY)]
        await asyncio.sleep(TAKES / 2)
        server.process.terminate()
        finished = sum(await asyncio.gather(*tasks))
        ended = await _ended(server)
    said = "it ended" if ended is not None else f"it ran on {PATIENCE} s later"
    return f"{finished} of {UNDER_WAY} answered, {said}", finished == UNDER_WAY and ended == 0


async def _answered(server: Serving, head: bytes) -> bool:
    with suppress(OSError, EOFError):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(head)
            async with asyncio.timeout(PATIENCE):
                told, _ = await whole(reader)
            return b" 200 " in told.split(b"\r\n")[0]
        finally:
            writer.close()
    return False


async def _ended(server: Serving) -> int | None:
    """Its exit status; None if it goes on."""
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(server.process.wait, PATIENCE)
    return server.process.poll()


def _streams(peer: Peer, environment: Environment) -> tuple[str, bool]:
    return asyncio.run(_streamed(peer, environment))


async def _streamed(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment, *WORKERS) as server:
        tasks = [asyncio.create_task(_stream(server)) for _ in range(STREAMS)]
        await asyncio.sleep(1)
        began = time.monotonic()
        server.process.terminate()
        ended = await _ended(server)
        took = time.monotonic() - began
        if ended is None:
            for pid in server.pids():
                os.kill(pid, signal.SIGKILL)
        good = sum(await asyncio.gather(*tasks))
    said = f"the server after {took:.1f} s" if ended is not None else "the server not"
    text = f"{good} of {STREAMS} ended whole, {said}"
    return text, good == STREAMS and ended == 0


async def _stream(server: Serving) -> bool:
    """Whether a stream of events came to a whole end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(ask("/events"))
        await reader.readuntil(b"data: tick")
        return (await reader.read(-1)).endswith(b"\r\n0\r\n\r\n")
    except (OSError, EOFError):
        return False
    finally:
        writer.close()
