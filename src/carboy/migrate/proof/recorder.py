"""`Recorder`: what an application is asked and answers, appended to a file, secrets left out.

It stands around an application as WSGI or ASGI middleware, which sees everything that leaves it, or
as a plugin of Carboy's around routes. It never changes an answer and never fails a request: what
goes wrong here is logged once and counted. Each exchange is one write to a file opened for
appending, so threads and processes may share it.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from carboy.migrate.proof.exchange import Ask, Exchange, Reply, line_of
from carboy.migrate.proof.redaction import Redaction

#: Bytes of a body that are kept.
LIMIT = 256 * 1024
#: Bytes that a record may have: whoever sends requests must not fill a disk.
MOST = 1024**3
#: Names the key of the placeholders for all processes; else it is in a file beside the record.
KEY = "CARBOY_RECORD_KEY"
#: Sessions that are remembered.
_SESSIONS = 10_000
logger = logging.getLogger("carboy.record")


class Lines:
    """A file that lines are appended to, by any number of threads and processes."""

    def __init__(self, path: Path, most: int | None = None) -> None:
        self.path = path
        self.most = most
        self._lock = threading.Lock()
        self._file: int | None = None
        self._owner = 0
        self._torn = False

    def append(self, line: bytes) -> None:
        """One write. OSError: it can't be had."""
        with self._lock:
            if self._file is None or self._owner != os.getpid():
                self._open()
            assert self._file is not None
            if self.most is not None and os.fstat(self._file).st_size + len(line) > self.most:
                raise OSError(errno.EFBIG, f"a record has {self.most} bytes at most (most=)")
            # A write that was cut (a full disk) leaves half a line, which ends here.
            data = b"\n" + line if self._torn else line
            written = os.write(self._file, data)
            self._torn = written < len(data)
            if self._torn:
                raise OSError(errno.ENOSPC, "only a part of a line could be written")

    def _open(self) -> None:
        # SAFETY: for the owner alone. What is no secret to us may be one to somebody.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(self.path, flags, 0o600)
        self._owner = os.getpid()

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            if self._file is not None and self._owner == os.getpid():
                os.close(self._file)
            self._file = None


class Recorder:
    """Records to the file `to`.

    `redact` and `keep` name fields, headers or cookies that are secret too, or are not; `patterns`
    are regular expressions for secrets in any text; `limit` is how many bytes of a body are kept;
    `skip` are regular expressions for paths that aren't recorded; `most` is how many bytes the file
    may have, after which exchanges are lost (None for no limit). `install(app)` puts it around an
    application; `wsgi` and `asgi` make middleware by hand; it is a plugin too, which sees what
    endpoints answer, so not a cookie that is set around them.
    """

    def __init__(
        self,
        to: str | os.PathLike[str],
        *,
        redact: Iterable[str] = (),
        keep: Iterable[str] = (),
        patterns: Iterable[str] = (),
        limit: int = LIMIT,
        skip: Iterable[str] = (),
        most: int | None = MOST,
    ) -> None:
        self.path = Path(to).absolute()
        self.limit = limit
        self._skip = [re.compile(pattern) for pattern in skip]
        self._lines = Lines(self.path, most)
        self._names = (
            frozenset(name.lower() for name in redact),
            frozenset(name.lower() for name in keep),
            tuple(re.compile(pattern) for pattern in patterns),
        )
        self._rules: Redaction | None = None
        self._sessions: dict[str, int] = {}
        self._lock = threading.Lock()
        #: Exchanges that could not be recorded.
        self.lost = 0

    # -- ways around an application -------------------------------------------------------------

    def wsgi(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """`app`, a WSGI application, recorded: ``app.wsgi_app = recorder.wsgi(app.wsgi_app)``."""
        from carboy.migrate.proof.watching import WatchedWsgi

        return WatchedWsgi(app, self)

    def asgi(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """`app`, an ASGI application, recorded."""
        from carboy.migrate.proof.watching import WatchedAsgi

        return WatchedAsgi(app, self)

    def install(self, app: Any) -> None:
        """Put it around `app`: a Flask application (Carboy's or the real one), or a FastAPI one."""
        from carboy.migrate.proof.watching import stand_around

        stand_around(app, self)

    def around(self, route: Any) -> Any:
        """As a plugin."""
        from carboy.migrate.proof.plugged import watch

        return lambda request: watch(self, request)

    # -- what they tell -------------------------------------------------------------------------

    def wants(self, method: str, path: str) -> bool:
        """Whether a request is to be recorded."""
        return not any(pattern.search(path) for pattern in self._skip)

    def take(self, ask: Ask, reply: Reply, at: float) -> None:
        """Write one exchange. Raises nothing."""
        try:
            exchange = self.redaction.redact(Exchange(ask, reply, at=at))
            session = self._session(exchange)
            exchange = Exchange(exchange.ask, exchange.reply, session, round(at, 6))
            self._lines.append(line_of(exchange))
        except Exception:
            self.lost += 1
            level = logging.WARNING if self.lost == 1 else logging.DEBUG
            logger.log(level, "%s: an exchange was not recorded", self.path, exc_info=True)

    @property
    def redaction(self) -> Redaction:
        """What is left out; the key is made when it is first needed."""
        if self._rules is None:
            self._rules = Redaction(key_of(self.path), *self._names)
        return self._rules

    def close(self) -> None:
        """Close the file; the next exchange opens it again."""
        self._lines.close()

    def _session(self, exchange: Exchange) -> int:
        """The client's number: that of a cookie it brings, which is handed on to those it gets.

        0 where there are none. It is made from the cookie's placeholder, so that processes agree.
        """
        cookies = [*cookies_of(exchange.ask), *cookies_of(exchange.reply)]
        if not cookies:
            return 0
        with self._lock:
            numbers = self._sessions
            known = [numbers[cookie] for cookie in cookies if cookie in numbers]
            number = known[0] if known else _number_of(cookies[0])
            for cookie in cookies:
                numbers.pop(cookie, None)
                numbers[cookie] = number
            while len(numbers) > _SESSIONS:
                del numbers[next(iter(numbers))]
        return number


def _number_of(cookie: str) -> int:
    return int.from_bytes(hashlib.blake2b(cookie.encode(), digest_size=6).digest(), "big")


def cookies_of(message: Ask | Reply) -> list[str]:
    """``name=value`` of the cookies that a message brings or sets."""
    if isinstance(message, Ask):
        found = [v for n, v in message.headers if n == "cookie"]
        return [pair for value in found for pair in value.split("; ") if "=" in pair]
    return [v.partition(";")[0] for n, v in message.headers if n == "set-cookie"]


def key_of(path: Path) -> bytes:
    """The key of all that write to this record."""
    if given := os.environ.get(KEY):
        return given.encode()[:64]
    file = path.with_name(path.name + ".key")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _others_key(file)
    with os.fdopen(descriptor, "wb") as out:
        made = secrets.token_hex(32).encode()
        out.write(made)
    return made


def _others_key(file: Path) -> bytes:
    for _ in range(100):  # whoever made the file is about to write to it
        if len(found := file.read_bytes()) == 64:
            return found
        time.sleep(0.01)
    raise OSError(errno.EINVAL, f"{file} holds no key: remove it, and the record beside it")
