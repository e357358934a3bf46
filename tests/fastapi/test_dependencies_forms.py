"""Bodies -> values and errors: JSON, forms, models over forms, files; and the body as one field."""

import asyncio
import inspect
from io import BytesIO
from typing import Annotated, Any, Literal

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from starlette.datastructures import FormData

from carboy.fastapi import params
from carboy.fastapi._compat import Undefined
from carboy.fastapi.datastructures import UploadFile
from carboy.fastapi.dependencies.utils import (
    _get_body_field,
    _get_flat_body_params,
    _read_file_bytes,
    _should_embed_body_fields,
    bind_body,
    get_dependant,
    reads_files,
    request_body_to_args,
)
from carboy.fastapi.param_functions import Body, File, Form


class Item(BaseModel):
    size: int


class One(BaseModel):
    kind: Literal["one"]
    tags: list[str] = []


class Two(BaseModel):
    kind: Literal["two"]
    tags: str = ""


class Names(BaseModel):
    model_config = ConfigDict(validate_by_name=True, extra="allow")
    size_of: int = Field(validation_alias=AliasChoices("s", "z"))


def fields_of(**annotations: Any) -> Any:
    def call(**_: Any) -> None: ...

    kind = inspect.Parameter.KEYWORD_ONLY
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind, annotation=one) for name, one in annotations.items()]
    )
    return get_dependant(path="/", call=call).body_params


def bind(received: Any, embed: bool | None = None, /, **annotations: Any) -> Any:
    """(values, [(loc, type) of the errors]), by the way that waits and, if allowed, the other."""
    fields = fields_of(**annotations)
    if embed is None:
        embed = _should_embed_body_fields(fields)
    values, errors = asyncio.run(request_body_to_args(fields, received, embed))
    if not reads_files(fields):
        assert bind_body(fields, received, embed) == (values, errors)
    return values, [(error["loc"], error["type"]) for error in errors]


def upload(content: bytes = b"data", name: str = "a.txt") -> UploadFile:
    return UploadFile(BytesIO(content), filename=name, size=len(content))


def test_a_single_json_field_is_the_whole_body() -> None:
    assert bind({"size": 1}, item=Item) == ({"item": Item(size=1)}, [])
    assert bind([1, 2], rows=list[int]) == ({"rows": [1, 2]}, [])
    assert bind({}, item=Item) == ({"item": None}, [(("body", "size"), "missing")])
    assert bind(Undefined, item=Item) == ({"item": None}, [(("body",), "missing")])


def test_several_json_fields_are_keys_of_the_body() -> None:
    number = Annotated[int, Body()]
    body = {"item": {"size": 1}, "n": 2}
    assert bind(body, item=Item, n=number) == ({"item": Item(size=1), "n": 2}, [])
    assert bind({"n": "x"}, item=Item, n=number) == (
        {},
        [(("body", "item"), "missing"), (("body", "n"), "int_parsing")],
    )
    embedded = Annotated[Item, Body(embed=True)]
    assert bind({"item": {"size": 3}}, item=embedded) == ({"item": Item(size=3)}, [])


def test_there_are_no_keys_in_a_list() -> None:
    optional = Annotated[int, Body(default_factory=lambda: 4, embed=True)]
    assert bind(Undefined, n=Annotated[int, Body(embed=True)]) == (
        {},
        [(("body", "n"), "missing")],
    )
    for body in ([1], 3, None):
        assert bind(body, n=optional) == ({}, [(("body", "n"), "missing")])


def test_json_has_choices_of_names_too() -> None:
    number = Annotated[int, Body(embed=True, validation_alias=AliasChoices("a", "b"))]
    assert bind({"b": 2}, n=number) == ({"n": 2}, [])
    assert bind({"b": "x"}, n=number) == ({}, [(("body", "b"), "int_parsing")])


def test_forms_have_one_value_or_many() -> None:
    text, texts = Annotated[str, Form()], Annotated[list[str], Form()]
    form = FormData([("a", "1"), ("a", "2"), ("b", "3"), ("b", "")])
    assert bind(form, a=text, b=texts) == ({"a": "2", "b": ["3", ""]}, [])
    missing = [(("body", "a"), "missing"), (("body", "b"), "missing")]
    assert bind(FormData([("a", "")]), a=text, b=texts) == ({}, missing)


def test_a_form_field_takes_the_first_name_that_is_filled() -> None:
    number = Annotated[int, Form(validation_alias=AliasChoices("a", "b"))]
    assert bind(FormData([("a", ""), ("b", "2")]), n=number) == ({"n": 2}, [])
    assert bind(FormData([("b", "x")]), n=number) == ({}, [(("body", "b"), "int_parsing")])


def test_a_model_takes_the_whole_form() -> None:
    form = FormData([("z", "1"), ("other", "x"), ("other", "y")])
    values, errors = bind(form, n=Annotated[Names, Form()])
    assert errors == []
    assert values["n"].size_of == 1
    assert values["n"].model_extra == {"other": ["x", "y"]}
    wrong = [(("body", "s"), "missing")]
    assert bind(FormData([]), n=Annotated[Names, Form()]) == ({}, wrong)


def test_a_model_beside_a_field() -> None:
    form = FormData([("size", "1"), ("q", "text")])
    q = Annotated[str, Form()]
    assert bind(form, item=Annotated[Item, Form()], q=q) == (
        {"item": Item(size=1), "q": "text"},
        [],
    )


def test_an_optional_model_is_left_out_by_leaving_out_its_fields() -> None:
    optional = Annotated[Item | None, Form()]
    assert bind(FormData([("other", "1")]), item=optional) == ({}, [(("body",), "missing")])
    assert bind(FormData([("size", "1")]), item=optional) == ({"item": Item(size=1)}, [])
    # An empty field is there all the same.
    assert bind(FormData([("size", "")]), item=optional) == ({}, [(("body", "size"), "missing")])


def test_each_model_of_a_union_reads_the_form_in_its_own_way() -> None:
    union = Annotated[One | Two, Form()]
    one = FormData([("kind", "one"), ("tags", "a")])
    two = FormData([("kind", "two"), ("tags", "a")])
    assert bind(one, x=union) == ({"x": One(kind="one", tags=["a"])}, [])
    assert bind(two, x=union) == ({"x": Two(kind="two", tags="a")}, [])
    _, errors = bind(FormData([("kind", "three")]), x=union)
    assert errors == [
        (("body", "One", "kind"), "literal_error"),
        (("body", "Two", "kind"), "literal_error"),
    ]


def test_files_are_read_only_where_bytes_are_wanted() -> None:
    file = upload()
    form = FormData([("a", file)])
    assert bind(form, a=Annotated[bytes, File()]) == ({"a": b"data"}, [])
    assert file.file.tell() == 0
    values, errors = bind(form, a=UploadFile)
    assert (values["a"], errors) == (file, [])
    many = FormData([("a", upload(b"1")), ("a", upload(b"", "")), ("a", upload(b"2"))])
    assert bind(many, a=Annotated[list[bytes], File()]) == ({"a": [b"1", b"2"]}, [])


def test_no_file_chosen_is_no_file() -> None:
    form = FormData([("a", upload(b"", ""))])
    assert bind(form, a=UploadFile) == ({}, [(("body", "a"), "missing")])
    # Empty, but chosen:
    assert bind(FormData([("a", upload(b""))]), a=Annotated[bytes, File()]) == ({"a": b""}, [])


def test_what_is_left_of_a_file_is_read_and_its_place_kept() -> None:
    file = upload(b"hello")
    file.file.seek(2)
    assert asyncio.run(_read_file_bytes(file)) == b"llo"
    assert file.file.tell() == 2


@pytest.mark.parametrize(
    ("annotation", "reads"),
    [
        (Item, False),
        (Annotated[str, Form()], False),
        (UploadFile, False),
        (list[UploadFile], False),
        (Annotated[bytes, Form()], False),
        (Annotated[bytes, File()], True),
        (Annotated[bytes | None, File()], True),
        (Annotated[list[bytes], File()], True),
        (Annotated[Item, Form()], False),
    ],
)
def test_which_fields_wait(annotation: Any, reads: bool) -> None:
    assert reads_files(fields_of(x=annotation)) is reads


def test_a_model_may_wait_for_its_files() -> None:
    class Parcel(BaseModel):
        content: bytes = File()

    fields = fields_of(x=Annotated[Parcel, Form()])
    assert reads_files(fields)
    values, errors = asyncio.run(
        request_body_to_args(fields, FormData([("content", upload())]), False)
    )
    assert (values, errors) == ({"x": Parcel(content=b"data")}, [])


def body_field(**annotations: Any) -> Any:
    fields = fields_of(**annotations)
    embed = _should_embed_body_fields(fields)
    return _get_body_field(body_params=fields, name="op", embed_body_fields=embed)


def test_the_body_as_one_field() -> None:
    assert _get_body_field(body_params=[], name="op", embed_body_fields=False) is None
    single = body_field(item=Item)
    assert (single.name, single.field_info.annotation) == ("item", Item)
    several = body_field(item=Item, n=Annotated[int, Body()])
    assert several.name == "body"
    assert several.field_info.annotation.__name__ == "Body_op"
    assert list(several.field_info.annotation.model_fields) == ["item", "n"]


@pytest.mark.parametrize(
    ("annotations", "kind", "media_type"),
    [
        ({"a": Annotated[int, Body()], "b": Annotated[int, Body()]}, "Body", "application/json"),
        (
            {"a": Annotated[int, Form()], "b": Annotated[int, Form()]},
            "Form",
            "application/x-www-form-urlencoded",
        ),
        (
            {
                "a": Annotated[int, Form()],
                "b": Annotated[int, Form(media_type="multipart/form-data")],
            },
            "Form",
            "multipart/form-data",
        ),
        ({"a": Annotated[int, Form()], "b": UploadFile}, "File", "multipart/form-data"),
        (
            {"a": Annotated[int, Body(media_type="x/y", embed=True)]},
            "Body",
            "x/y",
        ),
    ],
)
def test_how_a_body_is_sent(annotations: dict[str, Any], kind: str, media_type: str) -> None:
    info = body_field(**annotations).field_info
    assert type(info) is getattr(params, kind)
    assert info.media_type == media_type


def test_models_over_one_form_are_described_side_by_side() -> None:
    q = Annotated[str, Form()]
    found = body_field(names=Annotated[Names, Form()], item=Annotated[Item | None, Form()], q=q)
    schema = found.field_info.annotation.model_json_schema()
    assert schema["properties"] == {"q": {"title": "Q", "type": "string"}}
    assert schema["required"] == ["q"]
    names, not_empty, item = schema["allOf"]
    assert names["properties"] == {"s": {"title": "S", "type": "integer"}}
    assert names["required"] == []
    assert names["allOf"] == [
        {"anyOf": [{"required": ["s"]}, {"required": ["z"]}, {"required": ["size_of"]}]}
    ]
    assert not_empty == {"not": {"not": {"anyOf": [{"required": ["size"]}]}}}
    assert item == {"anyOf": [{"$ref": "#/$defs/Item"}], "title": "Item"}


def test_body_fields_are_listed_from_the_top() -> None:
    def inner(b: Annotated[int, Body()]) -> None: ...

    def call(x: Annotated[None, params.Depends(inner)], a: Annotated[int, Body()]) -> None: ...

    flat = _get_flat_body_params(get_dependant(path="/", call=call))
    assert [field.name for field in flat] == ["a", "b"]
    assert _should_embed_body_fields(flat)
    assert not _should_embed_body_fields([])
