"""From what a person writes after ``--app`` to the application.

Three steps: `prepare_import` makes a module's name of a path, `locate_app` imports it, and the
application in it is looked up by its name or found by what is usual. Whatever goes wrong because of
what was written is a `NoAppException` that says what to write; errors of the module's own code are
shown with their traceback.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal, overload

import click

from carboy.flask.app import Flask

_APPLICATIONS = ("app", "application")
_FACTORIES = ("create_app", "make_app")


class NoAppException(click.UsageError):
    """There is no application, or it can't be loaded."""


def flask_of(found: Any) -> Flask | None:
    """`found` if it is a Flask application, or the one that it has: `carboy.App` has one."""
    if getattr(type(found), "has_flask_side", False):
        found = found.flask
    return found if isinstance(found, Flask) else None


def _called_with_wrong_args(f: Callable[..., Any]) -> bool:
    """Whether the TypeError being handled is about the call of `f`: nothing in `f` has run."""
    code = f.__code__
    frames = traceback.walk_tb(sys.exc_info()[2])
    return all(frame.f_code is not code for frame, _ in frames)


def _made_by(
    factory: Callable[..., Any],
    module: ModuleType,
    text: str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """What `factory` returns for these arguments; `text` is how messages name the call."""
    try:
        return factory(*args, **(kwargs or {}))
    except TypeError as error:
        if not _called_with_wrong_args(factory):
            raise
        raise NoAppException(
            f"{text!r} in {module.__name__!r} can't be called like this: its parameters are "
            f"{inspect.signature(factory)}. Write '{module.__name__}:{factory.__name__}(...)' "
            "with arguments for them."
        ) from error


def find_best_app(module: ModuleType) -> Flask:
    """The application of a module that nobody named.

    `app` or `application`; else the only application there is; else what `create_app()` or
    `make_app()` returns. NoAppException: there is none or there are several.
    """
    for name in _APPLICATIONS:
        if (app := flask_of(getattr(module, name, None))) is not None:
            return app
    found = {name: flask_of(value) for name, value in vars(module).items()}
    apps = {name: app for name, app in found.items() if app is not None}
    if len(set(map(id, apps.values()))) == 1:
        return next(iter(apps.values()))
    if apps:
        raise NoAppException(
            f"There are several Flask applications in {module.__name__!r}: {', '.join(apps)}. Say "
            f"which one, for example '{module.__name__}:{next(iter(apps))}'."
        )
    for name in _FACTORIES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory):
            app = flask_of(_made_by(factory, module, name))
            if app is not None:
                return app
    raise NoAppException(
        f"There is no Flask application in {module.__name__!r}, and no factory called create_app "
        f"or make_app that returns one. Say what it is called: '{module.__name__}:name'."
    )


def _parsed(text: str) -> tuple[str, list[Any], dict[str, Any]] | tuple[str, None, None]:
    """A name, and the arguments if it is called."""
    try:
        written = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        written = None
    match written:
        case ast.Name(name):
            return name, None, None
        case ast.Call(ast.Name(name), args, keywords):
            pass
        case ast.Call():
            raise NoAppException(f"A factory is called by its simple name, not as in {text!r}.")
        case _:
            raise NoAppException(
                f"{text!r} is neither the name of an application nor the call of a factory, as in "
                "'module:name' and 'module:factory(\"argument\")'."
            )
    try:
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in keywords}
        # `**{...}` is a keyword without a name: refused like anything that is no literal.
        if None in named:
            raise ValueError("**")
        return name, [ast.literal_eval(arg) for arg in args], {str(k): v for k, v in named.items()}
    except ValueError:
        # SAFETY: nothing that is written on the command line is evaluated.
        raise NoAppException(
            f"The arguments in {text!r} have to be literals: strings, numbers, True, None ..."
        ) from None


def find_app_by_string(module: ModuleType, app_name: str) -> Flask:
    """The application of a module by its name, or by the call of a factory with literals.

    NoAppException: nothing has that name, or it is no application.
    """
    name, args, kwargs = _parsed(app_name)
    try:
        found = getattr(module, name)
    except AttributeError:
        raise NoAppException(f"There is no {name!r} in {module.__name__!r}.") from None
    # COMPAT: a function is called, whether there are parentheses or not; anything else never.
    if inspect.isfunction(found):
        found = _made_by(found, module, app_name, args or (), kwargs)
    if (app := flask_of(found)) is not None:
        return app
    raise NoAppException(
        f"'{module.__name__}:{app_name}' is no Flask application but {type(found).__name__!r}."
    )


def prepare_import(path: str | os.PathLike[str]) -> str:
    """The module's name for a path or a dotted name; the folder it is found in is put first in
    `sys.path`.

    Packages around a file, folders with an ``__init__.py``, are part of the name.
    """
    # COMPAT: os.path, since "a.b" is a dotted name as well as a file.
    path = os.path.realpath(path).removesuffix(".py")
    folder, name = os.path.split(path)
    if name == "__init__":
        folder, name = os.path.split(folder)
    names = [name]
    while name and os.path.exists(os.path.join(folder, "__init__.py")):  # noqa: PTH110, PTH118
        folder, name = os.path.split(folder)
        names.append(name)
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    return ".".join(reversed(names))


@overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: Literal[True] = True
) -> Flask: ...
@overload
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: Literal[False] = ...
) -> Flask | None: ...
def locate_app(
    module_name: str, app_name: str | None, raise_if_not_found: bool = True
) -> Flask | None:
    """Import a module and find the application in it.

    NoAppException: there is no such module (None instead where `raise_if_not_found` is False), an
    import in it fails, or there is no application in it.
    """
    try:
        # Not import_module: a traceback of one entry tells that no module's code has run.
        __import__(module_name)
    except ImportError as error:
        trace = error.__traceback__
        if trace is not None and trace.tb_next is not None:
            raise NoAppException(
                f"{module_name!r} can't be imported, an import in it fails:\n\n"
                f"{traceback.format_exc()}"
            ) from None
        if raise_if_not_found:
            raise NoAppException(f"There is no module {module_name!r} to import.") from None
        return None
    module = sys.modules[module_name]
    return find_best_app(module) if app_name is None else find_app_by_string(module, app_name)
