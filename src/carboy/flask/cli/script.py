"""What every application needs of the command line: its commands, and itself while one runs.

This is all of `flask.cli` that is loaded with an application; it imports click and nothing of the
other modules here before a command runs.

COMPAT: commands of an `AppGroup` run in the application's context, unless they are declared with
``with_appcontext=False``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from carboy.flask.globals import current_app
from carboy.flask.helpers import get_debug_flag, get_load_dotenv

if TYPE_CHECKING:
    from carboy.flask.app import Flask

F = TypeVar("F", bound=Callable[..., Any])

#: Between a module and a name in it; a drive's colon (C:\app.py) is none.
_COLON = re.compile(r":(?![\\/])")
#: Modules of the current folder that are tried when nobody says where the application is.
_USUAL = ("wsgi.py", "app.py")


class ScriptInfo:
    """Knows how to get at the application that commands are for; ``ctx.obj`` in click's context.

    The application is what `create_app` returns, else what `app_import_path` names
    (``module``, ``path/to/file.py``, ``module:name``, ``module:factory("argument")``), else it is
    looked for in ``wsgi.py`` and ``app.py`` of the current folder. `data` is free for commands.
    """

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., Flask] | None = None,
        set_debug_flag: bool = True,
        load_dotenv_defaults: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[Any, Any] = {}
        #: Whether FLASK_DEBUG decides on the application's debug mode.
        self.set_debug_flag = set_debug_flag
        #: Whether ``.env`` and ``.flaskenv`` are read; FLASK_SKIP_DOTENV has the last word.
        self.load_dotenv_defaults = get_load_dotenv(load_dotenv_defaults)
        self._loaded_app: Flask | None = None

    def load_app(self) -> Flask:
        """The application, made once. NoAppException: there is none, or it can't be loaded."""
        if self._loaded_app is None:
            app = self.create_app() if self.create_app is not None else self._find_app()
            if app is None:
                from carboy.flask.cli.finding import NoAppException

                raise NoAppException(
                    "There is no Flask application to be found. Name it with 'flask --app module' "
                    "or in the environment variable FLASK_APP, or put it into 'wsgi.py' or "
                    "'app.py' in the current folder."
                )
            if self.set_debug_flag:
                app.debug = get_debug_flag()
            self._loaded_app = app
        return self._loaded_app

    def _find_app(self) -> Flask | None:
        from carboy.flask.cli.finding import locate_app, prepare_import

        if self.app_import_path:
            path, *name = _COLON.split(self.app_import_path, maxsplit=1)
            return locate_app(prepare_import(path), name[0] if name else None)
        for path in _USUAL:
            app = locate_app(prepare_import(path), None, raise_if_not_found=False)
            if app is not None:
                return app
        return None


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


def with_appcontext(f: F) -> F:
    """Run a command's function in the context of the application, which is loaded for it."""

    @click.pass_context
    def in_context(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        if not current_app:
            app = ctx.ensure_object(ScriptInfo).load_app()
            # To the end of the click context: clean-ups of the command see the application too.
            ctx.with_resource(app.app_context())
        return ctx.invoke(f, *args, **kwargs)

    return cast("F", update_wrapper(in_context, f))


class AppGroup(click.Group):
    """A click group whose commands run in the application's context; so do its groups'."""

    def command(self, *args: Any, **kwargs: Any) -> Any:
        """As click's; ``with_appcontext=False`` for a command that needs no application."""
        in_context = kwargs.pop("with_appcontext", True)
        decorate = super().command(*args, **kwargs)
        return lambda f: decorate(with_appcontext(f) if in_context else f)

    def group(self, *args: Any, **kwargs: Any) -> Any:
        """As click's; the group is an `AppGroup` if no `cls` says otherwise."""
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)
