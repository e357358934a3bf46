"""Forms field by field: what stands in one under a field's names, and which fields are models.

COMPAT: browsers send empty text for what was left empty, and an empty nameless file for none
chosen: both are as good as absent. No value is validated and no file is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Tag
from starlette.datastructures import FormData, UploadFile

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    Undefined,
    field_annotation_is_sequence,
    get_cached_model_fields,
    lenient_issubclass,
)
from carboy.fastapi._compat.shared import union_members
from carboy.fastapi.dependencies.fields import _get_model_type, _get_param_aliases, _is_json_field

#: All values of a form by name, names and values in the order they came.
Groups = dict[str, list[Any]]


class Item(NamedTuple):
    """A value taken from a form; `field` is None where nobody has declared it."""

    name: str
    value: Any
    field: ModelField | None = None


def group_form(form: FormData) -> Groups:
    """One pass over the form, so that no field has to look through all of it."""
    groups: Groups = {}
    for name, value in form.multi_items():
        groups.setdefault(name, []).append(value)
    return groups


def take_items(fields: Iterable[ModelField], groups: Groups) -> list[Item]:
    """What the form has for these fields, and then everything else in it.

    A field takes the first of its names under which there is something. Its later names are not its
    own any more: what is there belongs to other fields, or is extra.
    """
    items = []
    tried = set()
    for field in fields:
        for name, _ in _get_param_aliases(field):
            tried.add(name)
            value = _value_of(field, groups.get(name, ()))
            if value is not Undefined:
                items.append(Item(name, value, field))
                break
    for name, values in groups.items():
        if name not in tried:
            items.append(Item(name, values[0] if len(values) == 1 else values))
    return items


def _value_of(field: ModelField, values: Sequence[Any]) -> Any:
    if field_annotation_is_sequence(field.field_info.annotation) and not _is_json_field(field):
        return [value for value in values if not _is_no_file(value)] or Undefined
    value = values[-1] if values else None
    return Undefined if value is None or value == "" or _is_no_file(value) else value


def _is_no_file(value: Any) -> bool:
    return isinstance(value, UploadFile) and value.filename == "" and value.size == 0


def _get_form_models(field: ModelField) -> list[type[BaseModel]]:
    """The models, one or a union's, that take the whole form; none for all other fields."""
    info = field.field_info
    if not isinstance(info, params.Form) or info.embed or _is_json_field(field):
        return []
    if field.struct is not None:
        return [field.struct]
    model = _get_model_type(info.annotation)
    return _get_form_union_models(info.annotation) if model is None else [model]


def _get_form_union_models(annotation: Any) -> list[type[BaseModel]]:
    """The models of a union of two or more models and nothing else but None."""
    models = [_bare(one) for one in union_members(annotation) if one is not type(None)]
    if len(models) < 2 or not all(lenient_issubclass(one, BaseModel) for one in models):
        return []
    return models


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _add_form_union_validators(annotation: Any) -> Any:
    """The union, with each model reading the form in its own way: what is one value, what a list.

    Errors go on naming the choice by its tag, or by its model.
    """
    choices = []
    for choice in get_args(annotation):
        if choice is not type(None):
            model = _bare(choice)
            marks = getattr(choice, "__metadata__", ())
            tag = next((one for one in reversed(marks) if isinstance(one, Tag)), None)
            read = BeforeValidator(partial(_normalize_form_model, model=model))
            choice = Annotated[choice, read, tag or Tag(model.__name__)]
        choices.append(choice)
    return Union[tuple(choices)]  # noqa: UP007


def _normalize_form_model(value: Any, *, model: type[BaseModel]) -> Any:
    """A whole form, as `take_items` gives it without fields, read anew with `model`'s fields."""
    if not isinstance(value, dict):
        return value
    groups = {name: one if isinstance(one, list) else [one] for name, one in value.items()}
    filled = {name: values for name, values in groups.items() if values}
    read = {item.name: item.value for item in take_items(get_cached_model_fields(model), filled)}
    # No form has these; a validator of the union has put them there.
    read.update((name, one) for name, one in value.items() if one is None or one == [])
    return read
