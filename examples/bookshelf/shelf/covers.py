"""Covers: a picture is uploaded with a form, kept in the database and served with its type."""

from typing import Annotated

from carboy import APIRouter, HTTPException, Response
from carboy.fastapi import File, UploadFile
from shelf.books import FoundBook
from shelf.database import DatabaseSession, note
from shelf.models import Cover

router = APIRouter(prefix="/books/{book_id}/cover")

#: How the files of each kind begin. What a client says of a file is not believed.
KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


@router.put("", status_code=204, max_body=2_000_000)
def put_cover(
    book: FoundBook, image: Annotated[UploadFile, File()], session: DatabaseSession
) -> None:
    """Give a book its cover; the form field is called `image`."""
    content = image.file.read()
    media_type = next((kind for start, kind in KINDS.items() if content.startswith(start)), None)
    if media_type is None:
        raise HTTPException(415, "A cover is a PNG, JPEG or GIF picture.")
    assert book.id is not None
    session.merge(Cover(book_id=book.id, media_type=media_type, image=content))
    note(session, "changed", book)
    session.commit()


@router.get("", response_class=Response, responses={200: {"content": {"image/*": {}}}})
def get_cover(book: FoundBook, session: DatabaseSession) -> Response:
    """The picture."""
    cover = session.get(Cover, book.id)
    if cover is None:
        raise HTTPException(404, f"Book {book.id} has no cover yet.")
    # SAFETY: a browser must not see anything else in it than a picture.
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return Response(cover.image, media_type=cover.media_type, headers=headers)
