"""Bookshelf, a small Carboy application: a catalogue of books kept in SQLite.

One file, read from top to bottom: the data models, the database, the application
and its dependencies, then one function for each thing a client may ask.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path as FilePath
from typing import Annotated, Optional

from annotated_types import Ge, Le
from pydantic import StringConstraints
from sqlalchemy import URL, Engine, inspect
from sqlmodel import Field, Session, SQLModel, col, create_engine, func, or_, select

from carboy import App, Depends, HTTPException, Path, Query

HERE = FilePath(__file__).resolve().parent
BIGGEST_INTEGER = 2**63 - 1  # the largest whole number SQLite can hold

# --- Models: what a book looks like in the table, in a request, in an answer ---

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Year = Annotated[int, Ge(-3000), Le(2100)]  # of first publication; negative means BCE
Pages = Annotated[int, Ge(1), Le(50_000)]
Isbn = Annotated[str, StringConstraints(pattern=r"^(97[89])?[0-9]{9}[0-9X]$")]


class BookBase(SQLModel):
    """The facts about a book that clients send and receive."""

    title: Name
    author: Name
    year: Year
    language: Name
    pages: Pages | None = None
    isbn: Isbn | None = None


class Book(BookBase, table=True):
    """A row of the `book` table; the database hands out the id."""

    id: int | None = Field(default=None, primary_key=True)


class BookPublic(BookBase):
    """A book as it is shown to clients: by now it always has an id."""

    id: int


class BookCreate(BookBase):
    """The body of `POST /books`."""


class BookUpdate(SQLModel):
    """The body of `PATCH /books/{book_id}`: the facts to change, the rest stay as they are.

    Every field may be left out, so each has a default, which is never used. Only the
    two that a book may lack accept an explicit `null`.
    """

    title: Name = Field(default=None)
    author: Name = Field(default=None)
    year: Year = Field(default=None)
    language: Name = Field(default=None)
    pages: Pages | None = None
    isbn: Isbn | None = None


# --- Database: one SQLite file, made and filled the first time it is needed ---


@cache
def get_engine() -> Engine:
    """Open the database named by BOOKSHELF_DB, or `bookshelf.db` beside this file."""
    file = os.environ.get("BOOKSHELF_DB") or HERE / "bookshelf.db"
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"check_same_thread": False},  # a request may move between threads
        max_overflow=-1,  # and should never have to queue for a connection
    )
    fill_shelf(engine)
    return engine


def fill_shelf(engine: Engine) -> None:
    """Make the table and put the books of `books.json` in it, unless that was done before.

    Taking SQLite's write lock first makes this safe when several workers start at
    once: one of them does the work, the others wait and find it done.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not inspect(connection).has_table("book"):
            SQLModel.metadata.create_all(connection)
            books = json.loads((HERE / "books.json").read_text(encoding="utf-8"))
            with Session(connection) as session:
                session.add_all(Book.model_validate(book) for book in books)
                session.flush()
        connection.commit()


def get_session() -> Iterator[Session]:
    """Lend a request its own session; what follows `yield` runs once it is answered."""
    with Session(get_engine()) as session:
        yield session


# --- Application ---


@asynccontextmanager
async def lifespan(_: App) -> AsyncIterator[None]:
    """Open the database before the first request and close it after the last.

    Some servers (those that speak WSGI) skip this; the first request opens it then.
    """
    get_engine()
    yield
    get_engine().dispose()
    get_engine.cache_clear()


app = App(
    title="Bookshelf",
    description="A small catalogue of books from many languages.",
    lifespan=lifespan,
)

DatabaseSession = Annotated[Session, Depends(get_session)]


def find_book(
    book_id: Annotated[int, Path(ge=1, le=BIGGEST_INTEGER)], session: DatabaseSession
) -> Book:
    """Fetch the book that the path names, or answer 404."""
    book = session.get(Book, book_id)
    if book is None:
        raise HTTPException(
            status_code=404,
            detail=f"There is no book with id {book_id}. GET /books lists those there are.",
        )
    return book


FoundBook = Annotated[Book, Depends(find_book)]

# --- Paths: an `async def` runs on the event loop, a plain `def` in a thread ---


@app.get("/")
async def welcome() -> dict[str, str | list[str]]:
    """Greet the visitor and list what can be asked."""
    return {
        "message": "Welcome to the bookshelf!",
        "paths": [
            f"{verb} {route.path}"
            for route in app.routes
            if route.include_in_schema
            for verb in route.methods
        ],
    }


@app.get("/hello")
def hello(name: Optional[str] = "World") -> dict[str, str]:  # noqa: UP045
    """Say hello."""
    return {"message": f"Hello, {name}!"}


@app.get("/books", response_model=list[BookPublic])
def list_books(
    session: DatabaseSession,
    q: Annotated[str | None, Query(description="Part of the title or of the author")] = None,
    author: Annotated[str | None, Query(description="Part of the author's name")] = None,
    language: Annotated[str | None, Query(description="Original language")] = None,
    year_from: Year | None = None,
    year_to: Year | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=BIGGEST_INTEGER)] = 0,
) -> Sequence[Book]:
    """List books in the order of their ids; every filter given must hold."""
    query = select(Book)
    if q is not None:
        in_title = col(Book.title).icontains(q, autoescape=True)
        in_author = col(Book.author).icontains(q, autoescape=True)
        query = query.where(or_(in_title, in_author))
    if author is not None:
        query = query.where(col(Book.author).icontains(author, autoescape=True))
    if language is not None:
        query = query.where(func.lower(Book.language) == language.lower())
    if year_from is not None:
        query = query.where(Book.year >= year_from)
    if year_to is not None:
        query = query.where(Book.year <= year_to)
    return session.exec(query.order_by(col(Book.id)).offset(offset).limit(limit)).all()


@app.post("/books", response_model=BookPublic, status_code=201)
def add_book(new: BookCreate, session: DatabaseSession) -> Book:
    """Put a book on the shelf."""
    book = Book.model_validate(new)
    session.add(book)
    session.commit()
    session.refresh(book)
    return book


@app.get("/books/{book_id}", response_model=BookPublic)
def read_book(book: FoundBook) -> Book:
    """Show one book."""
    return book


@app.patch("/books/{book_id}", response_model=BookPublic)
def change_book(book: FoundBook, changes: BookUpdate, session: DatabaseSession) -> Book:
    """Change the facts that were sent and keep the others."""
    book.sqlmodel_update(changes.model_dump(exclude_unset=True))
    session.add(book)
    session.commit()
    session.refresh(book)
    return book


@app.delete("/books/{book_id}", status_code=204)
def remove_book(book: FoundBook, session: DatabaseSession) -> None:
    """Take a book off the shelf."""
    session.delete(book)
    session.commit()
