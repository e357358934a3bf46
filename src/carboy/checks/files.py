"""Which files are the application's own: found by following imports, without running any."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from carboy.sources import ModuleFacts, read_module
from carboy.sources.imports import absolute

#: Folders that hold other people's code, or none that is served.
_OUTSIDE = frozenset(("node_modules", "__pycache__", "site-packages", "build", "dist"))
_TESTS = frozenset(("tests", "test", "testing"))
#: Carboy itself, which may be below a root where it is worked on.
_HERE = Path(__file__).resolve().parent.parent


def below(folder: Path) -> list[Path]:
    """All Python files of a folder that may be served: no tests, no environments."""
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    for one in folder.iterdir():
        if one.is_dir():
            outside = one.name.startswith(".") or one.name in _OUTSIDE | _TESTS
            if not outside and not (one / "pyvenv.cfg").exists():
                yield from _walk(one)
        elif one.suffix == ".py" and not one.name.startswith("test_") and one.name != "conftest.py":
            yield one


def module_file(name: str, roots: list[Path]) -> Path | None:
    """The file of a module that is below one of `roots`; None for installed ones."""
    for root in roots:
        path = root.joinpath(*name.split("."))
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
    return None


def installed(name: str) -> Path | None:
    """The folder that the package of an installed module is in; nothing of it is run."""
    try:
        spec = find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).resolve().parent


def followed(name: str, roots: list[Path], within: str = "") -> dict[Path, ModuleFacts]:
    """The module `name` and every own module that it leads to by imports, read.

    Only those of the package `within`, if it is given: among installed ones others are not own.
    """
    found: dict[Path, ModuleFacts] = {}
    waiting = [name]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if one in seen or (within and one.partition(".")[0] != within):
            continue
        seen.add(one)
        file = module_file(one, roots)
        if file is None:
            continue
        facts = found.get(file) or read_module(file)
        found[file] = facts
        package = one if file.name == "__init__.py" else one.rpartition(".")[0]
        waiting += parents(one)
        for imported in facts.imports:
            target = absolute(imported.module, package)
            if target:
                waiting.append(target)
                waiting += [f"{target}.{imported.name}"] if imported.name else parents(target)
            elif imported.name and not target:
                waiting.append(imported.name)
    return found


def parents(name: str) -> list[str]:
    """``a`` and ``a.b`` for ``a.b.c``: packages that are run before it."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def loaded(roots: list[Path]) -> dict[Path, ModuleFacts]:
    """Modules of this process that are below `roots`: what imports by name can't be followed to."""
    found: dict[Path, ModuleFacts] = {}
    for module in list(sys.modules.values()):
        given: Any = getattr(module, "__file__", None)
        if not isinstance(given, str) or not given.endswith(".py"):
            continue
        file = Path(given).resolve()
        if file.is_relative_to(_HERE):
            continue
        for root in roots:
            if file.is_relative_to(root) and _is_own(file.relative_to(root)):
                found[file] = read_module(file)
                break
    return found


def _is_own(path: Path) -> bool:
    folders = path.parts[:-1]
    hidden = any(part.startswith(".") or part in _OUTSIDE | _TESTS for part in folders)
    return not hidden and "lib" not in folders
