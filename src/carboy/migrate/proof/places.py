"""Where an application runs while it is compared: a copy of its folder, so that what it writes
(databases, uploads, logs) is its own and is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: Of tools, not of applications.
LEFT_OUT = (
    "__pycache__",
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    "node_modules",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
)
#: Bytes that are copied without asking.
MOST = 500 * 1024 * 1024
#: Variables that say how *this* process was started.
_OURS = ("CARBOY_DROPIN", "CARBOY_APP", "CARBOY_DEV")
#: Where Python finds what installs the faces.
STARTUP = str(Path(__file__).parents[2] / "startup")


class NotReady(Exception):
    """A side can't be had; the message is for the person at the terminal."""


def environment(given: Mapping[str, str], faces: str) -> dict[str, str]:
    """The variables of a side's process."""
    environ = {name: value for name, value in os.environ.items() if name not in _OURS}
    paths = [p for p in environ.get("PYTHONPATH", "").split(os.pathsep) if p and p != STARTUP]
    source = str(Path(__file__).parents[3])
    if faces == "carboy" and source not in paths:
        paths.append(source)
    environ["PYTHONPATH"] = os.pathsep.join(paths)
    # Sets have one order on both sides.
    environ.setdefault("PYTHONHASHSEED", "0")
    if faces == "carboy":
        environ["CARBOY_DROPIN"] = "fastapi,flask"
    return {**environ, **given}


@contextmanager
def copied(folder: Path, is_copied: bool = True) -> Iterator[Path]:
    """A copy of `folder` under the same name, removed at the end; or the folder itself."""
    if not is_copied:
        yield folder
        return
    size = _size(folder)
    if size > MOST:
        raise NotReady(
            f"{folder} holds {size // 2**20} MiB, too much to copy: name the folder of the "
            "application alone, or say --in-place (then both sides write where they are)"
        )
    with tempfile.TemporaryDirectory(prefix="carboy-verify-") as place:
        copy = Path(place) / (folder.name or "app")
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(folder, copy, symlinks=True, ignore=ignore)
        yield copy


def _size(folder: Path) -> int:
    size = 0
    for place, names, files in os.walk(folder):
        names[:] = [name for name in names if name not in LEFT_OUT]
        size += sum((Path(place) / name).lstat().st_size for name in files)
        if size > MOST * 2:
            break
    return size


def prepare(command: str, place: Path, environ: Mapping[str, str], faces: str) -> None:
    """Run the user's set-up command there. NotReady: it failed."""
    environ = dict(environ)
    if faces == "carboy":
        # So that every Python in it finds the faces, as below `carboy exec`.
        environ["PYTHONPATH"] = os.pathsep.join([STARTUP, environ["PYTHONPATH"]])
    done = subprocess.run(
        command, shell=True, cwd=place, env=environ, capture_output=True, text=True
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise NotReady(f"the set-up {command!r} ended with {done.returncode}:\n{said}")
