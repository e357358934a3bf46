"""The whole shelf as a CSV file, streamed out of the database row by row, and books out of one."""

import csv
import io
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ValidationError
from sqlmodel import Session, col, func, select

from carboy import APIRouter
from carboy.fastapi import File, UploadFile
from carboy.fastapi.problems import Problem
from carboy.fastapi.responses import StreamingResponse
from shelf.database import DatabaseSession, get_engine, note
from shelf.models import Book, BookCreate

router = APIRouter()
COLUMNS = ("title", "author", "year", "language", "pages", "isbn")


class BadTable(Problem):
    """The file is no table of books; nothing of it was taken."""

    status = 422
    title = "Not a table of books"
    lines: list[str] = []  # noqa: RUF012 - the default of a field


@router.get("/books.csv", response_class=StreamingResponse)
def export_books(language: str | None = None) -> StreamingResponse:
    """Every book, or those of one language. Never more than a hundred are in memory."""
    headers = {"Content-Disposition": 'attachment; filename="books.csv"'}
    return StreamingResponse(rows(language), media_type="text/csv; charset=utf-8", headers=headers)


def rows(language: str | None) -> Iterator[str]:
    """The lines of the file. The session lives as long as the stream."""
    yield ",".join(COLUMNS) + "\r\n"
    line = io.StringIO()
    writer = csv.writer(line)
    with Session(get_engine()) as session:
        query = select(Book).order_by(col(Book.id))
        if language is not None:
            query = query.where(func.lower(Book.language) == language.lower())
        for book in session.exec(query.execution_options(yield_per=100)):
            writer.writerow([getattr(book, name) for name in COLUMNS])
            yield line.getvalue()
            line.seek(0)
            line.truncate()


@router.post("/books.csv", status_code=201, max_body=1_000_000, raises=[BadTable])
def import_books(file: Annotated[UploadFile, File()], session: DatabaseSession) -> dict[str, int]:
    """Add the books of a CSV file with a header, all or none; the form field is `file`."""
    try:
        text = file.file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadTable("The file is not UTF-8 text.") from None
    table = csv.DictReader(io.StringIO(text))
    missing = {"title", "author", "year", "language"} - set(table.fieldnames or ())
    if missing:
        raise BadTable(f"The first line has to name {', '.join(sorted(missing))} as well.")
    books, wrong = read_rows(table)
    if wrong:
        raise BadTable(f"{len(wrong)} lines do not fit.", lines=wrong)
    for book in books:
        session.add(book)
        note(session, "added", book)
    session.commit()
    return {"added": len(books)}


def read_rows(table: "csv.DictReader[str]") -> tuple[list[Book], list[str]]:
    """The books, and what is wrong with lines that are none."""
    books: list[Book] = []
    wrong: list[str] = []
    for row in table:
        given: dict[str, Any] = {name: row[name] for name in COLUMNS if row.get(name)}
        try:
            books.append(Book.model_validate(BookCreate.model_validate(given)))
        except ValidationError as error:
            what = "; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())
            wrong.append(f"line {table.line_num}: {what}")
    return books, wrong
