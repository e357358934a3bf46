"""A WSGI application that does by hand what frameworks do seldom, hosted in an App.

What happens in it is noted under the tag in the query, and read at ``/events/{tag}`` of the App.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from carboy import App

EVENTS: dict[str, list[str]] = defaultdict(list)
PLAIN = [("Content-Type", "text/plain")]
Start = Callable[..., Any]
Environ = dict[str, Any]


class Noted:
    """An iterable that notes its close(), and the thread it happened in."""

    def __init__(self, tag: str, pieces: Iterator[bytes]) -> None:
        self.tag, self.pieces = tag, pieces
        self.thread = threading.get_ident()

    def __iter__(self) -> Noted:
        return self

    def __next__(self) -> bytes:
        assert threading.get_ident() == self.thread
        return next(self.pieces)

    def close(self) -> None:
        same = threading.get_ident() == self.thread
        EVENTS[self.tag].append("closed" if same else "closed elsewhere")


def written(environ: Environ, start: Start, tag: str) -> Any:
    write = start("200 OK", PLAIN)
    write(b"written ")
    write(b"twice ")
    return Noted(tag, iter([b"and yielded"]))


def late_start(environ: Environ, start: Start, tag: str) -> Any:
    def pieces() -> Iterator[bytes]:
        yield b""
        start("201 Made", [*PLAIN, ("X-Late", "yes")])
        yield b""
        yield b"late"

    return Noted(tag, pieces())


def changed(environ: Environ, start: Start, tag: str) -> Any:
    start("200 OK", PLAIN)
    try:
        raise ValueError("before anything was sent")
    except ValueError:
        start("418 Teapot", PLAIN, sys.exc_info())
    return Noted(tag, iter([b"changed"]))


def too_late(environ: Environ, start: Start, tag: str) -> Any:
    def pieces() -> Iterator[bytes]:
        start("200 OK", PLAIN)
        yield b"sent"
        try:
            raise ValueError("after something was sent")
        except ValueError:
            start("500 Oh", PLAIN, sys.exc_info())
        yield b"never"

    return Noted(tag, pieces())


def started_twice(environ: Environ, start: Start, tag: str) -> Any:
    start("200 OK", PLAIN)
    start("200 OK", PLAIN)
    return [b"never"]


def never_started(environ: Environ, start: Start, tag: str) -> Any:
    return Noted(tag, iter([b"body"]))


def breaks_midway(environ: Environ, start: Start, tag: str) -> Any:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("midway")

    start("200 OK", PLAIN)
    return Noted(tag, pieces())


def breaks_early(environ: Environ, start: Start, tag: str) -> Any:
    def pieces() -> Iterator[bytes]:
        raise ValueError("early")
        yield b""

    start("200 OK", PLAIN)
    return Noted(tag, pieces())


def exits(environ: Environ, start: Start, tag: str) -> Any:
    sys.exit(3)


def endless(environ: Environ, start: Start, tag: str) -> Any:
    def pieces() -> Iterator[bytes]:
        while True:
            yield b"x" * 1000
            time.sleep(0.01)

    start("200 OK", PLAIN)
    return Noted(tag, pieces())


def torrent(environ: Environ, start: Start, tag: str) -> Any:
    """More than fits into any buffer; notes how much was taken."""

    def pieces() -> Iterator[bytes]:
        for number in range(400):
            EVENTS[tag][:] = [str(number)]
            yield b"x" * 100_000

    start("200 OK", PLAIN)
    return Noted(f"{tag}-end", pieces())


def two_steps(environ: Environ, start: Start, tag: str) -> Any:
    """A piece, and the next when someone has seen the first."""

    def pieces() -> Iterator[bytes]:
        yield b"first "
        for _ in range(1000):
            if "seen" in EVENTS[tag]:
                break
            time.sleep(0.01)
        yield b"second"

    start("200 OK", PLAIN)
    return pieces()


def nothing(environ: Environ, start: Start, tag: str) -> Any:
    start("204 No Content", [])
    return []


def sized(environ: Environ, start: Start, tag: str) -> Any:
    start("200 OK", [*PLAIN, ("Content-Length", "5")])
    return Noted(tag, iter([b"ab", b"cde"]))


def too_long(environ: Environ, start: Start, tag: str) -> Any:
    start("200 OK", [*PLAIN, ("Content-Length", "2")])
    return Noted(tag, iter([b"abc"]))


def unread(environ: Environ, start: Start, tag: str) -> Any:
    start("200 OK", PLAIN)
    return [b"not read"]


def lines(environ: Environ, start: Start, tag: str) -> Any:
    stream = environ["wsgi.input"]
    found = [stream.readline(), stream.read(3), *stream.readlines()]
    start("200 OK", PLAIN)
    return [b"|".join(found)]


def hungry(environ: Environ, start: Start, tag: str) -> Any:
    """Reads all there is, and makes a page of its own of any error."""
    try:
        size = str(len(environ["wsgi.input"].read()))
    except Exception as error:
        EVENTS[tag].append(type(error).__name__)
        size = "failed"
    start("200 OK", PLAIN)
    return [size.encode()]


def variables(environ: Environ, start: Start, tag: str) -> Any:
    names = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_X_TWO", "REQUEST_METHOD")
    start("200 OK", PLAIN)
    return ["\n".join(f"{name}={environ.get(name)}" for name in names).encode("latin-1")]


PAGES = {
    name: page
    for name, page in list(globals().items())
    if callable(page) and getattr(page, "__module__", "") == __name__ and name[0].islower()
}


def application(environ: Environ, start_response: Start) -> Any:
    name = environ["PATH_INFO"].split("/")[1]
    tag = environ["QUERY_STRING"].removeprefix("tag=")
    return PAGES[name](environ, start_response, tag)


class Around:
    """Middleware that does nothing but stand there."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def site(*middleware: Any) -> App:
    app = App(max_body=100_000)
    for one in middleware:
        app.add_middleware(one)

    @app.get("/ready")
    def ready() -> Any:
        return {"token": os.environ.get("CONTRACT_TOKEN")}

    @app.get("/events/{tag}")
    def events(tag: str) -> Any:
        return EVENTS[tag]

    @app.post("/events/{tag}")
    def note(tag: str) -> None:
        EVENTS[tag].append("seen")

    app.mount("/old", application)
    return app


app = site()
wrapped = site(Around)
