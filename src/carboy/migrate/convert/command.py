"""`carboy migrate convert`: a diff, or with --write the change itself."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from carboy.migrate.convert.fastapi.provided import requirements
from carboy.migrate.convert.planning import plan
from carboy.migrate.report import Plan

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}

_WHOLE = (
    "--target fastapi is for a project where nothing Flask-like is left, all its modules at once. "
    "Nothing is written; in the way:"
)
_CONVERT_FIRST = (
    "Convert it without --target fastapi, module by module: an App runs both kinds of code."
)


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--blueprint", metavar="NAME", help="Only views of this blueprint.")
@click.option("--view", metavar="NAME", help="Only this view (its endpoint or its function).")
@click.option("--write", is_flag=True, help="Change the files instead of printing a diff.")
@click.option(
    "--target",
    type=click.Choice(["app", "fastapi"]),
    default="app",
    show_default=True,
    help="What to write: routes of carboy.App, or plain FastAPI (whole projects only).",
)
def convert(path: Path, blueprint: str | None, view: str | None, write: bool, target: str) -> None:
    """Rewrite the Flask views below PATH as typed routes.

    A view is converted as a whole, or stays as it is with a TODO that says why. With --target
    fastapi that goes for the project: what is written needs neither Flask nor Carboy, and where
    that can't be, what is in the way is listed (exit status 1).
    """
    if target == "fastapi" and (blueprint or view):
        raise click.UsageError("--target fastapi converts whole projects: no --blueprint or --view")
    made = plan(path, blueprint, view, target)
    if not made.views and not made.files and not made.obstacles:
        named = " of that name" if blueprint or view else ""
        click.echo(f"No Flask views{named} were found in {path.resolve()}", err=True)
    if target == "fastapi" and _refuses(made):
        raise SystemExit(1)
    if write:
        for name, text in made.files.items():
            file = made.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("w", encoding="utf-8", newline="") as opened:
                opened.write(text)
    else:
        for line in diff(made):
            colour = None if line.startswith(("+++", "---")) else _COLOURS.get(line[:1])
            click.echo(click.style(line, fg=colour) if colour else line, nl=False)
    _summarise(made, write)
    for note in made.notes:
        click.echo(f"  {note}", err=True)
    if target == "fastapi" and made.files:
        click.echo(f"What it needs: pip install {' '.join(requirements(made.files))}", err=True)


def _refuses(made: Plan) -> bool:
    """Say what keeps a project from leaving, if anything does."""
    views = [one for one in made.views if one.reasons]
    if not (views or made.obstacles):
        return False
    click.echo(_WHOLE, err=True)
    for view in views:
        for reason in view.reasons:
            click.echo(f"  {view.module}:{view.line} {view.endpoint}: {reason}", err=True)
    for obstacle in made.obstacles:
        click.echo(f"  {obstacle}", err=True)
    click.echo(_CONVERT_FIRST, err=True)
    return True


def diff(made: Plan) -> Iterator[str]:
    """A unified diff of every file that changes, lines with their ends."""
    for name in sorted(made.files):
        old, new = made.old.get(name, ""), made.files[name]
        lines = difflib.unified_diff(
            old.splitlines(keepends=True),
            new.splitlines(keepends=True),
            f"a/{name}" if old else "/dev/null",
            f"b/{name}",
        )
        for line in lines:
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _summarise(made: Plan, write: bool) -> None:
    converted = len(made.converted)
    verb = "converted" if write else "would be converted"
    if made.views or not made.files:
        click.echo(f"{converted} of {len(made.views)} views {verb}.", err=True)
    for view in made.views:
        for note in view.notes if view.converts else ():
            click.echo(f"  {view.endpoint}: {note}", err=True)
    for view in made.views:
        for reason in view.reasons:
            click.echo(f"  {view.module}:{view.line} {view.endpoint} stays: {reason}", err=True)
    sys.stderr.flush()
