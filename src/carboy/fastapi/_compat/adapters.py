"""TypeAdapters: when pydantic need not be asked yet, and which fields can share one.

Building an adapter is most of what a field costs, so it waits until it is used, unless pydantic
might refuse the annotation: then it has to be built where the mistake was made. Fields that say the
same to pydantic share an adapter. Nothing here knows where a value comes from.
"""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.warnings import UnsupportedFieldAttributeWarning
from pydantic_core import PydanticUndefined

from carboy.fastapi._compat.shared import union_members

_ATOMS = frozenset(
    {
        str,
        int,
        float,
        bool,
        bytes,
        None,
        type(None),
        Any,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        UUID,
        Decimal,
    }
)
#: How many parameters the containers take between brackets; a tuple takes any number.
_ARITY = {list: 1, set: 1, frozenset: 1, dict: 2}

#: Constraints that pydantic certainly takes: mark -> (its attribute, annotation -> types of value).
_NUMBERS: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float)}
_LENGTHS: dict[Any, tuple[type, ...]] = {str: (int,)}
_CONSTRAINTS: dict[type[Any], tuple[str, dict[Any, tuple[type, ...]]]] = {
    Gt: ("gt", _NUMBERS),
    Ge: ("ge", _NUMBERS),
    Lt: ("lt", _NUMBERS),
    Le: ("le", _NUMBERS),
    MinLen: ("min_length", _LENGTHS),
    MaxLen: ("max_length", _LENGTHS),
}

#: What a FieldInfo holds beside its annotation and metadata, as Field takes it.
ATTRIBUTES: tuple[str, ...] = tuple(
    name
    for name in FieldInfo.__slots__
    if name[0] != "_" and name not in ("annotation", "metadata")
)
#: Attributes with which fields may differ and still share an adapter: it doesn't see them …
_UNSEEN = frozenset({"alias", "alias_priority", "validation_alias", "serialization_alias"})
#: … or they are part of the key it is shared by.
_KEYS = ("default", "title", "description")
_KEY_TYPES = frozenset({type(PydanticUndefined), type(None), str, int, bool})
_TEXT_TYPES = frozenset({type(None), str})
_AT_REST = {
    name: getattr(FieldInfo(annotation=int), name)
    for name in ATTRIBUTES
    if name not in _UNSEEN and name not in _KEYS
}


def is_certain(annotation: Any) -> bool:
    """Whether pydantic is known to take this annotation, so that it need not be tried."""
    try:
        if annotation in _ATOMS:
            return True
    except TypeError:  # not hashable
        return False
    origin = get_origin(annotation)
    if origin is None:
        return annotation in _ARITY or annotation is tuple or _is_certain_class(annotation)
    args = get_args(annotation)
    if origin is tuple and len(args) == 2 and args[1] is ...:
        args = args[:1]
    elif origin is Literal:
        return all(type(value) in (str, int) for value in args)
    elif origin is not tuple and len(args) != _ARITY.get(origin) and not union_members(annotation):
        return False
    return all(map(is_certain, args))


def _is_certain_class(annotation: Any) -> bool:
    if not isinstance(annotation, type):
        return False
    if issubclass(annotation, BaseModel):
        return annotation.__pydantic_complete__ is True
    if issubclass(annotation, Enum):
        return len(annotation) > 0 and not hasattr(annotation, "__get_pydantic_core_schema__")
    return False


def is_certain_field(info: FieldInfo) -> bool:
    """Whether a whole field, with its constraints, can wait for its adapter."""
    if info.discriminator is not None or not is_certain(info.annotation):
        return False
    return all(_fits(mark, info.annotation) for mark in info.metadata)


def _fits(mark: Any, annotation: Any) -> bool:
    members = [one for one in union_members(annotation) if one is not type(None)] or [annotation]
    if len(members) != 1 or type(mark) not in _CONSTRAINTS:
        return False
    name, kinds = _CONSTRAINTS[type(mark)]
    value = getattr(mark, name)
    if type(value) not in kinds.get(members[0], ()):
        return False
    return kinds is _NUMBERS or value >= 0


def is_shareable(annotation: Any) -> bool:
    """Whether equal annotations mean the same to pydantic.

    `int | str` equals `str | int`, and so do literals in any order: these are not shared.
    """
    if not is_certain(annotation) or get_origin(annotation) is Literal:
        return False
    args = get_args(annotation)
    if len(args) > 1 and union_members(annotation) and (len(args) > 2 or type(None) not in args):
        return False
    return all(one is ... or is_shareable(one) for one in args)


def share_key(info: FieldInfo) -> tuple[Any, ...] | None:
    """What a field's adapter is shared by; None if it must have its own."""
    texts = (type(info.title), type(info.description))
    if type(info.default) not in _KEY_TYPES or not _TEXT_TYPES.issuperset(texts):
        return None
    for name, value in _AT_REST.items():
        if getattr(info, name) is not value:
            return None
    annotation, marks = info.annotation, tuple(info.metadata)
    if not is_shareable(annotation) or not all(_fits(mark, annotation) for mark in marks):
        return None
    # Ge(1) equals Ge(1.0), but in a schema they look different.
    return (annotation, marks, repr(marks), *(getattr(info, name) for name in _KEYS))


def attributes_of(info: FieldInfo) -> dict[str, Any]:
    """What is set of a FieldInfo, as arguments for Field."""
    held = ((name, getattr(info, name, PydanticUndefined)) for name in ATTRIBUTES)
    return {name: value for name, value in held if value is not PydanticUndefined}


def own_adapter(info: FieldInfo, config: ConfigDict | None) -> TypeAdapter[Any]:
    """An adapter for this field alone."""
    return build_adapter(info.annotation, info.metadata, attributes_of(info), config)


@lru_cache(maxsize=1024, typed=True)
def shared_adapter(
    annotation: Any, marks: tuple[Any, ...], _: str, *values: Any
) -> TypeAdapter[Any]:
    """The adapter of all fields with this `share_key`."""
    held = {
        name: value
        for name, value in zip(_KEYS, values, strict=True)
        if value is not PydanticUndefined
    }
    if not marks and "default" not in held and all(one is None for one in held.values()):
        # PERF: a model has its schema already; 1,000 of them: 0.17 of the 0.92 s of `openapi()`.
        return plain_adapter(annotation)
    return build_adapter(annotation, marks, held, None)


@lru_cache(maxsize=1024)
def plain_adapter(annotation: Any) -> TypeAdapter[Any]:
    """An adapter for an annotation, without anything a field adds."""
    return TypeAdapter(annotation)


def build_adapter(
    annotation: Any, metadata: Sequence[Any], attributes: dict[str, Any], config: ConfigDict | None
) -> TypeAdapter[Any]:
    """An adapter for an annotation with all that a field adds to it."""
    with warnings.catch_warnings():
        # An alias means nothing to a lone adapter; that is no news to whoever declared a parameter.
        warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
        whole: Any = Annotated[(annotation, *metadata, Field(**attributes))]
        return TypeAdapter(whole, config=config)
