"""`Shadow`: a share of what a live application is asked goes to another one too, and is compared.

Only safe methods. The client has its answer before anything of this happens, in a thread of its
own; what waits is bounded, and what there is no room for is dropped and counted. SAFETY: what is
written down has secrets left out, as in a record; cookies and Authorization leave this process only
if that is said.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import json
import logging
import os
import queue as queue_module
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from carboy.migrate.proof.comparing import USUAL, Found, Rules, differences
from carboy.migrate.proof.exchange import Ask, Exchange, Reply
from carboy.migrate.proof.recorder import MOST, Lines, key_of
from carboy.migrate.proof.redaction import Redaction
from carboy.migrate.proof.side import TooMuch, caller

#: RFC 9110, 9.2.1: they ask for nothing to be changed.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Who a request is from.
SECRETS = frozenset({"cookie", "authorization", "proxy-authorization"})
#: With one of these a safe method may be taken for another.
OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})
#: Of one connection, not of the request (RFC 9110, 7.6.1).
HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-connection",
    }
)
logger = logging.getLogger("carboy.shadow")


class Asker(Protocol):
    """The other application."""

    def ask(self, ask: Ask) -> tuple[Reply, str | None]:
        """Its answer, and the name of its view where that is known."""

    def close(self) -> None: ...


class Shadow:
    """Asks `other`, an application or ``http://host:port``; differences are appended to `to`.

    `sample` is the share of safe requests, 0 to 1. `queue` exchanges may wait, of which bodies of
    up to `limit` bytes are kept; longer ones are skipped. Requests with cookies or Authorization
    are skipped where `other` is a URL, unless `send_secrets`. `counts` tells what became of them.
    """

    def __init__(
        self,
        other: Any,
        to: str | os.PathLike[str],
        *,
        sample: float = 0.05,
        queue: int = 64,
        limit: int = 256 * 1024,
        send_secrets: bool = False,
        rules: Rules = USUAL,
        timeout: float = 30.0,
    ) -> None:
        if not 0 <= sample <= 1:
            raise ValueError(f"sample= is a share of the requests, 0 to 1, not {sample!r}")
        self.limit = limit
        self.lost = 0
        #: asked, equal, different, dropped (no room), skipped (secrets, long bodies), failed.
        self.counts: Counter[str] = Counter()
        self._other = other
        self._sends_secrets = send_secrets or not isinstance(other, str)
        self._sample = sample
        self._room = queue
        self._rules = rules
        self._timeout = timeout
        self._path = Path(to).absolute()
        self._lines = Lines(self._path, MOST)
        self._lock = threading.Lock()
        self._owner = 0
        self._waiting: queue_module.Queue[tuple[Ask, Reply, float] | None]
        self._thread: threading.Thread | None = None
        self._redaction: Redaction | None = None
        #: When to stop comparing what waits (time.monotonic's).
        self._end = float("inf")
        self._random = random.Random()

    # -- around the live application ------------------------------------------------------------

    def install(self, app: Any) -> None:
        """Put it around `app`, a Flask or a FastAPI application. ValueError: it is its own."""
        if app is self._other:
            raise ValueError("an application can't be its own shadow: name another one")
        from carboy.migrate.proof.watching import stand_around

        stand_around(app, self)

    def wsgi(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """`app`, a WSGI application, with a shadow."""
        from carboy.migrate.proof.watching import WatchedWsgi

        return WatchedWsgi(app, self)

    def asgi(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """`app`, an ASGI application, with a shadow."""
        from carboy.migrate.proof.watching import WatchedAsgi

        return WatchedAsgi(app, self)

    def around(self, route: Any) -> Any:
        """As a plugin: what endpoints answer, without cookies that are set around them."""
        from carboy.migrate.proof.plugged import watch

        return lambda request: watch(self, request)

    def wants(self, method: str, path: str) -> bool:
        """Whether this request is one of the share."""
        return method in SAFE and self._random.random() < self._sample

    def take(self, ask: Ask, reply: Reply, at: float) -> None:
        """The client has its answer: have it compared, if there is room. Raises nothing."""
        try:
            if ask.cut or reply.cut or self._is_held_back(ask):
                self._count("skipped")
                return
            if self._owner != os.getpid():
                self._start()
            self._waiting.put_nowait((ask, reply, at))
        except queue_module.Full:
            self._count("dropped")
        except Exception:
            self.lost += 1
            logger.debug("a request was lost", exc_info=True)

    def _count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def _is_held_back(self, ask: Ask) -> bool:
        """Without its secrets it would be another request; with an override, no safe one."""
        if any(name in OVERRIDES for name, _ in ask.headers):
            return True
        return not self._sends_secrets and any(name in SECRETS for name, _ in ask.headers)

    # -- in a thread of its own -----------------------------------------------------------------

    def _start(self) -> None:
        with self._lock:
            if self._owner == os.getpid():
                return
            # Made before anybody else sees that there is one.
            self._waiting = queue_module.Queue(self._room)
            self._end = float("inf")
            self._thread = threading.Thread(target=self._work, name="carboy-shadow", daemon=True)
            self._thread.start()
            self._owner = os.getpid()
            atexit.register(self.close)

    def _work(self) -> None:
        asker: Asker | None = None
        try:
            asker = _asker(self._other, self._timeout, self.limit)
        except Exception:
            logger.exception("the shadow could not be started: nothing will be compared")
        while (one := self._waiting.get()) is not None:
            try:
                if time.monotonic() > self._end:
                    self._count("dropped")
                elif asker is None:
                    self._count("failed")
                else:
                    self._compare(asker, *one)
            except Exception:
                self._count("failed")
                level = logging.WARNING if self.counts["failed"] == 1 else logging.DEBUG
                logger.log(level, "the shadow did not answer", exc_info=True)
            finally:
                self._waiting.task_done()
        if asker is not None:
            asker.close()

    def _compare(self, asker: Asker, ask: Ask, reply: Reply, at: float) -> None:
        self._count("asked")
        headers = tuple(pair for pair in ask.headers if pair[0] not in HOP)
        other, endpoint = asker.ask(replace(ask, headers=headers))
        found = differences(ask, reply, other, self._rules)
        self._count("different" if found else "equal")
        if not found:
            return
        if self._redaction is None:
            self._redaction = Redaction(key_of(self._path))
        asked, told = without_secrets(self._redaction, self._rules, ask, reply, other, found)
        for what, old, new in told:
            line = {
                "at": round(at, 3),
                "endpoint": endpoint,
                "method": ask.method,
                "path": asked.target,
                "what": what,
                "old": old,
                "new": new,
            }
            self._lines.append(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def settle(self) -> None:
        """Wait until nothing waits; for tests and for the end."""
        if self._owner == os.getpid():
            self._waiting.join()

    def close(self) -> None:
        """Compare what waits, write the counts down and begin them anew, and stop.

        SAFETY: for `timeout` seconds, or one that does not answer would keep a process from ending.
        """
        if self._owner == os.getpid() and self._thread is not None:
            self._end = time.monotonic() + self._timeout
            with contextlib.suppress(queue_module.Full):
                self._waiting.put(None, timeout=self._timeout)
            self._thread.join(max(0.0, self._end - time.monotonic()))
            self._owner = 0
            atexit.unregister(self.close)
        if self.counts:
            summary = {"at": round(time.time(), 3), "counts": dict(self.counts)}
            self._lines.append(json.dumps(summary).encode() + b"\n")
            self.counts.clear()
        self._lines.close()


def without_secrets(
    redaction: Redaction, rules: Rules, ask: Ask, old: Reply, new: Reply, found: list[Found]
) -> tuple[Ask, list[Found]]:
    """The request and the differences as they may be written down."""
    plain = [redaction.redact(Exchange(ask, reply)) for reply in (old, new)]
    shown = differences(plain[0].ask, plain[0].reply, plain[1].reply, rules)
    texts = {one.what: one for one in shown if not one.what.startswith("cookie ")}
    harmless = ("samesite", "path", "domain", "httponly", "secure", "max-age", "expires")
    told = [
        one
        if one.what.startswith("cookie ") and one.what.rpartition(": ")[2] in harmless
        else texts.get(one.what, Found(one.what, "(left out)", "(left out)"))
        for one in found
    ]
    return plain[0].ask, told


def _asker(other: Any, timeout: float, limit: int) -> Asker:
    if isinstance(other, str):
        return Remote(other, timeout, limit)
    return Inside(other, timeout, limit)


class Inside:
    """An application in this process. TypeError: it is none."""

    def __init__(self, app: Any, timeout: float, limit: int) -> None:
        self._side = caller(app)
        self._side.seconds, self._side.most = timeout, limit
        self.close = self._side.close

    def ask(self, ask: Ask) -> tuple[Reply, str | None]:
        """Raises what the application raises, and TooMuch."""
        asked = {
            "method": ask.method,
            "path": ask.path,
            "query": ask.query,
            "headers": ask.headers,
        }
        status, headers, body = self._side.ask(asked, ask.body)
        return Reply(status, tuple((n, v) for n, v in headers), body), self._side.name(asked)


class Remote:
    """An application behind a URL. ValueError: it is none."""

    def __init__(self, url: str, timeout: float, limit: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no URL such as http://127.0.0.1:8000")
        self._parts = parts
        self._timeout = timeout
        self._limit = limit

    def ask(self, ask: Ask) -> tuple[Reply, str | None]:
        """OSError, HTTPException: there is no answer. TooMuch."""
        until = time.monotonic() + self._timeout
        secure = self._parts.scheme == "https"
        made = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        assert self._parts.hostname is not None
        connection = made(self._parts.hostname, self._parts.port, timeout=self._timeout)
        try:
            connection.putrequest(
                ask.method,
                self._parts.path.rstrip("/") + ask.target,
                skip_host=True,
                skip_accept_encoding=True,
            )
            for name, value in ask.headers:
                connection.putheader(name, value)
            connection.endheaders(ask.body or None)
            with connection.getresponse() as answer:
                headers = tuple((name.lower(), value) for name, value in answer.getheaders())
                body = b""
                while piece := answer.read1(self._limit + 1):
                    body += piece
                    if len(body) > self._limit or time.monotonic() > until:
                        raise TooMuch(f"more than {self._limit} bytes or {self._timeout} seconds")
            return Reply(answer.status, headers, body), None
        finally:
            connection.close()

    def close(self) -> None:
        """Every request has a connection of its own."""
