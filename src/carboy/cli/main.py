"""The commands and their options. What they do is in serving.py, showing.py and loading.py."""

from __future__ import annotations

from typing import Any

import click

import carboy
from carboy.cli.dropping import drop_in as use_faces
from carboy.cli.dropping import execute
from carboy.cli.loading import LoadError, load_app
from carboy.cli.options import Serving, serving_options
from carboy.cli.serving import dev as serve_dev
from carboy.cli.serving import run as serve_run


class _Main(click.Group):
    """Commands that are seldom wanted are imported when they are named."""

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted({*super().list_commands(context), "migrate"})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name == "migrate":
            from carboy.migrate.commands import migrate

            return migrate
        return super().get_command(context, name)


@click.group(cls=_Main, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(carboy.__version__, "-V", "--version", prog_name="carboy")
def main() -> None:
    """Carboy: Flask code and FastAPI code on one fast engine.

    APP is written module:name, as in `carboy run bookshelf:app`. The name may be left out when it
    is `app`, and the module may be a path to a file.
    """


_drop_in = click.option(
    "--drop-in", is_flag=True, help="APP imports fastapi or flask: Carboy's faces answer for them."
)


@main.command(cls=Serving)
@click.argument("app")
@_drop_in
@serving_options()
def run(app: str, drop_in: bool, **options: Any) -> None:
    """Serve APP in production: no reload, no tracebacks to clients."""
    if drop_in:
        use_faces()
    serve_run(app, **options)


@main.command(cls=Serving)
@click.argument("app", required=False)
@_drop_in
@serving_options(reload=True)
def dev(app: str | None, drop_in: bool, host: str, **options: Any) -> None:
    """Serve APP while you work on it: reload, readable errors, this machine only.

    Without APP: the `app` in main.py, app.py, api.py, wsgi.py or asgi.py.
    """
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise click.UsageError(
            f"carboy dev shows tracebacks and so binds this machine only, not {host}. "
            "To be reached from elsewhere: carboy run."
        )
    if drop_in:
        use_faces()
    serve_dev(app, host=host, **options)


@main.command("exec", context_settings={"ignore_unknown_options": True})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(command: tuple[str, ...]) -> None:
    """Run COMMAND with Carboy's faces in place of fastapi and flask.

    As in: carboy exec -- gunicorn wsgi:app
    """
    execute(command)


@main.command("flask", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def flask_(arguments: tuple[str, ...]) -> None:
    """Flask's commands: shell, routes, and those of your application.

    As in: carboy flask --app shop init-db
    """
    execute(("flask", *arguments))


@main.command()
@click.argument("route")
@click.argument("app", required=False)
@_drop_in
def show(route: str, app: str | None, drop_in: bool) -> None:
    """Print what ROUTE was compiled to, as in: carboy show "GET /items/{item_id}" main:app"""
    if drop_in:
        use_faces()
    engine = _loaded(app).engine
    try:
        target = engine.find(route)
    except KeyError as error:
        raise click.ClickException(str(error.args[0])) from None
    click.echo(target.source, nl=False)


@main.command()
@click.argument("app", required=False)
@_drop_in
def routes(app: str | None, drop_in: bool) -> None:
    """List the routes of APP, in the order in which they are tried."""
    if drop_in:
        use_faces()
    engine = _loaded(app).engine
    engine.freeze()
    rows = [
        (*target.route.title.partition(" ")[::2], target.route.name)
        for target in engine.router.routes
    ]
    if getattr(engine.application, "fallback", None) is not None:
        rows.append(("*", "what no route takes", "fallback"))
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    for methods, path, name in rows:
        click.echo(f"{methods:<{widths[0]}}  {path:<{widths[1]}}  {name}")


@main.command()
@click.argument("app", required=False)
@_drop_in
@click.option("--no-import", is_flag=True, help="Read sources only; import nothing.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def check(app: str | None, drop_in: bool, no_import: bool, as_json: bool) -> None:
    """Say what APP uses and what is not supported, with file and line.

    APP may be a folder too: then sources are read and nothing is imported. Exit status: 0 where
    nothing is unsupported, 1 where something is, 2 where APP can't be loaded.
    """
    from carboy.cli.checking import run_check

    raise SystemExit(run_check(app, drop_in=drop_in, no_import=no_import, as_json=as_json))


def _loaded(app: str | None) -> Any:
    try:
        return load_app(app)
    except LoadError as error:
        raise click.ClickException(str(error)) from None
