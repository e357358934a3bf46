"""One OpenAPI document for typed routes and for Flask views, whose operations are inferred."""

from __future__ import annotations

from typing import Annotated, Any

from openapi_spec_validator import validate
from pydantic import BaseModel

from carboy import APIRouter, App, Body, Depends, Query, documented
from carboy.fastapi.security import HTTPBearer
from carboy.flask import Blueprint, Flask, jsonify, request
from carboy.testing import TestClient


class Book(BaseModel):
    title: str


KEY = HTTPBearer()


def page_of(number: int = 1) -> int:
    return number


def checked(app: App) -> dict[str, Any]:
    document = app.openapi()
    validate(document)  # type: ignore[arg-type]
    return document


def test_both_kinds_stand_in_the_document() -> None:
    app = App(title="Shelf")

    @app.get("/typed/{number}")
    def typed(number: int) -> Book:
        return Book(title="x")

    bp = Blueprint("books", __name__)

    @bp.route("/typed/<int:n>", methods=["DELETE"])
    def typed_too(n: int) -> Any:
        """Take a book away."""
        return "", 204

    @bp.get("/search")
    def typed_search() -> Any:
        return jsonify(q=request.args.get("q"))

    app.register_blueprint(bp)
    paths = checked(app)["paths"]
    assert set(paths) == {"/typed/{number}", "/search"}
    assert "x-carboy-inferred" not in paths["/typed/{number}"]["get"]
    taken_away = paths["/typed/{number}"]["delete"]
    assert taken_away["summary"] == "Take a book away."
    assert taken_away["parameters"][0]["name"] == "number"
    assert paths["/search"]["get"]["tags"] == ["books"]
    served = TestClient(app).get("/openapi.json").json()
    assert served["paths"] == paths


def test_a_typed_route_s_summary_is_its_own_name_without_the_blueprint() -> None:
    app, router = App(), APIRouter(prefix="/shop")
    router.get("/away", name="shop.put_away")(lambda: 1)
    router.post("/away", name="shop.said", summary="Shop.Said")(lambda: 1)
    router.get("/hidden", name="shop.hidden", include_in_schema=False)(lambda: 1)
    router.get("/extra", name="shop.x", openapi_extra={"summary": "Extra"})(lambda: 1)
    app.include_router(router)
    plain = app.openapi()["paths"]
    assert plain["/shop/away"]["get"]["summary"] == "Shop.Put Away"  # FastAPI's, without Flask
    assert app.flask.url_map is not None
    paths = checked(app)["paths"]
    found = {path: {m: o["summary"] for m, o in item.items()} for path, item in paths.items()}
    assert found == {
        "/shop/away": {"get": "Put Away", "post": "Shop.Said"},
        "/shop/extra": {"get": "Extra"},
    }
    assert plain["/shop/away"]["get"]["summary"] == "Shop.Put Away"


def test_without_a_flask_side_the_document_is_fastapis() -> None:
    app = App()
    app.get("/x")(lambda: 1)
    assert app.openapi() is app.openapi_schema
    assert app._side is None


def test_the_document_is_made_anew_when_something_changes() -> None:
    app = App()
    app.add_url_rule("/a", "a", lambda: "")
    first = app.openapi()
    assert app.openapi() is first
    app.add_url_rule("/b", "b", lambda: "")
    assert set(app.openapi()["paths"]) == {"/a", "/b"}
    app.view_functions["a"] = documented(hide=True)(lambda: "")
    assert set(app.openapi()["paths"]) == {"/b"}
    app.get("/c")(lambda: 1)
    assert set(app.openapi()["paths"]) == {"/b", "/c"}
    app.config["CARBOY_OPENAPI_VIEWS"] = "none"
    assert set(app.openapi()["paths"]) == {"/c"}


def test_an_included_application_is_described() -> None:
    flask = Flask(__name__)
    flask.add_url_rule("/<uuid:key>", "one", lambda key: "")
    app = App()
    app.include(flask)
    schema = checked(app)["paths"]["/{key}"]["get"]["parameters"][0]["schema"]
    assert schema == {"type": "string", "format": "uuid"}


def test_typed_parameters_of_flask_views_are_declared_not_inferred() -> None:
    app = App()

    @app.route("/books/<int:shelf>", methods=["GET", "POST"])
    def books(
        shelf: int,
        q: Annotated[str, Query(min_length=2)],
        page: Annotated[int, Depends(page_of)],
        token: Annotated[Any, Depends(KEY)],
        body: Annotated[Book | None, Body()] = None,
    ) -> Any:
        return jsonify(q=request.args["q"], more=request.args.get("more"))

    document = checked(app)
    operation = document["paths"]["/books/{shelf}"]["post"]
    parameters = {one["name"]: one for one in operation["parameters"]}
    assert list(parameters) == ["shelf", "q", "more", "number"]
    assert parameters["q"]["schema"]["minLength"] == 2
    assert "x-carboy-inferred" not in parameters["q"]
    assert parameters["more"]["x-carboy-inferred"]
    assert parameters["number"]["schema"]["type"] == "integer"
    assert "x-carboy-inferred" not in operation["requestBody"]
    assert operation["security"] == [{"HTTPBearer": []}]
    assert "HTTPBearer" in document["components"]["securitySchemes"]
    assert "422" in operation["responses"]
    assert "Book" in document["components"]["schemas"]


def test_a_model_is_one_whoever_refers_to_it() -> None:
    app = App()

    @app.post("/typed")
    def typed(book: Book) -> Any:
        return book

    @app.route("/flask", methods=["POST"])
    @documented(body=Book)
    def flask_view() -> str:
        return ""

    @app.route("/both", methods=["POST"])
    def both(book: Annotated[Book, Body()]) -> str:
        return ""

    document = checked(app)
    assert set(document["components"]["schemas"]) == {
        "Book",
        "HTTPValidationError",
        "ValidationError",
    }
    ref = {"$ref": "#/components/schemas/Book"}
    for path in ("/typed", "/flask", "/both"):
        body = document["paths"][path]["post"]["requestBody"]
        assert body["content"]["application/json"]["schema"] == ref
