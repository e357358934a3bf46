"""What a book looks like in the table, in a request and in an answer, and what else is kept."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from annotated_types import Ge, Le
from pydantic import StringConstraints
from sqlmodel import Field, SQLModel

BIGGEST_INTEGER = 2**63 - 1  # the largest whole number SQLite can hold

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


class Cover(SQLModel, table=True):
    """The picture on the front of a book."""

    book_id: int = Field(primary_key=True, foreign_key="book.id", ondelete="CASCADE")
    media_type: str
    image: bytes


class Change(SQLModel, table=True):
    """Something that happened to the catalogue; its id orders everything that did."""

    id: int | None = Field(default=None, primary_key=True)
    what: str
    book_id: int
    title: str
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))


What = Literal["added", "changed", "removed"]
