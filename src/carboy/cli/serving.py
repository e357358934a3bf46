"""Serving through uvicorn with our protocol: production (`run`) and development (`dev`)."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import uvicorn

from carboy.cli.loading import LoadError, import_string, load_app

PROTOCOL = "carboy.server.direct:protocol"


def _loop() -> str:
    try:
        import uvloop  # noqa: F401
    except ImportError:
        click.echo("uvloop is not installed: serving on asyncio's own loop, slower.", err=True)
        return "asyncio"
    return "uvloop"


def _checked(app: str) -> str:
    """The import string, once it is known that it works: errors in words, not in a worker's log."""
    try:
        where = import_string(app)
        load_app(where)
    except LoadError as error:
        click.secho("Error: ", fg="red", bold=True, err=True, nl=False)
        click.echo(str(error), err=True)
        sys.exit(1)
    return where


def run(
    app: str, *, host: str, port: int, uds: Path | None, workers: int, access_log: bool
) -> None:
    """Serve in production."""
    where = _checked(app)
    _serve(where, host=host, port=port, uds=uds, workers=workers, access_log=access_log)


def dev(app: str, *, host: str, port: int, reload: bool) -> None:
    """Serve in development: unhandled errors are shown to the client, files are watched."""
    os.environ["CARBOY_DEV"] = "1"
    where = import_string(app)
    if not reload:
        where = _checked(app)
    click.secho(f"Carboy dev: http://{host}:{port} serves {where}", bold=True, err=True)
    _serve(where, host=host, port=port, reload=reload, access_log=True)


def _serve(where: str, *, uds: Path | None = None, access_log: bool, **options: Any) -> None:
    uvicorn.run(
        where,
        http=PROTOCOL,
        loop=_loop(),
        ws="none",
        lifespan="on",
        uds=str(uds) if uds else None,
        access_log=access_log,
        app_dir=sys.path[0] if Path(sys.path[0] or ".").is_dir() else None,
        **options,
    )
