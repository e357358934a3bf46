"""Where an application's instance folder is: the files that belong to one installation of it.

It depends on where the top-level module was imported from, whatever `root_path` says. COMPAT: the
same folders as upstream's, since databases lie in them.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def instance_path_for(import_name: str, name: str) -> str:
    """``instance`` beside the code, or below ``var`` of the prefix it is installed in."""
    home = _home(import_name)
    prefix = _prefix(home)
    if prefix is None:
        return str(home / "instance")
    return str(prefix / "var" / f"{name}-instance")


def _home(import_name: str) -> Path:
    """The folder on `sys.path` that the code was found in; the current one if it was not."""
    top = import_name.partition(".")[0]
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        # A script's module, or no name of a module at all.
        spec = None
    if spec is None:
        return Path.cwd()
    if spec.submodule_search_locations is None:
        return Path.cwd() if spec.origin is None else Path(spec.origin).parent
    if spec.origin is not None:
        return Path(spec.origin).parent.parent
    return _home_of_namespace(import_name, list(spec.submodule_search_locations))


def _home_of_namespace(import_name: str, portions: list[str]) -> Path:
    """A package without ``__init__.py`` may lie in several folders: the one with this module."""
    spec = find_spec(import_name)
    inside = (spec and spec.submodule_search_locations) or ()
    for portion in portions:
        if any(Path(one).is_relative_to(portion) for one in inside):
            return Path(portion).parent
    return Path(portions[0]).parent


def _prefix(folder: Path) -> Path | None:
    """Where `folder` is installed: this interpreter's prefix or another's; None for a checkout."""
    prefix = Path(sys.prefix).absolute()
    if folder.is_relative_to(prefix):
        return prefix
    if folder.name.lower() != "site-packages":
        return None
    library = folder.parent
    if library.name.lower() == "lib":  # Windows
        return library.parent
    return library.parent.parent if library.parent.name.lower() == "lib" else library
