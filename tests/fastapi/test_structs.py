"""msgspec Structs and attrs classes as models."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import attrs
import msgspec
import pytest
from pydantic import BaseModel, ConfigDict

from carboy import App, Depends
from carboy.fastapi import Body, FastAPI
from carboy.fastapi.exceptions import FastAPIError
from carboy.testing import TestClient


class Inner(msgspec.Struct):
    number: Annotated[int, msgspec.Meta(ge=1, description="Counts")]
    when: date | None = None


class Item(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """One article."""

    full_name: str
    price: float = 1.5
    inner: Inner | None = None
    tags: list[str] = []


class Cat(msgspec.Struct, tag="cat", tag_field="kind"):
    lives: int = 9


class Dog(msgspec.Struct, tag="dog", tag_field="kind"):
    good: bool


class SecretItem(Item):
    password: str = "hidden"


class Outer(msgspec.Struct):
    items: list[Item]
    one: Item | None = None


@attrs.define
class Point:
    x: int
    y: float = 0.0


def _app() -> App:
    app = App()

    @app.post("/items")
    async def item(item: Item) -> Item:
        assert type(item) is Item
        return item

    @app.post("/many")
    def many(items: list[Inner]) -> dict[str, Inner]:
        return {str(one.number): one for one in items}

    @app.post("/pets")
    def pet(pet: Cat | Dog) -> Cat | Dog:
        return pet

    @app.post("/both")
    def both(item: Item, inner: Annotated[Inner, Body()]) -> list[Any]:
        return [item.full_name, inner.number]

    @app.post("/points")
    def point(point: Point) -> Point:
        return attrs.evolve(point, x=point.x + 1)

    @app.get("/secret")
    def secret() -> Item:
        return SecretItem("x")

    @app.get("/undeclared", response_model=None)
    def undeclared() -> Any:
        return {"inner": Inner(1, date(2020, 1, 31)), "id": UUID(int=1)}

    @app.get("/lines")
    async def lines() -> AsyncIterator[Inner]:
        yield Inner(1)
        yield Inner(2)

    return app


client = TestClient(_app())


def test_bodies_and_answers() -> None:
    sent = {"fullName": "lamp", "inner": {"number": 2, "when": "2020-01-31"}}
    answer = client.post("/items", json=sent)
    assert answer.status_code == 200
    assert answer.json() == {**sent, "price": 1.5, "tags": []}
    assert client.post("/many", json=[{"number": 1}]).json() == {"1": {"number": 1, "when": None}}
    assert client.post("/pets", json={"kind": "dog", "good": True}).json() == {
        "kind": "dog",
        "good": True,
    }
    both = client.post("/both", json={"item": {"fullName": "x"}, "inner": {"number": 3}})
    assert both.json() == ["x", 3]
    assert client.post("/points", json={"x": 1}).json() == {"x": 2, "y": 0.0}
    assert client.get("/undeclared").json()["inner"] == {"number": 1, "when": "2020-01-31"}
    lines = client.get("/lines").text.splitlines()
    assert lines == ['{"number":1,"when":null}', '{"number":2,"when":null}']


def test_an_answer_has_the_declared_fields_only() -> None:
    app = App()

    @app.get("/secret")
    def secret() -> Item:
        return SecretItem("x")

    @app.get("/nested")
    def nested() -> Outer:
        return Outer([Item("a"), SecretItem("b")], SecretItem("c"))

    @app.get("/list")
    def several() -> list[Item]:
        return [SecretItem("b")]

    told = TestClient(app)
    for path in ("/secret", "/nested", "/list"):
        shown = told.get(path)
        assert shown.status_code == 200
        assert "fullName" in shown.text
        assert "hidden" not in shown.text


@pytest.mark.parametrize(
    ("path", "sent", "kind", "loc", "msg"),
    [
        ("/items", {}, "missing", ["body", "fullName"], "Field required"),
        ("/items", {"fullName": 1}, "string_type", ["body", "fullName"],
         "Expected `str`, got `int`"),
        ("/items", {"fullName": "x", "inner": {}}, "missing", ["body", "inner", "number"],
         "Field required"),
        ("/many", [{"number": 1}, {"number": 0}], "greater_than_equal", ["body", 1, "number"],
         "Expected `int` >= 1"),
        ("/items", {"fullName": "x", "more": 1}, "extra_forbidden", ["body", "more"],
         "Object contains unknown field `more`"),
        ("/both", {"item": {"fullName": "x"}, "inner": {"number": "x"}}, "int_type",
         ["body", "inner", "number"], "Expected `int`, got `str`"),
        ("/points", {"x": "a"}, "int_type", ["body", "x"], "Expected `int`, got `str`"),
    ],
)  # fmt: skip
def test_errors_have_fastapis_shape(path: str, sent: Any, kind: str, loc: Any, msg: str) -> None:
    answer = client.post(path, json=sent)
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert (error["type"], error["loc"], error["msg"]) == (kind, loc, msg)
    assert "input" in error


def test_nothing_at_all_is_missing() -> None:
    (error,) = client.post("/items").json()["detail"]
    assert (error["type"], error["loc"]) == ("missing", ["body"])


def test_the_document() -> None:
    document = _app().openapi()
    schemas = document["components"]["schemas"]
    assert schemas["Inner"] == {
        "title": "Inner",
        "type": "object",
        "required": ["number"],
        "properties": {
            "number": {
                "title": "Number",
                "type": "integer",
                "minimum": 1,
                "description": "Counts",
            },
            "when": {
                "title": "When",
                "anyOf": [{"type": "string", "format": "date"}, {"type": "null"}],
            },
        },
    }
    item = schemas["Item"]
    assert (item["required"], item["additionalProperties"]) == (["fullName"], False)
    assert item["description"] == "One article."
    assert item["properties"]["price"]["default"] == 1.5
    assert schemas["Cat"]["properties"]["kind"]["const"] == "cat"
    assert schemas["Point"]["required"] == ["x"]
    body = document["paths"]["/items"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Item"}
    answer = document["paths"]["/many"]["post"]["responses"]["200"]["content"]["application/json"]
    assert answer["schema"]["additionalProperties"] == {"$ref": "#/components/schemas/Inner"}


def test_an_instance_of_the_declared_class_is_written_at_once() -> None:
    app = App()

    @app.get("/")
    def index() -> Inner:
        return Inner(1)

    assert "if type(result) is Inner:" in app.engine.find("GET /").source
    assert TestClient(app).get("/").content == b'{"number":1,"when":null}'


def test_dependencies_may_take_them() -> None:
    app = FastAPI()

    def read(item: Item) -> str:
        return item.full_name

    app.post("/")(lambda name=Depends(read): name)
    assert TestClient(app).post("/", json={"fullName": "lamp"}).json() == "lamp"


def test_options_of_pydantic_are_refused() -> None:
    with pytest.raises(FastAPIError, match="response_model_exclude_none= is for pydantic models"):

        @App().get("/", response_model_exclude_none=True)
        def index() -> Item: ...


def test_attrs_without_msgspec_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    @attrs.define
    class Fresh:
        x: int

    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(FastAPIError, match="pip install msgspec"):
        App().post("/")(_taking(Fresh))


def _taking(cls: type[Any]) -> Any:
    def endpoint(body: Any) -> None: ...

    endpoint.__annotations__ = {"body": cls, "return": None}
    return endpoint


def test_within_a_pydantic_model_pydantic_decides() -> None:
    class Outer(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        inner: Inner

    app = App()
    app.get("/", response_model=None)(lambda: {"n": Outer(inner=Inner(3)).inner})
    assert TestClient(app).get("/").json() == {"n": {"number": 3, "when": None}}
