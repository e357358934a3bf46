"""Path, query, headers and cookies -> checked values by name, and what is wrong with the others.

Synchronous, and free of I/O: what comes in are Starlette's QueryParams and Headers, or dicts. The
compiled endpoint does the usual parameters itself; this is for the unusual ones and for explaining.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from starlette.datastructures import Headers, ImmutableMultiDict

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    Undefined,
    field_annotation_is_sequence,
    get_cached_model_fields,
    get_missing_field_error,
    get_model_config,
)
from carboy.fastapi.dependencies.fields import (
    _get_param_aliases,
    _get_param_model,
    _is_json_field,
)

Loc = tuple[str, ...]
#: (pydantic's name, the request's name)
Names = tuple[str, str]


def request_params_to_args(
    fields: Sequence[ModelField], received_params: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """Values by parameter name, and errors; `fields` are all of the same source."""
    values: dict[str, Any] = {}
    errors: list[Any] = []
    for field in fields:
        model = _get_param_model(field)
        if model is None:
            value, wrong = _bind_one(field, received_params, values)
        else:
            value, wrong = _bind_model(field, model, received_params)
        if wrong:
            errors += wrong
        else:
            values[field.name] = value
    return values, errors


def _bind_one(field: ModelField, received: Mapping[str, Any], values: dict[str, Any]) -> Any:
    _, name = _choose(_get_param_aliases(field), received)
    loc = (_source_of(field), name)
    raw = _get_multidict_value(field, received, name)
    return _validate_value_with_model_field(field=field, value=raw, values=values, loc=loc)


def _choose(pairs: list[Names], received: Mapping[str, Any]) -> Names:
    """The first names that have been sent; none, and they are the first."""
    if len(pairs) > 1:
        for pair in pairs:
            if pair[1] in received:
                return pair
    return pairs[0]


def _source_of(field: ModelField) -> str:
    info = field.field_info
    assert isinstance(info, params.Param), "Params must be subclasses of Param"
    return info.in_.value


def _get_multidict_value(field: ModelField, values: Mapping[str, Any], alias: str) -> Any:
    """What came under `alias`: all of it where a sequence is wanted; Undefined for nothing."""
    many = field_annotation_is_sequence(field.field_info.annotation)
    if many and isinstance(values, ImmutableMultiDict | Headers) and not _is_json_field(field):
        value: Any = values.getlist(alias)
    else:
        value = values.get(alias)
    return Undefined if value is None or (many and not len(value)) else value


def _validate_value_with_model_field(
    *, field: ModelField, value: Any, values: dict[str, Any], loc: Loc
) -> tuple[Any, list[Any]]:
    """The checked value or, where none was sent, the default."""
    if value is Undefined:
        if field.field_info.is_required():
            return None, [get_missing_field_error(loc=loc)]
        value = field.default  # a copy, by pydantic
        if not field.field_info.validate_default:
            return value, []
    return field.validate(value, values, loc=loc)


def _bind_model(field: ModelField, model: type[BaseModel], received: Mapping[str, Any]) -> Any:
    """A parameter whose type is a model: its fields are looked up, and it is given the rest too."""
    reading = _ModelReading(field, received)
    for one in get_cached_model_fields(model):
        reading.take(one)
    reading.take_rest()
    raw: Any = reading.taken
    if field.field_info.annotation is not model and not reading.is_meant(model):
        raw = Undefined
    loc = (_source_of(field),)
    value, wrong = _validate_value_with_model_field(field=field, value=raw, values={}, loc=loc)
    if reading.renamed and get_model_config(model).get("loc_by_alias", True):
        for error in wrong:
            head, *tail = error["loc"]
            if tail and tail[0] in reading.renamed:
                error["loc"] = (head, reading.renamed[tail[0]], *tail[1:])
    return value, wrong


class _ModelReading:
    """What a parameter model is given, while it is being collected."""

    def __init__(self, field: ModelField, received: Mapping[str, Any]) -> None:
        self.received = received
        self.is_header = isinstance(received, Headers)
        #: Whether the parameter has headers' dashes for the underscores of its model's names.
        self.dashes = getattr(field.field_info, "convert_underscores", True)
        self.taken: dict[str, Any] = {}
        #: Names of the request that are no extras.
        self.used: set[str] = set()
        #: Names of the request that belong to the model, taken or not.
        self.own: set[str] = set()
        #: Field -> the header it was read from, for errors to say what the client knows.
        self.renamed: dict[str, str] = {}

    def take(self, field: ModelField) -> None:
        dashes = self.is_header and getattr(field.field_info, "convert_underscores", self.dashes)
        pairs = _get_param_aliases(field, convert_underscores=dashes)
        name, asked = _choose(pairs, self.received)
        value = _get_multidict_value(field, self.received, asked)
        if value is not Undefined:
            self.taken[name] = value
        names = [request_name for _, request_name in pairs]
        if not self.is_header:
            self.used.add(asked)
            self.own.update(names)
            return
        self.own.update(map(str.lower, names))
        # A header is not let in as an extra under the name it would have had without the dashes.
        self.used.add(asked.lower())
        self.used.update(one.lower() for one, other in pairs if one != other)
        if name != asked:
            self.renamed[field.name] = asked

    def take_rest(self) -> None:
        """What the model's fields leave; whether it is wanted is for the model to say."""
        received = self.received
        if isinstance(received, ImmutableMultiDict):
            items = received.multi_items()
        else:
            items = list(received.items())
        rest: dict[str, list[Any]] = {}
        for name, value in items:
            if name not in self.used:
                rest.setdefault(name, []).append(value)
        for name, values in rest.items():
            self.taken[name] = values[0] if len(values) == 1 else values

    def is_meant(self, model: type[BaseModel]) -> bool:
        """Whether anything was sent that an optional model should be made of."""
        if not self.own.isdisjoint(self.received):
            return True
        return bool(self.taken) and get_model_config(model).get("extra") in ("allow", "forbid")
