"""What a field says about the request: its names there, whether it is a model's, whether JSON.

Questions only, asked by those who bind values, by OpenAPI and by the compiler. No value is read
here.
"""

from __future__ import annotations

from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, Json

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    field_annotation_is_scalar,
    field_annotation_is_scalar_sequence,
    lenient_issubclass,
)
from carboy.fastapi._compat.shared import union_members

#: Where a parameter may be a model, None allowed, whose fields are the parameters.
_MODEL_PARAMS = (params.Query, params.Header, params.Cookie)


def is_plain(field: ModelField) -> bool:
    """Whether one look-up under one name and one call of the validator is all it takes.

    True for scalars of path, query, header and cookie, for sequences of scalars of query and
    header, and for fields of a JSON body. All others are for the binders of values.py and forms.py.
    """
    info = field.field_info
    if field.config or info.default_factory_takes_validated_data or _is_json_field(field):
        return False
    if not isinstance(info.validation_alias, str | None):
        return False
    if isinstance(info, params.Body):
        return not isinstance(info, params.Form)
    if field.struct is not None:
        return False
    if not isinstance(info, params.Param):
        return False
    if field_annotation_is_scalar(info.annotation):
        return True
    # A path and a cookie have one value for a name.
    return isinstance(info, params.Query | params.Header) and (
        field_annotation_is_scalar_sequence(info.annotation)
    )


def get_validation_alias(field: ModelField) -> str:
    """The one name that pydantic looks a field up by, choices and paths aside."""
    return getattr(field, "validation_alias", None) or field.alias


def _get_param_aliases(
    field: ModelField, *, convert_underscores: bool = False
) -> list[tuple[str, str]]:
    """The names a value may come under, best first: (pydantic's, the request's).

    The two differ in headers only, and only for names that nobody has written as an alias.
    """
    alias = get_validation_alias(field)
    own = field.name.replace("_", "-") if convert_underscores else field.name
    pairs = [(alias, own if alias == field.name else alias)]
    declared = field.field_info.validation_alias
    if isinstance(field.field_info, params.Path) or isinstance(declared, AliasPath):
        return pairs
    if isinstance(declared, AliasChoices):
        names = [one for one in declared.choices if isinstance(one, str)]
        if len(names) < len(declared.choices):
            return pairs
        pairs = [(name, name) for name in names]
    config = field.config or {}
    if config.get("validate_by_alias") is False:
        return [(field.name, own)]
    by_name = config.get("validate_by_name", config.get("populate_by_name", False))
    if by_name and all(name != field.name for name, _ in pairs):
        pairs.append((field.name, own))
    return pairs


def _is_json_field(field: ModelField) -> bool:
    """Whether the value is JSON text: one text, whatever it holds."""
    return any(type(mark) is Json for mark in field.field_info.metadata)


def _get_model_type(annotation: Any) -> type[BaseModel] | None:
    """The model of `Model` or `Model | None`."""
    members = union_members(annotation)
    if len(members) == 2 and type(None) in members:
        annotation = members[members[0] is type(None)]
    return annotation if lenient_issubclass(annotation, BaseModel) else None


def _get_param_model(field: ModelField) -> type[BaseModel] | None:
    """The model whose fields are parameters one by one, if that is what the field is.

    It may be a Struct or an attrs class.
    """
    if field.codec is not None:
        return field.struct  # type: ignore[no-any-return]
    annotation: Any = field.field_info.annotation
    if isinstance(field.field_info, _MODEL_PARAMS):
        annotation = _get_model_type(annotation)
    if not lenient_issubclass(annotation, BaseModel) or _is_json_field(field):
        return None
    return annotation
