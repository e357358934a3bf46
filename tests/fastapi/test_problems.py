"""Errors as classes: answers in FastAPI's shape and RFC 9457's, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from carboy import App, Depends, HTTPException, Problem, raises
from carboy.fastapi import APIRouter, FastAPI
from carboy.testing import TestClient

PROBLEM = "application/problem+json"


class OutOfStock(Problem):
    """Not enough of an article."""

    status = 409
    title = "Out of stock"
    type = "https://shop.example/out-of-stock"
    left: int
    wanted: int = 1


class Unknown(Problem):
    status = 404


class Gone(Problem):
    status = 404
    title = "No longer sold"


class NotSignedIn(Problem):
    status = 401


@raises(NotSignedIn)
def user() -> str:
    raise NotSignedIn(headers={"WWW-Authenticate": "Bearer"})


def account(user: str = Depends(user)) -> str:
    return user


def _routes(app: FastAPI) -> FastAPI:
    @app.post("/buy", raises=[OutOfStock])
    def buy(count: int) -> int:
        raise OutOfStock("There are only two", left=2, wanted=count)

    @app.get("/me")
    def me(account: str = Depends(account)) -> str:
        return account

    @app.get("/items/{name}", raises=[Unknown, Gone])
    async def item(name: str) -> str:
        raise Gone() if name == "lamp" else Unknown()

    @app.get("/plain")
    def plain() -> None:
        raise HTTPException(418, {"why": "short and stout"})

    return app


def test_answers_have_fastapis_shape() -> None:
    client = TestClient(_routes(FastAPI()))
    answer = client.post("/buy?count=3", headers={"accept": PROBLEM})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"detail": "There are only two", "left": 2, "wanted": 3}
    assert client.get("/items/x").json() == {"detail": "Not Found"}
    assert client.get("/items/lamp").json() == {"detail": "No longer sold"}
    refused = client.get("/me")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_an_app_gives_details_to_who_accepts_them() -> None:
    client = TestClient(_routes(App()))
    assert client.post("/buy?count=3").headers["content-type"] == "application/json"
    answer = client.post("/buy?count=3", headers={"accept": PROBLEM})
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json() == {
        "type": "https://shop.example/out-of-stock",
        "title": "Out of stock",
        "status": 409,
        "detail": "There are only two",
        "instance": "/buy",
        "left": 2,
        "wanted": 3,
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "title", "more"),
    [
        ("GET", "/plain", 418, "I'm a Teapot", {"errors": {"why": "short and stout"}}),
        ("GET", "/no%20where", 404, "Not Found", {}),
        ("PUT", "/plain", 405, "Method Not Allowed", {}),
        ("GET", "/me", 401, "Unauthorized", {}),
    ],
)
def test_details_of_every_error(
    method: str, path: str, status: int, title: str, more: dict[str, Any]
) -> None:
    client = TestClient(_routes(FastAPI(problem_details=True)))
    answer = client.request(method, path)
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert (answer.status_code, body["status"], body["title"]) == (status, status, title)
    assert (body["type"], body["instance"]) == ("about:blank", path)
    assert {key: body[key] for key in more} == more


def test_details_of_invalid_input() -> None:
    client = TestClient(_routes(FastAPI(problem_details=True)))
    body = client.post("/buy?count=x").json()
    assert (body["status"], body["errors"][0]["loc"]) == (422, ["query", "count"])


def test_the_document_shows_what_is_declared_and_what_dependencies_raise() -> None:
    document = _routes(App()).openapi()
    buy = document["paths"]["/buy"]["post"]["responses"]
    assert buy["409"]["description"] == "Out of stock"
    assert buy["409"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/OutOfStock"}}
    }
    shown = document["components"]["schemas"]["OutOfStock"]
    assert shown["required"] == ["detail", "left", "wanted"]
    assert shown["description"] == "Not enough of an article."
    assert document["paths"]["/me"]["get"]["responses"]["401"]["description"] == "Unauthorized"
    item = document["paths"]["/items/{name}"]["get"]["responses"]["404"]
    assert item["description"] == "Not Found or No longer sold"
    references = [one["$ref"] for one in item["content"]["application/json"]["schema"]["anyOf"]]
    assert references == ["#/components/schemas/Unknown", "#/components/schemas/Gone"]


def test_the_document_of_problem_details() -> None:
    document = _routes(FastAPI(problem_details=True)).openapi()
    buy = document["paths"]["/buy"]["post"]["responses"]["409"]
    assert list(buy["content"]) == [PROBLEM]
    shown = document["components"]["schemas"]["OutOfStock"]["properties"]
    assert set(shown) == {"type", "title", "status", "detail", "instance", "left", "wanted"}


def test_what_a_route_says_of_a_status_is_laid_over_it() -> None:
    class Own(BaseModel):
        why: str

    app = App()

    @app.get("/", raises=[Gone], responses={404: {"description": "Not here", "model": Own}})
    def index() -> None: ...

    answer = app.openapi()["paths"]["/"]["get"]["responses"]["404"]
    assert answer["description"] == "Not here"


def test_raises_is_inherited_from_routers_and_the_application() -> None:
    inner = APIRouter(raises=[OutOfStock])
    inner.get("/buy")(lambda: None)
    app = App(raises=[NotSignedIn])
    app.include_router(inner, prefix="/shop", raises=[Gone])
    app.get("/")(lambda: None)
    paths = app.openapi()["paths"]
    assert paths["/shop/buy"]["get"]["responses"].keys() == {"200", "401", "404", "409"}
    assert paths["/"]["get"]["responses"].keys() == {"200", "401"}


def test_mistakes_are_named() -> None:
    with pytest.raises(TypeError, match="OutOfStock needs left="):
        OutOfStock("no")
    with pytest.raises(TypeError, match="OutOfStock has no field colour"):
        OutOfStock("no", left=1, colour="red")
    with pytest.raises(ValueError, match="400 to 599"):
        type("Fine", (Problem,), {"status": 200})
    with pytest.raises(TypeError, match="'detail' is what every problem has already"):
        type("Twice", (Problem,), {"__annotations__": {"detail": str}})
    with pytest.raises(TypeError, match="raises is a list of Problem classes"):
        App().get("/", raises=[ValueError])(lambda: None)
    with pytest.raises(TypeError, match="subclasses of Problem"):
        raises(ValueError)  # type: ignore[arg-type]
