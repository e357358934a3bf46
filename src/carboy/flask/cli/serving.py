"""``flask run``: Werkzeug's development server, with its reloader and debugger.

For production and for Carboy's own development server there is ``carboy run`` and ``carboy dev``.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable
from typing import Any, NoReturn

import click

from carboy.flask.cli.certificates import CertParamType, _validate_key
from carboy.flask.cli.options import _debug_option
from carboy.flask.cli.script import ScriptInfo, pass_script_info
from carboy.flask.helpers import get_debug_flag
from carboy.flask.typing import StartResponse, WSGIEnvironment


def _is_reloaded() -> bool:
    # As werkzeug.serving says it, which is not loaded for this.
    return os.environ.get("WERKZEUG_RUN_MAIN") == "true"


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Say what is served, once, not in the reloader's child."""
    if _is_reloaded():
        return
    if app_import_path is not None:
        click.echo(f" * Serving Flask app '{app_import_path}'")
    if debug is not None:
        click.echo(f" * Debug mode: {'on' if debug else 'off'}")


class SeparatedPathType(click.Path):
    """Several paths in one value, with the separator of PATH (a colon; on Windows a semicolon)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The paths as a list, each checked as click.Path does."""
        convert = super().convert
        return [convert(one, param, ctx) for one in self.split_envvar_value(value)]


def _failing(error: Exception) -> Any:
    """An application that raises `error` for every request, for the debugger to show."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> NoReturn:
        raise error from None

    return app


def _served(info: ScriptInfo) -> Any:
    try:
        return info.load_app()
    except Exception as error:
        if not _is_reloaded():
            raise
        # A slip in a file that was just saved: stay, so that saving it again can mend it.
        traceback.print_exc()
        return _failing(error)


@click.command("run", short_help="Serve the application for development.")
@click.option("--host", "-h", default="127.0.0.1", help="The address to listen at.")
@click.option("--port", "-p", default=5000, help="The port to listen at.")
@click.option(
    "--cert",
    type=CertParamType(),
    help="Serve HTTPS: a certificate file, 'adhoc', or the import name of an SSLContext.",
    is_eager=True,
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=_validate_key,
    expose_value=False,
    help="The file with the certificate's key.",
)
@click.option(
    "--reload/--no-reload",
    default=None,
    help="Start anew when files change. By default as debug mode is.",
)
@click.option(
    "--debugger/--no-debugger",
    default=None,
    help="Show errors in an interactive debugger. By default as debug mode is.",
)
@click.option(
    "--with-threads/--without-threads",
    default=True,
    help="Answer requests at the same time, or one by one.",
)
@click.option(
    "--extra-files",
    default=None,
    type=SeparatedPathType(),
    help=f"More files to reload for, with {os.path.pathsep!r} between them.",
)
@click.option(
    "--exclude-patterns",
    default=None,
    type=SeparatedPathType(),
    help=f"Files not to reload for, as fnmatch patterns with {os.path.pathsep!r} between them.",
)
@pass_script_info
def run_command(
    info: ScriptInfo,
    host: str,
    port: int,
    reload: bool | None,
    debugger: bool | None,
    with_threads: bool,
    cert: Any,
    extra_files: Iterable[str] | None,
    exclude_patterns: Iterable[str] | None,
) -> None:
    """Serve the application on this machine while you write it.

    Never in production: this server is neither safe nor fast, and its debugger runs any code.
    There, 'carboy run' serves the same application.
    """
    app = _served(info)
    debug = get_debug_flag()
    show_server_banner(debug, info.app_import_path)
    # COMPAT: from the package, where tests put something else in its place.
    sys.modules["carboy.flask.cli"].run_simple(
        host,
        port,
        app,
        use_reloader=debug if reload is None else reload,
        use_debugger=debug if debugger is None else debugger,
        threaded=with_threads,
        ssl_context=cert,
        extra_files=extra_files,
        exclude_patterns=exclude_patterns,
    )


# `flask run --debug` is what everybody writes.
run_command.params.insert(0, _debug_option)
