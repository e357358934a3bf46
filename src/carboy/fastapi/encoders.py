"""Any Python value as plain JSON data, the way FastAPI's jsonable_encoder makes it.

The order of the questions is the contract (a model is asked before a dict, an enum before its
text); what is written is pinned by tests against upstream's results.
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
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_core import PydanticUndefined, Url

IncEx = Any


def _decimal(value: Decimal) -> int | float:
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)


ENCODERS_BY_TYPE: dict[type[Any], Callable[[Any], Any]] = {
    bytes: bytes.decode,
    datetime.date: datetime.date.isoformat,
    datetime.datetime: datetime.datetime.isoformat,
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: datetime.timedelta.total_seconds,
    Decimal: _decimal,
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
    pathlib.PurePath: str,
    re.Pattern: lambda pattern: pattern.pattern,
    SecretBytes: str,
    SecretStr: str,
    set: list,
    uuid.UUID: str,
    Url: str,
}


def jsonable_encoder(
    obj: Any,
    include: IncEx | None = None,
    exclude: IncEx | None = None,
    by_alias: bool = True,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    custom_encoder: dict[Any, Callable[[Any], Any]] | None = None,
    sqlalchemy_safe: bool = True,
) -> Any:
    """`obj` as dicts, lists, text, numbers, booleans and None."""
    options: dict[str, Any] = {
        "by_alias": by_alias,
        "exclude_unset": exclude_unset,
        "exclude_defaults": exclude_defaults,
        "exclude_none": exclude_none,
    }
    encode = _Encoder(options, custom_encoder or {}, sqlalchemy_safe)
    return encode(obj, include, exclude)


class _Encoder:
    def __init__(
        self,
        options: dict[str, Any],
        custom: dict[Any, Callable[[Any], Any]],
        sqlalchemy_safe: bool,
    ) -> None:
        self.options = options
        self.custom = custom
        self.sqlalchemy_safe = sqlalchemy_safe

    def __call__(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        if self.custom and (custom := self._custom(obj)) is not None:
            return custom(obj)
        if isinstance(obj, BaseModel):
            dumped = obj.model_dump(mode="json", include=include, exclude=exclude, **self.options)
            return self._plain(dumped)
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            return self(dataclasses.asdict(obj), include, exclude)
        if isinstance(obj, Enum):
            return obj.value
        if isinstance(obj, pathlib.PurePath):
            return str(obj)
        if obj is None or isinstance(obj, str | int | float):
            return obj
        if obj is PydanticUndefined:
            return None
        if isinstance(obj, dict):
            return self._dict(obj, include, exclude)
        if isinstance(obj, list | set | frozenset | types.GeneratorType | tuple | deque):
            return [self(item, include, exclude) for item in obj]
        for kind in type(obj).__mro__:
            if kind in ENCODERS_BY_TYPE:
                return ENCODERS_BY_TYPE[kind](obj)
        return self._object(obj, include, exclude)

    def _custom(self, obj: Any) -> Callable[[Any], Any] | None:
        """The caller's encoder for exactly this type, else for one of its bases."""
        if type(obj) in self.custom:
            return self.custom[type(obj)]
        return next((to for kind, to in self.custom.items() if isinstance(obj, kind)), None)

    def _plain(self, dumped: Any) -> Any:
        options = {**self.options, "exclude_unset": False, "exclude_defaults": False}
        return _Encoder(options, {}, self.sqlalchemy_safe)(dumped)

    def _dict(self, obj: dict[Any, Any], include: Any, exclude: Any) -> dict[Any, Any]:
        allowed = set(obj)
        if include is not None:
            allowed &= set(include)
        if exclude is not None:
            allowed -= set(exclude)
        encoded = {}
        for key, value in obj.items():
            if self.sqlalchemy_safe and isinstance(key, str) and key.startswith("_sa"):
                continue
            if (value is None and self.options["exclude_none"]) or key not in allowed:
                continue
            encoded[self(key)] = self(value)
        return encoded

    def _object(self, obj: Any, include: Any, exclude: Any) -> Any:
        try:
            return self(dict(obj), include, exclude)
        except Exception as first:
            try:
                return self(vars(obj), include, exclude)
            except Exception as second:
                raise ValueError([first, second]) from second
