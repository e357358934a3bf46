"""`carboy check`: from what was typed to a report, and the report as text or JSON.

0: nothing is unsupported. 1: something is. 2: the application can't be loaded; the sources were
read all the same.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from carboy.checks import Finding, Report, check
from carboy.checks.findings import LEVELS
from carboy.cli.dropping import NAME
from carboy.cli.loading import LoadError, import_string, load_app

_COLOURS = {"unsupported": "red", "different": "yellow", "slower": "cyan", "untested": "magenta"}
#: Groups of what is used, in order, and their names on the terminal.
_GROUPS = {
    "extensions": "Extensions",
    "blueprints": "Blueprints",
    "middleware": "Middleware",
    "mounts": "Mounts",
    "websockets": "WebSockets",
    "hooks": "Hooks",
    "signals": "Signals",
    "async views": "Async views",
    "server": "Served by",
    "config": "Config",
}
_KINDS = {"flask": "a Flask application", "fastapi": "a FastAPI application", "app": "an App"}


def run_check(target: str | None, *, drop_in: bool, no_import: bool, as_json: bool) -> int:
    """Check, print, and give the exit status."""
    try:
        report = _checked(target, drop_in, no_import)
    except LoadError as error:
        if as_json:
            click.echo(json.dumps({"target": target, "loaded": False, "error": str(error)}))
        else:
            click.secho("Error: ", fg="red", bold=True, err=True, nl=False)
            click.echo(str(error), err=True)
        return 2
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        show(report)
    return 2 if report.error else 0 if report.supported else 1


def _checked(target: str | None, drop_in: bool, no_import: bool) -> Report:
    drop_in = drop_in or bool(os.environ.get(NAME))
    if target is not None and Path(target).is_dir():
        return check(target, None, drop_in=drop_in)
    if no_import and target is not None and Path(target).is_file():
        return check(target, None, drop_in=drop_in)
    where = import_string(target)
    module = where.partition(":")[0]
    roots = [Path.cwd(), *(Path(one) for one in sys.path[:1] if one), Path.cwd() / "src"]
    load = None if no_import else lambda dropped: _load(where, dropped)
    return check(where, load, module, roots, drop_in)


def _load(where: str, drop_in: bool) -> Any:
    if drop_in:
        from carboy.cli.dropping import drop_in as use_faces

        use_faces()
    # What the application prints while it is imported is no part of the report.
    with contextlib.redirect_stdout(io.StringIO()):
        return load_app(where, factories=True)


# -- on the terminal ----------------------------------------------------------------------------


def show(report: Report) -> None:
    """Print a report for people."""
    kind = _KINDS.get(report.kind, "Python code")
    routes = [one.name for one in report.used if one.group == "routes"]
    counted = [_counted(routes[0], "route")] if routes else []
    counted.append(f"{_counted(str(report.modules), 'module')} read")
    click.secho(report.target, bold=True, nl=False)
    click.echo(f" is {kind}: {', '.join(counted)}, Python {report.python}")
    if report.error:
        click.echo()
        click.secho("It can't be loaded", fg="red", bold=True)
        click.echo("  " + report.error.replace("\n", "\n  "))
    for level, title in LEVELS.items():
        if found := report.of(level):
            click.echo()
            click.secho(f"{title} ({len(found)})", fg=_COLOURS[level], bold=True)
            _show_findings(found)
    _show_used(report)
    click.echo()
    _conclude(report)


def _counted(number: str, noun: str) -> str:
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


def _show_findings(found: list[Finding]) -> None:
    """What is the same in several places is told once, with all of them."""
    places: dict[tuple[str, str], list[str]] = {}
    for one in found:
        listed = places.setdefault((one.what, one.advice), [])
        if one.file:
            listed.append(f"{one.file}:{one.line}" if one.line else one.file)
    for (what, advice), where in places.items():
        click.secho(f"  {what}", bold=True, nl=False)
        more = f" and {len(where) - 5} more" if len(where) > 5 else ""
        click.secho("  " + " ".join(where[:5]) + more if where else "", dim=True)
        click.echo(click.wrap_text(advice, 92, "      ", "      "))


def _show_used(report: Report) -> None:
    listed: dict[str, dict[str, str]] = {}
    for one in report.used:
        listed.setdefault(one.group, {}).setdefault(one.name, one.detail)
    if not any(group in listed for group in _GROUPS):
        return
    click.echo()
    click.secho("In use", bold=True)
    for group, title in _GROUPS.items():
        if group in listed:
            names = [f"{name} ({told})" if told else name for name, told in listed[group].items()]
            label = f"  {title:<14} "
            click.echo(click.wrap_text(", ".join(names), 96, label, " " * len(label)))


def _conclude(report: Report) -> None:
    command = next(one.name for one in report.used if one.group == "runs")
    count = len(report.of("unsupported"))
    if report.error:
        click.secho("Only its sources were read.", fg="red")
    elif count:
        click.secho(f"{count} unsupported: see above.", fg="red", bold=True)
    else:
        done = "Nothing is unsupported." if report.loaded else "Nothing unsupported was read."
        click.secho(done, fg="green", bold=True, nl=False)
        click.echo(f" Run it: {command} {report.target}" if report.loaded else "")
