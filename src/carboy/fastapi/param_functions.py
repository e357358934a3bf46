"""The functions people call to declare parameters; they return what params.py describes.

The options are written in `ParamOptions`; `inspect.signature` shows them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, Unpack

from carboy.fastapi import params
from carboy.fastapi._compat import Undefined
from carboy.fastapi.params import ParamOptions

_F = TypeVar("_F", bound=Callable[..., Any])


def _shows(kind: Any) -> Callable[[_F], _F]:
    def show(function: _F) -> _F:
        signature = params.shown_signature(kind, of_class=False)
        function.__signature__ = signature  # type: ignore[attr-defined]
        return function

    return show


@_shows(params.Path)
def Path(default: Any = ..., **options: Unpack[ParamOptions]) -> Any:  # noqa: N802
    """A variable of the path, with pydantic's constraints (``ge=1``) and OpenAPI's details."""
    return params.Path(default, **options)


@_shows(params.Query)
def Query(default: Any = Undefined, **options: Unpack[ParamOptions]) -> Any:  # noqa: N802
    """A field of the query string, or with a list as annotation all fields of that name."""
    return params.Query(default, **options)


@_shows(params.Header)
def Header(  # noqa: N802
    default: Any = Undefined, *, convert_underscores: bool = True, **options: Unpack[ParamOptions]
) -> Any:
    """A header; ``user_agent`` stands for ``User-Agent`` unless `convert_underscores` is False."""
    return params.Header(default, convert_underscores=convert_underscores, **options)


@_shows(params.Cookie)
def Cookie(default: Any = Undefined, **options: Unpack[ParamOptions]) -> Any:  # noqa: N802
    """A cookie."""
    return params.Cookie(default, **options)


@_shows(params.Body)
def Body(  # noqa: N802
    default: Any = Undefined,
    *,
    embed: bool | None = None,
    media_type: str = "application/json",
    **options: Unpack[ParamOptions],
) -> Any:
    """The JSON body; with `embed` one key of it."""
    return params.Body(default, embed=embed, media_type=media_type, **options)


@_shows(params.Form)
def Form(  # noqa: N802
    default: Any = Undefined,
    *,
    media_type: str = "application/x-www-form-urlencoded",
    **options: Unpack[ParamOptions],
) -> Any:
    """A field of a form."""
    return params.Form(default, media_type=media_type, **options)


@_shows(params.File)
def File(  # noqa: N802
    default: Any = Undefined,
    *,
    media_type: str = "multipart/form-data",
    **options: Unpack[ParamOptions],
) -> Any:
    """A file of a form: ``bytes`` to have it in memory, `UploadFile` to read it bit by bit."""
    return params.File(default, media_type=media_type, **options)


def Depends(  # noqa: N802
    dependency: Callable[..., Any] | None = None,
    *,
    use_cache: bool = True,
    scope: Literal["function", "request", "app"] | None = None,
    max_concurrency: int | None = None,
) -> Any:
    """The result of `dependency`, or of the annotated class.

    With ``yield`` it is closed after the answer is out, with ``scope="function"`` before; with
    ``scope="app"`` it is made once at start, shared by all requests and closed at stop. At most
    `max_concurrency` requests are inside of it at once, in one process and event loop.
    """
    return params.Depends(dependency, use_cache, scope, max_concurrency=max_concurrency)


def Security(  # noqa: N802
    dependency: Callable[..., Any] | None = None,
    *,
    scopes: Sequence[str] | None = None,
    use_cache: bool = True,
) -> Any:
    """A dependency that asks for OAuth2 scopes."""
    return params.Security(dependency, use_cache, scopes=scopes)


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
