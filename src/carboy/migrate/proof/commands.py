"""`carboy migrate verify`: its options, and what its errors look like.

`record` and `shadow` serve, and so stand in cli/.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import click

from carboy.migrate.proof.places import NotReady
from carboy.migrate.proof.spec import EXAMPLES, NoSpec, Spec, parse

_FILE = click.Path(dir_okay=False, path_type=Path)


class _Regex(click.ParamType[Any]):
    name = "REGEX"

    def convert(self, value: Any, param: Any, ctx: Any) -> re.Pattern[str]:
        try:
            return re.compile(value)
        except re.error as error:
            self.fail(f"{value!r} is no regular expression: {error}", param, ctx)


class _Pair(click.ParamType[Any]):
    name = "NAME=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        name, equals, text = str(value).partition("=")
        if not equals or not name:
            self.fail(f"{value!r} is not written as NAME=VALUE", param, ctx)
        return name, text


class _Application(click.ParamType[Any]):
    name = "APP"

    def convert(self, value: Any, param: Any, ctx: Any) -> Spec:
        try:
            return parse(value, Path.cwd())
        except NoSpec as error:
            self.fail(str(error), param, ctx)


@click.command(short_help="Compare the answers of two applications.")
@click.argument("apps", nargs=-1, required=True, type=_Application(), metavar="[OLD] NEW")
@click.option("--record", type=_FILE, help="Requests that `carboy migrate record` wrote.")
@click.option("--against-record", is_flag=True, help="Compare to the recorded answers.")
@click.option("--tests", help="OLD's pytest tests: run with both, the answers compared.")
@click.option("--requests", help="A Python file or module that lists requests.")
@click.option(
    "--values", type=_Pair(), multiple=True, help="For variables of routes; may be repeated."
)
@click.option("--thorough", is_flag=True, help="Of routes: HEAD, OPTIONS and the other slash too.")
@click.option("--mask", type=_Regex(), multiple=True, help="Text that may differ.")
@click.option("--ignore-header", multiple=True, metavar="NAME", help="Not compared.")
@click.option("--csrf-field", multiple=True, metavar="NAME", help="Another name of such tokens.")
@click.option("--key-order", is_flag=True, help="JSON's keys have to be in the same order.")
@click.option("--secret", type=_Pair(), multiple=True, help="For what a record left out.")
@click.option("--hand-over", is_flag=True, help="NEW gets the cookies that OLD has set.")
@click.option("--setup", metavar="COMMAND", help="Run in both folders before.")
@click.option("--env", type=_Pair(), multiple=True, help="A variable for both.")
@click.option("--old-on", type=click.Choice(["auto", "flask", "carboy"]), default="auto")
@click.option("--old-python", metavar="PYTHON", help="The interpreter that has OLD's packages.")
@click.option("--in-place", is_flag=True, help="Don't copy the folders of the applications.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=30.0, metavar="SECONDS")
@click.option("--json", "json_file", type=_FILE, help="Write the report there too.")
def verify(apps: tuple[Spec, ...], json_file: Path | None, **given: Any) -> None:
    """Send the same requests to OLD and NEW and compare status, headers, cookies and bodies.

    \b
    OLD and NEW are written
        module:app  folder:module:app  folder/file.py:app  'module:create_app()'

    OLD runs on Flask where it is installed, NEW on Carboy, each in a copy of its folder. Without
    --record, --tests or --requests, what has no variables is asked by GET. Ends with 1 where
    something differs, with 2 where nothing could be compared.
    """
    task = _task(apps, given)
    try:
        report = _run(task, given["tests"])
    except NotReady as error:
        click.secho("Error: ", fg="red", bold=True, err=True, nl=False)
        click.echo(str(error), err=True)
        sys.exit(2)
    from carboy.migrate.proof.telling import told

    for line in told(report):
        click.echo(line)
    if json_file is not None:
        json_file.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    if report.differences:
        sys.exit(1)
    if not report.exchanges:
        click.echo("Error: nothing was compared", err=True)
        sys.exit(2)


def _run(task: Any, tests: str | None) -> Any:
    from carboy.migrate.proof.verifying import verify as compare

    if tests is None:
        return compare(task)
    from carboy.migrate.proof.testing import compare_tests

    return compare_tests(task, tests)


def _task(apps: tuple[Spec, ...], given: dict[str, Any]) -> Any:
    from carboy.migrate.proof.comparing import Rules
    from carboy.migrate.proof.masking import Masks
    from carboy.migrate.proof.proving import Options
    from carboy.migrate.proof.verifying import Task

    if len(apps) > 2 or (len(apps) == 1 and not given["against_record"]):
        raise click.UsageError(
            f"say two applications, OLD and NEW, each as in {EXAMPLES}; NEW alone with "
            "--record FILE --against-record"
        )
    if given["against_record"] and given["record"] is None:
        raise click.UsageError("--against-record needs --record FILE")
    if given["tests"] and (given["record"] or given["requests"]):
        raise click.UsageError("--tests goes alone: leave out --record and --requests")
    values: dict[str, list[str]] = {}
    for name, value in given["values"]:
        values.setdefault(name, []).append(value)
    rules = Rules(
        Masks(given["mask"], given["csrf_field"]),
        frozenset(name.lower() for name in given["ignore_header"]),
        given["key_order"],
    )
    options = Options(rules, dict(given["secret"]), given["hand_over"], given["against_record"])
    return Task(
        old=apps[0] if len(apps) == 2 else None,
        new=apps[-1],
        options=options,
        record=given["record"],
        requests=given["requests"],
        values=values,
        thorough=given["thorough"],
        setup=given["setup"],
        environ=dict(given["env"]),
        old_on=given["old_on"],
        old_python=given["old_python"],
        in_place=given["in_place"],
        patience=given["timeout"],
    )
