"""What `carboy dev` serves while the application can't be: why, to whoever asks.

Without it a browser would wait for an answer that does not come until a file is saved. Only where
files are watched, since nothing else ends it, and never in production.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from uvicorn.lifespan.off import LifespanOff

from carboy.cli.worker import Server
from carboy.server import traces

Message = MutableMapping[str, Any]


class Unready:
    """An ASGI application that answers 500 with a reason: as a page for browsers, else as text."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{step}.complete"})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1011})
        else:
            accepted = dict(scope["headers"]).get(b"accept", b"")
            is_page = b"text/html" in accepted
            text = traces.unready(self.reason) if is_page else self.reason
            kind = b"text/html; charset=utf-8" if is_page else b"text/plain; charset=utf-8"
            headers = [(b"content-type", kind), (b"cache-control", b"no-store")]
            await send({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": text.encode("utf-8", "replace")})


class PatientServer(Server):
    """A Server that tells of a lifespan that fails, and serves that until a file is saved."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        lifespan: Any = self.lifespan
        send, said = lifespan.send, []

        async def listen(message: Message) -> None:
            if message["type"] == "lifespan.startup.failed":
                said.append(message.get("message") or "")
            await send(message)

        lifespan.send = listen
        with suppress(SystemExit):  # uvicorn's newer versions exit, the others leave
            await super().startup(sockets)
        if self.started or not lifespan.should_exit:
            return
        logging.getLogger("uvicorn.error").error("Save a file, and it is tried again.")
        self.should_exit = False
        self.config.loaded_app = Unready("".join(said) or "Its lifespan failed: see the terminal.")
        self.lifespan = LifespanOff(self.config)
        await super().startup(sockets)
