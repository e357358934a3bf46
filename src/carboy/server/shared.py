"""What all connections of one worker share: settings, the pool, the date, the sweeper.

Reads uvicorn's Config once. uvicorn renews `ServerState.default_headers` every second; we notice by
identity and write them out once for all connections. A single timer a second closes connections
that have been idle too long, so that no request pays for a timer of its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from copy import copy
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from carboy.core.context import Address, RequestContext
from carboy.core.engine import Engine
from carboy.server.heads import Limits
from carboy.server.numbers import serves, tell
from carboy.server.pool import Pool, pool_of
from carboy.server.proxies import Forwarded, Proxies
from carboy.server.settings import whole_number
from carboy.server.slow import Times, look
from carboy.server.watchdog import limit as blocking_limit
from carboy.server.watchdog import watch

if TYPE_CHECKING:
    from carboy.server.direct import Connection

#: Threads for bodies that are kept in files: disks don't get faster with more.
FILE_THREADS = 4


#: Seconds for which a connection without a request is kept when the server stops.
FAREWELL = 1
#: The variable with the seconds for which streams of events go on when the server stops.
EVENTS = "CARBOY_TIMEOUT_EVENT_STREAMS"
#: "1" there: the time of every request is taken (measured.py).
MEASURE = "CARBOY_MEASURE"


def event_seconds() -> int:
    """ValueError: what the environment says is no number."""
    return whole_number(EVENTS, 5, "a whole number of seconds")


def check_settings() -> None:
    """What `Shared` reads of the environment, read when a server starts. ValueError: see there."""
    Times.from_environment()
    Limits.from_environment()
    event_seconds()
    blocking_limit()


class Closing:
    """Stands among a server's tasks for a thread that is closing what a request opened."""

    def cancel(self, msg: object = None) -> bool:
        """A thread can't be cancelled."""
        return False


def _proxies(names: Any) -> Proxies | None:
    """The proxies that uvicorn was told of, None for nobody."""
    try:
        return Proxies(names) or None
    except ValueError as error:
        logging.getLogger("carboy").error("No proxy is trusted: %s", error)
        return None


class Shared:
    """One for a worker process; kept on uvicorn's ServerState."""

    #: What connections are made as, unless the usual way.
    connection: type[Connection] | None = None

    def __init__(
        self,
        config: Any,
        state: Any,
        app_state: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        #: uvicorn's protocol class for WebSockets, None for none.
        self.websockets: Any = getattr(config, "ws_protocol_class", None)
        self.trusted: Proxies | None = None
        self.config = config
        self.engine: Engine | None = self._find_engine()
        self.loop = loop
        #: Of no request: what connections do for themselves belongs to none of theirs.
        self.context = contextvars.copy_context()
        self.state = state
        self.tasks: set[asyncio.Task[None]] = state.tasks
        self.app_state = app_state
        self.root_path: str = config.root_path
        self.limit: int | None = config.limit_concurrency
        self.keep_alive = max(1, int(config.timeout_keep_alive))
        self.times = Times.from_environment()
        self.limits = Limits.from_environment()
        self.glance, self.max_fields = self.limits.glance, self.limits.max_header_fields
        #: Host fields, name and value, that were found right.
        self.hosts: set[tuple[bytes, bytes]] = set()
        #: For handlers; files have threads of their own, so that neither waits for the other.
        self.pool: Pool = pool_of(loop)
        self.files = Pool(loop, FILE_THREADS, name="carboy-files")
        self.watchdog = watch(loop)
        self.access_logger = logger = logging.getLogger("uvicorn.access")
        self.access_log = logger.hasHandlers() and logger.isEnabledFor(logging.INFO)
        self.source: Any = None
        self.defaults = b""
        #: Seconds since the first connection, counted by the sweeper.
        self.tick = 0
        self._connections: set[Connection] = state.connections
        #: When the sweeper looks around next (time.monotonic's), None while it does not; and how
        #: many seconds late it was last: as late as everything else on this loop.
        self.due: float | None = None
        self.lag = 0.0
        serves(self)
        #: Seconds for which silent connections are kept when the server stops: not where a person
        #: who has saved a file waits for it.
        self.farewell = 0 if getattr(config, "reload", False) else FAREWELL
        self._event_seconds = event_seconds()
        #: When the server stops: the tick from which streams of events are ended.
        self._last_events: int | None = None

    def _find_engine(self) -> Engine | None:
        """That of the application, unless it is not Carboy's; and whom it trusts."""
        app = self.config.loaded_app
        if isinstance(app, ProxyHeadersMiddleware):
            app = app.app
            self.trusted = _proxies(self.config.forwarded_allow_ips)
            # WebSockets are to hear the same as HTTP about client and scheme.
            self.config = copy(self.config)
            self.config.loaded_app = Forwarded(app, self.trusted) if self.trusted else app
        engine = getattr(app, "engine", None)
        return engine if isinstance(engine, Engine) else None

    def stop(self, retiring: bool = False) -> None:
        """The server stops: connections that are made from now on know.

        `retiring`: another serves in its place, so silent connections keep their time.
        """
        if self._last_events is not None:
            return
        seconds, silent = self._event_seconds, self.keep_alive
        if (limit := getattr(self.config, "timeout_graceful_shutdown", None)) is not None:
            seconds = max(0, min(seconds, limit - 2))
            silent = min(silent, limit // 2)
        if retiring:
            self.farewell = max(self.farewell, silent)
        self._last_events = self.tick + seconds

    def refresh(self) -> None:
        """Write out the headers that every answer carries: date, server, configured ones."""
        self.source = self.state.default_headers
        self.defaults = b"".join(b"%b: %b\r\n" % pair for pair in self.source)

    def is_full(self) -> bool:
        """Whether uvicorn's limit_concurrency is reached."""
        assert self.limit is not None
        return len(self._connections) > self.limit or len(self.tasks) >= self.limit

    def opened(self, connection: Connection) -> int:
        """Keep `connection`; the tick it came in."""
        self._connections.add(connection)
        if self.due is None:
            self._sweep_later()
        if self._last_events is not None:
            connection.shutdown()
        return self.tick

    def lost(self, connection: Connection) -> None:
        """Forget `connection`."""
        self._connections.discard(connection)

    def _sweep_later(self) -> None:
        self.due = monotonic() + 1
        self.loop.call_later(1, self._sweep)

    def _sweep(self) -> None:
        assert self.due is not None
        self.lag = max(0.0, monotonic() - self.due)
        self.look_around()
        tell(self.lag)
        if self._connections:
            self._sweep_later()
        else:
            self.due = None

    def look_around(self) -> None:
        """A second has passed: slow and silent connections are closed."""
        self.tick += 1
        is_over = self._last_events is not None and self.tick > self._last_events
        for connection in list(self._connections):
            # WebSocket protocols of uvicorn are in this set too; they keep their own time.
            if getattr(connection, "shared", None) is self:
                look(connection)
                if is_over:
                    connection.end_events()

    def forwarded(self, connection: Connection, request: RequestContext) -> tuple[Address, str]:
        """Client address and scheme, from X-Forwarded-* where the peer is trusted (H6)."""
        if self.trusted is None:
            return connection.client, connection.scheme
        return self.trusted.seen_through(connection.client, connection.scheme, request.headers)

    def log_access(
        self,
        connection: Connection,
        request: RequestContext,
        status: int,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """One line for uvicorn's access log; what the client sent is escaped (R9)."""
        client, _ = self.forwarded(connection, request)
        path = quote(request.path)
        if request.query:
            path = f"{path}?{request.query.decode('ascii', 'backslashreplace')}"
        self.access_logger.info(
            '%s - "%s %s HTTP/%s" %d',
            f"{client[0]}:{client[1]}" if client else "",
            request.method,
            path,
            connection.version(request),
            status,
            extra=extra,
        )
