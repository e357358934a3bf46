"""Depends and Security as data; apart from params.py, to be had without pydantic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Depends:
    """A function whose result a parameter takes. See `carboy.fastapi.Depends`."""

    dependency: Callable[..., Any] | None = None
    use_cache: bool = True
    scope: Literal["function", "request"] | None = None


@dataclass(frozen=True)
class Security(Depends):
    """A dependency with OAuth2 scopes."""

    scopes: Sequence[str] | None = None
