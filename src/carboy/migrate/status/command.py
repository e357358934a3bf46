"""`carboy migrate status PATH`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from carboy.migrate.status.gathered import gather
from carboy.migrate.status.page import page
from carboy.migrate.status.terminal import show


@click.command("status")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write one page with everything to FILE.",
)
@click.option("--short", is_flag=True, help="Figures and reasons only, without the views.")
def status(path: Path, as_json: bool, html: Path | None, short: bool) -> None:
    """Say how far the application below PATH is: what is typed, what converts, what needs you.

    Sources are read; nothing is imported and nothing changed.
    """
    found = gather(path)
    if html is not None:
        html.write_text(page(found), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
        return
    show(found, views=not short)
    if html is not None:
        click.echo(f"The page is {html}.", err=True)
