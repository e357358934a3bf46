"""The page for people: made with a template, then kept alive by the paths of the other modules."""

from pathlib import Path
from typing import Annotated

from sqlmodel import col, func, select

from carboy import APIRouter, Query, Request, Response
from carboy.fastapi.templating import Jinja2Templates
from shelf.database import DatabaseSession, mentions
from shelf.models import Book, Cover

router = APIRouter(include_in_schema=False)
templates = Jinja2Templates(Path(__file__).parent / "templates")
PAGE = 24


@router.get("/shelf")
def shelf(
    request: Request,
    session: DatabaseSession,
    q: str = "",
    page: Annotated[int, Query(ge=1, le=10_000)] = 1,
) -> Response:
    """A page of books. It can be read and searched without JavaScript too."""
    query = select(Book, col(Cover.book_id).is_not(None)).outerjoin(Cover)
    count = select(func.count()).select_from(Book)
    if q.strip():
        query, count = query.where(mentions(q.strip())), count.where(mentions(q.strip()))
    total = session.exec(count).one()
    rows = session.exec(query.order_by(col(Book.id).desc()).offset((page - 1) * PAGE).limit(PAGE))
    context = {"books": rows.all(), "q": q, "page": page, "total": total, "size": PAGE}
    return templates.TemplateResponse(request, "shelf.html", context)
