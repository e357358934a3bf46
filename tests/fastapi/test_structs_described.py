"""Structs as parameter models, and what of them stands in the OpenAPI document."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, Generic, TypeVar

import attrs
import fastapi
import httpx
import msgspec
import pytest
from pydantic import BaseModel
from pydantic.dataclasses import dataclass as pydantic_dataclass

import carboy.fastapi
from carboy import App, Cookie, Form, Header, Path, Query
from carboy.fastapi.exceptions import FastAPIError
from carboy.testing import TestClient

T = TypeVar("T")


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    colour: Colour


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    limit: Annotated[int, msgspec.Meta(ge=1, description="How many")] = 10
    tags: list[str] = []
    exact: bool = False
    q: str | None = None


class Agent(msgspec.Struct):
    user_agent: str
    x_number: int = 1


class Login(msgspec.Struct, rename="camel"):
    user_name: str
    age: int | None = None


@attrs.define
class Paging:
    page: int
    size: int = 10


def _app() -> App:
    app = App()

    @app.get("/query")
    async def query(given: Annotated[Filter, Query()]) -> Filter:
        return given

    @app.get("/maybe")
    async def maybe(given: Annotated[Filter | None, Query()] = None) -> Filter | None:
        return given

    @app.get("/attrs")
    async def paging(given: Annotated[Paging, Query()]) -> Paging:
        return given

    @app.get("/header")
    async def header(given: Annotated[Agent, Header()]) -> Agent:
        return given

    @app.get("/cookie")
    async def cookie(given: Annotated[Login, Cookie()]) -> Login:
        return given

    @app.post("/form")
    async def form(given: Annotated[Login, Form()]) -> Login:
        return given

    @app.post("/forms")
    async def forms(given: Annotated[Login, Form()], x: Annotated[int, Form()]) -> list[Any]:
        return [given.user_name, x]

    return app


client = TestClient(_app())


def test_parameters_are_read_as_text() -> None:
    def got(path: str, **options: Any) -> Any:
        return client.get(path, **options).json()

    empty = {"limit": 10, "tags": [], "exact": False, "q": None}
    assert got("/query") == empty
    assert got("/query?limit=3&tags=a&tags=b&exact=1&q=null") == {
        "limit": 3,
        "tags": ["a", "b"],
        "exact": True,
        "q": "null",
    }
    assert got("/maybe") is None
    assert got("/maybe?limit=2") == {**empty, "limit": 2}
    assert got("/attrs?page=2") == {"page": 2, "size": 10}
    agent = {"user-agent": "me", "x-number": "7"}
    assert got("/header", headers=agent) == {"user_agent": "me", "x_number": 7}
    assert got("/cookie", headers={"cookie": "userName=ada"}) == {"userName": "ada", "age": None}
    sent = {"userName": "ada", "age": "7"}
    assert client.post("/form", data=sent).json() == {"userName": "ada", "age": 7}
    assert client.post("/forms", data={**sent, "x": "1"}).json() == ["ada", 1]


@pytest.mark.parametrize(
    ("path", "kind", "loc"),
    [
        ("/query?limit=0", "greater_than_equal", ["query", "limit"]),
        ("/query?limit=x", "int_type", ["query", "limit"]),
        ("/query?more=1", "extra_forbidden", ["query", "more"]),
        ("/maybe?more=1", "extra_forbidden", ["query", "more"]),
        ("/attrs", "missing", ["query", "page"]),
        ("/header", "int_type", ["header", "x-number"]),
        ("/cookie", "missing", ["cookie", "userName"]),
    ],
)
def test_errors_name_the_parameter(path: str, kind: str, loc: list[str]) -> None:
    answer = client.get(path, headers={"x-number": "x"})
    (error,) = answer.json()["detail"]
    assert (answer.status_code, error["type"], error["loc"]) == (422, kind, loc)


def test_errors_of_forms() -> None:
    found = client.post("/forms", data={"age": "x", "x": "z"}).json()["detail"]
    assert [one["loc"] for one in found] == [["body", "age"], ["body", "x"]]
    (error,) = client.post("/form", data={}).json()["detail"]
    assert (error["type"], error["loc"]) == ("missing", ["body", "userName"])


def test_parameters_are_described_one_by_one() -> None:
    paths = _app().openapi()["paths"]
    limit, tags, exact, q = paths["/query"]["get"]["parameters"]
    assert limit == {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "How many",
        "schema": {
            "type": "integer",
            "minimum": 1,
            "default": 10,
            "description": "How many",
            "title": "Limit",
        },
    }
    assert tags["schema"] == {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "title": "Tags",
    }
    assert (exact["name"], q["schema"]["anyOf"][1]) == ("exact", {"type": "null"})
    names = [(one["name"], one["required"]) for one in paths["/header"]["get"]["parameters"]]
    assert names == [("user-agent", True), ("x-number", False)]
    assert paths["/attrs"]["get"]["parameters"][0]["required"]
    form = paths["/form"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert form["schema"] == {"$ref": "#/components/schemas/Login"}


WRONG: list[Any] = [
    Annotated[list[Filter], Query()],
    Annotated[Filter | Agent, Query()],
    Annotated[Filter, Path()],
    Annotated[dict[str, Filter], Form()],
    Annotated[list[Filter] | None, Header()],
]


@pytest.mark.parametrize("kind", WRONG, ids=map(str, WRONG))
def test_what_is_no_parameter_model_is_refused(kind: Any) -> None:
    def endpoint(x: Any) -> None: ...

    endpoint.__annotations__ = {"x": kind, "return": None}
    with pytest.raises((FastAPIError, AssertionError), match=r"takes one Struct|must be tagged"):
        App().post("/{x}" if "Path" in str(kind) else "/")(endpoint)


# -- components -------------------------------------------------------------------------------


class Inner(msgspec.Struct):
    """What is inside."""

    number: Annotated[int, msgspec.Meta(ge=1, le=9, description="Counts")]
    name: Annotated[
        str,
        msgspec.Meta(
            min_length=1, pattern="^a", title="T", examples=["a"],
            extra_json_schema={"deprecated": True},
        ),
    ] = "a"  # fmt: skip


class Cat(msgspec.Struct, tag="cat", tag_field="kind"):
    lives: int = 9


class Dog(msgspec.Struct, tag="dog", tag_field="kind", forbid_unknown_fields=True):
    good: bool


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str = "x"


class Page(msgspec.Struct, Generic[T], rename="camel"):
    all_items: list[T]
    total: int = 0
    more: msgspec.UnsetType | bool = msgspec.UNSET


class Outer(msgspec.Struct):
    inner: Inner
    pet: Cat | Dog
    colour: Colour
    model: Model
    rows: dict[str, Row]
    raw: bytes
    maybe: Inner | None = None
    default: Inner = msgspec.field(default_factory=lambda: Inner(1))


@attrs.define
class Private:
    x: int
    _hidden: int = 3


def _schemas(*kinds: Any) -> Any:
    app = App()
    for number, kind in enumerate(kinds):

        async def endpoint(body: Any) -> Any: ...

        endpoint.__annotations__ = {"body": kind, "return": kind}
        app.post(f"/{number}")(endpoint)
    found = app.openapi()["components"]["schemas"]
    return {name: one for name, one in found.items() if "Validation" not in name}


def test_a_class_is_one_component() -> None:
    schemas = _schemas(Outer, list[Inner], Inner | None)
    assert set(schemas) == {"Outer", "Inner", "Cat", "Dog", "Colour", "Model", "Row"}
    assert schemas["Inner"] == {
        "title": "Inner",
        "description": "What is inside.",
        "type": "object",
        "required": ["number"],
        "properties": {
            "number": {
                "title": "Number",
                "type": "integer",
                "minimum": 1,
                "maximum": 9,
                "description": "Counts",
            },
            "name": {
                "title": "T",
                "type": "string",
                "minLength": 1,
                "pattern": "^a",
                "examples": ["a"],
                "deprecated": True,
                "default": "a",
            },
        },
    }
    assert schemas["Dog"] == {
        "title": "Dog",
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", "good"],
        "properties": {
            "kind": {"title": "Kind", "type": "string", "const": "dog"},
            "good": {"title": "Good", "type": "boolean"},
        },
    }
    assert schemas["Row"] == {
        "title": "Row",
        "type": "array",
        "minItems": 1,
        "prefixItems": [
            {"title": "A", "type": "integer"},
            {"title": "B", "type": "string", "default": "x"},
        ],
    }
    ref = {"$ref": "#/components/schemas/Inner"}
    assert schemas["Outer"]["required"] == ["inner", "pet", "colour", "model", "rows", "raw"]
    assert schemas["Outer"]["properties"] == {
        "inner": ref,
        "pet": {
            "title": "Pet",
            "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
            "discriminator": {
                "propertyName": "kind",
                "mapping": {
                    "cat": "#/components/schemas/Cat",
                    "dog": "#/components/schemas/Dog",
                },
            },
        },
        "colour": {"$ref": "#/components/schemas/Colour"},
        "model": {"$ref": "#/components/schemas/Model"},
        "rows": {
            "title": "Rows",
            "type": "object",
            "additionalProperties": {"$ref": "#/components/schemas/Row"},
        },
        "raw": {"title": "Raw", "type": "string", "contentEncoding": "base64"},
        "maybe": {"anyOf": [ref, {"type": "null"}]},
        "default": ref,
    }


def test_generic_classes_have_names_of_their_own() -> None:
    schemas = _schemas(Page[int], Page[Inner])
    assert set(schemas) == {"Page_int_", "Page_Inner_", "Inner"}
    assert schemas["Page_Inner_"] == {
        "title": "Page[Inner]",
        "type": "object",
        "required": ["allItems"],
        "properties": {
            "allItems": {
                "title": "Allitems",
                "type": "array",
                "items": {"$ref": "#/components/schemas/Inner"},
            },
            "total": {"title": "Total", "type": "integer", "default": 0},
            "more": {"title": "More", "type": "boolean"},
        },
    }


def test_classes_of_one_name_do_not_get_in_each_others_way() -> None:
    class Inner(BaseModel):
        x: int

    schemas = _schemas(Inner, globals()["Inner"])
    assert len(schemas) == 2
    assert sorted(one["title"] for one in schemas.values()) == ["Inner", "Inner"]
    assert sorted(next(iter(one["properties"])) for one in schemas.values()) == ["number", "x"]


def test_input_and_output_differ_only_where_they_do() -> None:
    schemas = _schemas(Private, Inner)
    assert set(schemas) == {"Private-Input", "Private-Output", "Inner"}
    assert list(schemas["Private-Input"]["properties"]) == ["x", "_hidden"]
    assert list(schemas["Private-Output"]["properties"]) == ["x"]


def test_a_struct_is_described_as_a_model_with_the_same_fields() -> None:
    def documented(outer: Any) -> Any:
        async def one(body: Any) -> Any: ...

        async def many(body: Any, other: Any) -> Any: ...

        one.__annotations__ = {"body": outer, "return": outer}
        many.__annotations__ = {"body": list[outer], "other": outer | None, "return": list[outer]}
        app = App()
        app.post("/one")(one)
        app.post("/many", responses={404: {"model": outer}})(many)
        return app.openapi()

    def model() -> Any:
        class Item(BaseModel):
            """One."""

            name: str
            price: float = 1.5
            tags: list[str] = []

        return Item

    def struct() -> Any:
        class Item(msgspec.Struct):
            """One."""

            name: str
            price: float = 1.5
            tags: list[str] = []

        return Item

    assert documented(struct()) == documented(model())


def test_a_default_that_is_an_instance_is_shown() -> None:
    app = App()

    several = [Inner(2)]

    @app.post("/")
    def endpoint(a: Inner = Inner(1), b: list[Inner] = several) -> None: ...

    schema = app.openapi()["components"]["schemas"]["Body_endpoint__post"]
    assert schema["properties"]["a"] == {
        "$ref": "#/components/schemas/Inner",
        "default": {"number": 1, "name": "a"},
    }
    assert schema["properties"]["b"]["default"] == [{"number": 2, "name": "a"}]
    assert "required" not in schema


# -- dataclasses stay FastAPI's ---------------------------------------------------------------


@dataclass
class Plain:
    """A dataclass."""

    name: str
    tags: list[str] = field(default_factory=list)
    price: float = 1.5


@pydantic_dataclass
class Checked:
    plain: Plain
    count: int = 1


def _with_dataclasses(module: Any) -> Any:
    app = module.FastAPI()

    @app.post("/plain")
    def plain(body: Plain) -> Plain:
        return body

    @app.post("/checked", response_model_exclude_unset=True)
    def checked(body: Checked, many: list[Plain]) -> list[Checked]:
        return [body]

    @app.get("/dict", response_model=Plain)
    def mapping() -> Any:
        return {"name": "x"}

    return app


def _posted(app: Any, path: str, sent: Any) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, json=sent)

    return asyncio.run(post())


def test_dataclasses_are_as_fastapi_has_them() -> None:
    ours, theirs = _with_dataclasses(carboy.fastapi), _with_dataclasses(fastapi)
    assert ours.openapi() == theirs.openapi()
    for path, sent in (
        ("/plain", {"name": "x"}),
        ("/plain", {"tags": 1}),
        ("/checked", {"body": {"plain": {"name": "x"}}, "many": []}),
        ("/checked", {"body": {"plain": {}}, "many": {}}),
    ):
        mine, other = _posted(ours, path, sent), _posted(theirs, path, sent)
        assert (mine.status_code, mine.text) == (other.status_code, other.text)
    assert TestClient(ours).get("/dict").json() == {"name": "x", "tags": [], "price": 1.5}
