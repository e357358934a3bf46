"""One SQLite file, made and filled when it is first needed, and what several paths ask of it."""

import json
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

from sqlalchemy import URL, ColumnElement, Engine, event, inspect
from sqlmodel import Session, SQLModel, col, create_engine, or_, select

from carboy import Depends
from shelf.models import Book, Change, What

HERE = Path(__file__).resolve().parents[1]
FOREIGN_KEYS = "PRAGMA foreign_keys = ON"  # a cover goes with its book


@cache
def get_engine() -> Engine:
    """Open the database named by BOOKSHELF_DB, or `bookshelf.db` in the example's folder."""
    file = os.environ.get("BOOKSHELF_DB") or HERE / "bookshelf.db"
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"check_same_thread": False},  # a request may move between threads
        max_overflow=-1,  # and should never have to queue for a connection
    )
    event.listen(engine, "connect", lambda connection, _: connection.execute(FOREIGN_KEYS))
    fill_shelf(engine)
    return engine


def fill_shelf(engine: Engine) -> None:
    """Make the tables, and put the books of `books.json` on a shelf that was not there before.

    Taking SQLite's write lock first makes this safe when several workers start at
    once: one of them does the work, the others wait and find it done.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        is_new = not inspect(connection).has_table("book")
        SQLModel.metadata.create_all(connection)
        if is_new:
            books = json.loads((HERE / "books.json").read_text(encoding="utf-8"))
            with Session(connection) as session:
                session.add_all(Book.model_validate(book) for book in books)
                session.flush()
        connection.commit()


def get_session() -> Iterator[Session]:
    """Lend a request its own session; what follows `yield` runs once it is answered."""
    with Session(get_engine()) as session:
        yield session


DatabaseSession = Annotated[Session, Depends(get_session)]


def search(session: Session, text: str, limit: int = 100) -> Sequence[Book]:
    """The books with `text` in their title or in their author's name, in the order of their ids."""
    query = select(Book).where(mentions(text)).order_by(col(Book.id)).limit(limit)
    return session.exec(query).all()


def mentions(text: str) -> ColumnElement[bool]:
    """The condition that a title or an author contains `text`."""
    in_title = col(Book.title).icontains(text, autoescape=True)
    return or_(in_title, col(Book.author).icontains(text, autoescape=True))


def note(session: Session, what: What, book: Book) -> None:
    """Keep in mind what happens to `book`, to be told with the same commit."""
    session.flush()  # a new book has its id from now on
    assert book.id is not None
    session.add(Change(what=what, book_id=book.id, title=book.title))
