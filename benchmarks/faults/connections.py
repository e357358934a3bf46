"""Many clients that do little: what idle ones cost, and what slow ones do to the others."""

import asyncio
import time

from harness.env import Environment

from faults.serving import Peer, Serving, ask, serving
from faults.table import Row, measure

IDLE = 10_000
SLOW = 2_000
#: Seconds in which all of them have to be there.
BEGINNING = 60
SECONDS = 20
#: Clients beside the slow ones, each with a request at a time.
NORMAL = 20
UPLOADS, UPLOAD = 50, 8 * 2**20
LASTS = ("--timeout-keep-alive", "600")


def rows(environment: Environment) -> list[Row]:
    """All of them."""
    return [
        measure(
            f"{UPLOADS} clients send a JSON body of {UPLOAD >> 20} MiB and stop before its end",
            "less memory than a quarter of what they sent",
            _uploads,
            environment,
        ),
        measure(
            f"{SLOW:,} slow clients (a quarter each: silent, half a head that drips, a body that "
            f"drips, an answer not read) beside {NORMAL} normal ones, {SECONDS} s",
            "99.9 % of the normal requests served, the slow ones let go",
            _slow,
            environment,
        ),
        idle(environment),
    ]


def idle(environment: Environment) -> Row:
    """The memory of idle connections; the goal is what the other needs."""
    costs: dict[str, float] = {}

    def one(peer: Peer, environment: Environment) -> tuple[str, bool]:
        costs[peer.key] = asyncio.run(_idle(peer, environment))
        return f"{costs[peer.key]:,.0f} bytes each", True

    row = measure(
        f"{IDLE:,} idle keep-alive connections, each after one request",
        "at most what uvicorn needs",
        one,
        environment,
    )
    met = len(costs) == 2 and costs["carboy"] <= costs["fastapi"]
    return Row(row.fault, row.goal, row.carboy, row.fastapi, met)


async def _idle(peer: Peer, environment: Environment) -> float:
    with serving(peer, environment, *LASTS) as server:
        warm = [await _asked(server) for _ in range(200)]
        for _, writer in warm:
            writer.close()
        await asyncio.sleep(1)
        before = server.memory()
        held = [await _asked(server) for _ in range(IDLE)]
        await asyncio.sleep(1)
        after = server.memory()
        for _, writer in held:
            writer.close()
    return (after - before) / IDLE


async def _asked(server: Serving) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**12)
    writer.write(ask("/health"))
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise RuntimeError(head.decode())
    return reader, writer


def _uploads(peer: Peer, environment: Environment) -> tuple[str, bool]:
    return asyncio.run(_upload(peer, environment))


async def _upload(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server:
        before = server.memory()
        head = ask(
            "/long", "content-type: application/json", f"content-length: {UPLOAD}", method="POST"
        )
        writers = []
        for _ in range(UPLOADS):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(head + b" " * (UPLOAD - 1))
            await writer.drain()
            writers.append(writer)
        await asyncio.sleep(1)
        more = server.memory() - before
        for writer in writers:
            writer.close()
    sent = UPLOADS * UPLOAD
    return f"{more / 2**20:,.0f} MiB of {sent / 2**20:,.0f} MiB sent", more < sent / 4


def _slow(peer: Peer, environment: Environment) -> tuple[str, bool]:
    return asyncio.run(_beside_slow(peer, environment))


async def _beside_slow(peer: Peer, environment: Environment) -> tuple[str, bool]:
    with serving(peer, environment) as server:
        kinds = [_silent, _head, _body, _reader]
        #: Counts those that have begun; a reader when its answer has.
        begun = asyncio.Semaphore(0)
        slow = [asyncio.create_task(kinds[n % 4](server, begun)) for n in range(SLOW)]
        async with asyncio.timeout(BEGINNING):
            for _ in slow:
                await begun.acquire()
        end = time.monotonic() + SECONDS
        seen = await asyncio.gather(*(_normal(server, end) for _ in range(NORMAL)))
        served = sum(good for good, _ in seen)
        failed = sum(bad for _, bad in seen)
        # Only what the server closed has ended.
        gone = sum(task.done() for task in slow)
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    share = 100 * served / max(served + failed, 1)
    text = f"{share:.2f} % of {served + failed:,} served; {gone:,} slow ones let go in {SECONDS} s"
    return text, share >= 99.9 and gone >= SLOW * 3 // 4


async def _normal(server: Serving, end: float) -> tuple[int, int]:
    served = failed = 0
    while time.monotonic() < end:
        try:
            async with asyncio.timeout(2):
                _, writer = await _asked(server)
                writer.close()
                served += 1
        except (OSError, TimeoutError, RuntimeError, asyncio.IncompleteReadError):
            failed += 1
        await asyncio.sleep(0.02)
    return served, failed


async def _silent(server: Serving, begun: asyncio.Semaphore) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        begun.release()
        await reader.read()
    finally:
        writer.close()


async def _dripping(server: Serving, begun: asyncio.Semaphore, head: bytes, drop: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(head)
        begun.release()
        ending = asyncio.ensure_future(reader.read())
        while not ending.done():
            await asyncio.wait([ending], timeout=2)
            if not ending.done():
                writer.write(drop)
    finally:
        writer.close()


async def _head(server: Serving, begun: asyncio.Semaphore) -> None:
    await _dripping(server, begun, b"GET /health HTTP/1.1\r\nhost: faults\r\n", b"x-drip: 1\r\n")


async def _body(server: Serving, begun: asyncio.Semaphore) -> None:
    head = ask("/long", "content-type: application/json", "content-length: 100000", method="POST")
    await _dripping(server, begun, head, b" ")


async def _reader(server: Serving, begun: asyncio.Semaphore) -> None:
    """Asks for much, and takes nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
    try:
        writer.write(ask("/stream"))
        await reader.readexactly(1)
        transport = writer.transport
        transport.pause_reading()  # type: ignore[attr-defined]
        begun.release()
        await asyncio.sleep(3600)
    finally:
        writer.close()
