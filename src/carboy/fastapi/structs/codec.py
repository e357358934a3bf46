"""How one annotation is read and written by msgspec: made once, when a field is declared.

Requests are read from JSON bytes, or from data that has been parsed already; answers are checked,
brought down to what was declared (trust.py) and encoded. What msgspec does not know (pydantic
models, paths, addresses) is asked of pydantic by the hooks. Mistakes are FastAPIErrors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, MappingView, Sequence
from functools import lru_cache, partial
from types import GeneratorType
from typing import Annotated, Any

import msgspec
from msgspec import inspect
from pydantic import BaseModel, PydanticSchemaGenerationError
from pydantic_core import PydanticSerializationError

from carboy.fastapi._compat.adapters import plain_adapter
from carboy.fastapi.exceptions import FastAPIError
from carboy.fastapi.structs.trust import Shape, shape_of

#: What an endpoint may return for a list, as FastAPI has it for pydantic's.
_LISTED: tuple[type[Any], ...] = (deque, MappingView, GeneratorType)


def read_other(kind: Any, value: Any) -> Any:
    """A value of a type that msgspec does not know, by pydantic."""
    if isinstance(value, kind):
        return value
    return plain_adapter(kind).validate_python(value)


def write_other(value: Any) -> Any:
    """JSON data for a value that msgspec does not know."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    try:
        adapter = plain_adapter(type(value))  # type: ignore[arg-type]
        return adapter.dump_python(value, mode="json")
    except (PydanticSchemaGenerationError, PydanticSerializationError, TypeError):
        from carboy.fastapi.encoders import jsonable_encoder

        return jsonable_encoder(value)


def to_data(value: Any) -> Any:
    """Anything that msgspec can write as plain JSON data."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=write_other)


class Codec:
    """One type's reader and writer."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        try:
            self.node = inspect.type_info(kind)
            decoder = msgspec.json.Decoder(kind, dec_hook=read_other)
        except (TypeError, NameError, ValueError) as error:
            raise FastAPIError(f"msgspec can't read {kind!r}: {error}") from error
        for node in nodes_of(self.node):
            _check_custom(node)
        #: JSON bytes -> the value; raises DecodeError.
        self.decode: Callable[[bytes], Any] = decoder.decode
        self._encoder = msgspec.json.Encoder(enc_hook=write_other)
        #: The value -> JSON bytes, whatever it holds; see `written`.
        self.encode: Callable[[Any], bytes] = self._encoder.encode
        convert = partial(msgspec.convert, type=kind, str_keys=True, dec_hook=read_other)
        #: Parsed JSON -> the value; raises ValidationError.
        self.read: Callable[[Any], Any] = convert
        #: The same for text (a query, a form): "1" is a number where one is wanted.
        self.read_text: Callable[[Any], Any] = partial(convert, strict=False)
        #: What an endpoint returned (data, or any object with the attributes) -> the value.
        self._read_result: Callable[[Any], Any] = partial(convert, from_attributes=True)
        self.shape: Shape = shape_of(self.node)

    def read_result(self, value: Any) -> Any:
        """What an endpoint returned as exactly what was declared, on every level."""
        if isinstance(value, _LISTED) and list in (self.shape.kinds or ()):
            value = [*value]
        value = self._read_result(value)
        if self.shape.holds(value):
            return value
        # SAFETY: msgspec writes instances by their own class, and a subclass may have fields that
        # were never meant to be shown.
        return self._read_result(self.shape.narrow(value))


def nodes_of(node: Any) -> Iterator[Any]:
    """Everything that msgspec knows of a type and the types in it, each once."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        for name in getattr(one, "__struct_fields__", ()):
            value = getattr(one, name)
            found = value if isinstance(value, tuple) else (value,)
            for inner in found:
                if isinstance(inner, inspect.Field):
                    waiting.append(inner.type)
                elif isinstance(inner, inspect.Type):
                    waiting.append(inner)


def _check_custom(node: Any) -> None:
    if not isinstance(node, inspect.CustomType):
        return
    try:
        plain_adapter(node.cls)
    except Exception as error:
        raise FastAPIError(
            f"neither msgspec nor pydantic can read {node.cls!r}, which stands in a model: use a "
            "type that one of them knows, or give it `__get_pydantic_core_schema__`"
        ) from error


def check_input(node: Any) -> None:
    """Refuse attrs classes of which msgspec would read something else than their author meant."""
    for one in nodes_of(node):
        for attribute in getattr(getattr(one, "cls", None), "__attrs_attrs__", ()):
            what = None
            if attribute.converter is not None:
                what = "has a converter, which msgspec does not call"
            elif not attribute.init:
                what = "has init=False, but msgspec would take it from the request"
            if what is not None:
                raise FastAPIError(
                    f"{one.cls.__name__}.{attribute.name} {what}: declare a class without it for "
                    "input, a msgspec.Struct perhaps"
                )


def msgspec_type(annotation: Any, metadata: Sequence[Any]) -> Any:
    """An annotation with those of its marks that are msgspec's."""
    marks = [one for one in metadata if isinstance(one, msgspec.Meta)]
    return Annotated[(annotation, *marks)] if marks else annotation


def codec_of(kind: Any) -> Codec:
    """The codec of a type, shared by all fields of that type."""
    try:
        return _shared(kind)
    except TypeError:  # a Literal or a Meta that can't be hashed
        return Codec(kind)


@lru_cache(maxsize=1024, typed=True)
def _shared(kind: Any) -> Codec:
    return Codec(kind)
