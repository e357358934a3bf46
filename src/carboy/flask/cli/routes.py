"""``flask routes``: a table of the application's rules."""

from __future__ import annotations

from collections.abc import Sequence

import click
from werkzeug.routing import Rule

from carboy.flask.cli.script import with_appcontext
from carboy.flask.globals import current_app

_COLUMNS = ("endpoint", "methods", "domain", "rule")


def _row(rule: Rule, host_matching: bool, ignored: frozenset[str]) -> tuple[str, ...]:
    domain = rule.host if host_matching else rule.subdomain
    methods = ", ".join(sorted((rule.methods or set()) - ignored))
    return str(rule.endpoint), methods, domain or "", rule.rule


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first row is the head."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *rest = rows
    lines = [head, ["-" * width for width in widths], *rest]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


@click.command("routes", short_help="List the application's routes.")
@click.option(
    "--sort",
    "-s",
    type=click.Choice([*_COLUMNS, "match"]),
    default="endpoint",
    help="What to sort by; 'match' is the order of the URL map.",
)
@click.option("--all-methods", is_flag=True, help="Show HEAD and OPTIONS too.")
@with_appcontext
def routes_command(sort: str, all_methods: bool) -> None:
    """List all routes, with their endpoints and methods."""
    host_matching = current_app.url_map.host_matching
    ignored = frozenset() if all_methods else frozenset({"HEAD", "OPTIONS"})
    rows = [_row(rule, host_matching, ignored) for rule in current_app.url_map.iter_rules()]
    if not rows:
        click.echo("No routes were registered.")
        return
    if sort in _COLUMNS:
        column = _COLUMNS.index(sort)
        rows.sort(key=lambda row: row[column])
    rows.insert(0, ("Endpoint", "Methods", "Host" if host_matching else "Subdomain", "Rule"))
    if not any(row[2] for row in rows[1:]):
        rows = [(*row[:2], row[3]) for row in rows]
    click.echo(_table(rows))
