"""Bodies -> checked values by name, and what is wrong with the others.

Three steps: take a form apart, read the files that are wanted as bytes, bind. Only the second
waits, and only where `reads_files`; a JSON body has the third alone. What is in a form for a field
is form_models.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel
from starlette.datastructures import FormData, UploadFile

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    Undefined,
    get_cached_model_fields,
    get_missing_field_error,
    get_model_config,
    is_bytes_or_nonable_bytes_annotation,
    is_bytes_sequence_annotation,
    serialize_sequence_value,
    value_is_sequence,
)
from carboy.fastapi.dependencies.body_field import _should_embed_body_fields
from carboy.fastapi.dependencies.fields import _get_param_aliases
from carboy.fastapi.dependencies.form_models import (
    Groups,
    Item,
    _get_form_models,
    group_form,
    take_items,
)
from carboy.fastapi.dependencies.values import Loc, _validate_value_with_model_field

Bound = tuple[dict[str, Any], list[dict[str, Any]]]


async def request_body_to_args(
    body_fields: list[ModelField], received_body: Any, embed_body_fields: bool
) -> Bound:
    """Values by parameter name, and errors; waits only for the contents of files."""
    form = None
    if isinstance(received_body, FormData):
        form = TakenForm(body_fields, received_body)
        await form.read_files()
    return bind_body(body_fields, received_body, embed_body_fields, form)


def bind_body(
    fields: Sequence[ModelField], received: Any, embed: bool, form: TakenForm | None = None
) -> Bound:
    """`request_body_to_args` without waiting, for fields that do not `reads_files`.

    `form` is `received` taken apart, its files read, where that has been done already.
    """
    assert fields, "there are no body fields to bind"
    if form is None and isinstance(received, FormData):
        form = TakenForm(fields, received)
    if _takes_whole(fields, embed):
        (field,) = fields
        body = received if form is None else form.as_dict()
        value, errors = _check(field, body, {}, ("body",))
        return {field.name: value}, errors
    values: dict[str, Any] = {}
    errors = []
    for field in fields:
        loc, raw = _find(field, received) if form is None else form.find(field)
        if raw is _NO_KEYS:
            errors.append(get_missing_field_error(loc))
            continue
        value, wrong = _check(field, raw, values, loc)
        if wrong:
            errors += wrong
        else:
            values[field.name] = value
    return values, errors


def _takes_whole(fields: Sequence[ModelField], embed: bool) -> bool:
    """Whether the body is the value of the only field, and not a place to look for it."""
    if embed or len(fields) > 1 or _get_form_models(fields[0]):
        return False
    return not _should_embed_body_fields(list(fields))


def _check(field: ModelField, value: Any, values: dict[str, Any], loc: Loc) -> Any:
    return _validate_value_with_model_field(field=field, value=value, values=values, loc=loc)


#: For a body that is a list, a text, a number: there is no looking into it.
_NO_KEYS = object()


def _find(field: ModelField, body: Any) -> tuple[Loc, Any]:
    """(where, what) the field's value is in a JSON body."""
    names = [name for name, _ in _get_param_aliases(field)]
    loc = ("body", names[0])
    if body is Undefined or isinstance(body, bytes):
        return loc, Undefined
    get = getattr(body, "get", None)
    if get is None:
        # COMPAT: refused even where the field has a default.
        return loc, _NO_KEYS
    for name in names:
        value = get(name, Undefined)
        if value is not Undefined:
            return ("body", name), value
    return loc, Undefined


class TakenForm:
    """A form, taken apart for the fields of one function."""

    def __init__(self, fields: Sequence[ModelField], form: FormData) -> None:
        groups = group_form(form)
        self._models = {
            field: _model_items(field, models, groups)
            for field in fields
            if (models := _get_form_models(field))
        }
        single = [field for field in fields if field not in self._models]
        self._items = take_items(single, groups) if single else []

    async def read_files(self) -> None:
        """Put contents where files are that are wanted as bytes."""
        for items in (self._items, *filter(None, self._models.values())):
            for index, item in enumerate(items):
                if item.field is not None and _wants_bytes(item.field):
                    items[index] = item._replace(value=await _contents(item.field, item.value))

    def as_dict(self) -> dict[str, Any]:
        """What is not a model's, by name."""
        return {item.name: item.value for item in self._items}

    def find(self, field: ModelField) -> tuple[Loc, Any]:
        """(where, what) the field's value is."""
        if field in self._models:
            items = self._models[field]
            if items is None:
                return ("body",), Undefined
            return ("body",), {item.name: item.value for item in items}
        for item in self._items:
            if item.field is field:
                return ("body", item.name), item.value
        return ("body", _get_param_aliases(field)[0][0]), Undefined


def _model_items(
    field: ModelField, models: list[type[BaseModel]], groups: Groups
) -> list[Item] | None:
    """What a model is made of; None where an optional one was left out."""
    is_optional = type(None) in get_args(field.field_info.annotation)
    if is_optional and not any(_is_meant(model, groups) for model in models):
        return None
    # Each model of a union reads the form in its own way, see _normalize_form_model.
    return take_items(get_cached_model_fields(models[0]) if len(models) == 1 else [], groups)


def _is_meant(model: type[BaseModel], groups: Groups) -> bool:
    if groups and get_model_config(model).get("extra") in ("allow", "forbid"):
        return True
    return any(
        name in groups
        for field in get_cached_model_fields(model)
        for name, _ in _get_param_aliases(field)
    )


def reads_files(fields: Sequence[ModelField]) -> bool:
    """Whether binding these fields may have to wait for the contents of a file."""
    for field in fields:
        models = _get_form_models(field)
        inner = get_cached_model_fields(models[0]) if len(models) == 1 else ()
        if any(map(_wants_bytes, [*inner] if models else [field])):
            return True
    return False


def _wants_bytes(field: ModelField) -> bool:
    annotation = field.field_info.annotation
    return isinstance(field.field_info, params.File) and (
        is_bytes_or_nonable_bytes_annotation(annotation) or is_bytes_sequence_annotation(annotation)
    )


async def _contents(field: ModelField, value: Any) -> Any:
    """`value` with contents in the place of files."""
    annotation = field.field_info.annotation
    if isinstance(value, UploadFile):
        wants_one = is_bytes_or_nonable_bytes_annotation(annotation)
        return await _read_file_bytes(value) if wants_one else value
    if value_is_sequence(value) and is_bytes_sequence_annotation(annotation):
        read = [
            await _read_file_bytes(one) if isinstance(one, UploadFile) else one for one in value
        ]
        return serialize_sequence_value(field=field, value=read)
    return value


async def _read_file_bytes(file: UploadFile) -> bytes:
    """What is left to read in a file, and the file as it was: others may want to read it too."""
    position = file.file.tell()
    try:
        return await file.read()
    finally:
        await file.seek(position)
