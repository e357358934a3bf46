"""Serving through uvicorn with our protocol: production (`run`) and development (`dev`)."""

from __future__ import annotations

import os
import signal
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import click
import uvicorn
from uvicorn.config import LOGGING_CONFIG

from carboy.cli.loading import APP, LoadError, complain, import_string, load_app
from carboy.protocols import PROTOCOL
from carboy.server.traces import DEV


def _loop() -> str:
    try:
        import uvloop  # noqa: F401
    except ImportError:
        click.echo("uvloop is not installed: serving on asyncio's own loop, slower.", err=True)
        return "asyncio"
    return "uvloop"


def run(app: str, *, workers: int, **options: Any) -> None:
    """Serve in production."""
    try:
        where = import_string(app)
        # Errors are told here, once, and not by every worker.
        load_app(where)
    except LoadError as error:
        complain(error)
        sys.exit(1)
    _serve(where, workers=workers, **options)


def dev(app: str, *, host: str, port: int, reload: bool) -> None:
    """Serve in development: unhandled errors are shown to the client, files are watched.

    An application that can't be loaded is reported, and tried again when a file changes.
    """
    os.environ[DEV] = "1"
    try:
        where = import_string(app)
    except LoadError as error:
        complain(error)
        sys.exit(1)
    address = f"http://{host}:{port}"
    click.secho(f"Carboy dev: {address} serves {where}, errors are shown", bold=True, err=True)
    _serve(where, host=host, port=port, reload=reload, access_log=True)


def _stopped(number: int, frame: object) -> None:
    """SIGTERM, once more: uvicorn has stopped in good order, and raises what stopped it again."""
    sys.exit(0)


def _serve(where: str, *, uds: Path | None = None, **options: Any) -> None:
    os.environ[APP] = where
    signal.signal(signal.SIGTERM, _stopped)
    # The same console format for our log lines as for the server's.
    logs = deepcopy(LOGGING_CONFIG)
    logs["loggers"]["carboy"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    uvicorn.run(
        "carboy.cli.loading:served",
        factory=True,
        http=PROTOCOL,
        loop=_loop(),
        ws="auto",
        lifespan="on",
        log_config=logs,
        server_header=False,
        uds=str(uds) if uds else None,
        **options,
    )
