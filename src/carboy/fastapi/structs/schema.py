"""What msgspec's types look like in OpenAPI: told to pydantic's generator in its own language.

A type becomes a core schema that only the generator reads; classes become components there, so that
pydantic models and Structs of one name do not get in each other's way, and a class that is the same
in requests and in answers is there once.
"""

from __future__ import annotations

import inspect as python_inspect
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec
from msgspec import inspect
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from carboy.fastapi._compat.adapters import plain_adapter
from carboy.fastapi.structs.codec import to_data

if TYPE_CHECKING:
    from carboy.fastapi.structs.codec import Codec

Schema = dict[str, Any]


class Told:
    """A mark in Annotated: pydantic leaves the annotation to msgspec, and describes it as follows.

    The validator lets everything through: it is given what msgspec has read.
    """

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _same,
            serialization=core_schema.plain_serializer_function_ser_schema(to_data),
            metadata={"told": self},
        )

    def core(self) -> CoreSchema:
        """The type in pydantic's language, classes as references."""
        return Described().core(self.codec.node)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> Schema:
        """The JSON schema; classes are put among the definitions."""
        generator = handler.generate_json_schema
        described = Described()
        whole = described.core(self.codec.node)
        definitions = list(described.definitions.values())
        made: Schema = generator.generate_inner(
            core_schema.definitions_schema(whole, definitions) if definitions else whole
        )
        return made


def _same(value: Any) -> Any:
    return value


def _limits(node: Any, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(node, name)) is not None}


def _number(make: Callable[..., CoreSchema], node: Any) -> CoreSchema:
    return make(**_limits(node, "gt", "ge", "lt", "le", "multiple_of"))


def _text(**said: Any) -> CoreSchema:
    """What stands in JSON as a text that pydantic's generator would describe differently."""
    return core_schema.any_schema(metadata={"pydantic_js_updates": {"type": "string", **said}})


_LEAVES: dict[type[Any], Callable[[Any], CoreSchema]] = {
    inspect.AnyType: lambda node: core_schema.any_schema(),
    inspect.RawType: lambda node: core_schema.any_schema(),
    inspect.NoneType: lambda node: core_schema.none_schema(),
    inspect.BoolType: lambda node: core_schema.bool_schema(),
    inspect.IntType: partial(_number, core_schema.int_schema),
    inspect.FloatType: partial(_number, core_schema.float_schema),
    inspect.StrType: lambda node: core_schema.str_schema(
        **_limits(node, "min_length", "max_length", "pattern")
    ),
    inspect.BytesType: lambda node: _text(contentEncoding="base64"),
    inspect.ByteArrayType: lambda node: _text(contentEncoding="base64"),
    inspect.MemoryViewType: lambda node: _text(contentEncoding="base64"),
    inspect.DateTimeType: lambda node: core_schema.datetime_schema(),
    inspect.DateType: lambda node: core_schema.date_schema(),
    inspect.TimeType: lambda node: core_schema.time_schema(),
    inspect.TimeDeltaType: lambda node: core_schema.timedelta_schema(),
    inspect.UUIDType: lambda node: core_schema.uuid_schema(),
    inspect.DecimalType: lambda node: _text(format="decimal"),
    inspect.EnumType: lambda node: plain_adapter(node.cls).core_schema,
    inspect.LiteralType: lambda node: core_schema.literal_schema(list(node.values)),
    inspect.CustomType: lambda node: plain_adapter(node.cls).core_schema,
}
_SEQUENCES = {
    inspect.ListType: core_schema.list_schema,
    inspect.CollectionType: core_schema.list_schema,
    inspect.VarTupleType: core_schema.list_schema,
    inspect.SetType: core_schema.set_schema,
    inspect.FrozenSetType: core_schema.set_schema,
}
_CLASSES = (
    inspect.StructType,
    inspect.DataclassType,
    inspect.TypedDictType,
    inspect.NamedTupleType,
)


class Described:
    """One annotation on its way into the document, and the classes it leads to."""

    def __init__(self) -> None:
        #: By reference.
        self.definitions: dict[str, CoreSchema] = {}

    def core(self, node: Any) -> CoreSchema:
        """A type in pydantic's language."""
        if (leaf := _LEAVES.get(type(node))) is not None:
            return leaf(node)
        if isinstance(node, _CLASSES):
            return self._class(node)
        if (make := _SEQUENCES.get(type(node))) is not None:
            return make(self.core(node.item_type), **_limits(node, "min_length", "max_length"))
        if isinstance(node, inspect.Metadata):
            said = {"pydantic_js_updates": node.extra_json_schema or {}}
            return {**self.core(node.type), "metadata": said}
        if isinstance(node, inspect.TupleType):
            return core_schema.tuple_schema([self.core(one) for one in node.item_types])
        if isinstance(node, inspect.UnionType):
            return self._union(node)
        # What is left are dicts, of one kind or another.
        keys, values = self.core(node.key_type), self.core(node.value_type)
        return core_schema.dict_schema(keys, values, **_limits(node, "min_length", "max_length"))

    def _union(self, node: Any) -> CoreSchema:
        members = [one for one in node.types if not isinstance(one, inspect.NoneType)]
        tagged = [one for one in members if isinstance(one, inspect.StructType)]
        choices = [self.core(one) for one in members if one not in tagged]
        if len(tagged) > 1 and not any(one.array_like for one in tagged):
            field = tagged[0].tag_field or "type"
            by_tag = {one.tag: self.core(one) for one in tagged if one.tag is not None}
            choices.append(core_schema.tagged_union_schema(by_tag, field))
        else:
            choices += [self.core(one) for one in tagged]
        whole = choices[0] if len(choices) == 1 else core_schema.union_schema([*choices])
        return whole if len(members) == len(node.types) else core_schema.nullable_schema(whole)

    def _class(self, node: Any) -> CoreSchema:
        ref = _reference(node.cls)
        if ref not in self.definitions:
            told: dict[str, Any] = {}
            self.definitions[ref] = core_schema.any_schema(ref=ref, metadata=told)
            fields = [(one, self.core(one.type)) for one in node.fields]
            write = _array if _is_array(node) else _object
            told["pydantic_js_functions"] = [partial(write, node, fields)]
        return core_schema.definition_reference_schema(ref)


def _is_array(node: Any) -> bool:
    return isinstance(node, inspect.NamedTupleType) or getattr(node, "array_like", False)


def _reference(cls: Any) -> str:
    """A class's reference, of the form that pydantic makes names of."""
    origin = get_origin(cls) or cls
    ref = f"{origin.__module__}.{origin.__qualname__}:{id(origin)}"
    args = [
        _reference(one) if isinstance(one, type) or get_origin(one) else f"{one!r}:{id(one)}"
        for one in get_args(cls)
    ]
    return f"{ref}[{','.join(args)}]" if args else ref


def _title(cls: Any) -> str:
    origin = get_origin(cls) or cls
    args = [_title(one) if hasattr(one, "__name__") else repr(one) for one in get_args(cls)]
    return f"{origin.__name__}[{', '.join(args)}]" if args else str(origin.__name__)


Fields = list[tuple[Any, CoreSchema]]


def _object(node: Any, fields: Fields, _: CoreSchema, handler: Any) -> Schema:
    """A class that is a JSON object."""
    generator = handler.generate_json_schema
    properties: Schema = {}
    required = []
    if getattr(node, "tag_field", None) is not None:
        name = node.tag_field
        kind = "string" if isinstance(node.tag, str) else "integer"
        properties[name] = {"const": node.tag, "title": _words(name), "type": kind}
        required.append(name)
    is_attrs = hasattr(node.cls, "__attrs_attrs__")
    for field, core in fields:
        if is_attrs and generator.mode == "serialization" and field.name.startswith("_"):
            continue  # msgspec reads these, but does not write them
        properties[field.encode_name] = _property(field, core, generator)
        if field.required:
            required.append(field.encode_name)
    schema: Schema = {"properties": properties, "title": _title(node.cls), "type": "object"}
    if required:
        schema["required"] = required
    if getattr(node, "forbid_unknown_fields", False):
        schema["additionalProperties"] = False
    return schema | _described(node.cls)


def _property(field: Any, core: CoreSchema, generator: Any) -> Schema:
    schema: Schema = generator.generate_inner(core)
    if generator.field_title_should_be_set(core):
        schema.setdefault("title", _words(field.encode_name))
    if field.default is not msgspec.NODEFAULT:
        schema["default"] = to_data(field.default)
    elif field.default_factory in (list, dict, set):
        schema["default"] = {} if field.default_factory is dict else []
    return schema


def _array(node: Any, fields: Fields, _: CoreSchema, handler: Any) -> Schema:
    """A class that is a JSON array."""
    generator = handler.generate_json_schema
    items = [_property(field, core, generator) for field, core in fields]
    required = sum(field.required for field, _ in fields)
    if getattr(node, "tag", None) is not None:
        items.insert(0, {"const": node.tag})
        required += 1
    schema: Schema = {
        "type": "array",
        "title": _title(node.cls),
        "prefixItems": items,
        "minItems": required,
    }
    if isinstance(node, inspect.NamedTupleType) or node.forbid_unknown_fields:
        schema["maxItems"] = len(items)
    return schema | _described(node.cls)


def _described(cls: Any) -> Schema:
    text = vars(get_origin(cls) or cls).get("__doc__") or ""
    # A dataclass that has none says its signature.
    if not text or text.startswith(f"{(get_origin(cls) or cls).__name__}("):
        return {}
    return {"description": python_inspect.cleandoc(text)}


def _words(name: str) -> str:
    return name.title().replace("_", " ").strip()
