"""One value for each event loop: semaphores and limits belong to the loop that waits for them.

The value goes with its loop. AnyIO, on which asyncio's and trio's loops look alike, is imported
when one is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from anyio.lowlevel import RunVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """The value that `make` gives when a loop first asks; `name` is AnyIO's for it, and unique."""

    def __init__(self, name: str, make: Callable[[], T]) -> None:
        self._name = name
        self._make = make
        self._variable: RunVar[T] | None = None

    def get(self) -> T:
        """The running loop's value."""
        if self._variable is None:
            from anyio.lowlevel import RunVar

            self._variable = RunVar(self._name)
        try:
            return self._variable.get()
        except LookupError:
            made = self._make()
            self._variable.set(made)
            return made
