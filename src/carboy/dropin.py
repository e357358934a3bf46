"""The names `fastapi` and `flask` stand for Carboy's faces, in this process, from here on.

    import carboy.dropin  # first line of the program

A meta path finder answers for `fastapi`, `flask` and everything below them with the modules of
`carboy.fastapi` and `carboy.flask`: one module object under two names, never a copy. The real
packages, installed or not, can't be imported any more. Nothing else about the program changes.

`CARBOY_DROPIN=fastapi` in the environment, or `carboy.dropin.install("fastapi")`, replaces one
package and leaves the other alone. `importlib.metadata.version("fastapi")` is the version whose
behaviour the face has.

Limits: a module is imported once, so deleting `sys.modules["fastapi.x"]` and importing it again
gives the same object; names in messages, logs and pickles are the true ones, `carboy.fastapi.x`
(pickles written by the real package are read); the command line scripts that the real packages
install are not replaced; child processes need the import of their own.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

__all__ = ["VERSIONS", "install"]

#: Which version of the real package each face answers for.
VERSIONS = {"fastapi": "0.165.0", "flask": "3.1.3"}


class _Loader(Loader):
    """Loads `fastapi.x` by importing `carboy.fastapi.x`.

    Whatever else a loader may be asked (source, code for `python -m`, resources) the true
    module's own loader answers.
    """

    def __init__(self, true_spec: ModuleSpec) -> None:
        self._true_spec = true_spec
        self._true_loader: Any = true_spec.loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return importlib.import_module(self._true_spec.name)

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just marked the module with the name it was asked for.
        module.__spec__ = self._true_spec

    def get_code(self, name: str) -> CodeType | None:
        code: CodeType | None = self._true_loader.get_code(self._true_spec.name)
        return code

    def get_source(self, name: str) -> str | None:
        source: str | None = self._true_loader.get_source(self._true_spec.name)
        return source

    def get_filename(self, name: str) -> str:
        return str(self._true_loader.get_filename(self._true_spec.name))

    def is_package(self, name: str) -> bool:
        return self._true_spec.submodule_search_locations is not None

    def get_resource_reader(self, name: str) -> Any:
        return self._true_loader.get_resource_reader(self._true_spec.name)


class _Distribution(Distribution):
    """What `importlib.metadata` says about a replaced package: its name and version."""

    def __init__(self, face: str) -> None:
        self._metadata = f"Metadata-Version: 2.1\nName: {face}\nVersion: {VERSIONS[face]}\n"

    def read_text(self, filename: str) -> str | None:
        return self._metadata if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        return Path(__file__).parent / path


def _asked_by_import() -> bool:
    """Whether the finder's caller wants the module, not only to know whether there is one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name in ("find_spec", "_find_spec"):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "_find_and_load_unlocked"


class _Finder(DistributionFinder):
    """Stands first in `sys.meta_path` and answers for the replaced packages, and only for them."""

    def __init__(self) -> None:
        self.faces: frozenset[str] = frozenset()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        face = name.partition(".")[0]
        if face not in self.faces:
            return None
        true_name = f"carboy.{name}"
        true_spec = importlib.util.find_spec(true_name)
        if true_spec is None:
            if _asked_by_import():
                raise ModuleNotFoundError(
                    f"No module named {name!r}: carboy.dropin stands in for {face}, and Carboy's "
                    f"face lacks this module ({true_name})",
                    name=name,
                )
            return None  # somebody only asks: importlib.util.find_spec
        spec = ModuleSpec(
            name,
            _Loader(true_spec),
            origin=true_spec.origin,
            is_package=true_spec.submodule_search_locations is not None,
        )
        spec.has_location = true_spec.has_location
        spec.cached = true_spec.cached
        if true_spec.submodule_search_locations is not None:
            spec.submodule_search_locations = list(true_spec.submodule_search_locations)
        return spec

    def find_distributions(
        self, context: DistributionFinder.Context | None = None
    ) -> Iterable[Distribution]:
        wanted = None if context is None else context.name
        names = self.faces if wanted is None else self.faces & {wanted.lower()}
        return [_Distribution(face) for face in sorted(names)]


_FINDER = _Finder()


def install(*faces: str) -> None:
    """Replace exactly these packages (both without arguments), from here on.

    ImportError: the real package has been imported before, or a package that is to be released
    has been imported through Carboy. ValueError: there is no face of that name.
    """
    wanted = frozenset(faces or VERSIONS)
    if unknown := sorted(wanted - VERSIONS.keys()):
        raise ValueError(f"Carboy has no face for {', '.join(unknown)}, only {', '.join(VERSIONS)}")
    for face in sorted(wanted - _FINDER.faces):
        if face in sys.modules:
            raise ImportError(
                f"the real {face} was imported before carboy.dropin could stand in for it: import "
                "carboy.dropin first, or leave it out (CARBOY_DROPIN names what is replaced)",
                name=face,
            )
    for face in sorted(_FINDER.faces - wanted):
        if face in sys.modules:
            raise ImportError(
                f"{face} has been imported through carboy.dropin already and can't be released",
                name=face,
            )
    _FINDER.faces = wanted
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


install(*os.environ.get("CARBOY_DROPIN", "").replace(",", " ").split())
