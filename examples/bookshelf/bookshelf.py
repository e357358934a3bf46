"""Bookshelf, a Carboy application: a catalogue of books kept in SQLite.

Here is the application and the catalogue's own paths, one function for each thing a client may ask.
What a book looks like is in shelf/models.py, the database in shelf/database.py; covers, CSV files,
news and the page are one module each.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Optional

from shelf import covers, exchange, news, page
from shelf.books import FoundBook
from shelf.database import DatabaseSession, get_engine, mentions, note
from shelf.models import BIGGEST_INTEGER, Book, BookCreate, BookPublic, BookUpdate, Year
from sqlmodel import col, func, select

from carboy import App, Query
from carboy.fastapi.routing import iter_route_contexts


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

# --- Paths: an `async def` runs on the event loop, a plain `def` in a thread ---


@app.get("/")
async def welcome() -> dict[str, str | list[str]]:
    """Greet the visitor and list what can be asked."""
    return {
        "message": "Welcome to the bookshelf!",
        "paths": [
            f"{verb} {route.path}"
            for route in iter_route_contexts(app.routes)
            if route.methods and route.include_in_schema
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
        query = query.where(mentions(q))
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
    note(session, "added", book)
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
    note(session, "changed", book)
    session.commit()
    session.refresh(book)
    return book


@app.delete("/books/{book_id}", status_code=204)
def remove_book(book: FoundBook, session: DatabaseSession) -> None:
    """Take a book off the shelf."""
    note(session, "removed", book)
    session.delete(book)
    session.commit()


# --- What else there is: paths of the same application, in modules of their own ---

app.include_router(exchange.router)
app.include_router(covers.router)
app.include_router(news.router)
app.include_router(page.router)
