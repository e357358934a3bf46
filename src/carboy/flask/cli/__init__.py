"""`flask.cli`: the command line of Flask applications. Here is only where each name is found.

A module per matter: finding.py finds an application, script.py holds it while a command runs,
env_files.py reads ``.env`` files, options.py, group.py and command.py are the command itself,
serving.py, shell.py and routes.py its sub-commands.

Every application has an `AppGroup`, so script.py is loaded with it; all else when it is asked for.
COMPAT: tools take names from here that upstream only imports here, and put others in their place
(`run_simple`).
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import click as click

from carboy.flask.cli.script import AppGroup as AppGroup
from carboy.flask.cli.script import F as F
from carboy.flask.cli.script import ScriptInfo as ScriptInfo
from carboy.flask.cli.script import pass_script_info as pass_script_info
from carboy.flask.cli.script import with_appcontext as with_appcontext

if TYPE_CHECKING:
    from werkzeug.serving import is_running_from_reloader as is_running_from_reloader
    from werkzeug.serving import run_simple as run_simple
    from werkzeug.utils import import_string as import_string

    from carboy.flask.cli.certificates import CertParamType as CertParamType
    from carboy.flask.cli.certificates import _validate_key as _validate_key
    from carboy.flask.cli.command import cli as cli
    from carboy.flask.cli.env_files import _path_is_ancestor as _path_is_ancestor
    from carboy.flask.cli.env_files import load_dotenv as load_dotenv
    from carboy.flask.cli.finding import NoAppException as NoAppException
    from carboy.flask.cli.finding import _called_with_wrong_args as _called_with_wrong_args
    from carboy.flask.cli.finding import find_app_by_string as find_app_by_string
    from carboy.flask.cli.finding import find_best_app as find_best_app
    from carboy.flask.cli.finding import locate_app as locate_app
    from carboy.flask.cli.finding import prepare_import as prepare_import
    from carboy.flask.cli.group import FlaskGroup as FlaskGroup
    from carboy.flask.cli.options import _app_option as _app_option
    from carboy.flask.cli.options import _debug_option as _debug_option
    from carboy.flask.cli.options import _env_file_callback as _env_file_callback
    from carboy.flask.cli.options import _env_file_option as _env_file_option
    from carboy.flask.cli.options import _set_app as _set_app
    from carboy.flask.cli.options import _set_debug as _set_debug
    from carboy.flask.cli.options import get_version as get_version
    from carboy.flask.cli.options import version_option as version_option
    from carboy.flask.cli.routes import routes_command as routes_command
    from carboy.flask.cli.serving import SeparatedPathType as SeparatedPathType
    from carboy.flask.cli.serving import run_command as run_command
    from carboy.flask.cli.serving import show_server_banner as show_server_banner
    from carboy.flask.cli.shell import shell_command as shell_command
    from carboy.flask.globals import current_app as current_app
    from carboy.flask.helpers import get_debug_flag as get_debug_flag
    from carboy.flask.helpers import get_load_dotenv as get_load_dotenv

_MODULES = {
    "carboy.flask.cli.certificates": "CertParamType _validate_key",
    "carboy.flask.cli.env_files": "load_dotenv _path_is_ancestor",
    "carboy.flask.cli.finding": "NoAppException find_app_by_string find_best_app locate_app "
    "prepare_import _called_with_wrong_args",
    "carboy.flask.cli.group": "FlaskGroup",
    "carboy.flask.cli.command": "cli",
    "carboy.flask.cli.options": "get_version version_option _app_option _debug_option "
    "_env_file_callback _env_file_option _set_app _set_debug",
    "carboy.flask.cli.routes": "routes_command",
    "carboy.flask.cli.serving": "SeparatedPathType run_command show_server_banner",
    "carboy.flask.cli.shell": "shell_command",
    "carboy.flask.globals": "current_app",
    "carboy.flask.helpers": "get_debug_flag get_load_dotenv",
    "werkzeug.serving": "is_running_from_reloader run_simple",
    "werkzeug.utils": "import_string",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def main() -> None:
    """The ``flask`` command: ``python -m flask``, and what the console script calls."""
    # Not in a module called main: importing it would put the module in this function's place.
    from carboy.flask.cli.command import cli

    cli.main()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    # So that a tool's replacement is put here and taken away again like any other name.
    setattr(sys.modules[__name__], name, value)
    return value
