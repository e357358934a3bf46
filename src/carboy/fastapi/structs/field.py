"""StructField: a ModelField whose values are msgspec's, with pydantic for what stands around them.

ModelField makes one wherever an annotation is for msgspec. Constraints of Query, Body and the like
are still pydantic's: they are asked of what msgspec has read.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import msgspec
from pydantic import AfterValidator, TypeAdapter
from pydantic import ValidationError as PydanticError
from pydantic.fields import FieldInfo

from carboy.fastapi import params
from carboy.fastapi._compat.adapters import attributes_of, build_adapter
from carboy.fastapi._compat.shared import union_members
from carboy.fastapi._compat.v2 import ModelField, Undefined, _regenerate_error_with_loc
from carboy.fastapi.exceptions import FastAPIError
from carboy.fastapi.structs.codec import Codec, check_input, codec_of, msgspec_type
from carboy.fastapi.structs.errors import explained
from carboy.fastapi.structs.kinds import is_struct
from carboy.fastapi.structs.schema import Told

#: What a parameter may add to msgspec's own checks.
_ALLOWED = (msgspec.Meta, annotated_types.BaseMetadata, AfterValidator)
_PARAMETERS = (params.Param, params.Form)


class StructField(ModelField):
    """One value of a request or an answer, as msgspec reads and writes it."""

    def __post_init__(self) -> None:
        info = self.field_info = _parted(self.field_info)
        self._codec = codec_of(msgspec_type(info.annotation, info.metadata))
        self._struct: Any = None
        self._constraints = [one for one in info.metadata if not isinstance(one, msgspec.Meta)]
        if self.mode == "serialization":
            return
        check_input(self.codec.node)
        for mark in info.metadata:
            if not isinstance(mark, _ALLOWED):
                raise FastAPIError(
                    f"{self.name}: {mark!r} is for types that pydantic reads, and "
                    f"{info.annotation!r} is read by msgspec: use msgspec.Meta, or AfterValidator"
                )
        if isinstance(info, _PARAMETERS):
            self._be_parameters()

    def _be_parameters(self) -> None:
        """A class in a query, a header, a cookie, a form: its fields are the parameters."""
        info = self.field_info
        if isinstance(info, params.Form) and info.embed:
            return
        members = union_members(info.annotation)
        kept = [one for one in members if one is not type(None)] or [info.annotation]
        if len(kept) != 1 or not is_struct(kept[0]) or isinstance(info, params.Path):
            raise FastAPIError(
                f"{self.name}: {type(info).__name__}() takes one Struct or attrs class (or None), "
                f"whose fields are the parameters, and not {info.annotation!r}: send it as a JSON "
                "body, or declare its parts"
            )
        self._struct = kept[0]

    @cached_property
    def _type_adapter(self) -> TypeAdapter[Any]:
        attributes = attributes_of(self.field_info)
        told = [Told(self._codec), *self._constraints]
        return build_adapter(self.field_info.annotation, told, attributes, None)

    @property
    def in_model(self) -> tuple[Any, FieldInfo]:
        """The field as one of a pydantic model's, with a mark that tells pydantic to leave it."""
        info = copy(self.field_info)
        info.metadata = [Told(self._codec), *self._constraints]
        return info.annotation, info

    @property
    def codec(self) -> Codec:
        """What reads and writes the value."""
        return self._codec

    @property
    def struct(self) -> Any:
        """The class whose fields are the parameters, in a query, a form and the like."""
        return self._struct

    @property
    def decode(self) -> Callable[[bytes], Any] | None:
        """JSON bytes -> the value, where there is nothing more to check."""
        return None if self._constraints else self.codec.decode

    @property
    def _read(self) -> Callable[[Any], Any]:
        is_text = isinstance(self.field_info, _PARAMETERS)
        return self.codec.read_text if is_text else self.codec.read

    @property
    def validator(self) -> Any:
        """`validate_python`, msgspec's; it raises msgspec's ValidationError or pydantic's."""
        return _Validator(self)

    def validate(
        self,
        value: Any,
        values: dict[str, Any] | None = None,
        *,
        loc: tuple[int | str, ...] = (),
    ) -> tuple[Any, list[dict[str, Any]]]:
        """The value, checked, and no errors; or None and the errors, below `loc`."""
        if value is Undefined:
            return super().validate(value, values, loc=loc)
        is_answer = self.mode == "serialization"
        read = self.codec.read_result if is_answer else self._read
        read_value, errors = explained(read, value, loc)
        if errors or not self._constraints:
            return read_value, errors
        try:
            return self._type_adapter.validator.validate_python(read_value), []
        except PydanticError as error:
            found = error.errors(include_url=False)
            return None, _regenerate_error_with_loc(errors=found, loc_prefix=loc)

    def serialize(
        self, value: Any, *, mode: Literal["json", "python"] = "json", **options: Any
    ) -> Any:
        """The value as plain JSON data."""
        from carboy.fastapi.structs.codec import to_data

        return to_data(value)

    def serialize_json(self, value: Any, **options: Any) -> bytes:
        """The value as JSON."""
        return self.codec.encode(value)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse what only pydantic's serializer can do."""
        for name, value in options.items():
            if name != "fallback" and (name != "by_alias" or value is False):
                raise FastAPIError(
                    f"response_model_{name}= is for pydantic models, and "
                    f"{self.field_info.annotation!r} is written by msgspec: declare a class with "
                    "just the fields to show, perhaps with omit_defaults=True"
                )

    def writer(self, checked: Callable[[Any], bytes]) -> tuple[Callable[[Any], bytes], Any]:
        """(what writes results, the class whose instances it takes as they are, or None).

        `checked` writes what is not certain to hold only what was declared.
        """
        annotation = self.field_info.annotation
        kept = [one for one in union_members(annotation) if one is not type(None)]
        kind = kept[0] if len(kept) == 1 else annotation
        exact: Any = get_origin(kind) or kind
        shape, encode = self.codec.shape, self.codec.encode
        if self._constraints or exact not in (shape.kinds or ()):
            return checked, None
        if (look := shape.looks.get(exact)) is None:
            return encode, exact

        def write(result: Any) -> bytes:
            return encode(result) if look(result) else checked(result)

        return write, exact


def _parted(info: FieldInfo) -> FieldInfo:
    """An annotation's marks in their place."""
    if get_origin(info.annotation) is Annotated:
        bare, *marks = get_args(info.annotation)
        info = copy(info)
        info.annotation, info.metadata = bare, [*marks, *info.metadata]
    for mark in _marks_within(info.annotation):
        if isinstance(mark, FieldInfo | annotated_types.BaseMetadata) or hasattr(
            mark, "__get_pydantic_core_schema__"
        ):
            raise FastAPIError(
                f"{mark!r} stands inside of {info.annotation!r}, which msgspec reads, and says "
                "nothing to it: use msgspec.Meta"
            )
    return info


def _marks_within(annotation: Any) -> list[Any]:
    marks = list(getattr(annotation, "__metadata__", ()))
    return marks + [one for inner in get_args(annotation) for one in _marks_within(inner)]


class _Validator:
    """For where a field's validator is asked directly."""

    def __init__(self, field: StructField) -> None:
        self.validate_python: Callable[..., Any] = field._read
        if field._constraints:
            read, more = field._read, field._type_adapter.validator.validate_python
            self.validate_python = lambda value: more(read(value))
