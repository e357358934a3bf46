"""Names for types that signatures in this package and in applications share.

Only names: nothing here runs. What is made of pydantic's classes is made when it is asked for, so
that a module may import this one without loading pydantic.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.main import IncEx as IncEx

    ModelNameMap = dict[type[BaseModel] | type[Enum], str]

DecoratedCallable = TypeVar("DecoratedCallable", bound=Callable[..., Any])
UnionType = types.UnionType
#: The callable, its OAuth2 scopes in order, and the scope in which it is closed.
DependencyCacheKey = tuple[Callable[..., Any] | None, tuple[str, ...], str]


def __getattr__(name: str) -> Any:
    value: Any
    if name == "IncEx":
        import pydantic.main

        value = pydantic.main.IncEx
    elif name == "ModelNameMap":
        import pydantic

        value = dict[type[pydantic.BaseModel] | type[Enum], str]
    else:
        from carboy.fastapi.borrowed import lend

        return lend(__name__, name)
    globals()[name] = value
    return value
