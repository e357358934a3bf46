"""The book that a path names."""

from typing import Annotated

from carboy import Depends, HTTPException, Path
from shelf.database import DatabaseSession
from shelf.models import BIGGEST_INTEGER, Book


def find_book(
    book_id: Annotated[int, Path(ge=1, le=BIGGEST_INTEGER)], session: DatabaseSession
) -> Book:
    """Fetch the book, or answer 404."""
    book = session.get(Book, book_id)
    if book is None:
        raise HTTPException(
            status_code=404,
            detail=f"There is no book with id {book_id}. GET /books lists those there are.",
        )
    return book


FoundBook = Annotated[Book, Depends(find_book)]
