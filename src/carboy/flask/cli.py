"""`app.cli`: a place for an application's own commands. Thin for now.

COMPAT: commands run in the application's context, unless `with_appcontext` is False.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click
from werkzeug.utils import import_string

if TYPE_CHECKING:
    from carboy.flask.app import Flask


class ScriptInfo:
    """Knows how to get at the application that commands are for."""

    def __init__(
        self,
        app_import_path: str | None = None,
        create_app: Callable[..., Flask] | None = None,
        set_debug_flag: bool = True,
    ) -> None:
        self.app_import_path = app_import_path
        self.create_app = create_app
        self.data: dict[Any, Any] = {}
        self.set_debug_flag = set_debug_flag
        self._app: Flask | None = None

    def load_app(self) -> Flask:
        """The application, made once."""
        if self._app is None:
            if self.create_app is not None:
                self._app = self.create_app()
            else:
                path = self.app_import_path or os.environ.get("FLASK_APP") or "app"
                module, _, name = path.removesuffix(".py").partition(":")
                self._app = import_string(f"{module}:{name or 'app'}")
        return self._app


pass_script_info = click.make_pass_decorator(ScriptInfo, ensure=True)


def with_appcontext(f: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command's function in the application's context."""

    @click.pass_context
    def decorated(ctx: click.Context, /, *args: Any, **kwargs: Any) -> Any:
        from carboy.flask.globals import current_app

        if not current_app:
            app = ctx.ensure_object(ScriptInfo).load_app()
            ctx.with_resource(app.app_context())
        return ctx.invoke(f, *args, **kwargs)

    return update_wrapper(decorated, f)


class AppGroup(click.Group):
    """A click group whose commands run in the application's context."""

    def command(self, *args: Any, **kwargs: Any) -> Any:
        in_context = kwargs.pop("with_appcontext", True)
        decorate = super().command(*args, **kwargs)
        return lambda f: decorate(with_appcontext(f) if in_context else f)

    def group(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("cls", AppGroup)
        return super().group(*args, **kwargs)


def load_dotenv(path: str | os.PathLike[str] | None = None) -> bool:
    """Read ``.env`` and ``.flaskenv`` where python-dotenv is installed; whether it did."""
    try:
        import dotenv
    except ImportError:
        return False
    names = [os.fspath(path)] if path else [".env", ".flaskenv"]
    loaded = [dotenv.load_dotenv(dotenv.find_dotenv(name, usecwd=True)) for name in names]
    return any(loaded)


def show_server_banner(debug: bool, app_import_path: str | None) -> None:
    """Say what is served, once, not in the reloader's child."""
    if os.environ.get("WERKZEUG_RUN_MAIN") == "true":
        return
    if app_import_path is not None:
        click.echo(f" * Serving Flask app '{app_import_path}'")
    click.echo(f" * Debug mode: {'on' if debug else 'off'}")
