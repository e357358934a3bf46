"""Where a parameter comes from, as people declare it: Path, Query, Header, Cookie, Body, Depends.

These are pydantic FieldInfos, as upstream's are, so that constraints, aliases and examples mean the
same. Reading them is analysis.py's work.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from carboy.fastapi.depends import Depends, Security

Undefined: Any = PydanticUndefined

#: What pydantic's FieldInfo takes; everything else given to a parameter is kept for OpenAPI.
_FIELD_KEYS = frozenset(
    {
        "alias",
        "alias_priority",
        "allow_inf_nan",
        "annotation",
        "decimal_places",
        "default_factory",
        "deprecated",
        "description",
        "discriminator",
        "examples",
        "ge",
        "gt",
        "json_schema_extra",
        "le",
        "lt",
        "max_digits",
        "max_length",
        "min_length",
        "multiple_of",
        "pattern",
        "serialization_alias",
        "strict",
        "title",
        "validate_default",
        "validation_alias",
    }
)


class ParamTypes(Enum):
    """The ``in`` of OpenAPI's parameters."""

    query = "query"
    header = "header"
    path = "path"
    cookie = "cookie"


class Param(FieldInfo):  # type: ignore[misc]
    """A parameter that is not the body. Takes pydantic's Field arguments and OpenAPI's."""

    in_: ParamTypes | None = None

    def __init__(
        self,
        default: Any = Undefined,
        *,
        example: Any = Undefined,
        openapi_examples: dict[str, Any] | None = None,
        include_in_schema: bool = True,
        **options: Any,
    ) -> None:
        if default is Ellipsis:
            default = Undefined
        if (regex := options.pop("regex", None)) is not None:
            options.setdefault("pattern", regex)
        known = {k: v for k, v in options.items() if k in _FIELD_KEYS and v is not None}
        extra = {k: v for k, v in options.items() if k not in _FIELD_KEYS}
        if extra:
            known["json_schema_extra"] = {**known.get("json_schema_extra", {}), **extra}
        self.example = example
        self.openapi_examples = openapi_examples
        self.include_in_schema = include_in_schema
        super().__init__(default=default, **known)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.default})"


class Path(Param):  # type: ignore[misc]
    """A variable of the path."""

    in_ = ParamTypes.path

    def __init__(self, default: Any = ..., **options: Any) -> None:
        if default is not ... and default is not Undefined:
            raise AssertionError("Path parameters cannot have a default value")
        super().__init__(default, **options)


class Query(Param):  # type: ignore[misc]
    """A field of the query string."""

    in_ = ParamTypes.query


class Header(Param):  # type: ignore[misc]
    """A header; underscores in the name stand for hyphens unless `convert_underscores` is False."""

    in_ = ParamTypes.header

    def __init__(
        self, default: Any = Undefined, *, convert_underscores: bool = True, **options: Any
    ) -> None:
        self.convert_underscores = convert_underscores
        super().__init__(default, **options)


class Cookie(Param):  # type: ignore[misc]
    """A cookie."""

    in_ = ParamTypes.cookie


class Body(Param):  # type: ignore[misc]
    """The JSON body, or one key of it where there are several, or with `embed`."""

    def __init__(
        self,
        default: Any = Undefined,
        *,
        embed: bool | None = None,
        media_type: str = "application/json",
        **options: Any,
    ) -> None:
        self.embed = embed
        self.media_type = media_type
        super().__init__(default, **options)


__all__ = [
    "Body",
    "Cookie",
    "Depends",
    "Header",
    "Param",
    "ParamTypes",
    "Path",
    "Query",
    "Security",
]
