"""The OpenAPI document: what of a route is described, what is laid over it, and what it costs."""

import copy
import warnings
from collections.abc import AsyncIterable
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, computed_field
from starlette.responses import HTMLResponse, RedirectResponse, Response

from carboy.fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, Query, Security
from carboy.fastapi._compat import schemas
from carboy.fastapi.openapi import utils
from carboy.fastapi.openapi.utils import get_fields_from_routes, get_openapi
from carboy.fastapi.security import OAuth2PasswordBearer


class Item(BaseModel):
    """An item.\fNot for the public."""

    name: str
    tags: list[str] = []


def document(app: Any, **options: Any) -> dict[str, Any]:
    routes = app.routes
    return get_openapi(title="T", version="1", routes=routes, **options)


def operation(app: Any, path: str = "/", method: str = "get") -> dict[str, Any]:
    return document(app)["paths"][path][method]  # type: ignore[no-any-return]


def test_a_required_parameter_hides_an_optional_one_of_its_name() -> None:
    app = FastAPI()

    def strict(q: int) -> None: ...

    @app.get("/", dependencies=[Depends(strict)])
    def read(q: str = "a", z: str = "b", q2: Annotated[str, Query(alias="q")] = "c") -> None: ...

    first, second = operation(app)["parameters"]
    assert (first["name"], first["required"], first["schema"]["type"]) == ("q", True, "integer")
    assert second["name"] == "z"


def test_a_parameter_says_what_it_was_declared_with() -> None:
    app = FastAPI()

    @app.get("/{a}")
    def read(
        a: int,
        user_agent: Annotated[str, Header(description="Who", deprecated=True)],
        raw_name: Annotated[str, Header(convert_underscores=False)],
        hidden: Annotated[str, Cookie(include_in_schema=False)],
        q: Annotated[int, Query(openapi_examples={"one": {"value": 1}}, title="Q!")] = 3,
    ) -> None: ...

    found = operation(app, "/{a}")["parameters"]
    assert [(one["in"], one["name"]) for one in found] == [
        ("path", "a"),
        ("query", "q"),
        ("header", "user-agent"),
        ("header", "raw_name"),
    ]
    assert found[1]["schema"] == {"type": "integer", "default": 3, "title": "Q!"}
    assert found[1]["examples"] == {"one": {"value": 1}}
    assert (found[2]["description"], found[2]["deprecated"]) == ("Who", True)
    assert "deprecated" not in found[0]


def test_a_model_of_parameters_is_taken_apart() -> None:
    class Page(BaseModel):
        offset: int
        sort_by: str = "id"

    app = FastAPI()

    @app.get("/")
    def read(
        page: Annotated[Page, Query()], head: Annotated[Page | None, Header()] = None
    ) -> None: ...

    found = operation(app)["parameters"]
    assert [(one["in"], one["name"], one["required"]) for one in found] == [
        ("query", "offset", True),
        ("query", "sort_by", False),
        ("header", "offset", False),
        ("header", "sort-by", False),
    ]


def test_scopes_are_those_of_all_who_ask() -> None:
    scheme = OAuth2PasswordBearer(tokenUrl="token", scopes={"read": "r", "write": "w"})

    def user(token: Annotated[str, Depends(scheme)]) -> None: ...
    def writer(user: Annotated[None, Security(user, scopes=["read"])]) -> None: ...

    app = FastAPI()

    @app.get("/", dependencies=[Security(writer, scopes=["write", "read"])])
    def read() -> None: ...

    made = document(app)
    assert made["paths"]["/"]["get"]["security"] == [{"OAuth2PasswordBearer": ["write", "read"]}]
    assert made["components"]["securitySchemes"]["OAuth2PasswordBearer"]["type"] == "oauth2"


def test_statuses_come_from_the_route_or_its_response_class() -> None:
    class Odd(Response):
        def __init__(self, *args: Any, **kwargs: Any) -> None: ...

    app = FastAPI()
    app.get("/redirect", response_class=RedirectResponse)(lambda: None)
    app.get("/odd", response_class=Odd)(lambda: None)
    app.get("/none", status_code=204)(lambda: None)
    app.get("/html", response_class=HTMLResponse, status_code=203)(lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lambdas have one name
        paths = document(app)["paths"]
    answers = {path: one["get"]["responses"] for path, one in paths.items()}
    success = {"description": "Successful Response"}
    assert answers == {
        "/redirect": {"307": success},
        "/odd": {"200": success},
        "/none": {"204": success},
        "/html": {"203": {**success, "content": {"text/html": {"schema": {"type": "string"}}}}},
    }


def test_additional_responses_are_laid_over() -> None:
    given: dict[int | str, dict[str, Any]] = {
        200: {"content": {"image/png": {}}},
        404: {"model": Item},
        "5xx": {"description": "Broken"},
        "default": {"model": Item, "content": {"application/json": {"example": 1}}},
    }
    kept = copy.deepcopy(given)
    app = FastAPI()

    @app.get("/{a}", responses=given)
    def read(a: int) -> Item: ...

    found = operation(app, "/{a}")["responses"]
    item = {"schema": {"$ref": "#/components/schemas/Item"}}
    assert found["200"]["content"] == {"application/json": item, "image/png": {}}
    assert found["404"] == {"description": "Not Found", "content": {"application/json": item}}
    assert found["5XX"]["description"] == "Broken"
    assert found["default"]["content"] == {"application/json": {**item, "example": 1}}
    assert found["default"]["description"] == "Default Response"
    assert "422" not in found  # the default answers for it
    assert given == kept


def test_what_is_laid_over_one_route_stays_there() -> None:
    extra = {"requestBody": {"content": {"application/json": {"schema": {"items": {"x-a": 1}}}}}}
    app = FastAPI()

    @app.post("/a", openapi_extra=extra)
    def a(body: list[int]) -> None: ...

    @app.post("/b")
    def b(body: list[int]) -> None: ...

    paths = document(app)["paths"]
    items = [
        paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]["items"]
        for path in ("/a", "/b")
    ]
    assert items == [{"type": "integer", "x-a": 1}, {"type": "integer"}]


def test_nothing_hidden_is_shown() -> None:
    app = FastAPI()
    app.get("/hidden", include_in_schema=False)(lambda item: None)
    made = document(app)
    assert made == {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}
    assert get_fields_from_routes(app.routes) == []


def test_webhooks_and_callbacks_share_definitions() -> None:
    calls = APIRouter()

    @calls.post("{$callback_url}/done")
    def done(item: Item) -> None: ...

    app = FastAPI()

    @app.post("/", callbacks=calls.routes)
    def start() -> None: ...

    hooks = APIRouter()

    @hooks.post("created")
    def created(item: Item) -> None: ...

    made = document(app, webhooks=hooks.routes)
    assert list(made["webhooks"]) == ["created"]
    assert list(made["paths"]["/"]["post"]["callbacks"]["done"]) == ["{$callback_url}/done"]
    assert list(made["components"]["schemas"]) == ["HTTPValidationError", "Item", "ValidationError"]
    assert made["components"]["schemas"]["Item"]["description"] == "An item."


def test_an_id_that_is_taken_is_told() -> None:
    app = FastAPI()

    @app.get("/a", operation_id="same")
    def a() -> None: ...

    @app.get("/b", operation_id="same")
    def b() -> None: ...

    with pytest.warns(
        UserWarning, match=f"Duplicate Operation ID same for function b at {__file__}"
    ):
        document(app)


def test_input_and_output_are_two_schemas_only_where_they_differ() -> None:
    class Price(BaseModel):
        amount: Decimal

    class Squared(BaseModel):
        side: int

        @computed_field
        def area(self) -> int:
            return self.side**2

    app = FastAPI()
    for model in (Item, Price, Squared):

        def write(body: model) -> model: ...  # type: ignore[valid-type]

        app.post(f"/{model.__name__}", operation_id=model.__name__)(write)

    errors = {"HTTPValidationError", "ValidationError"}
    both, single = (
        document(app, separate_input_output_schemas=separate)["components"]["schemas"].keys()
        for separate in (True, False)
    )
    squares = {"Squared-Input", "Squared-Output"}
    assert both - errors == {"Item", "Price-Input", "Price-Output", *squares}
    # What is computed is never asked for: one schema can't say both.
    assert single - errors == {"Item", "Price", *squares}


def test_none_is_left_out_of_what_people_wrote() -> None:
    app = FastAPI()

    @app.post("/", openapi_extra={"x-given": {"a": None, "_sa_b": 1, "c": [None, {"d": None}]}})
    def write(item: Annotated[Item, Body(examples=[{"name": None}])]) -> None: ...

    assert operation(app, "/", "post")["x-given"] == {"c": [None, {}]}


def test_streams_show_their_items() -> None:
    app = FastAPI()

    @app.get("/lines")
    async def lines() -> AsyncIterable[Item]:
        yield Item(name="a")

    content = operation(app, "/lines")["responses"]["200"]["content"]
    assert content == {"application/jsonl": {"itemSchema": {"$ref": "#/components/schemas/Item"}}}


def test_fields_that_say_the_same_are_generated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    class Counting(schemas.GenerateJsonSchema):
        def generate_definitions(self, inputs: Any) -> Any:
            counts.append(len(inputs))
            return super().generate_definitions(inputs)

    monkeypatch.setattr(schemas, "GenerateJsonSchema", Counting)
    for number in (1, 20):
        app = FastAPI()
        for index in range(number):

            def write(item: Item, q: str | None = None, limit: int = Query(9, ge=1)) -> Item: ...

            app.post(f"/{index}")(write)
        made = document(app)
        assert len(made["paths"]) == number
        assert made["paths"]["/0"]["post"]["parameters"][1]["schema"] == {
            "type": "integer",
            "minimum": 1,
            "default": 9,
            "title": "Limit",
        }
    assert counts == [4, 4]


def test_the_old_operation_id_still_works() -> None:
    app = FastAPI()

    @app.get("/a/{b}")
    def read(b: int) -> None: ...

    route: Any = app.routes[-1]
    with pytest.warns(match="generate_operation_id"):
        assert utils.generate_operation_id(route=route, method="GET") == "read_a__b__get"
