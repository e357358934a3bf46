"""Any Python value as plain JSON data, the way FastAPI's jsonable_encoder makes it.

The order of the questions is the contract (a model is asked before a dict, an enum before its
text), and so is what is passed on from a value to the values in it. Tables say how single values
are written; ENCODERS_BY_TYPE may be added to.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib
import re
import types
import uuid
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefinedType, Url

if TYPE_CHECKING:
    from carboy.fastapi.types import IncEx

Encode = Callable[[Any], Any]


def isoformat(o: datetime.date | datetime.time) -> str:
    """ISO 8601."""
    return o.isoformat()


def decimal_encoder(dec_value: Decimal) -> int | float:
    """An int where no decimal places are written, so that an id stays one; else a float."""
    exponent = dec_value.as_tuple().exponent  # a letter, for infinity and NaN
    whole = isinstance(exponent, int) and exponent >= 0
    return int(dec_value) if whole else float(dec_value)


ENCODERS_BY_TYPE: dict[type[Any], Encode] = {
    bytes: bytes.decode,
    datetime.date: isoformat,
    datetime.datetime: isoformat,
    datetime.time: isoformat,
    datetime.timedelta: datetime.timedelta.total_seconds,
    Decimal: decimal_encoder,
    Enum: lambda member: member.value,
    frozenset: list,
    deque: list,
    types.GeneratorType: list,
    ipaddress.IPv4Address: str,
    ipaddress.IPv4Interface: str,
    ipaddress.IPv4Network: str,
    ipaddress.IPv6Address: str,
    ipaddress.IPv6Interface: str,
    ipaddress.IPv6Network: str,
    pathlib.Path: str,
    re.Pattern: lambda pattern: pattern.pattern,
    set: list,
    uuid.UUID: str,
    Url: str,
}

#: Types by name that are written as text. PERF: importing them takes as long as pydantic itself;
#: colours may not even be installed.
TEXT_TYPES = frozenset(
    {
        ("pydantic.color", "Color"),
        ("pydantic_extra_types.color", "Color"),
        ("pydantic.networks", "AnyUrl"),
        ("pydantic.networks", "NameEmail"),
        ("pydantic.types", "SecretBytes"),
        ("pydantic.types", "SecretStr"),
    }
)

_SEQUENCES = (list, set, frozenset, types.GeneratorType, tuple, deque)


def generate_encoders_by_class_tuples(
    type_encoder_map: dict[Any, Encode],
) -> dict[Encode, tuple[Any, ...]]:
    """The table turned round: encoder -> every class it is for."""
    classes: dict[Encode, tuple[Any, ...]] = {}
    for kind, encoder in type_encoder_map.items():
        classes[encoder] = (*classes.get(encoder, ()), kind)
    return classes


#: For subclasses of what stood in the table at the start.
encoders_by_class_tuples = generate_encoders_by_class_tuples(ENCODERS_BY_TYPE)


def jsonable_encoder(
    obj: Any,
    include: IncEx | None = None,
    exclude: IncEx | None = None,
    by_alias: bool = True,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    custom_encoder: dict[Any, Encode] | None = None,
    sqlalchemy_safe: bool = True,
) -> Any:
    """`obj` as dicts, lists, text, numbers, booleans and None.

    `include` and `exclude` choose keys of the outermost model or dict (of each, in a list). The
    options of models hold for every model in it. `custom_encoder` is asked first, by type.
    `sqlalchemy_safe` leaves out what SQLAlchemy keeps in an object's ``__dict__``.
    """
    options: dict[str, Any] = {
        "by_alias": by_alias,
        "exclude_unset": exclude_unset,
        "exclude_defaults": exclude_defaults,
        "exclude_none": exclude_none,
    }
    encode = _Encoder(options, custom_encoder or {}, sqlalchemy_safe)
    return encode(obj, _keys(include), _keys(exclude))


def _keys(chosen: Any) -> Any:
    return chosen if chosen is None or isinstance(chosen, set | dict) else set(chosen)


class _Encoder:
    """One call's options."""

    def __init__(
        self, options: dict[str, Any], custom: dict[Any, Encode], sqlalchemy_safe: bool
    ) -> None:
        self.options = options
        self.custom = custom
        self.sqlalchemy_safe = sqlalchemy_safe

    def __call__(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        if self.custom and (custom := self._custom(obj)) is not None:
            return custom(obj)
        if isinstance(obj, BaseModel):
            return self._model(obj, include, exclude)
        if dataclasses.is_dataclass(obj):
            assert not isinstance(obj, type), "a dataclass itself is no data"
            return self(dataclasses.asdict(obj), include, exclude)
        if isinstance(obj, Enum):
            return obj.value
        if isinstance(obj, pathlib.PurePath):
            return str(obj)
        if obj is None or isinstance(obj, str | int | float):
            return obj
        if isinstance(obj, PydanticUndefinedType):
            return None
        if isinstance(obj, dict):
            return self._dict(obj, include, exclude)
        if isinstance(obj, _SEQUENCES):
            return [self(item, include, exclude) for item in obj]
        if (encoder := _encoder_of(obj)) is not None:
            return encoder(obj)
        return self(_attributes(obj), include, exclude)

    def _custom(self, obj: Any) -> Encode | None:
        """The caller's encoder for exactly this type, else the first for one of its bases."""
        if type(obj) in self.custom:
            return self.custom[type(obj)]
        return next((to for kind, to in self.custom.items() if isinstance(obj, kind)), None)

    def _model(self, obj: BaseModel, include: Any, exclude: Any) -> Any:
        dumped = obj.model_dump(mode="json", include=include, exclude=exclude, **self.options)
        # COMPAT: of a model's own serializers' results, models included, only this is asked.
        options = {**self.options, "by_alias": True, "exclude_unset": False}
        return _Encoder(options, {}, self.sqlalchemy_safe)(dumped)

    def _dict(self, obj: dict[Any, Any], include: Any, exclude: Any) -> dict[Any, Any]:
        encoded = {}
        for key, value in obj.items():
            if include is not None and key not in include:
                continue
            if exclude is not None and key in exclude:
                continue
            if value is None and self.options["exclude_none"]:
                continue
            if self.sqlalchemy_safe and isinstance(key, str) and key.startswith("_sa"):
                continue
            encoded[self(key)] = self(value)
        return encoded


def _encoder_of(obj: Any) -> Encode | None:
    """How a single value is written: by its very type, else by the first class it belongs to."""
    if type(obj) in ENCODERS_BY_TYPE:
        return ENCODERS_BY_TYPE[type(obj)]
    for encoder, classes in encoders_by_class_tuples.items():
        if isinstance(obj, classes):
            return encoder
    named = {(kind.__module__, kind.__name__) for kind in type(obj).__mro__}
    return None if TEXT_TYPES.isdisjoint(named) else str


def _attributes(obj: Any) -> dict[Any, Any]:
    """An unknown object as a dict: as it iterates, else its ``__dict__``.

    A Struct is what msgspec makes of it; an attrs object without a ``__dict__``, its fields.
    """
    from carboy.fastapi._compat import is_pydantic_v1_model_instance

    if is_pydantic_v1_model_instance(obj):
        from carboy.fastapi.exceptions import PydanticV1NotSupportedError

        raise PydanticV1NotSupportedError(
            f"pydantic.v1 models are not supported: make the model of {obj!r} one of pydantic 2."
        )
    if hasattr(type(obj), "__struct_fields__"):
        from carboy.fastapi.structs.codec import to_data

        return to_data(obj)  # type: ignore[no-any-return]
    data: dict[Any, Any]
    try:
        data = dict(obj)
    except Exception as not_iterable:
        try:
            data = vars(obj)
        except Exception as no_dict:
            if (fields := getattr(type(obj), "__attrs_attrs__", None)) is not None:
                names = (one.name for one in fields if hasattr(obj, one.name))
                return {name: getattr(obj, name) for name in names}
            from carboy.fastapi.mistakes import no_json

            refused = ValueError([not_iterable, no_dict])
            refused.add_note(no_json(obj))
            raise refused from no_dict
    return data


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
