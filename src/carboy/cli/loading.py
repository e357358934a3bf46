"""From what a person types to an application, with an error that says what to do."""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from carboy.cli import two_flasks
from carboy.cli.doubles import tell_of_doubles
from carboy.server.traces import told

_PACKAGE = str(Path(__file__).parent.parent) + os.sep
#: Looked for in this order where no application is named.
USUAL = ("main", "app", "api", "wsgi", "asgi")


class LoadError(Exception):
    """The application can't be had; the message is for the person at the terminal."""


def import_string(app: str | None) -> str:
    """``module:name`` for what was typed: ``main``, ``main:app``, ``src/main.py``, or nothing."""
    if app is None:
        found = [name for name in USUAL if Path(name + ".py").is_file()]
        if not found:
            raise LoadError(
                "which application? Write module:name, as in main:app (there is no "
                f"{', '.join(name + '.py' for name in USUAL[:-1])} or {USUAL[-1]}.py here)."
            )
        app = found[0]
    module, _, name = app.partition(":")
    path = Path(module)
    if module.endswith(".py") or "/" in module or "\\" in module:
        if not path.with_suffix(".py").is_file():
            raise LoadError(f"there is no file {path.with_suffix('.py')}")
        sys.path.insert(0, str(path.parent.resolve()))
        module = path.stem
    return f"{module}:{name or 'app'}"


def load_app(app: str | None, *, factories: bool = False) -> Any:
    """The application; LoadError when it can't be had. `factories`: a function may make it."""
    if os.environ.get("CARBOY_DROPIN"):
        importlib.import_module("carboy.dropin")
    where = import_string(app)
    module_name, _, name = where.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise LoadError(_trace(module_name, error)) from error
        raise LoadError(_no_module(module_name)) from None
    except Exception as error:
        raise LoadError(_trace(module_name, error)) from error
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise LoadError(_no_name(module, module_name, name))
        found = getattr(found, part)
    if factories and inspect.isfunction(found):
        found = _made(found, where)
    if not hasattr(found, "engine"):
        raise LoadError(_not_ours(where, found))
    if (told := two_flasks.warning(found)) is not None:
        click.secho("Warning: ", fg="yellow", bold=True, err=True, nl=False)
        click.echo(told, err=True)
    return found


def _made(factory: Any, where: str) -> Any:
    """What an application factory makes when it is called without arguments."""
    try:
        return factory()
    except Exception as error:
        raise LoadError(_trace(where, error)) from error


#: What `served` loads, in this process and in those that the server starts.
APP = "CARBOY_APP"
#: "1" where files are watched: what can't be loaded is told of, and waits for the next change.
WAITS = "CARBOY_DEV_WAITS"


def served() -> Any:
    """The application named by CARBOY_APP, as the factory that uvicorn calls in every process."""
    if os.environ.get(WAITS) != "1":
        try:
            return load_app(os.environ[APP])
        except LoadError as error:
            complain(error)
            sys.exit(1)
    from carboy.cli.unready import Unready

    try:
        return _frozen(load_app(os.environ[APP]))
    except LoadError as error:
        complain(error)
        return Unready(str(error))


def _frozen(app: Any) -> Any:
    """`app`, all of whose routes were compiled; LoadError where one can't be."""
    try:
        app.engine.freeze()
        tell_of_doubles(app)
    except Exception as error:
        raise LoadError(_trace(os.environ[APP], error, "starting")) from error
    return app


def complain(error: LoadError) -> None:
    """Say on the terminal why there is nothing to serve."""
    click.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    click.echo(str(error), err=True)


def _no_module(name: str) -> str:
    here = sorted(p.stem for p in Path.cwd().glob("*.py")) + sorted(
        p.parent.name for p in Path.cwd().glob("*/__init__.py")
    )
    close = difflib.get_close_matches(name, here, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    listed = f" Here are: {', '.join(here)}." if here else " There are no Python files here."
    return f"there is no module {name!r} in {Path.cwd()}.{hint}{listed}"


def _not_ours(where: str, found: Any) -> str:
    made_with = {one.__module__.partition(".")[0] for one in type(found).__mro__}
    for framework in ("flask", "fastapi"):
        if framework in made_with:
            return (
                f"{where} was made with the real {framework}. Say --drop-in, and "
                f"`import {framework}` in it finds Carboy's; nothing has to be changed."
            )
    kind = type(found).__name__
    hint = (
        f" Does it make one? Write `app = {found.__name__}()` in a module, and name that: wsgi:app."
        if inspect.isfunction(found)
        else " Other ASGI and WSGI applications run under their own servers."
    )
    return f"{where} is a {kind}, not a Carboy application.{hint}"


def _no_name(module: Any, module_name: str, name: str) -> str:
    apps = [key for key, value in vars(module).items() if hasattr(type(value), "_serve_everywhere")]
    hint = f" It has: {', '.join(f'{module_name}:{app}' for app in apps)}." if apps else ""
    return f"the module {module_name!r} has no {name!r}.{hint}"


def _trace(module_name: str, error: BaseException, doing: str = "importing") -> str:
    """The traceback of a failed import, from the application's own first line on."""
    steps = traceback.extract_tb(error.__traceback__)
    kept = [s for s in steps if "importlib" not in s.filename and s.filename != __file__]
    own = [s for s in kept if not s.filename.startswith(_PACKAGE)]
    if not own and doing == "importing":
        own = kept
    text = "".join(traceback.format_list(own) + told(error))
    hint = two_flasks.hint()
    return f"{doing} {module_name!r} failed:\n{text.rstrip()}" + (f"\n{hint}" if hint else "")
