"""The limits of a form: how many fields and files it may have, how large a field may be."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator


class _FormLimits(TypedDict, total=False):
    """`max_part_size` is in bytes, of a part that is no file."""

    max_fields: int
    max_files: int
    max_part_size: int


def _validate_form_limits(limits: _FormLimits | None) -> _FormLimits:
    """A checked copy; pydantic's ValidationError names what is wrong."""
    return {} if limits is None else cast(_FormLimits, _validator().validate_python(limits))


@cache
def _validator() -> SchemaValidator:
    from pydantic_core import SchemaValidator, core_schema

    count = core_schema.typed_dict_field(core_schema.int_schema(ge=0, strict=True), required=False)
    fields = dict.fromkeys(_FormLimits.__annotations__, count)
    return SchemaValidator(
        core_schema.typed_dict_schema(fields, cls=_FormLimits, extra_behavior="forbid")
    )
