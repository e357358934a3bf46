"""A Status for people at a terminal: bars, figures, and each view in a line."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator

import click

from carboy.migrate.status.counted import STATES, Group, Row, Status

_COLOURS = {"typed": "green", "half": "cyan", "converts": "blue", "person": "yellow"}
_MARKS = {"typed": "✔", "half": "◐", "converts": "→", "person": "✎"}
_WIDTH = 30
_DEEP = " " * 6


def _width() -> int:
    """Columns that there are; in a file or a pipe a line is a view."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def show(status: Status, views: bool = True) -> None:
    """Print it; without `views` only figures and reasons."""
    if not status.rows:
        click.echo(f"No Flask views and no typed routes were found below {status.root}.")
    for group in status.modules:
        click.echo(f"{_bar(group)} {click.style(group.name, bold=True)}  {_figures(group)}")
        for row in group.rows if views else ():
            _show_row(row)
    if len(status.blueprints) > 1:
        click.echo("\n" + click.style("By blueprint", bold=True))
        for group in status.blueprints:
            click.echo(f"{_bar(group)} {group.name or '(the application)'}  {_figures(group)}")
    for title, counted in (
        ("Why a person is needed", status.reasons),
        ("Worth a look", status.notes),
    ):
        if counted:
            click.echo("\n" + click.style(title, bold=True))
        for text, count in counted:
            click.echo(f"  {count:>3} × {text}")
    for file, why in status.broken.items():
        click.secho(f"{file} can't be read: {why}", fg="red", err=True)
    if status.rows:
        _show_totals(status.all)


def _bar(group: Group, width: int = 12) -> str:
    """A bar with a part for every state that there is."""
    return "".join(
        click.style("█" * length, fg=_COLOURS[state])
        for state, length in lengths(group.counts(), width)
    )


def lengths(counts: dict[str, int], width: int) -> Iterator[tuple[str, int]]:
    """(state, characters) that add up to `width`; who is there at all gets at least one."""
    total = sum(counts.values())
    there = {state: count for state, count in counts.items() if count}
    exact = {state: max(1, width * count // total) for state, count in there.items()}
    while sum(exact.values()) != width:
        step = 1 if sum(exact.values()) < width else -1
        # What is furthest from its due gets one more, or gives one away if it has more than one.
        able = [state for state, length in exact.items() if length + step > 0]
        state = max(able, key=lambda one: step * (width * there[one] / total - exact[one]))
        exact[state] += step
    yield from exact.items()


def _figures(group: Group) -> str:
    said = [
        click.style(f"{count} {_MARKS[state]}", fg=_COLOURS[state])
        for state, count in group.counts().items()
        if count
    ]
    return f"{len(group.rows)}: {' '.join(said)}"


def _show_row(row: Row) -> None:
    mark = click.style(_MARKS[row.state], fg=_COLOURS[row.state])
    methods = " ".join(row.methods)
    rules = " ".join(row.rules)
    place = click.style(f"{row.file}:{row.line}", dim=True)
    uses = ", ".join(row.uses)
    line = f"  {mark} {row.endpoint}  {methods} {rules}".rstrip() + f"  {place}"
    width = _width()
    if uses and len(click.unstyle(line)) + 2 + len(uses) <= width:
        line, uses = f"{line}  {uses}", ""
    click.echo(line)
    if uses:
        click.echo(textwrap.fill(uses, width, initial_indent=_DEEP, subsequent_indent=_DEEP))
    for reason in row.reasons:
        click.echo(click.style("      " + reason, fg=_COLOURS["person"]))


def _show_totals(group: Group) -> None:
    click.echo("\n" + _bar(group, 2 * _WIDTH))
    for state, meaning in STATES.items():
        if count := group.count(state):
            mark = click.style(_MARKS[state], fg=_COLOURS[state])
            click.echo(f"  {mark} {count:>4}  {group.share(state):>3} %  {meaning}")
    click.echo(f"    {len(group.rows):>4}         in all")
