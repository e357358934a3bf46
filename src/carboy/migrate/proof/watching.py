"""Looking at what passes: WSGI and ASGI middleware that tells a `Taker` of every exchange.

What passes is never changed, waited for or read ahead: a body is copied as the application reads
it, an answer as the server sends it, up to the taker's limit. SAFETY: an error of ours is never the
request's.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import quote

from carboy.migrate.proof.exchange import Ask, Pairs, Reply, pairs_of

#: Characters of a path that need no percent sign (RFC 3986, 3.3), and the percent sign's own.
SAFE_IN_PATH = "/:@!$&'()*+,;=-._~"


class Taker(Protocol):
    """Who is told: a recorder, a shadow."""

    limit: int
    #: What could not be taken.
    lost: int

    def wants(self, method: str, path: str) -> bool:
        """Whether to look at a request at all."""

    def take(self, ask: Ask, reply: Reply, at: float) -> None:
        """An exchange that is over. Raises nothing."""


class Copy:
    """The beginning of a body."""

    __slots__ = ("_limit", "cut", "pieces", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.pieces: list[bytes] = []
        self.size = 0
        self.cut = False

    def add(self, data: bytes) -> None:
        """What comes next."""
        room = self._limit - self.size
        if len(data) > room:
            self.cut = True
            data = data[:room]
        if data:
            self.pieces.append(bytes(data))
            self.size += len(data)

    @property
    def body(self) -> bytes:
        """What was kept."""
        return b"".join(self.pieces)


# -- WSGI ---------------------------------------------------------------------------------------


class _Input:
    """``wsgi.input``, copied as it is read."""

    def __init__(self, stream: Any, copy: Copy) -> None:
        self._stream = stream
        self._copy = copy

    def read(self, *size: Any) -> bytes:
        return self._seen(self._stream.read(*size))

    def readline(self, *size: Any) -> bytes:
        return self._seen(self._stream.readline(*size))

    def readlines(self, *hint: Any) -> list[bytes]:
        lines = self._stream.readlines(*hint)
        for line in lines:
            self._seen(line)
        return lines  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[bytes]:
        for line in self._stream:
            yield self._seen(line)

    def _seen(self, data: bytes) -> bytes:
        self._copy.add(data)
        return data

    def __getattr__(self, name: str) -> Any:
        # What streams may lack is lacking here too: who reads looks for it.
        found = getattr(self._stream, name)
        if name == "read1":
            return lambda *size: self._seen(found(*size))
        if name in ("readinto", "readinto1"):

            def read_into(buffer: Any) -> Any:
                size = found(buffer)
                self._copy.add(bytes(memoryview(buffer)[: size or 0]))
                return size

            return read_into
        return found


class _Answered:
    """The pieces of a WSGI answer on their way, until the last, or until the server closes it."""

    def __init__(self, pieces: Iterable[bytes], copy: Copy, over: Callable[[], None]) -> None:
        self._pieces = pieces
        self._copy = copy
        self._over: Callable[[], None] | None = over

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._copy.add(piece)
            yield piece
        self._end()

    def close(self) -> None:
        """Called by the server."""
        try:
            if hasattr(self._pieces, "close"):
                self._pieces.close()
        finally:
            self._end()

    def _end(self) -> None:
        over, self._over = self._over, None
        if over is not None:
            over()


def _quoted(path: str) -> str:
    return quote(path.encode("latin-1"), safe=SAFE_IN_PATH)


def ask_of(environ: dict[str, Any], body: bytes = b"", cut: bool = False) -> Ask:
    """The request of a WSGI environ."""
    headers = [
        (key[5:].replace("_", "-").lower(), str(value))
        for key, value in environ.items()
        if key.startswith("HTTP_")
    ]
    own = ("CONTENT_TYPE", "CONTENT_LENGTH")
    headers += [(k.replace("_", "-").lower(), str(environ[k])) for k in own if environ.get(k)]
    path = _quoted(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))
    query = environ.get("QUERY_STRING", "")
    return Ask(environ["REQUEST_METHOD"].upper(), path, query, tuple(sorted(headers)), body, cut)


def reply_of(status: str, headers: Iterable[tuple[str, str]], copy: Copy, method: str) -> Reply:
    """A WSGI answer."""
    pairs: Pairs = tuple((name.lower(), value) for name, value in headers)
    code = int(status.partition(" ")[0])
    return Reply(code, pairs, b"" if method == "HEAD" else copy.body, copy.cut)


class WatchedWsgi:
    """A WSGI application that is looked at."""

    def __init__(self, app: Callable[..., Any], taker: Taker) -> None:
        self.app = app
        self.taker = taker

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        taker = self.taker
        path = environ.get("PATH_INFO", "")
        method = environ.get("REQUEST_METHOD", "GET").upper()
        if not taker.wants(method, path):
            return self.app(environ, start_response)
        at = time.time()
        asked, answered = Copy(taker.limit), Copy(taker.limit)
        started: list[Any] = []
        # Applications may change their environ, the path in it too.
        seen = dict(environ)
        if "wsgi.input" in environ:
            environ["wsgi.input"] = _Input(environ["wsgi.input"], asked)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            started[:] = [status, list(headers)]
            write = start_response(status, headers, *exc_info)

            def written(data: bytes) -> Any:
                answered.add(data)
                return write(data)

            return written

        def over() -> None:
            if started:
                ask = ask_of(seen, asked.body, asked.cut)
                taker.take(ask, reply_of(started[0], started[1], answered, method), at)

        return _Answered(self.app(environ, start), answered, over)


# -- ASGI ---------------------------------------------------------------------------------------


def ask_of_scope(scope: Any, body: bytes = b"", cut: bool = False) -> Ask:
    """The request of an ASGI scope."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1") if raw else quote(scope["path"], safe=SAFE_IN_PATH)
    query = scope.get("query_string", b"").decode("latin-1")
    headers = tuple(sorted(pairs_of(scope["headers"])))
    return Ask(scope["method"].upper(), path.partition("?")[0], query, headers, body, cut)


class WatchedAsgi:
    """An ASGI application that is looked at."""

    def __init__(self, app: Callable[..., Awaitable[None]], taker: Taker) -> None:
        self.app = app
        self.taker = taker

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        taker = self.taker
        if scope["type"] != "http" or not taker.wants(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        at = time.time()
        asked, answered = Copy(taker.limit), Copy(taker.limit)
        head: list[Any] = []
        ask = ask_of_scope(scope)

        async def receiving() -> Any:
            message = await receive()
            if message["type"] == "http.request":
                asked.add(message.get("body", b""))
            return message

        async def sending(message: Any) -> None:
            kind = message["type"]
            if kind == "http.response.start":
                head[:] = [message["status"], pairs_of(message.get("headers", ()))]
            elif kind == "http.response.body":
                answered.add(message.get("body", b""))
            await send(message)
            if kind == "http.response.body" and not message.get("more_body") and head:
                whole = Ask(ask.method, ask.path, ask.query, ask.headers, asked.body, asked.cut)
                body = b"" if ask.method == "HEAD" else answered.body
                taker.take(whole, Reply(head[0], head[1], body, answered.cut), at)
                head.clear()

        await self.app(scope, receiving, sending)


# -- applications -------------------------------------------------------------------------------


def stand_around(app: Any, taker: Taker) -> None:
    """Have `taker` told of everything `app` is asked. TypeError: it is of no known kind."""
    if hasattr(app, "build_middleware_stack"):  # first: an App has a Flask side too
        build = app.build_middleware_stack
        # Around what answers unhandled errors as well, which middleware is within.
        app.build_middleware_stack = lambda: WatchedAsgi(build(), taker)
        app.middleware_stack = None
        if hasattr(app, "_decide_front"):
            app._decide_front()
    elif hasattr(app, "wsgi_app"):
        app.wsgi_app = WatchedWsgi(app.wsgi_app, taker)
    else:
        raise TypeError(
            f"a {type(app).__name__} is neither a Flask nor a FastAPI application: put "
            "recorder.wsgi(app) or recorder.asgi(app) in its place, where it is served"
        )
