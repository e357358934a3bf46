"""Depends and Security as data, to be had without pydantic.

params.py has them under FastAPI's name of the module. What a dependency does is dependencies/'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from carboy.fastapi.concurrency import _DependencyConcurrency


@dataclass(frozen=True)
class Depends:
    """A function whose result a parameter takes. See `carboy.fastapi.Depends`.

    `_concurrency` counts who is inside; `dataclasses.replace` hands it on, so that a copy with the
    same limit counts together with what it was copied from. Two declarations never share one.
    """

    dependency: Callable[..., Any] | None = None
    use_cache: bool = True
    scope: Literal["function", "request", "app"] | None = None
    max_concurrency: int | None = field(default=None, kw_only=True)
    _concurrency: _DependencyConcurrency | None = field(default=None, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        limit, counted = self.max_concurrency, self._concurrency
        if limit is None:
            if counted is not None:
                object.__setattr__(self, "_concurrency", None)
            return
        if type(limit) is not int or limit < 1:
            raise ValueError("max_concurrency must be a positive integer or None")
        if counted is None or counted.max_concurrency != limit:
            # PERF: anyio is loaded only where a limit is asked for.
            from carboy.fastapi.concurrency import _DependencyConcurrency

            object.__setattr__(self, "_concurrency", _DependencyConcurrency(limit))


@dataclass(frozen=True)
class Security(Depends):
    """A dependency with OAuth2 scopes."""

    scopes: Sequence[str] | None = None
