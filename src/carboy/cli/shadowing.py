"""`carboy migrate shadow`: stands in front of a live application and asks a new one too.

It stands here since it serves; what is asked and compared is migrate/proof's.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import click
import uvicorn

from carboy.cli.dropping import drop_in as use_faces
from carboy.cli.loading import LoadError
from carboy.cli.serving import loop_name
from carboy.cli.sockets import Taken, address, listen
from carboy.migrate.proof.spec import NoSpec, parse


@click.command(short_help="Ask a new application what a live one is asked.")
@click.argument("new")
@click.option("--live", required=True, metavar="URL", help="Where the live application is.")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("shadow.jsonl"),
    show_default=True,
    help="Differences are appended to this file.",
)
@click.option(
    "--sample",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    metavar="SHARE",
    help="Share of the safe requests.",
)
@click.option("--mask", multiple=True, metavar="REGEX", help="Text that may differ.")
@click.option("--ignore-header", multiple=True, metavar="NAME", help="Not compared.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to bind.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
def shadow(
    new: str,
    live: str,
    to: Path,
    sample: float,
    mask: tuple[str, ...],
    ignore_header: tuple[str, ...],
    host: str,
    port: int,
) -> None:
    """Pass everything on to a live application; ask NEW a share of it, and compare.

    Only GET, HEAD and OPTIONS reach NEW, after the client has its answer. Point your proxy, or a
    part of it, at this command in place of the live application.
    """
    from carboy.migrate.proof.proxy import Proxy

    try:
        proxy = Proxy(live)
    except ValueError as error:
        raise click.ClickException(f"--live: {error}") from None
    shadowing = _shadow(_loaded(new), to, sample, mask, ignore_header)
    try:
        sock = listen(host, port)
    except Taken as error:
        raise click.ClickException(str(error)) from None
    config = uvicorn.Config(
        shadowing.asgi(proxy), loop=loop_name(), server_header=False, date_header=False, ws="none"
    )
    where = address(sock, "http", host)
    click.echo(f"Carboy shadows {live} at {where}, differences go to {to}", err=True)
    # uvicorn stops in good order, and raises what stopped it again.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        uvicorn.Server(config).run([sock])
    except KeyboardInterrupt:
        pass
    finally:
        sock.close()
        shadowing.settle()
        click.echo(json.dumps(dict(shadowing.counts)), err=True)
        shadowing.close()


def _shadow(
    app: Any, to: Path, sample: float, mask: tuple[str, ...], ignore: tuple[str, ...]
) -> Any:
    from carboy.migrate.proof.comparing import Rules
    from carboy.migrate.proof.masking import Masks
    from carboy.migrate.proof.shadow import Shadow

    try:
        masks = Masks([re.compile(pattern) for pattern in mask])
    except re.error as error:
        raise click.ClickException(f"--mask: no regular expression: {error}") from None
    if not to.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {to.absolute().parent} for {to.name}")
    rules = Rules(masks, frozenset(name.lower() for name in ignore))
    return Shadow(app, to, sample=sample, rules=rules)


def _loaded(new: str) -> Any:
    """The new application, on Carboy's faces."""
    from carboy.migrate.proof.side import load

    try:
        spec = parse(new, Path.cwd())
    except NoSpec as error:
        raise click.ClickException(str(error)) from None
    use_faces()
    sys.path.insert(0, str(spec.folder))
    try:
        return load(spec.module, spec.name)
    except (ImportError, AttributeError, LoadError) as error:
        raise click.ClickException(f"{new} can't be loaded: {error}") from error
