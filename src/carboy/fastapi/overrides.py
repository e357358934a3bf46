"""``dependency_overrides``: a dict that tells the engine when it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Overrides(dict[Callable[..., Any], Callable[..., Any]]):
    """Calls `changed` after every change, however it is made."""

    def __init__(self, changed: Callable[[], None], *args: Any) -> None:
        super().__init__(*args)
        self._changed = changed


def _telling(name: str) -> Callable[..., Any]:
    method = getattr(dict, name)

    def change(self: Overrides, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        self._changed()
        return result

    change.__name__ = name
    return change


for _name in ("__setitem__", "__delitem__", "clear", "pop", "popitem", "setdefault", "update"):
    setattr(Overrides, _name, _telling(_name))
Overrides.__ior__ = _telling("__ior__")  # type: ignore[method-assign]
