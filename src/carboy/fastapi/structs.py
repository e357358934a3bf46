"""msgspec Structs and attrs classes as models: told to pydantic, so that they may stand anywhere.

msgspec checks, converts and writes them; pydantic is told by a *shape*, a model with the same
fields, what they look like in the OpenAPI document. `dressed` puts that into an annotation. msgspec
is loaded only where a class of these kinds is used; attrs classes need it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from operator import is_
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, ValidationError
from pydantic_core import core_schema as core

from carboy.core.encode import Encode
from carboy.fastapi._compat.shared import has_foreign_model, is_foreign_model

if TYPE_CHECKING:
    from carboy.fastapi.route_state import RouteState

_AT = re.compile(r"(.*?)(?: - at `(.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_MISSING = re.compile(r"Object missing required field `(.*)`")


def dressed(annotation: Any) -> Any:
    """`annotation` with every such class told to pydantic."""
    if is_foreign_model(annotation):
        return Annotated[annotation, _Told(annotation)]
    args = get_args(annotation)
    if not any(map(has_foreign_model, args)):
        return annotation
    origin = get_origin(annotation)
    if origin is Annotated:
        return Annotated[(dressed(args[0]), *args[1:])]
    made = tuple(dressed(one) for one in args)
    if origin is Union or not hasattr(origin, "__class_getitem__"):
        return Union[made]  # noqa: UP007 - of what is known only now
    return origin[made]


def _msgspec(cls: type[Any]) -> Any:
    try:
        import msgspec
    except ImportError:
        from carboy.fastapi.exceptions import FastAPIError

        raise FastAPIError(
            f"{cls.__name__} is an attrs class, and those are read and written by msgspec, which "
            "is not installed: pip install msgspec"
        ) from None
    return msgspec


def encoder_of(state: RouteState, options: set[str]) -> Encode | None:
    """What writes an instance of exactly the declared class, where nothing in it can be a subclass.

    Pydantic's options mean nothing to it.
    """
    cls = state.response_model
    if options:
        from carboy.fastapi.exceptions import FastAPIError

        raise FastAPIError(
            f"response_model_{sorted(options)[0]}= is for pydantic models, and {cls.__name__} is "
            "none: declare a class that has just the fields to show"
        )
    if len(within(cls)) > 1:
        return None
    encode: Encode = _msgspec(cls).json.Encoder().encode
    return encode


class _Told:
    """What pydantic asks of one class."""

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls
        self.msgspec = _msgspec(cls)
        self.classes = within(cls)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        write = core.plain_serializer_function_ser_schema(self.write)
        return core.no_info_plain_validator_function(self.check, serialization=write)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        # By way of the generator, which makes it a component of the document.
        generator: Any = handler.generate_json_schema  # type: ignore[attr-defined]
        cls: Any = self.cls
        shown: dict[str, Any] = generator.generate_inner(shape_of(cls).__pydantic_core_schema__)
        return shown

    def write(self, value: Any) -> Any:
        """An instance as JSON data."""
        return self.msgspec.to_builtins(value)

    def check(self, value: Any) -> Any:
        """An instance, from JSON data; errors say where they are."""
        if isinstance(value, self.cls):
            return declared_only(value, self.classes)
        try:
            return self.msgspec.convert(value, self.cls)
        except self.msgspec.ValidationError as error:
            raise ValidationError.from_exception_data(
                self.cls.__name__, [explained(str(error), value)]
            ) from None


def declared_only(value: Any, classes: frozenset[type[Any]]) -> Any:
    """`value` with instances of subclasses as what was declared.

    SAFETY: a subclass may have fields that were never meant to be shown.
    """
    kind = type(value)
    if is_foreign_model(kind):
        target = next((base for base in kind.__mro__ if base in classes), kind)
        names = _names(target)
        given = {name: declared_only(getattr(value, name), classes) for name in names}
        same = all(given[name] is getattr(value, name) for name in names)
        return value if same and target is kind else _built(target, given)
    if kind in (list, tuple, set, frozenset):
        made = [declared_only(one, classes) for one in value]
        return value if all(map(is_, made, value)) else kind(made)
    if kind is dict:
        items = {key: declared_only(one, classes) for key, one in value.items()}
        return value if all(items[key] is value[key] for key in items) else items
    return value


def _names(cls: Any) -> tuple[str, ...]:
    if hasattr(cls, "__struct_fields__"):
        names: tuple[str, ...] = cls.__struct_fields__
        return names
    return tuple(one.name for one in cls.__attrs_attrs__)


def _built(cls: Any, given: dict[str, Any]) -> Any:
    if hasattr(cls, "__struct_fields__"):
        return cls(**given)
    made = cls.__new__(cls)
    for name, value in given.items():
        object.__setattr__(made, name, value)
    return made


def within(cls: Any) -> frozenset[type[Any]]:
    """`cls` and all such classes that its fields lead to."""
    found: set[Any] = set()
    waiting: list[Any] = [cls]
    while waiting:
        one = waiting.pop()
        if is_foreign_model(one) and one not in found:
            found.add(one)
            waiting += get_type_hints(one, include_extras=True).values()
        waiting += get_args(one)
    return frozenset(found)


def explained(said: str, value: Any) -> InitErrorDetails:
    """One of msgspec's errors in pydantic's shape."""
    found = _AT.fullmatch(said)
    assert found is not None
    message, place = found[1], found[2] or "$"
    loc: list[int | str] = [
        name or (int(index) if index.isdigit() else index) for name, index in _STEP.findall(place)
    ]
    if missing := _MISSING.fullmatch(message):
        loc.append(missing[1])
        return {"type": "missing", "loc": tuple(loc), "input": _inside(value, loc[:-1])}
    text = message.replace("{", "{{").replace("}", "}}")
    told = PydanticCustomError("msgspec", text)
    return {"type": told, "loc": tuple(loc), "input": _inside(value, loc)}


def _inside(value: Any, loc: list[int | str]) -> Any:
    for step in loc:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


@cache
def shape_of(cls: Any) -> type[BaseModel]:
    """A pydantic model with the same fields, for the document only."""
    config = getattr(cls, "__struct_config__", None)
    named: dict[str, Any] = {"__module__": cls.__module__, **dict(_fields(cls))}
    if vars(cls).get("__doc__"):
        named["__doc__"] = cls.__doc__
    if config is not None and config.forbid_unknown_fields:
        named["__config__"] = {"extra": "forbid"}
    made: type[BaseModel] = create_model(cls.__name__, **named)
    return made


def _fields(cls: type[Any]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    msgspec = _msgspec(cls)
    config = getattr(cls, "__struct_config__", None)
    if config is not None and config.tag is not None:
        tag: Any = Literal[config.tag]
        yield "tag_", (tag, Field(alias=config.tag_field))
    from msgspec.inspect import type_info

    known: Any = type_info(cls)
    told = {one.name: one for one in known.fields}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        one = told.get(name)
        if one is None:
            continue  # a ClassVar
        options: dict[str, Any] = {}
        if one.encode_name != name:
            options["alias"] = one.encode_name
        if one.default is not msgspec.NODEFAULT:
            options["default"] = one.default
        elif one.default_factory is not msgspec.NODEFAULT:
            options["default_factory"] = one.default_factory
        yield name, (_constrained(hint), Field(**options))


_LIMITS = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length")


def _constrained(hint: Any) -> Any:
    """`hint` with msgspec's constraints in pydantic's words, and classes dressed."""
    if get_origin(hint) is not Annotated:
        return dressed(hint)
    whole: Any = dressed(get_args(hint)[0])
    for mark in get_args(hint)[1:]:
        if type(mark).__module__.partition(".")[0] == "msgspec":
            said = {name: getattr(mark, name) for name in _LIMITS}
            said |= {name: getattr(mark, name) for name in ("title", "description", "examples")}
            options = {name: value for name, value in said.items() if value is not None}
            whole = Annotated[whole, Field(**options)]
        else:
            whole = Annotated[whole, mark]
    return whole
