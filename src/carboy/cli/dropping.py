"""Running code that was written for Flask or FastAPI, as it is.

CARBOY_DROPIN tells every process, this one and those it starts, to answer `import fastapi` and
`import flask` with Carboy's faces (carboy/dropin.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from shutil import which
from sysconfig import get_path
from typing import NoReturn

import click

NAME = "CARBOY_DROPIN"


def drop_in() -> None:
    """Have this process, and those that it starts through Carboy, use the faces."""
    os.environ.setdefault(NAME, "fastapi,flask")
    import_module("carboy.dropin")


def execute(command: Sequence[str]) -> NoReturn:
    """Become `command`; every Python in it uses the faces.

    ``flask`` is this Python's: Flask need not be installed, and its script may be another Python's.
    Commands beside this Python are found first, whether its environment is activated or not.
    """
    if command[0] == "flask":
        command = [sys.executable, "-m", *command]
    program = which(command[0], path=get_path("scripts")) or which(command[0])
    if program is None:
        raise click.ClickException(
            f"there is no command {command[0]!r} on PATH, nor beside {sys.executable}"
        )
    environ = dict(os.environ)
    environ.setdefault(NAME, "fastapi,flask")
    folder = str(Path(__file__).parents[1] / "startup")
    paths = [folder, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    environ["PYTHONPATH"] = os.pathsep.join(paths)
    sys.stdout.flush()
    # By its whole path: a Python looks itself up on PATH by its name, and may find another.
    os.execve(program, [program, *command[1:]], environ)
