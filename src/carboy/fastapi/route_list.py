"""A router's list of routes, which tells when it changes, whoever changes it.

Only the list. What follows from a change is the router's (router.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.routing import BaseRoute


class Routes(list[BaseRoute]):
    """A list that tells when it changes."""

    def __init__(self, changed: Callable[[], None], routes: Iterable[BaseRoute] = ()) -> None:
        super().__init__(routes)
        self.changed = changed


def _telling(name: str) -> Any:
    method = getattr(list, name)

    def change(self: Routes, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        self.changed()
        return result

    change.__name__ = name
    return change


for _name in (
    "__delitem__",
    "__iadd__",
    "__imul__",
    "__setitem__",
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
):
    setattr(Routes, _name, _telling(_name))
