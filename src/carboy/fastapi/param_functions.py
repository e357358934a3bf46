"""The functions people call to declare parameters; they return what params.py describes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from carboy.fastapi import params


def Path(default: Any = ..., **options: Any) -> Any:  # noqa: N802
    """A variable of the path, with pydantic's constraints (``ge=1``) and OpenAPI's details."""
    return params.Path(default, **options)


def Query(default: Any = params.Undefined, **options: Any) -> Any:  # noqa: N802
    """A field of the query string."""
    return params.Query(default, **options)


def Header(  # noqa: N802
    default: Any = params.Undefined, *, convert_underscores: bool = True, **options: Any
) -> Any:
    """A header; ``user_agent`` stands for ``User-Agent`` unless `convert_underscores` is False."""
    return params.Header(default, convert_underscores=convert_underscores, **options)


def Cookie(default: Any = params.Undefined, **options: Any) -> Any:  # noqa: N802
    """A cookie."""
    return params.Cookie(default, **options)


def Body(  # noqa: N802
    default: Any = params.Undefined, *, embed: bool | None = None, **options: Any
) -> Any:
    """The JSON body; with `embed` one key of it."""
    return params.Body(default, embed=embed, **options)


def Depends(  # noqa: N802
    dependency: Callable[..., Any] | None = None,
    *,
    use_cache: bool = True,
    scope: Literal["function", "request"] | None = None,
) -> Any:
    """The result of `dependency`, or of the annotated class.

    With ``yield`` it is closed after the answer is out, with ``scope="function"`` before.
    """
    return params.Depends(dependency, use_cache, scope)


def Security(  # noqa: N802
    dependency: Callable[..., Any] | None = None,
    *,
    scopes: Sequence[str] | None = None,
    use_cache: bool = True,
) -> Any:
    """A dependency that asks for OAuth2 scopes."""
    return params.Security(dependency, use_cache, None, scopes)
