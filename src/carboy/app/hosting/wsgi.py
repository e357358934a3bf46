"""A WSGI application as an ASGI application.

The loop's side of it: receives the body, sends the answer, and looks whether the client is still
there; the thread's side is cycle.py. A short body is received before the thread starts, a long one
as the application reads it. A body that comes in chunks is collected, in a file where it is long:
most WSGI applications read nothing that has no length.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import IO, Any

from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketClose

from carboy.app.hosting.body import ClientGone, Pieces, buffered, collected
from carboy.app.hosting.crossing import AnyCrossing, Crossing, crossing
from carboy.app.hosting.cycle import Application, Cycle, Message
from carboy.core.errors import Overloaded
from carboy.server.asgi import route_path
from carboy.server.environ import Environ, environ_for, exact_path

#: Bytes of a body that are received before the application is called.
SHORT = 64 * 1024

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class HostedWSGI:
    """ASGI for the WSGI application `application`; WebSockets are refused."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request. What the application raises is raised."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)  # type: ignore[arg-type]
        elif scope["type"] == "http":
            await _Exchange(self.application, scope, receive, send).serve()
        else:
            raise RuntimeError(f"a WSGI application takes no scope of type {scope['type']!r}")


class _Exchange:
    """One request and its answer, on the loop."""

    def __init__(
        self, application: Application, scope: dict[str, Any], receive: Receive, send: Send
    ) -> None:
        self._application = application
        self._scope = scope
        self._receive = receive
        self._send = send
        self._crossing: Crossing = crossing()
        self._pieces = Pieces(lambda: self._crossing.ask(self._next))
        self._is_received = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        headers = dict(self._scope["headers"])
        length, chunked = headers.get(b"content-length"), b"transfer-encoding" in headers
        stream: IO[bytes] | None = None
        if length is None and not chunked:
            # HTTP/2 has bodies without either: then the first message says that it goes on.
            stream, chunked = await self._first()
        elif length is not None and int(length) <= SHORT:
            stream = BytesIO(await self._whole())
        try:
            await self._crossing.run(lambda: self._work(stream, chunked))
        except Overloaded as error:
            raise HTTPException(503, headers={"retry-after": "1"}) from error
        except ClientGone:
            pass
        finally:
            if self._listener is not None:
                self._listener.cancel()

    # -- the body -------------------------------------------------------------------------------

    async def _first(self) -> tuple[IO[bytes] | None, bool]:
        piece, ended = await self._next()
        if ended:
            return BytesIO(piece), False
        held = [piece]

        def following() -> tuple[bytes, bool]:
            if held:
                return held.pop(), False
            return self._crossing.ask(self._next)  # type: ignore[no-any-return]

        self._pieces = Pieces(following)
        return None, True

    async def _whole(self) -> bytes:
        pieces, ended = [], False
        while not ended:
            piece, ended = await self._next()
            pieces.append(piece)
        return b"".join(pieces)

    async def _next(self) -> tuple[bytes, bool]:
        """The next piece of the body, and whether it is the last."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        ended = not message.get("more_body", False)
        if ended:
            self._is_received.set()
        return message.get("body", b""), ended

    # -- in the thread --------------------------------------------------------------------------

    def _work(self, stream: IO[bytes] | None, chunked: bool) -> None:
        given: Any = stream or buffered(self._pieces)
        size = None
        if chunked:
            given, size = collected(given)
        with given:
            environ = self._environ(given, size)
            Cycle(self._application, environ, self._push, lambda: self._pieces.failure).run()

    def _environ(self, stream: Any, size: int | None) -> Environ:
        scope = self._scope
        path = route_path(scope["path"], scope.get("root_path", ""))
        environ = environ_for(scope, exact_path(scope, path), stream)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        if size is not None:
            environ["CONTENT_LENGTH"] = str(size)
        return environ

    def _push(self, *messages: Message) -> None:
        self._crossing.ask(self._send_all, messages)

    # -- the answer -----------------------------------------------------------------------------

    async def _send_all(self, messages: tuple[Message, ...]) -> None:
        if self._listener is None and messages[-1]["more_body"]:
            self._listen()
        for message in messages:
            await self._send(message)

    def _listen(self) -> None:
        """Notice from now on when the client leaves: a stream may have no end of its own."""
        if isinstance(self._crossing, AnyCrossing):
            return  # a server for such loops cancels the request, or lets it write into the void
        self._listener = asyncio.create_task(self._left())

    async def _left(self) -> None:
        # Who has sent less than was announced is still there, or is noticed by who reads.
        await self._is_received.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._crossing.end()
