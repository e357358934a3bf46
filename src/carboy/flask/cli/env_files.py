"""``.env`` and ``.flaskenv``: variables for the environment, from files. Needs python-dotenv.

Precedence, the strongest first: the environment itself, the file that is named, ``.env``,
``.flaskenv``. A variable that is set stays as it is.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

#: The later one wins.
_DEFAULTS = (".flaskenv", ".env")


def _path_is_ancestor(path: str, other: str) -> bool:
    """Whether `other` is `path` or lies below it."""
    return Path(other).is_relative_to(path)


def load_dotenv(path: str | os.PathLike[str] | None = None, load_defaults: bool = True) -> bool:
    """Read the variables of the file `path`, and of ``.env`` and ``.flaskenv`` by default.

    The two are looked for in the current folder and those above it. Whether any variable was read:
    False without python-dotenv, with a hint if there is a file that it would have read.
    """
    try:
        import dotenv
    except ImportError:
        if path or any(Path(name).is_file() for name in _DEFAULTS):
            hint = " * Environment files (.env) are not read: python-dotenv is not installed."
            click.secho(hint, fg="yellow", err=True)
        return False
    files: list[str] = []
    if load_defaults:
        files.extend(dotenv.find_dotenv(name, usecwd=True) for name in _DEFAULTS)
    if path is not None:
        files.append(os.fspath(path))
    values: dict[str, str | None] = {}
    for file in files:
        if file and Path(file).is_file():
            values |= dotenv.dotenv_values(file, encoding="utf-8")
    for name, value in values.items():
        # A name without "=" has no value: it is no variable.
        if value is not None:
            os.environ.setdefault(name, value)
    return bool(values)
