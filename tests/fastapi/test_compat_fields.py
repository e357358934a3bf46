"""ModelField: what it costs to declare, what it checks, and what is shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, Optional, TypedDict, Union
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema as JsonSchemaMaker
from pydantic_core import SchemaError

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    PydanticSchemaGenerationError,
    Undefined,
    copy_field_info,
    create_body_model,
    get_cached_model_fields,
    get_missing_field_error,
    is_scalar_field,
    serialize_sequence_value,
)
from carboy.fastapi._compat.adapters import is_certain, is_shareable
from carboy.fastapi._compat.schemas import GenerateJsonSchema


class Colour(Enum):
    RED = "red"


class NoColour(Enum):
    pass


class Item(BaseModel):
    name: str


class Special(Item):
    secret: str = "hidden"


class Later(BaseModel):
    other: NotThere | None = None  # type: ignore[name-defined]  # noqa: F821


class Typed(TypedDict):
    name: str


@dataclass
class Data:
    name: str


class Unknown:
    pass


def field(info: FieldInfo, **options: Any) -> ModelField:
    return ModelField(field_info=info, name="it", **options)


def is_built(one: ModelField) -> bool:
    return "_type_adapter" in vars(one)


@pytest.mark.parametrize(
    "annotation",
    [
        *(str, int, float, bool, bytes, None, Any, datetime, UUID, Decimal, Colour, Item),
        *(list, dict, tuple, list[int], dict[str, Item], tuple[int, ...], tuple[int, str]),
        *(int | None, Union[int, str], Optional[list[Item]], set[str], frozenset[Colour]),  # noqa: UP007, UP045
        Literal["a", "b"],
    ],
)
def test_plain_annotations_wait(annotation: Any) -> None:
    assert is_certain(annotation)
    one = field(FieldInfo(annotation=annotation))
    assert not is_built(one)
    assert one._type_adapter.core_schema
    assert is_built(one)


@pytest.mark.parametrize(
    "annotation",
    [
        *(Unknown, list[Unknown], Unknown | None, Later, list[Later], Typed, Data, NoColour, Enum),
        *(Annotated[int, Field(gt=1)], Annotated[int, []], type[int], Literal[None, b"x"]),
        *(tuple[..., int], dict[str], list[int, int]),  # type: ignore[type-arg, misc]
    ],
)
def test_everything_else_is_tried(annotation: Any) -> None:
    assert not is_certain(annotation)


def test_what_pydantic_refuses_fails_where_it_is_declared() -> None:
    for annotation in (Unknown, dict[str, Unknown], Unknown | None):
        with pytest.raises(PydanticSchemaGenerationError):
            field(FieldInfo(annotation=annotation))


def test_constraints_wait_where_they_are_known_to_fit() -> None:
    assert not is_built(field(params.Query(annotation=int, ge=1, lt=9)))
    assert not is_built(field(params.Query(annotation=float | None, ge=1.5)))
    assert not is_built(field(params.Query(annotation=str | None, max_length=9)))
    for info in (
        params.Query(annotation=str, pattern="^a"),
        params.Query(annotation=int | float, ge=1),
        params.Query(annotation=list[int], min_length=1),
        params.Query(annotation=int, strict=True),
    ):
        assert is_built(field(info))
    for refused in (
        params.Query(annotation=str, pattern="("),
        params.Query(annotation=str, max_length=-1),
        params.Query(annotation=int, ge=1.5),
    ):
        with pytest.raises(SchemaError):
            field(refused)


def test_fields_that_say_the_same_share_an_adapter() -> None:
    def adapter(annotation: Any, *args: Any, **options: Any) -> Any:
        return field(params.Query(*args, annotation=annotation, **options))._type_adapter

    assert adapter(int, 1, alias="a") is adapter(int, 1, alias="b")
    assert adapter(int, ge=1) is adapter(int, ge=1)
    # Equal to Python, and not the same to pydantic.
    assert adapter(int, 1) is not adapter(int, True)
    assert adapter(float, ge=1) is not adapter(float, ge=1.0)
    assert adapter(int | str) is not adapter(str | int)
    assert adapter(int, title="a") is not adapter(int, title="b")
    assert adapter(int, examples=[1]) is not adapter(int, examples=[1])
    assert adapter(list[int], [1]) is not adapter(list[int], [1])


def test_unions_and_literals_are_shared_only_in_one_order() -> None:
    assert is_shareable(int | None)
    assert is_shareable(dict[str, list[int | None]])
    for annotation in (int | str, list[int | str], int | str | None, Literal["a", "b"]):
        assert not is_shareable(annotation)


def test_the_validator_is_the_types_own_where_nothing_is_added() -> None:
    plain = field(params.Body(annotation=Item))
    assert plain.validator is Item.__pydantic_validator__
    assert plain.serializer is Item.__pydantic_serializer__
    first, second = (field(params.Query(default, annotation=int | None)) for default in (1, 2))
    assert first.validator is second.validator
    assert not is_built(first)
    narrow = field(params.Query(annotation=int, ge=1))
    assert narrow.validator is narrow._type_adapter.validator


def test_validating_gives_a_value_or_errors_below_the_place() -> None:
    class Row:
        name = "read from an attribute"

    one = field(params.Body(annotation=Item))
    value, errors = one.validate(Row(), loc=("body",))
    assert (value, errors) == (Item(name="read from an attribute"), [])
    value, errors = one.validate({}, loc=("body",))
    assert value is None
    assert [(error["type"], error["loc"]) for error in errors] == [("missing", ("body", "name"))]
    assert "url" not in errors[0]


def test_undefined_is_validated_to_the_default() -> None:
    one = field(params.Query(7, annotation=int))
    assert one.validate("3") == (3, [])
    assert one.validate(Undefined) == (7, [])
    assert one.default == 7
    made = field(params.Query(default_factory=list, annotation=list[int]))
    assert made.default == []
    assert made.default is not made.default
    assert field(params.Query(annotation=int)).default is Undefined


def test_only_the_declared_type_is_written() -> None:
    one = field(FieldInfo(annotation=Item), mode="serialization")
    shown = Special(name="a")
    assert one.serialize(shown) == {"name": "a"}
    assert one.serialize_json(shown) == b'{"name":"a"}'
    many = field(FieldInfo(annotation=list[Item]), mode="serialization")
    assert many.serialize([shown], exclude={0: {"name"}}) == [{}]


def test_a_model_of_parameters_hands_its_configuration_on() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(str_to_lower=True)
        q: str
        item: Item

    q, item = get_cached_model_fields(Strict)
    assert q.validate("A") == ("a", [])
    assert item.config is None
    assert get_cached_model_fields(Strict)[0] is q


def test_a_copied_info_keeps_its_class_and_takes_the_annotation() -> None:
    original = params.Query(alias="a", le=3)
    made = copy_field_info(field_info=original, annotation=Annotated[int, Field(gt=1, title="T")])
    assert type(made) is params.Query
    assert (made.annotation, made.title, made.alias) == (int, "T", None)
    assert [vars(type(mark))["__slots__"] for mark in made.metadata] == [("gt",)]
    assert original.alias == "a"


def test_small_things() -> None:
    from pydantic_core import ValidationError

    error = ValidationError.from_exception_data(
        "", [{"type": "missing", "loc": ("q",), "input": 1}]
    )
    assert get_missing_field_error(("q",)) == {**error.errors(include_url=False)[0], "input": None}
    assert is_scalar_field(field(params.Query(annotation=int)))
    assert not is_scalar_field(field(params.Body(annotation=int)))
    assert not is_scalar_field(field(params.Query(annotation=Item)))
    optional = field(FieldInfo(annotation=None | set[int]))
    assert serialize_sequence_value(field=optional, value=["a", "a"]) == {"a"}
    body = create_body_model(
        fields=[ModelField(params.Body(3, annotation=int), "n")], model_name="Body_it"
    )
    assert (body.__name__, body().model_dump()) == ("Body_it", {"n": 3})


def test_a_field_equals_only_itself() -> None:
    info = params.Query(annotation=int)
    assert field(info) != field(info)
    assert len({field(info), field(info)}) == 2


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    "default",
    [None, True, 0, 10**30, Level.HIGH, "", "tea", "thé", [], {}, [1], {"a": 1}, 1.5, (), b"x"],
)
def test_defaults_are_shown_as_pydantic_shows_them(default: Any) -> None:
    class Model(BaseModel):
        field: Any = default

    def shown(generator: type[JsonSchemaMaker]) -> Any:
        return Model.model_json_schema(schema_generator=generator)["properties"]["field"]["default"]

    ours, theirs = shown(GenerateJsonSchema), shown(JsonSchemaMaker)
    assert (type(ours), ours) == (type(theirs), theirs)
    assert ours is not default or not isinstance(default, list | dict)
