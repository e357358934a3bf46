"""Class views: methods are path operations, `self` is a dependency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from carboy import App, Depends, Header, HTTPException, view
from carboy.fastapi import APIRouter
from carboy.testing import TestClient


class Book(BaseModel):
    title: str


LOG: list[str] = []


def get_session() -> Iterator[dict[int, Book]]:
    LOG.append("open")
    yield {1: Book(title="Momo")}
    LOG.append("close")


Session = Annotated[dict[int, Book], Depends(get_session)]


class Books:
    """The catalogue."""

    def __init__(self, session: Session, accept_language: str = Header("en")) -> None:
        self.session = session
        self.language = accept_language

    async def get(self, limit: int = 10) -> dict[str, Any]:
        """All of them."""
        return {"books": list(self.session.values())[:limit], "language": self.language}

    @view.post("", status_code=201)
    def post(self, book: Book) -> Book:
        return book

    @view.get("/{number}", responses={404: {"description": "No such book"}})
    @view.get("/by-number/{number}", include_in_schema=False)
    def one(self, number: int) -> Book:
        if number not in self.session:
            raise HTTPException(404)
        return self.session[number]

    @view.get("/lines")
    async def lines(self) -> AsyncIterator[Book]:
        for book in self.session.values():
            yield book

    def helper(self) -> None:
        raise AssertionError


def _client(cls: type[Any] = Books, **options: Any) -> TestClient:
    app = App()
    app.view("/books", **options)(cls)
    return TestClient(app)


def test_methods_answer_and_share_an_instance_of_the_request() -> None:
    client = _client()
    LOG.clear()
    answer = client.get("/books?limit=5", headers={"accept-language": "de"})
    assert answer.json() == {"books": [{"title": "Momo"}], "language": "de"}
    assert LOG == ["open", "close"]
    made = client.post("/books", json={"title": "Jim"})
    assert (made.status_code, made.json()) == (201, {"title": "Jim"})
    assert client.get("/books/1").json() == client.get("/books/by-number/1").json()
    assert client.get("/books/2").status_code == 404
    assert client.get("/books?limit=x").json()["detail"][0]["loc"] == ["query", "limit"]
    assert client.delete("/books").status_code == 405
    assert client.get("/books/helper").status_code == 422


def test_the_document_has_ordinary_operations() -> None:
    app = App()
    app.view("/books", tags=["shop"])(Books)
    paths = app.openapi()["paths"]
    assert list(paths) == ["/books", "/books/{number}", "/books/lines"]
    listing = paths["/books"]["get"]
    assert (listing["summary"], listing["description"]) == ("Get Books", "All of them.")
    assert (listing["operationId"], listing["tags"]) == ("Books_get_books_get", ["shop"])
    assert [one["name"] for one in listing["parameters"]] == ["limit", "accept-language"]
    assert paths["/books/{number}"]["get"]["summary"] == "One"
    assert "404" in paths["/books/{number}"]["get"]["responses"]
    ids = [one["operationId"] for path in paths.values() for one in path.values()]
    assert len(ids) == len(set(ids))


def test_endpoints_are_compiled_with_nothing_between() -> None:
    app = App()
    app.view("/books")(Books)
    source = app.engine.find("GET /books").source
    assert "result = await get(self=got_Books, limit=query_limit)" in source


def test_class_attributes_may_be_dependencies() -> None:
    class Shelf:
        session: Session
        language: str = Depends(lambda: "en")
        constant = 3

        def __init__(self, q: str = "x") -> None:
            self.q = q

        def get(self) -> list[Any]:
            return [len(self.session), self.language, self.q, self.constant]

    assert _client(Shelf).get("/books?q=y").json() == [1, "en", "y", 3]


def test_inheritance() -> None:
    class Read:
        items: dict[int, str] = {1: "one"}

        @view.get("/{number}")
        def read(self, number: int) -> str:
            return self.items[number]

        def get(self) -> str:
            return "base"

    class Both(Read):
        items = {1: "eins"}

        def get(self) -> str:
            return "derived"

        def delete(self) -> None: ...

    client = _client(Both)
    assert (client.get("/books").json(), client.get("/books/1").json()) == ("derived", "eins")
    assert client.delete("/books").status_code == 200
    assert _client(Read).get("/books/1").json() == "one"


def test_routers_and_their_prefixes() -> None:
    router = APIRouter(prefix="/in", tags=["inner"])

    @router.view("/books", dependencies=[Depends(get_session)])
    class Inner:
        async def get(self) -> str:
            return "inner"

    app = App()
    app.include_router(router, prefix="/out")
    assert TestClient(app).get("/out/in/books").json() == "inner"
    assert app.openapi()["paths"]["/out/in/books"]["get"]["tags"] == ["inner"]
    assert isinstance(Inner, type)


def test_mistakes_are_named() -> None:
    class Empty:
        pass

    class Static:
        @view.get("/x")
        @staticmethod
        def x() -> None: ...

    class NoSelf:
        def get() -> None: ...  # type: ignore[misc]

    with pytest.raises(TypeError, match="Empty has no operation"):
        _client(Empty)
    with pytest.raises(TypeError, match="decorates a class"):
        _client(print)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        _client(NoSelf)
    with pytest.raises(TypeError, match=r"Static.x is no plain method"):
        _client(Static)
