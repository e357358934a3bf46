"""What fields look like in OpenAPI: JSON schemas, and the definitions they refer to.

All fields of an application go through one generator, so that models with the same name get names
of their own. Fields that share an adapter share the work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema as _GenerateJsonSchema
from pydantic.json_schema import JsonSchemaValue as JsonSchemaValue
from pydantic_core import CoreSchema

from carboy.fastapi._compat.adapters import own_adapter, share_key, shared_adapter
from carboy.fastapi._compat.shared import lenient_issubclass
from carboy.fastapi.openapi.constants import REF_TEMPLATE
from carboy.fastapi.structs.kinds import is_struct_value

if TYPE_CHECKING:
    from carboy.fastapi._compat.v2 import ModelField

Mode = Literal["validation", "serialization"]
TypeModelOrEnum = type[BaseModel] | type[Enum]
TypeModelSet = set[TypeModelOrEnum]
ModelNameMap = dict[TypeModelOrEnum, str]
FieldMapping = dict[tuple["ModelField", Mode], JsonSchemaValue]


class GenerateJsonSchema(_GenerateJsonSchema):
    """Pydantic's generator, with bytes described as OpenAPI 3.1 describes files."""

    def encode_default(self, dft: Any) -> Any:
        """A default as JSON data; Structs and what holds them by msgspec."""
        # PERF: pydantic makes an adapter for each default it asks, a fifth of the whole document's
        # time where every route has one; what these are as JSON is known.
        kind = type(dft)
        if kind is int or kind is bool or dft is None or (kind is str and dft.isascii()):
            return dft
        if (kind is list or kind is dict) and not dft:
            return kind()
        if is_struct_value(dft):
            from carboy.fastapi.structs.codec import to_data

            return to_data(dft)
        return super().encode_default(dft)

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Whether a field gets a title of its name; no reference does."""
        if schema.get("type") == "function-plain":
            told = schema.get("metadata", {}).get("told")
            if told is not None:
                return super().field_title_should_be_set(told.core())
        return super().field_title_should_be_set(schema)

    def bytes_schema(self, schema: CoreSchema) -> JsonSchemaValue:
        """Text with a media type; with base64's name where the configuration says so."""
        described: JsonSchemaValue = {
            "type": "string",
            "contentMediaType": "application/octet-stream",
        }
        config = self._config
        reads = self.mode == "validation"
        if (config.val_json_bytes if reads else config.ser_json_bytes) == "base64":
            described["contentEncoding"] = "base64"
        self.update_with_validations(described, schema, self.ValidationsMapping.bytes)
        return described


def get_definitions(
    *,
    fields: Sequence[ModelField],
    model_name_map: ModelNameMap,
    separate_input_output_schemas: bool = True,
) -> tuple[FieldMapping, dict[str, dict[str, Any]]]:
    """(field, mode) -> its schema, and the definitions all of them refer to."""
    modes: list[tuple[ModelField, Mode]] = [
        (field, field.mode if separate_input_output_schemas else _only_mode(field))
        for field in fields
    ]
    # PERF: a thousand routes say `q: str | None = None` with one adapter; its schema is made once.
    wanted: dict[tuple[int, Mode], TypeAdapter[Any]] = {
        (id(field._type_adapter), mode): field._type_adapter for field, mode in modes
    }
    inputs = [((key, mode), mode, one.core_schema) for (key, mode), one in wanted.items()]
    for model, mode in _nested_models(fields, separate_input_output_schemas):
        inputs.append(((id(model), mode), mode, _adapter_of(model).core_schema))
    generator = GenerateJsonSchema(ref_template=REF_TEMPLATE)
    made, definitions = generator.generate_definitions(inputs)
    mapping: FieldMapping = {
        (field, mode): made[(id(field._type_adapter), mode), mode] for field, mode in modes
    }
    for definition in definitions.values():
        # COMPAT: a form feed ends what a docstring shows of itself.
        if "description" in definition:
            definition["description"] = definition["description"].split("\f")[0]
    return mapping, definitions  # type: ignore[return-value]


def _only_mode(field: ModelField) -> Mode:
    return field.mode if _has_computed_fields(field) else "validation"


def _nested_models(
    fields: Sequence[ModelField], separate: bool
) -> Iterable[tuple[TypeModelOrEnum, Mode]]:
    """Models that stand inside of fields only; not every schema leads to all of them."""
    outer = {field.field_info.annotation for field in fields if _is_named(field)}
    modes: tuple[Mode, ...] = ("validation", "serialization")
    for mode in modes:
        inside = get_flat_models_from_fields([f for f in fields if f.mode == mode], set())
        for model in inside - outer:
            shown = mode
            if not separate and not _annotation_has_computed_fields(model, known_models=set()):
                shown = "validation"
            yield model, shown


def _is_named(field: ModelField) -> bool:
    return lenient_issubclass(field.field_info.annotation, (BaseModel, Enum))


def _adapter_of(model: TypeModelOrEnum) -> TypeAdapter[Any]:
    info = FieldInfo(annotation=model)
    key = share_key(info)
    return own_adapter(info, None) if key is None else shared_adapter(*key)


def get_schema_from_model_field(
    *,
    field: ModelField,
    model_name_map: ModelNameMap,
    field_mapping: FieldMapping,
    separate_input_output_schemas: bool = True,
    field_alias: str | None = None,
) -> dict[str, Any]:
    """A field's own schema, with a title if it is no reference; the caller may change it."""
    mode = field.mode if separate_input_output_schemas else _only_mode(field)
    schema: dict[str, Any] = _copied(field_mapping[field, mode])
    if "$ref" not in schema:
        own = field.validation_alias if field.mode == "validation" else field.serialization_alias
        alias = field_alias if field_alias is not None else own or field.alias
        schema["title"] = field.field_info.title or alias.title().replace("_", " ")
    return schema


def _copied(value: Any) -> Any:
    """A copy all the way down of what JSON is made of."""
    if isinstance(value, dict):
        return {
            key: _copied(one) if type(one) in (dict, list) else one for key, one in value.items()
        }
    return [_copied(one) if type(one) in (dict, list) else one for one in value]


def _has_computed_fields(field: ModelField) -> bool:
    schema: Any = field._type_adapter.core_schema
    if schema.get("schema", {}).get("computed_fields"):
        return True
    return _annotation_has_computed_fields(field.field_info.annotation, known_models=set())


def _annotation_has_computed_fields(annotation: Any, *, known_models: set[Any]) -> bool:
    inner: Iterable[Any] = get_args(annotation)
    if lenient_issubclass(annotation, BaseModel):
        if annotation in known_models:
            return False
        known_models.add(annotation)
        if annotation.model_computed_fields:
            return True
        inner = (info.annotation for info in annotation.model_fields.values())
    return any(_annotation_has_computed_fields(one, known_models=known_models) for one in inner)


def get_flat_models_from_annotation(annotation: Any, known_models: TypeModelSet) -> TypeModelSet:
    """Adds the models and enumerations of an annotation, and those inside of them."""
    inner: Iterable[Any] = ()
    if lenient_issubclass(annotation, BaseModel):
        if annotation not in known_models:
            known_models.add(annotation)
            inner = [info.annotation for info in annotation.model_fields.values()]
    elif lenient_issubclass(annotation, Enum):
        known_models.add(annotation)
    else:
        inner = get_args(annotation)
    for one in inner:
        get_flat_models_from_annotation(one, known_models)
    return known_models


def get_flat_models_from_model(
    model: type[BaseModel], known_models: TypeModelSet | None = None
) -> TypeModelSet:
    """The models and enumerations inside of a model, added to those that are known."""
    known_models = set() if known_models is None else known_models
    for info in model.model_fields.values():
        get_flat_models_from_annotation(info.annotation, known_models)
    return known_models


def get_flat_models_from_field(field: ModelField, known_models: TypeModelSet) -> TypeModelSet:
    """Adds the models and enumerations of a field."""
    return get_flat_models_from_annotation(field.field_info.annotation, known_models)


def get_flat_models_from_fields(
    fields: Sequence[ModelField], known_models: TypeModelSet
) -> TypeModelSet:
    """Adds the models and enumerations of fields."""
    # PERF: of a thousand fields many have the very same annotation.
    annotations = {id(one): one for one in (field.field_info.annotation for field in fields)}
    for annotation in annotations.values():
        get_flat_models_from_annotation(annotation, known_models)
    return known_models


def normalize_name(name: str) -> str:
    """A name with which a component of OpenAPI may be called."""
    return re.sub(r"[^a-zA-Z0-9.\-_]", "_", name)


def get_model_name_map(unique_models: TypeModelSet) -> ModelNameMap:
    """What each model is called; of models with one name, one."""
    by_name = {normalize_name(model.__name__): model for model in unique_models}
    return {model: name for name, model in by_name.items()}
