"""A real uvicorn with the direct protocol, in a thread of the test; and a connection without one.

`running` serves an application on a socket while the test can look at the server's state.
`talk` feeds a `Connection` bytes, cut as the test likes, and returns what it wrote.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import uvicorn
import uvloop

from carboy.server.direct import Connection
from carboy.server.shared import Shared

#: Seconds before a test gives up.
PATIENCE = 20


class Living:
    """A server that runs."""

    def __init__(
        self, app: Any, http: str = "carboy.server.direct:protocol", **options: Any
    ) -> None:
        config = uvicorn.Config(
            app,
            port=0,
            http=http,  # type: ignore[arg-type]
            lifespan="on",
            log_config=None,
            access_log=False,
            **{"loop": "uvloop"} | options,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.server.servers[0].sockets[0].getsockname()[:2]
        return host, port

    @property
    def connections(self) -> list[Any]:
        return list(self.server.server_state.connections)

    def start(self) -> None:
        self.thread.start()
        until(lambda: self.server.started or not self.thread.is_alive())
        assert self.thread.is_alive()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def running(app: Any, **options: Any) -> Iterator[Living]:
    living = Living(app, **options)
    living.start()
    try:
        yield living
    finally:
        living.stop()


def until(condition: Callable[[], Any]) -> None:
    """Wait until `condition()` is true; fail if it never is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self.written = b""
        self.closing = False

    def write(self, data: Any) -> None:
        assert not self.closing, "written after the close"
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closing = True


def talk(app: Any, parts: Sequence[bytes]) -> bytes:
    """What a connection answers to these pieces of bytes, the last of which makes it close."""

    async def run() -> bytes:
        config = SimpleNamespace(
            loaded_app=app, root_path="", limit_concurrency=None, timeout_keep_alive=5
        )
        state = SimpleNamespace(
            tasks=set(), connections=set(), default_headers=[], total_requests=0
        )
        connection = Connection(Shared(config, state, {}, asyncio.get_running_loop()))
        connection.shared.access_log = False
        transport = Transport(connection)
        connection.connection_made(transport)
        for part in parts:
            connection.data_received(part)
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE):
            while not transport.closing or state.tasks:
                await asyncio.sleep(0)
        connection.connection_lost(None)
        return transport.written

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
