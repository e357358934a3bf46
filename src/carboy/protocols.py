"""Whoever starts uvicorn in this process gets Carboy's HTTP protocol, unless it names another.

For `carboy exec -- uvicorn m:app` and for uvicorn's workers under gunicorn. uvicorn is not loaded
for it: `install` waits until somebody imports it. Applications that are not Carboy's are served by
uvicorn's own protocol (server/direct.py, `protocol`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

PROTOCOL = "carboy.server.direct:protocol"
_CONFIG = "uvicorn.config"


class _Loader(Loader):
    """Loads uvicorn's configuration as it is, then changes what "auto" means."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._own.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        _choose(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


class _Finder(MetaPathFinder):
    """Answers once, for `uvicorn.config`."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _CONFIG:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def _choose(config: Any) -> None:
    known = getattr(config, "HTTP_PROTOCOLS", None)
    if isinstance(known, dict) and "auto" in known:
        known["auto"] = PROTOCOL


def install() -> None:
    """From here on; also where uvicorn has been imported already."""
    if _CONFIG in sys.modules:
        _choose(sys.modules[_CONFIG])
    elif not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
