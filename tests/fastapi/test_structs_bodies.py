"""What msgspec reads and writes: bytes at once, errors in FastAPI's shape, no field more."""

from __future__ import annotations

import ipaddress
import pathlib
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar

import attrs
import msgspec
import pytest
from pydantic import AfterValidator, BaseModel, BeforeValidator, PlainValidator

from carboy import App, Body, Depends, Header
from carboy.fastapi import FastAPI
from carboy.fastapi.encoders import jsonable_encoder
from carboy.fastapi.exceptions import FastAPIError, ResponseValidationError
from carboy.fastapi.responses import EventSourceResponse, JSONResponse
from carboy.testing import TestClient

T = TypeVar("T")


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    v: int


class SecretModel(Model):
    password: str = "hidden"


class Inner(msgspec.Struct):
    number: Annotated[int, msgspec.Meta(ge=1)]


class SecretInner(Inner):
    password: str = "hidden"


class Cat(msgspec.Struct, tag="cat", tag_field="kind"):
    lives: int = 9


class SecretCat(Cat, tag="cat", tag_field="kind"):
    password: str = "hidden"


class Dog(msgspec.Struct, tag="dog", tag_field="kind"):
    good: bool


class Node(msgspec.Struct):
    name: str
    children: list[Node] = []


class SecretNode(Node):
    password: str = "hidden"


class Pair(NamedTuple):
    left: Inner
    right: int = 0


class Typed(TypedDict):
    inner: Inner


@dataclass
class Data:
    inner: Inner


class Page(msgspec.Struct, Generic[T]):
    items: list[T]
    total: int = 0


class Row(msgspec.Struct, array_like=True):
    a: int
    inner: Inner


@attrs.define(slots=False)
class Loose:
    x: int


@attrs.define
class Slotted:
    x: int = attrs.field(validator=attrs.validators.ge(0))
    _private: int = 3


class Everything(msgspec.Struct, rename="camel", omit_defaults=True):
    first_name: Annotated[str, msgspec.Meta(min_length=1, max_length=3, pattern="^a")]
    at: datetime | None = None
    colour: Colour = Colour.RED
    maybe: msgspec.UnsetType | int = msgspec.UNSET
    fixed: tuple[int, str] = (1, "")
    choice: Literal["a", 1] = 1
    cost: Decimal = Decimal(0)
    raw: bytes = b""
    counts: Annotated[dict[str, int], msgspec.Meta(max_length=2)] = {}
    by_number: dict[int, Inner] = {}
    model: Model | None = None
    path: pathlib.Path | None = None
    address: ipaddress.IPv4Address | None = None
    pet: Cat | Dog | None = None
    within: dict[str, Inner] = {}
    rest: Any = None


class Odd(msgspec.Struct):
    x: int

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x must not be negative")


def _echo(kind: Any, **options: Any) -> TestClient:
    app = App()

    async def endpoint(body: Any) -> Any:
        return body

    endpoint.__annotations__ = {"body": kind, "return": kind}
    app.post("/", **options)(endpoint)
    return TestClient(app)


def _source(client: TestClient) -> str:
    app: Any = client.app
    return str(app.engine.find("POST /").source)


FULL = {
    "firstName": "a",
    "at": "2020-01-01T00:00:00Z",
    "maybe": 3,
    "fixed": [2, "x"],
    "choice": "a",
    "cost": "1.10",
    "raw": "AAAA",
    "counts": {"a": 1},
    "byNumber": {"7": {"number": 1}},
    "model": {"v": 1},
    "path": "/tmp",
    "address": "1.2.3.4",
    "pet": {"kind": "dog", "good": True},
    "within": {"z": {"number": 1}},
    "rest": {"x": [1]},
}


def test_everything_goes_in_and_out() -> None:
    client = _echo(Everything)
    assert client.post("/", json=FULL).json() == FULL
    assert client.post("/", json={"firstName": "a"}).json() == {"firstName": "a"}


def test_numbers_are_read_from_the_very_bytes() -> None:
    sent = b'{"firstName":"a","cost":1.12345678901234567890123}'
    answer = _echo(Everything).post("/", content=sent, headers={"content-type": "application/json"})
    assert answer.json()["cost"] == "1.12345678901234567890123"


@pytest.mark.parametrize(
    ("changed", "kind", "loc"),
    [
        ({"firstName": ""}, "string_too_short", ["firstName"]),
        ({"firstName": "abcd"}, "string_too_long", ["firstName"]),
        ({"firstName": "b"}, "string_pattern_mismatch", ["firstName"]),
        ({"at": "x"}, "datetime_parsing", ["at"]),
        ({"colour": "blue"}, "enum", ["colour"]),
        ({"maybe": None}, "int_type", ["maybe"]),
        ({"fixed": [1]}, "too_short", ["fixed"]),
        ({"fixed": [1, "", 2]}, "too_long", ["fixed"]),
        ({"choice": "b"}, "enum", ["choice"]),
        ({"cost": "x"}, "decimal_parsing", ["cost"]),
        ({"raw": "!"}, "bytes_invalid_encoding", ["raw"]),
        ({"counts": {"a": 1, "b": "x"}}, "int_type", ["counts", "b"]),
        ({"counts": {"a": 1, "b": 2, "c": 3}}, "too_long", ["counts"]),
        ({"byNumber": {"1": {"number": 1}, "x": {"number": 1}}}, "int_type",
         ["byNumber", "x", "[key]"]),
        ({"model": {"v": "x"}}, "int_parsing", ["model", "v"]),
        ({"address": "9"}, "ip_v4_address", ["address"]),
        ({"pet": {"kind": "bird"}}, "union_tag_invalid", ["pet", "kind"]),
        ({"pet": {"kind": "dog"}}, "missing", ["pet", "good"]),
        ({"within": {"a": {"number": 1}, "b.c[0]": {"number": 0}, "d": {"number": 0}}},
         "greater_than_equal", ["within", "b.c[0]", "number"]),
        ({"within": 7}, "dict_type", ["within"]),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(changed: Any, kind: str, loc: list[Any]) -> None:
    answer = _echo(Everything).post("/", json={**FULL, **changed})
    assert answer.status_code == 422
    (error,) = answer.json()["detail"]
    assert (error["type"], error["loc"]) == (kind, ["body", *loc])


def test_errors_show_the_input_and_the_limit() -> None:
    (error,) = _echo(Inner).post("/", json={"number": 0}).json()["detail"]
    assert error == {
        "type": "greater_than_equal",
        "loc": ["body", "number"],
        "msg": "Expected `int` >= 1",
        "input": 0,
        "ctx": {"ge": 1},
    }


@pytest.mark.parametrize(
    ("kind", "sent", "expected", "loc"),
    [
        (list[Inner], [{"number": 1}, {"number": 0}], "greater_than_equal", [1, "number"]),
        (dict[str, list[Inner]], {"a": [], "b": [{}]}, "missing", ["b", 0, "number"]),
        (Cat | Dog, {}, "missing", ["kind"]),
        (Inner | None, 3, "dict_type", []),
        (Page[Inner], {"items": [{"number": "x"}]}, "int_type", ["items", 0, "number"]),
        (Row, [1, {"number": 0}], "greater_than_equal", [1, "number"]),
        (Row, [1], "too_short", []),
        (Node, {"name": "a", "children": [{"name": 1}]}, "string_type", ["children", 0, "name"]),
        (Odd, {"x": -1}, "value_error", []),
        (Slotted, {"x": -1}, "value_error", []),
    ],
)
def test_types_of_every_make(kind: Any, sent: Any, expected: str, loc: list[Any]) -> None:
    (error,) = _echo(kind).post("/", json=sent).json()["detail"]
    assert (error["type"], error["loc"]) == (expected, ["body", *loc])


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (list[Inner], [{"number": 1}]),
        (dict[str, list[Inner]], {"a": [{"number": 1}]}),
        (Cat | Dog, {"kind": "cat", "lives": 2}),
        (Inner | None, {"number": 1}),
        (Page[Inner], {"items": [{"number": 1}], "total": 1}),
        (Page[Model], {"items": [{"v": 1}], "total": 1}),
        (Row, [1, {"number": 2}]),
        (Node, {"name": "a", "children": [{"name": "b", "children": []}]}),
        (Loose, {"x": 1}),
        (list[Slotted], [{"x": 1}]),
    ],
)
def test_types_of_every_make_come_back(kind: Any, sent: Any) -> None:
    answer = _echo(kind).post("/", json=sent)
    assert (answer.status_code, answer.json()) == (200, sent)


def test_null_is_a_value() -> None:
    headers = {"content-type": "application/json"}
    assert _echo(Inner | None).post("/", content=b"null", headers=headers).text == "null"


def test_bodies_that_are_no_json() -> None:
    client = _echo(Inner)
    headers = {"content-type": "application/json"}
    (error,) = client.post("/", content=b"{", headers=headers).json()["detail"]
    assert (error["type"], error["loc"]) == ("json_invalid", ["body", 1])
    assert client.post("/", content=b"\xff", headers=headers).status_code == 400
    (error,) = client.post("/", content=b"{}", headers={"content-type": "text/plain"}).json()[
        "detail"
    ]
    assert (error["type"], error["input"]) == ("dict_type", "{}")
    latin = {"content-type": "application/json; charset=utf-8"}
    assert client.post("/", content=b'{"number":1}', headers=latin).json() == {"number": 1}


def test_what_json_loads_takes_is_still_taken() -> None:
    class Real(msgspec.Struct):
        x: float

    headers = {"content-type": "application/json"}
    for sent in (b'{"x": Infinity}', '{"x": 1}'.encode("utf-16")):
        assert _echo(Real).post("/", content=sent, headers=headers).status_code == 200


def test_dependencies_come_before_what_is_wrong_with_the_body() -> None:
    app = App()
    called = []

    def check(token: Annotated[str, Header()]) -> None:
        called.append(token)

    @app.post("/", dependencies=[Depends(check)])
    def endpoint(body: Odd) -> None: ...

    client = TestClient(app)
    assert len(client.post("/", json={"x": -1}).json()["detail"]) == 2
    assert called == []
    answer = client.post("/", json={"x": -1}, headers={"token": "t"})
    assert (answer.status_code, called) == (422, ["t"])


def test_errors_know_the_body_as_it_was_sent() -> None:
    app = App()
    seen = []

    @app.exception_handler(422)
    async def note(request: Any, error: Any) -> Any: ...

    from carboy.fastapi.exceptions import RequestValidationError

    @app.exception_handler(RequestValidationError)
    async def refused(request: Any, error: Any) -> Any:
        seen.append(error.body)
        return JSONResponse({}, 422)

    @app.post("/")
    def endpoint(body: Inner, q: int) -> None: ...

    client = TestClient(app)
    client.post("/?q=x", json={"number": 1})
    client.post("/?q=1", json={"number": 0})
    assert seen == [{"number": 1}, {"number": 0}]


def test_a_body_that_two_functions_want_is_each_ones_own() -> None:
    app = App()

    def read(body: Inner) -> Inner:
        return body

    @app.post("/")
    def endpoint(body: Inner, other: Inner = Depends(read)) -> list[Any]:
        return [body is other, body == other]

    assert TestClient(app).post("/", json={"number": 1}).json() == [False, True]


def test_an_override_may_read_the_body_as_another_model() -> None:
    app = App()

    def read(body: Inner) -> int:
        return body.number

    def instead(body: Model) -> int:
        return body.v

    app.post("/")(lambda n=Depends(read): n)
    client = TestClient(app)
    assert client.post("/", json={"number": 1}).json() == 1
    app.dependency_overrides[read] = instead
    assert client.post("/", json={"v": 2}).json() == 2


def test_a_body_beside_others_and_a_default() -> None:
    app = App()

    @app.post("/both")
    def both(a: Inner, b: Model, c: Annotated[Inner | None, Body()] = None) -> dict[str, Any]:
        return {"a": a, "b": b, "c": c}

    @app.post("/default")
    def default(a: Inner = Inner(3)) -> Inner:
        return a

    client = TestClient(app)
    sent = {"a": {"number": 1}, "b": {"v": 1}}
    assert client.post("/both", json=sent).json() == {**sent, "c": None}
    wrong = {"a": {"number": 0}, "b": {"v": "x"}, "c": {}}
    found = [one["loc"] for one in client.post("/both", json=wrong).json()["detail"]]
    assert found == [["body", "a", "number"], ["body", "b", "v"], ["body", "c", "number"]]
    assert client.post("/default").json() == {"number": 3}


# -- answers ----------------------------------------------------------------------------------


@attrs.define(slots=False)
class SecretLoose(Loose):
    password: str = "hidden"


def _loose() -> Loose:
    made = Loose(1)
    made.password = "hidden"  # type: ignore[attr-defined]
    return made


SECRETS = [
    (Inner, SecretInner(1)),
    (Inner | None, SecretInner(1)),
    (list[Inner], [Inner(1), SecretInner(1)]),
    (dict[str, Inner], {"a": SecretInner(1)}),
    (tuple[Inner, int], (SecretInner(1), 1)),
    (Page[Inner], Page([SecretInner(1)])),
    (Page[Page[Inner]], Page([Page([SecretInner(1)])])),
    (Page[Model], Page([SecretModel(v=1)])),
    (Page[Cat | Dog], Page([Dog(True), SecretCat()])),
    (Page[Inner | None], Page([None, SecretInner(1)])),
    (Page[Pair], Page([Pair(SecretInner(1))])),
    (Page[Typed], Page([{"inner": SecretInner(1)}])),
    (Page[Typed], Page([{"inner": Inner(1), "password": "hidden"}])),
    (Page[Data], Page([Data(SecretInner(1))])),
    (Row, Row(1, SecretInner(1))),
    (Node, Node("a", [Node("b", [SecretNode("c")])])),
    (Loose, SecretLoose(1)),
    (Loose, _loose()),
    (Page[Loose], Page([_loose(), SecretLoose(1)])),
]


@pytest.mark.parametrize(("kind", "value"), SECRETS, ids=[str(kind) for kind, _ in SECRETS])
@pytest.mark.parametrize("response_class", [None, JSONResponse])
def test_an_answer_shows_the_declared_fields_only(
    kind: Any, value: Any, response_class: Any
) -> None:
    app = App()
    options = {} if response_class is None else {"response_class": response_class}

    @app.get("/", response_model=kind, **options)
    async def endpoint() -> Any:
        return value

    @app.get("/within", response_model=list[kind], **options)
    async def within() -> Any:
        return [value]

    client = TestClient(app)
    for path in ("/", "/within"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "hidden" not in answer.text
        assert answer.json() not in ({}, [], [{}], None)


def test_items_of_streams_show_the_declared_fields_only() -> None:
    app = App()

    @app.get("/lines")
    def lines() -> Iterator[Inner]:
        yield SecretInner(1)
        yield {"number": 2}  # type: ignore[misc]

    @app.get("/events", response_class=EventSourceResponse)
    def events() -> Iterator[Page[Inner]]:
        yield Page([SecretInner(1)])

    client = TestClient(app)
    assert client.get("/lines").text == '{"number":1}\n{"number":2}\n'
    assert client.get("/events").text == 'data: {"items":[{"number":1}],"total":0}\n\n'


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"a": SecretInner(1)}.values(),
        lambda: (SecretInner(1) for _ in "a"),
        lambda: deque([SecretInner(1)]),
        lambda: (SecretInner(1),),
    ],
)
def test_a_list_may_come_as_any_sequence(make: Any) -> None:
    app = App()
    app.get("/", response_model=list[Inner])(make)
    assert TestClient(app).get("/").json() == [{"number": 1}]


def test_dicts_and_other_objects_are_read_as_what_was_declared() -> None:
    class Record:
        def __init__(self) -> None:
            self.number = 4
            self.password = "hidden"

    app = App()
    app.get("/dict", response_model=Inner)(lambda: {"number": 3, "password": "hidden"})
    app.get("/record", response_model=list[Inner])(lambda: [Record()])
    app.get("/wrong", response_model=Inner)(lambda: {"number": "x"})
    client = TestClient(app)
    assert client.get("/dict").json() == {"number": 3}
    assert client.get("/record").json() == [{"number": 4}]
    with pytest.raises(ResponseValidationError) as found:
        client.get("/wrong")
    (error,) = found.value.errors()
    assert (error["type"], error["loc"]) == ("int_type", ("response", "number"))


@pytest.mark.parametrize(
    ("kind", "named"),
    [(Inner, "Inner"), (Inner | None, "Inner"), (list[Inner], "list"), (Page[Inner], "Page"),
     (Node, "Node"), (Slotted, "Slotted")],
)  # fmt: skip
def test_the_declared_class_takes_the_fast_path(kind: Any, named: str) -> None:
    source = _source(_echo(kind))
    assert f"if type(result) is {named}:\n            return HEAD, encode(result)" in source
    assert "check_body" not in source
    assert "if body is UNSET or type(body) is Undecoded:" in source


def test_undeclared_answers_may_hold_them() -> None:
    app = App()
    held = {"s": [Inner(1)], "a": _loose(), "p": Slotted(1), "m": Page([Model(v=1)])}
    app.get("/none", response_model=None)(lambda: held)
    app.get("/any", response_model=Any)(lambda: held)
    app.get("/dict", response_model=dict[str, Any])(lambda: held)
    shown = {
        "s": [{"number": 1}],
        "a": {"x": 1, "password": "hidden"},
        "p": {"x": 1, "_private": 3},
        "m": {"items": [{"v": 1}], "total": 0},
    }
    client = TestClient(app)
    for path in ("/none", "/any", "/dict"):
        assert client.get(path).json() == shown, path
    assert jsonable_encoder(held) == shown
    assert jsonable_encoder(Cat(), exclude={"kind"}) == {"lives": 9}
    app.get("/unknown", response_model=Any)(lambda: object())
    with pytest.raises(Exception, match="Unable to serialize unknown type: <class 'object'>"):
        client.get("/unknown")


# -- what is refused when it is declared ------------------------------------------------------


@attrs.define
class Converting:
    x: int = attrs.field(converter=int)


@attrs.define
class Hidden:
    x: int
    role: str = attrs.field(default="user", init=False)


class Unreadable:
    pass


class Holding(msgspec.Struct):
    it: Unreadable


REFUSED: list[tuple[Any, str]] = [
    (Converting, "Converting.x has a converter, which msgspec does not call"),
    (list[Hidden], "Hidden.role has init=False"),
    (Holding, "neither msgspec nor pydantic can read .*Unreadable"),
    (Inner | Node, "all Struct types must be tagged"),
    (Inner | Model, "msgspec can't read"),
    (Data, "Data.inner is a msgspec Struct or an attrs class, .* make Data a msgspec.Struct too"),
    (Annotated[Inner, BeforeValidator(dict)], "use msgspec.Meta, or AfterValidator"),
    (list[Annotated[Inner, AfterValidator(dict)]], "use msgspec.Meta"),
]


@pytest.mark.parametrize(("kind", "message"), REFUSED, ids=[str(kind) for kind, _ in REFUSED])
def test_what_can_not_be_right_is_refused_at_once(kind: Any, message: str) -> None:
    async def endpoint(body: Any) -> None: ...

    endpoint.__annotations__ = {"body": kind, "return": None}
    with pytest.raises(FastAPIError, match=message):
        App().post("/")(endpoint)


def test_attrs_classes_refused_for_input_may_be_answers() -> None:
    app = App()
    app.get("/", response_model=Hidden)(lambda: Hidden(1))
    assert TestClient(app).get("/").json() == {"x": 1, "role": "user"}


def test_names_that_are_not_there_are_told() -> None:
    class Lost(msgspec.Struct):
        other: "Nowhere"  # type: ignore[name-defined]  # noqa: F821, UP037

    with pytest.raises(FastAPIError, match="name 'Nowhere' is not defined"):
        App().post("/")(_taking(Lost))


def _taking(kind: Any) -> Any:
    async def endpoint(body: Any) -> None: ...

    endpoint.__annotations__ = {"body": kind, "return": None}
    return endpoint


@pytest.mark.parametrize(
    "option",
    ["include={'number'}", "exclude={'number'}", "exclude_none=True", "by_alias=False"],
)
@pytest.mark.parametrize("kind", [Inner, list[Inner]])
def test_options_of_pydantics_serializer_are_refused(option: str, kind: Any) -> None:
    name, _, value = option.partition("=")
    with pytest.raises(FastAPIError, match=f"response_model_{name}= is for pydantic models"):
        App().get("/", response_model=kind, **{f"response_model_{name}": eval(value)})(lambda: 1)


def test_constraints_of_body_hold() -> None:
    app = App()

    @app.post("/")
    def endpoint(body: Annotated[list[Inner], Body(max_length=1)]) -> int:
        return len(body)

    @app.post("/after")
    def after(body: Annotated[Inner, AfterValidator(lambda one: Inner(one.number + 1))]) -> Inner:
        return body

    @app.post("/meta")
    def meta(body: Annotated[list[Inner], msgspec.Meta(max_length=1)]) -> int:
        return len(body)

    client = TestClient(app)
    for path in ("/", "/meta"):
        assert client.post(path, json=[{"number": 1}]).json() == 1
        (error,) = client.post(path, json=[{"number": 1}] * 2).json()["detail"]
        assert (error["type"], error["loc"]) == ("too_long", ["body"])
    assert client.post("/after", json={"number": 1}).json() == {"number": 2}


# -- what stays as it was ---------------------------------------------------------------------


def test_what_pydantic_is_told_how_to_read_stays_pydantics() -> None:
    app = FastAPI()

    @app.get("/")
    def endpoint(x: Annotated[Loose, PlainValidator(lambda text: Loose(int(text)))]) -> int:
        return x.x

    assert TestClient(app).get("/?x=3").json() == 3


def test_nothing_is_imported_that_is_not_used() -> None:
    code = """
import sys
from pydantic import BaseModel
from carboy import App
class Item(BaseModel):
    x: int
app = App()
@app.post("/")
async def endpoint(item: Item) -> Item: ...
app.freeze()
assert app.openapi()
loaded = {"msgspec", "attr", "attrs", "carboy.fastapi.structs.codec"} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)
