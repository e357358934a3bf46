"""FlaskGroup: a command whose sub-commands are its own, those of plugins and the application's.

The first that knows a name has it, in this order; the application is loaded only for a name that
the others don't know, and for the list in --help. An application that can't be loaded must not keep
anybody from reading --help: the error is shown beside it.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import click

from carboy.flask.cli.finding import NoAppException
from carboy.flask.cli.options import (
    _app_option,
    _debug_option,
    _env_file_option,
    version_option,
)
from carboy.flask.cli.routes import routes_command
from carboy.flask.cli.script import AppGroup, ScriptInfo
from carboy.flask.cli.serving import run_command
from carboy.flask.cli.shell import shell_command
from carboy.flask.globals import current_app
from carboy.flask.helpers import get_load_dotenv

if TYPE_CHECKING:
    from carboy.flask.app import Flask

#: Where extensions declare their commands: Flask-Migrate's ``db``, for example.
PLUGINS = "flask.commands"


def _complain(text: str) -> None:
    click.secho(f"{text.rstrip()}\n", err=True, fg="red")


class FlaskGroup(AppGroup):
    """The ``flask`` command, or a project's own script with the same sub-commands.

    `add_default_commands` is for run, shell and routes, `add_version_option` for --version.
    `create_app` makes the application; without it, it is found as --app and FLASK_APP say.
    `load_dotenv` is for ``.env`` and ``.flaskenv``, `set_debug_flag` lets FLASK_DEBUG decide on
    debug mode. `extra` is for click's group; options there come before ours.
    """

    def __init__(
        self,
        add_default_commands: bool = True,
        create_app: Callable[..., Flask] | None = None,
        add_version_option: bool = True,
        load_dotenv: bool = True,
        set_debug_flag: bool = True,
        **extra: Any,
    ) -> None:
        params = [*(extra.pop("params", None) or ()), _env_file_option, _app_option, _debug_option]
        if add_version_option:
            params.append(version_option)
        settings = {"auto_envvar_prefix": "FLASK", **(extra.pop("context_settings", None) or {})}
        super().__init__(params=params, context_settings=settings, **extra)
        self.create_app = create_app
        self.load_dotenv = load_dotenv
        self.set_debug_flag = set_debug_flag
        self._loaded_plugin_commands = False
        if add_default_commands:
            for command in (run_command, shell_command, routes_command):
                self.add_command(command)

    def _load_plugin_commands(self) -> None:
        if not self._loaded_plugin_commands:
            self._loaded_plugin_commands = True
            for plugin in entry_points(group=PLUGINS):
                self._load_plugin(plugin)

    def _load_plugin(self, plugin: EntryPoint) -> None:
        try:
            self.add_command(plugin.load(), plugin.name)
        except Exception:
            _complain(
                f"Error: the command {plugin.name!r}, which a package declares as "
                f"{plugin.value!r}, can't be loaded:\n\n{traceback.format_exc()}"
            )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The sub-command of that name, in the context of the application if that has it."""
        self._load_plugin_commands()
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            return command
        try:
            app = ctx.ensure_object(ScriptInfo).load_app()
        except NoAppException as error:
            _complain(f"Error: {error.format_message()}")
            return None
        # Already here, not only when the command runs: callbacks of its parameters use it too.
        if not current_app or current_app._get_current_object() is not app:  # type: ignore[attr-defined]
            ctx.with_resource(app.app_context())
        return app.cli.get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all sub-commands; what keeps the application from loading is shown."""
        self._load_plugin_commands()
        names = set(super().list_commands(ctx))
        try:
            names.update(ctx.ensure_object(ScriptInfo).load_app().cli.list_commands(ctx))
        except NoAppException as error:
            _complain(f"Error: {error.format_message()}")
        except Exception:
            _complain(traceback.format_exc())
        return sorted(names)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse; the context's `obj` is a `ScriptInfo`, if nobody gives another."""
        # A module that ends in app.run() must not serve while it is loaded for a command.
        os.environ["FLASK_RUN_FROM_CLI"] = "true"
        if "obj" not in extra and "obj" not in self.context_settings:
            extra["obj"] = ScriptInfo(
                create_app=self.create_app,
                set_debug_flag=self.set_debug_flag,
                load_dotenv_defaults=self.load_dotenv,
            )
        return super().make_context(info_name, args, parent=parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, except that --help knows of FLASK_APP and ``.env`` files."""
        asks_for_help = not args and self.no_args_is_help
        if asks_for_help or (len(args) == 1 and args[0] in self.get_help_option_names(ctx)):
            # Help is printed as soon as it is parsed; where the application is must be known then.
            if get_load_dotenv(self.load_dotenv):
                _env_file_option.handle_parse_result(ctx, {}, [])
            _app_option.handle_parse_result(ctx, {}, [])
        return super().parse_args(ctx, args)
