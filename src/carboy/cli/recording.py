"""`carboy migrate record`: serves an application as `carboy run` does, and writes what passes.

It stands here since it serves; what is recorded, and what is left out, is migrate/proof's.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import click

from carboy.cli.dropping import drop_in as use_faces
from carboy.cli.loading import LoadError, import_string
from carboy.cli.options import Serving, serving_options
from carboy.cli.recorded import RECORD
from carboy.cli.serving import run as serve_run


@click.command(cls=Serving, short_help="Serve an application and record what passes.")
@click.argument("app")
@click.option(
    "--to",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON Lines are appended to this file.",
)
@click.option(
    "--redact", multiple=True, metavar="NAME", help="Field, header or cookie: secret too."
)
@click.option("--keep", multiple=True, metavar="NAME", help="Field, header or cookie: no secret.")
@click.option("--redact-pattern", multiple=True, metavar="REGEX", help="Secret wherever it stands.")
@click.option("--skip", multiple=True, metavar="REGEX", help="Paths that aren't recorded.")
@click.option(
    "--body-limit",
    type=click.IntRange(0),
    default=256 * 1024,
    metavar="N",
    help="Bytes of a body that are kept.",
)
@click.option("--drop-in", is_flag=True, help="APP imports fastapi or flask, as for carboy run.")
@serving_options()
def record(app: str, to: Path, drop_in: bool, **options: Any) -> None:
    """Serve APP, and append every request and answer to a file, secrets left out."""
    try:
        where = import_string(app)
    except LoadError as error:
        raise click.ClickException(str(error)) from None
    _check(to, options["redact_pattern"] + options["skip"])
    settings = {
        "app": where,
        "to": str(to.absolute()),
        "redact": options.pop("redact"),
        "keep": options.pop("keep"),
        "patterns": options.pop("redact_pattern"),
        "skip": options.pop("skip"),
        "limit": options.pop("body_limit"),
    }
    os.environ[RECORD] = json.dumps(settings)
    if drop_in:
        use_faces()
    click.echo(f"Carboy records {where} to {to}", err=True)
    serve_run("carboy.cli.recorded:app", **options)


def _check(to: Path, patterns: tuple[str, ...]) -> None:
    """ClickException: what the recorder would fail at, told before anything is served."""
    if not to.absolute().parent.is_dir():
        raise click.ClickException(f"there is no folder {to.absolute().parent} for {to.name}")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise click.ClickException(f"{pattern!r} is no regular expression: {error}") from None
