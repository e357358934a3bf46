"""All body fields of a route as one: what OpenAPI describes and what says how a body is read.

A body is the value of its only field, or its fields are the body's keys; a form may also be several
models side by side, which no single model says, so that its schema is put together here.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy, deepcopy
from functools import partial
from typing import Annotated, Any, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, GetJsonSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    create_body_model,
    get_cached_model_fields,
    get_model_config,
    lenient_issubclass,
)
from carboy.fastapi.dependencies.fields import _get_param_aliases, get_validation_alias
from carboy.fastapi.dependencies.form_models import _get_form_models
from carboy.fastapi.structs.kinds import told
from carboy.fastapi.utils import create_model_field

Schema = dict[str, Any]


def _should_embed_body_fields(fields: list[ModelField]) -> bool:
    """Whether fields are keys of the body; several dependencies may have the same one."""
    if not fields:
        return False
    first = fields[0]
    info = first.field_info
    if any(field.name != first.name for field in fields) or getattr(info, "embed", None):
        return True
    if _get_form_models(first):
        # One name for different models: each reads the whole form.
        return not all(
            _get_form_models(field) and field.field_info.annotation is info.annotation
            for field in fields
        )
    return isinstance(info, params.Form) and not lenient_issubclass(info.annotation, BaseModel)


def _get_body_field(
    *, body_params: list[ModelField], name: str, embed_body_fields: bool
) -> ModelField | None:
    """The route's body as one field; None where it takes none. `name` is for the schema's title."""
    if not body_params:
        return None
    first = body_params[0]
    if not embed_body_fields and not any(map(_is_optional_form, body_params)):
        return first
    model = _body_model(body_params, f"Body_{name}")
    if embed_body_fields:
        return create_model_field(
            name="body", type_=model, alias="body", field_info=_body_info(body_params, model)
        )
    info = copy(first.field_info)
    info.annotation = model
    # What these say is said of the parameter, which is inside the model now.
    info.metadata = []
    info.discriminator = None
    return ModelField(name=first.name, field_info=info)


def _is_optional_form(field: ModelField) -> bool:
    return bool(_get_form_models(field)) and type(None) in get_args(field.field_info.annotation)


def _body_info(fields: Sequence[ModelField], model: type[BaseModel]) -> params.Body:
    """How the body is sent: with files, as a form, or as JSON; optional if all fields are."""
    options: dict[str, Any] = {"annotation": model, "alias": "body"}
    if not any(field.field_info.is_required() for field in fields):
        options["default"] = None
    infos = [field.field_info for field in fields]
    if any(isinstance(info, params.File) for info in infos):
        return params.File(**options)
    kind: type[params.Body] = params.Body
    if any(isinstance(info, params.Form) for info in infos):
        kind = params.Form
    types = {info.media_type for info in infos if isinstance(info, kind)}
    if kind is params.Form and "multipart/form-data" in types:
        options["media_type"] = "multipart/form-data"
    elif len(types) == 1:
        options["media_type"] = types.pop()
    return kind(**options)


def _body_model(fields: list[ModelField], name: str) -> type[BaseModel]:
    if not any(map(_get_form_models, fields)):
        return create_body_model(fields=fields, model_name=name)
    numbered = [_numbered(field, index) for index, field in enumerate(fields)]
    config: ConfigDict = {"json_schema_extra": partial(_flatten_form_schema, fields)}
    return create_body_model(fields=numbered, model_name=name, config=config)


def _numbered(field: ModelField, index: int) -> ModelField:
    """A field under a name that no other has, for its schema; `_flatten_form_schema` undoes it."""
    info = copy(field.field_info)
    models = _get_form_models(field)
    if len(models) == 1:
        (model,) = models
        shown = GetPydanticSchema(get_pydantic_json_schema=partial(_form_model_schema, model))
        described: Any = Annotated[model if field.codec is None else told(model), shown]
        info.annotation = described if info.annotation is model else described | None
    name = _number(index)
    info.alias = info.validation_alias = info.serialization_alias = name
    info.title = info.title or field.name.replace("_", " ").title()
    return ModelField(name=name, field_info=info)


def _number(index: int) -> str:
    return f"field_{index}"


def _form_model_schema(
    model: type[BaseModel], core_schema: CoreSchema, handler: GetJsonSchemaHandler
) -> Schema:
    """A model's schema with the names that a form has: aliases, and any one of several."""
    schema = handler(core_schema)
    described = handler.resolve_ref_schema(schema)
    names = _form_names(model, described)
    if not names:
        return schema
    own = deepcopy(described)  # the model may be described elsewhere, as JSON
    own["properties"] = {names.get(name, [name])[0]: one for name, one in own["properties"].items()}
    own["required"] = []
    for name in described.get("required", ()):
        first, *others = names.get(name, [name])
        if others:
            choices = [{"required": [one]} for one in (first, *others)]
            own.setdefault("allOf", []).append({"anyOf": choices})
        else:
            own["required"].append(first)
    return own


def _form_names(model: type[BaseModel], schema: Schema) -> dict[str, list[str]]:
    """Property of the schema -> its names in a form, where these say more than it does."""
    found = {}
    for field in get_cached_model_fields(model):
        alias = field.field_info.validation_alias
        if isinstance(alias, AliasChoices):
            shown: Any = alias.choices[0]
        else:
            shown = get_validation_alias(field)
        names = [name for name, _ in _get_param_aliases(field)]
        if not isinstance(shown, str) or shown not in schema.get("properties", ()):
            continue
        if names[0] != shown or (len(names) > 1 and shown in schema.get("required", ())):
            found[shown] = names
    return found


def _flatten_form_schema(fields: list[ModelField], schema: Schema) -> None:
    """Make the schema of numbered fields one of a flat form: single fields, and models over all."""
    numbered = schema.pop("properties")
    schema.pop("required", None)
    properties: Schema = {}
    required: list[str] = []
    conditions: list[Schema] = []
    for index, field in enumerate(fields):
        one = numbered[_number(index)]
        models = _get_form_models(field)
        if models:
            conditions += _model_conditions(field, models, one)
            continue
        name = _get_param_aliases(field)[0][0]
        if name in properties:
            conditions.append({"properties": {name: one}})
        else:
            properties[name] = one
        if field.field_info.is_required() and name not in required:
            required.append(name)
    if properties:
        schema["properties"] = properties
    if required:
        schema["required"] = required
    schema["allOf"] = conditions


def _model_conditions(
    field: ModelField, models: Sequence[type[BaseModel]], schema: Schema
) -> list[Schema]:
    """What a form has to fulfil for a model; an optional one may leave out all its fields."""
    schema.pop("default", None)
    if not _is_optional_form(field):
        return [schema]
    schema["anyOf"] = [one for one in schema["anyOf"] if one.get("type") != "null"]
    absent = _absence(models)
    if field.field_info.is_required():
        return [{"not": absent}, schema]
    return [{"anyOf": [absent, schema]}]


def _absence(models: Sequence[type[BaseModel]]) -> Schema:
    """The schema of forms in which nothing is any model's."""
    if any(get_model_config(model).get("extra") in ("allow", "forbid") for model in models):
        return {"maxProperties": 0}
    names = {
        name
        for model in models
        for field in get_cached_model_fields(model)
        for name, _ in _get_param_aliases(field)
    }
    if not names:
        return {}
    return {"not": {"anyOf": [{"required": [name]} for name in sorted(names)]}}
