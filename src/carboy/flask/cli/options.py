"""The options of the ``flask`` command itself: --env-file, --app, --debug, --version.

They are eager and act when they are parsed, since what they say (the environment, where the
application is) has to be known before the sub-commands can be: those are the application's.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

import click
from click.core import ParameterSource

from carboy.flask import VERSION
from carboy.flask.cli.env_files import load_dotenv
from carboy.flask.cli.script import ScriptInfo

#: The version of Flask that the face answers for; as in carboy/dropin.py.


def get_version(ctx: click.Context, param: click.Parameter | None, value: Any) -> None:
    """Print the versions of what an application runs on, and exit."""
    if not value or ctx.resilient_parsing:
        return
    versions = {
        "Python": platform.python_version(),
        "Flask": VERSION,
        "Werkzeug": version("werkzeug"),
        "Carboy": version("carboy"),
    }
    click.echo("\n".join(map(" ".join, versions.items())), color=ctx.color)
    ctx.exit()


version_option = click.Option(
    ["--version"],
    help="Print the versions of Python, Flask, Werkzeug and Carboy.",
    expose_value=False,
    callback=get_version,
    is_flag=True,
    is_eager=True,
)


def _set_app(ctx: click.Context, param: click.Option, value: str | None) -> str | None:
    if value is not None:
        ctx.ensure_object(ScriptInfo).app_import_path = value
    return value


_app_option = click.Option(
    ["-A", "--app"],
    metavar="IMPORT",
    help=(
        "Where the Flask application is: 'module:name', the module as a dotted name or a file's "
        "path. The name can be left out if it is 'app' or 'application', or a factory called "
        "'create_app' or 'make_app'; 'module:factory(\"argument\")' calls a factory."
    ),
    is_eager=True,
    expose_value=False,
    callback=_set_app,
)


def _set_debug(ctx: click.Context, param: click.Option, value: bool) -> bool | None:
    source = ctx.get_parameter_source(str(param.name))
    if source in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        # Nobody has said: the environment decides.
        return None
    # COMPAT: by the environment, which code that makes the application can read already.
    os.environ["FLASK_DEBUG"] = "1" if value else "0"
    return value


_debug_option = click.Option(
    ["--debug/--no-debug"],
    help="Turn debug mode on or off.",
    expose_value=False,
    callback=_set_debug,
)


def _env_file_callback(ctx: click.Context, param: click.Option, value: str | None) -> str | None:
    if value is not None:
        try:
            import dotenv  # noqa: F401
        except ImportError:
            hint = "needs the package python-dotenv, which is not installed"
            raise click.BadParameter(hint, ctx, param) from None
    defaults = ctx.ensure_object(ScriptInfo).load_dotenv_defaults
    if value is not None or defaults:
        load_dotenv(value, load_defaults=defaults)
    return value


_env_file_option = click.Option(
    ["-e", "--env-file"],
    type=click.Path(exists=True, dir_okay=False),
    help=(
        "A file of environment variables, stronger than '.env' and '.flaskenv', weaker than "
        "variables that are set already. Needs python-dotenv."
    ),
    is_eager=True,
    expose_value=False,
    callback=_env_file_callback,
)
