"""ModelField: one value of a request or an answer, as pydantic checks and writes it.

A field is made for every parameter, body and answer of every route, so making one must cost next to
nothing: adapters.py decides what can wait. What fields look like in OpenAPI is schemas.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, is_dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal, Self, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, create_model
from pydantic import PydanticSchemaGenerationError as PydanticSchemaGenerationError
from pydantic import PydanticUndefinedAnnotation as PydanticUndefinedAnnotation
from pydantic import ValidationError as ValidationError
from pydantic._internal import _typing_extra
from pydantic.fields import FieldInfo as FieldInfo
from pydantic_core import CoreSchema as CoreSchema
from pydantic_core import PydanticUndefined
from pydantic_core import Url as Url
from pydantic_core.core_schema import (
    with_info_plain_validator_function as with_info_plain_validator_function,
)

from carboy.fastapi._compat.adapters import (
    ATTRIBUTES,
    is_certain_field,
    own_adapter,
    plain_adapter,
    share_key,
    shared_adapter,
)
from carboy.fastapi._compat.schemas import GenerateJsonSchema as GenerateJsonSchema
from carboy.fastapi._compat.schemas import JsonSchemaValue as JsonSchemaValue
from carboy.fastapi._compat.schemas import Mode as Mode
from carboy.fastapi._compat.schemas import TypeModelOrEnum as TypeModelOrEnum
from carboy.fastapi._compat.schemas import TypeModelSet as TypeModelSet
from carboy.fastapi._compat.schemas import get_definitions as get_definitions
from carboy.fastapi._compat.schemas import (
    get_flat_models_from_annotation as get_flat_models_from_annotation,
)
from carboy.fastapi._compat.schemas import get_flat_models_from_field as get_flat_models_from_field
from carboy.fastapi._compat.schemas import (
    get_flat_models_from_fields as get_flat_models_from_fields,
)
from carboy.fastapi._compat.schemas import get_flat_models_from_model as get_flat_models_from_model
from carboy.fastapi._compat.schemas import get_model_name_map as get_model_name_map
from carboy.fastapi._compat.schemas import (
    get_schema_from_model_field as get_schema_from_model_field,
)
from carboy.fastapi._compat.schemas import normalize_name as normalize_name
from carboy.fastapi._compat.shared import (
    field_annotation_is_scalar,
    lenient_issubclass,
    sequence_annotation_to_type,
    sequence_types,
    union_members,
)
from carboy.fastapi.structs.kinds import is_for_msgspec

RequiredParam: Any = PydanticUndefined
Undefined: Any = PydanticUndefined


def evaluate_forwardref(
    value: Any,
    globalns: dict[str, Any] | None = None,
    localns: Mapping[str, Any] | None = None,
) -> Any:
    """What a forward reference names; the reference itself while that can't be found."""
    return _typing_extra.try_eval_type(value, globalns, localns)[0]


@dataclass(eq=False)
class ModelField:
    """A FieldInfo with a name: what can be validated and serialized.

    Equal only to itself. `mode` says which of the two schemas OpenAPI shows. The adapter is built
    when it is first asked for, or at once where pydantic might refuse the annotation.
    """

    field_info: FieldInfo
    name: str
    mode: Mode = "validation"
    config: ConfigDict | None = None

    def __new__(cls, field_info: FieldInfo | None = None, *args: Any, **options: Any) -> Self:
        """A StructField where msgspec has to read the value."""
        if field_info is None or cls is not ModelField:
            return object.__new__(cls)
        if not is_for_msgspec(field_info.annotation, field_info.metadata):
            return object.__new__(cls)
        from carboy.fastapi.structs.field import StructField

        return object.__new__(StructField)  # type: ignore[return-value]

    def __post_init__(self) -> None:
        if self.config is not None or not is_certain_field(self.field_info):
            _ = self._type_adapter

    @cached_property
    def _type_adapter(self) -> TypeAdapter[Any]:
        info = self.field_info
        if self.config is None and (key := share_key(info)) is not None:
            return shared_adapter(*key)
        return own_adapter(info, self.config)

    @cached_property
    def _is_plain(self) -> bool:
        """Whether the annotation says all; a default doesn't change what a given value becomes."""
        info = self.field_info
        return self.config is None and not info.metadata and share_key(info) is not None

    @cached_property
    def validator(self) -> Any:
        """What `validate_python` is called on for a value that is there; shared where it can be."""
        annotation: Any = self.field_info.annotation
        if not self._is_plain:
            return self._type_adapter.validator
        if lenient_issubclass(annotation, BaseModel):
            return annotation.__pydantic_validator__
        return plain_adapter(annotation).validator

    @cached_property
    def serializer(self) -> Any:
        """What `to_python` and `to_json` are called on; shared where it can be."""
        annotation: Any = self.field_info.annotation
        if not self._is_plain:
            return self._type_adapter.serializer
        if lenient_issubclass(annotation, BaseModel):
            return annotation.__pydantic_serializer__
        return plain_adapter(annotation).serializer

    @property
    def in_model(self) -> tuple[Any, FieldInfo]:
        """The field as one of a pydantic model's."""
        return self.field_info.annotation, self.field_info

    @property
    def codec(self) -> Any:
        """What reads and writes the value where that is not pydantic (structs/field.py)."""
        return None

    @property
    def decode(self) -> Callable[[bytes], Any] | None:
        """JSON bytes -> the value, where that may be read at once."""
        return None

    @property
    def struct(self) -> Any:
        """The class whose fields are the parameters, where it is not pydantic's."""
        return None

    @property
    def alias(self) -> str:
        """What it is called outside."""
        alias = self.field_info.alias
        return self.name if alias is None else alias

    @property
    def validation_alias(self) -> str | None:
        """What it is called in requests, if that is one name and not a choice or a path."""
        alias = self.field_info.validation_alias
        return alias if isinstance(alias, str) and alias else None

    @property
    def serialization_alias(self) -> str | None:
        """What it is called in answers."""
        return self.field_info.serialization_alias or None

    @property
    def default(self) -> Any:
        """The same as `get_default()`."""
        return self.get_default()

    def get_default(self) -> Any:
        """The value for where none is given, made anew by a factory; Undefined if one must be."""
        if self.field_info.is_required():
            return Undefined
        return self.field_info.get_default(call_default_factory=True)

    def validate(
        self,
        value: Any,
        values: dict[str, Any] | None = None,
        *,
        loc: tuple[int | str, ...] = (),
    ) -> tuple[Any, list[dict[str, Any]]]:
        """The value, checked, and no errors; or None and the errors, below `loc`."""
        # Only the field's own adapter knows its default.
        validator = self._type_adapter.validator if value is Undefined else self.validator
        try:
            return validator.validate_python(value, from_attributes=True), []
        except ValidationError as error:
            return None, _regenerate_error_with_loc(
                errors=error.errors(include_url=False), loc_prefix=loc
            )

    def serialize(
        self, value: Any, *, mode: Literal["json", "python"] = "json", **options: Any
    ) -> Any:
        """The value as plain data; the options are pydantic's, with `by_alias` on."""
        options.setdefault("by_alias", True)
        return self.serializer.to_python(value, mode=mode, **options)

    def serialize_json(self, value: Any, **options: Any) -> bytes:
        """The value as JSON; the options are pydantic's, with `by_alias` on."""
        options.setdefault("by_alias", True)
        return self.serializer.to_json(value, **options)  # type: ignore[no-any-return]


def is_scalar_field(field: ModelField) -> bool:
    """Whether one piece of text can stand for the field, and it is not the body."""
    from carboy.fastapi import params

    info = field.field_info
    return field_annotation_is_scalar(info.annotation) and not isinstance(info, params.Body)


def copy_field_info(*, field_info: FieldInfo, annotation: Any) -> FieldInfo:
    """A copy of `field_info`, of its class, that says what `annotation` says beside."""
    merged = type(field_info).from_annotation(annotation)
    made = copy(field_info)
    for name in ATTRIBUTES:
        if (value := getattr(merged, name, Undefined)) is not Undefined:
            setattr(made, name, value)
    made._attributes_set = merged._attributes_set.copy()
    made.metadata = merged.metadata
    made.annotation = merged.annotation
    return made


def serialize_sequence_value(*, field: ModelField, value: Any) -> Sequence[Any]:
    """`value` in the annotated container; of a union, in the first that is not None."""
    annotation = field.field_info.annotation
    members = union_members(annotation)
    annotation = next((one for one in members if one is not type(None)), annotation)
    kind: Any = get_origin(annotation) or annotation
    assert issubclass(kind, sequence_types)
    make: Callable[[Any], Any] = sequence_annotation_to_type[kind]
    return make(value)  # type: ignore[no-any-return]


def get_missing_field_error(loc: tuple[int | str, ...]) -> dict[str, Any]:
    """The error for a value that is not there, as pydantic words it."""
    return {"type": "missing", "loc": loc, "msg": "Field required", "input": None}


def create_body_model(
    *, fields: Sequence[ModelField], model_name: str, config: ConfigDict | None = None
) -> type[BaseModel]:
    """A model with a body's fields, for bodies that are declared one parameter at a time."""
    definitions: dict[str, Any] = {field.name: field.in_model for field in fields}
    return create_model(model_name, __config__=config, **definitions)


def get_model_fields(model: type[Any]) -> list[ModelField]:
    """The fields of a model whose fields are parameters."""
    if not lenient_issubclass(model, BaseModel):
        from carboy.fastapi.structs.parameters import fields_of

        return fields_of(model)
    fields = []
    for name, info in model.model_fields.items():
        kind = info.annotation
        # Pydantic allows no configuration from outside for what has its own.
        own = lenient_issubclass(kind, (BaseModel, dict)) or is_dataclass(kind)
        config = None if own else model.model_config or None
        fields.append(ModelField(field_info=info, name=name, config=config))
    return fields


@lru_cache
def get_cached_model_fields(model: type[Any]) -> list[ModelField]:
    """`get_model_fields`, once for each model."""
    return get_model_fields(model)


def get_model_config(model: type[Any]) -> ConfigDict:
    """The configuration of a model whose fields are parameters."""
    if lenient_issubclass(model, BaseModel):
        return model.model_config
    from carboy.fastapi.structs.parameters import config_of

    return config_of(model)


def _regenerate_error_with_loc(
    *, errors: Sequence[Any], loc_prefix: tuple[str | int, ...]
) -> list[dict[str, Any]]:
    return [{**error, "loc": loc_prefix + tuple(error.get("loc", ()))} for error in errors]
