"""What marshmallow's `dump` does and response models do not, for code that was converted.

Written by `carboy migrate convert`: `jsonify(book_schema.dump(book))` became a route with
`response_model=BookOut`. Loading stays marshmallow's: its messages are part of what an API answers.
Nothing here imports marshmallow.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    PlainSerializer,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)

from carboy.resources import Float as Float
from carboy.resources import Integer as Integer
from carboy.resources import String as String

_MISSING: Any = object()


def _as_it_is(value: Any, _: Any) -> Any:
    return value


def _written(value: Any) -> str | None:
    return None if value is None else datetime.isoformat(value)


def _day(value: Any) -> str | None:
    return None if value is None else date.isoformat(value)


#: What stands in for true or false is dumped as it is.
Boolean = Annotated[
    bool | None,
    WrapValidator(_as_it_is),
    PlainSerializer(lambda value: value, return_type=Any),
    WithJsonSchema({"type": "boolean"}),
]
DateTime = Annotated[
    datetime | None,
    WrapValidator(_as_it_is),
    PlainSerializer(_written),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Date = Annotated[
    date | None,
    WrapValidator(_as_it_is),
    PlainSerializer(_day),
    WithJsonSchema({"type": "string", "format": "date"}),
]


class Dumped(BaseModel):
    """A model that is read from any object or mapping, as a schema's `dump` reads it.

    What an object does not have is left out, unless its field says a default with
    `json_schema_extra={"dump_default": ...}`; so routes say `response_model_exclude_unset=True`.
    `Field(validation_alias="a.b")` says which attribute of which attribute it is.
    """

    @model_validator(mode="before")
    @classmethod
    def _dump(cls, data: Any) -> Any:
        if isinstance(data, list | tuple):
            raise ValueError("there are several: the response model has to be a list")
        found = {}
        for name, field in cls.model_fields.items():
            path = str(field.validation_alias or name)
            value = functools.reduce(_attribute, path.split("."), data)
            extra = field.json_schema_extra
            if value is _MISSING and isinstance(extra, Mapping) and "dump_default" in extra:
                value = extra["dump_default"]
            if value is not _MISSING:
                found[path] = value
        return found


def _attribute(owner: Any, key: str) -> Any:
    if hasattr(owner, "__getitem__"):
        try:
            return owner[key]
        except (KeyError, IndexError, TypeError, AttributeError):
            pass
    return getattr(owner, key, _MISSING)
