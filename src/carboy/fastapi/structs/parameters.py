"""Structs as parameter models: each field a parameter of a query, of headers, of a form.

The fields are looked up one by one under their names in JSON; the values found are read together,
as text, by the class's own codec.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect
from pydantic import ConfigDict
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from carboy.fastapi._compat.shared import union_members
from carboy.fastapi._compat.v2 import ModelField


def config_of(model: Any) -> ConfigDict:
    """What a pydantic model's configuration would say."""
    config = getattr(model, "__struct_config__", None)
    forbids = config is not None and config.forbid_unknown_fields
    return {"extra": "forbid"} if forbids else {}


def fields_of(model: Any) -> list[ModelField]:
    """The fields of a Struct or an attrs class as fields of parameters."""
    from carboy.fastapi.structs.field import StructField

    hints = get_type_hints(get_origin(model) or model, include_extras=True)
    node: Any = inspect.type_info(model)
    return [
        StructField(field_info=_info(one, hints[one.name]), name=one.name) for one in node.fields
    ]


def _info(field: Any, hint: Any) -> FieldInfo:
    marks: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *found = get_args(hint)
        marks = tuple(one for one in found if isinstance(one, msgspec.Meta))
    members = [one for one in union_members(hint) if one is not msgspec.UnsetType]
    if members and len(members) < len(union_members(hint)):
        hint = members[0]
        for one in members[1:]:
            hint = hint | one
    default: Any = PydanticUndefined if field.required else field.default
    options: dict[str, Any] = {}
    if not field.required and default is msgspec.NODEFAULT:
        default = None
        if field.default_factory in (list, dict, set):
            default = field.default_factory()
        elif field.default_factory is not msgspec.NODEFAULT:
            default = PydanticUndefined
            options["default_factory"] = field.default_factory
    if field.encode_name != field.name:
        options["alias"] = field.encode_name
    for mark in marks:
        said = ("title", "description", "examples")
        options |= {one: value for one in said if (value := getattr(mark, one)) is not None}
    info = FieldInfo(annotation=hint, default=default, **options)
    info.metadata = list(marks)
    return info
