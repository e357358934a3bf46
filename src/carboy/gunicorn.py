"""`gunicorn -k carboy.gunicorn.Worker module:app`: gunicorn's processes, Carboy's protocol.

A worker is uvicorn's Server on gunicorn's sockets. gunicorn's own settings count: keepalive,
timeout, graceful_timeout, max_requests, forwarded_allow_ips, reload, TLS, logs; a server's settings
of Carboy's are read from the environment. Only gunicorn imports this module.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from importlib.util import find_spec
from typing import Any

import uvicorn
from gunicorn.arbiter import Arbiter
from gunicorn.sock import ssl_context
from gunicorn.workers.base import Worker as Base

from carboy.protocols import PROTOCOL
from carboy.server.proxies import UNIX
from carboy.server.shared import check_settings
from carboy.server.watchdog import what_blocks


class Server(uvicorn.Server):
    """uvicorn's Server, whose signals are the worker's; late connections learn of the stop."""

    async def serve(self, sockets: Any = None) -> None:
        await self._serve(sockets)

    async def shutdown(self, sockets: Any = None) -> None:
        shared: Any = getattr(self.server_state, "carboy", None)
        if shared is not None:
            shared.stop()
        await super().shutdown(sockets)


class Worker(Base):  # type: ignore[misc]
    """One of gunicorn's workers; an application that is not Carboy's gets uvicorn's protocol."""

    server: Server

    def init_signals(self) -> None:
        """gunicorn's, without a wake-up: the loop has its own."""
        super().init_signals()
        signal.set_wakeup_fd(-1)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: finish what is in flight."""
        super().handle_exit(sig, frame)
        if hasattr(self, "server"):
            self.server.should_exit = True

    def handle_quit(self, sig: int, frame: Any) -> None:
        """SIGINT and SIGQUIT: end now."""
        self.alive = False
        self.cfg.worker_int(self)
        if not hasattr(self, "server"):
            sys.exit(0)
        self.server.should_exit = self.server.force_exit = True

    def handle_abort(self, sig: int, frame: Any) -> None:
        """SIGABRT: the loop has not answered for `timeout` seconds. Say where, and end.

        Not by SystemExit, which a request would take for the failure of its handler.
        """
        self.alive = False
        self.cfg.worker_abort(self)
        found = what_blocks(frame) if frame is not None else None
        if found is not None:
            self.log.critical("%s hangs: %s", found.request, found)
        logging.shutdown()
        os._exit(1)

    def init_process(self) -> None:
        """A setting that is none ends gunicorn, before anything is served."""
        try:
            check_settings()
        except ValueError as error:
            self.log.error("%s", error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        super().init_process()

    def run(self) -> None:
        """Serve until told to stop."""
        self._logs()
        config = self._config()
        config.load()
        if self.cfg.is_ssl:
            config.ssl = ssl_context(self.cfg)
        self.server = Server(config)
        self.server.should_exit = not self.alive
        sockets = [one.sock for one in self.sockets]
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self.server.serve(sockets))

    async def _notify(self) -> None:
        """Once a second: gunicorn sees that the loop runs, and we that gunicorn does."""
        self.notify()
        if self.ppid != os.getppid():
            self.log.info("Parent changed, shutting down: %s", self)
            self.alive = False
        if not self.alive:  # or a file has changed
            self.server.should_exit = True

    def _logs(self) -> None:
        """The server's lines go where gunicorn's go."""
        for name, source in (
            ("uvicorn.error", self.log.error_log),
            ("uvicorn.access", self.log.access_log),
            ("carboy", self.log.error_log),
        ):
            logger = logging.getLogger(name)
            logger.handlers = source.handlers
            logger.setLevel(source.level)
            logger.propagate = False

    def _config(self) -> uvicorn.Config:
        cfg = self.cfg
        uvloop = find_spec("uvloop") is not None
        if not uvloop and os.name != "nt" and self.age == 1:
            self.log.warning("uvloop is not installed: serving on asyncio's own loop, slower.")
        limited = self.max_requests if cfg.max_requests else None
        # COMPAT: gunicorn believes who comes through a UNIX socket.
        unix = [UNIX] if any(isinstance(one.getsockname(), str) for one in self.sockets) else []
        return uvicorn.Config(
            self.wsgi,
            http=PROTOCOL,
            loop="uvloop" if uvloop else "asyncio",
            lifespan="auto",
            log_config=None,
            access_log=bool(cfg.accesslog or cfg.logconfig or cfg.logconfig_dict),
            server_header=False,
            root_path=os.environ.get("SCRIPT_NAME", ""),
            backlog=cfg.backlog,
            forwarded_allow_ips=[*cfg.forwarded_allow_ips, *unix],
            timeout_keep_alive=cfg.keepalive,
            # gunicorn kills at `graceful_timeout`: what is left is ended in good order before.
            timeout_graceful_shutdown=max(1, cfg.graceful_timeout - 1),
            timeout_notify=1,
            callback_notify=self._notify,
            limit_max_requests=limited,
        )
