"""One small application for each library, and everything it answers, as JSON to a file.

Run by ../libraries.py, once with FastAPI and once with Carboy in its place: ``fastapi`` is the one
that the process finds. What differs from run to run (times, tokens) is taken out of the answers.
"""

import json
import re
import sys
import warnings

warnings.simplefilter("ignore")  # starlette's test client would rather have httpx2

from fastapi import APIRouter, FastAPI, Request  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402

CHANGING = re.compile(r"\d+\.\d+(e[-+]\d+)?|csrf\S+")


def told(response):
    """What is compared of an answer."""
    names = sorted(name for name in response.headers if name != "date")
    return [response.status_code, CHANGING.sub("N", response.text), names]


def prometheus_fastapi_instrumentator():
    """Routes, included routers and mounts under their templates; the metrics that come of it."""
    from prometheus_fastapi_instrumentator import Instrumentator

    app, router, below = FastAPI(), APIRouter(prefix="/in"), FastAPI()

    @app.get("/items/{number}")
    def item(number: int):
        return number

    @router.get("/deep/{text}")
    async def deep(text: str):
        return text

    @below.get("/mounted/{number}")
    def mounted(number: int):
        return number

    app.include_router(router)
    app.mount("/below", below)
    Instrumentator(should_group_status_codes=False).instrument(app).expose(app)
    client = TestClient(app)
    paths = ("/items/1", "/items/x", "/in/deep/a", "/nowhere", "/below/mounted/3")
    for path in paths:
        yield path, told(client.get(path))
    lines = client.get("/metrics").text.splitlines()
    shown = [line for line in lines if line.startswith("http_") and "created" not in line]
    yield "/metrics", [re.sub(r" [\d.e+-]+$", "", line) for line in shown]


def slowapi():
    """A limit that is reached."""
    from slowapi import Limiter, _rate_limit_exceeded_handler
    from slowapi.errors import RateLimitExceeded
    from slowapi.util import get_remote_address

    limiter = Limiter(key_func=get_remote_address)
    app = FastAPI()
    app.state.limiter = limiter
    app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)

    @app.get("/home")
    @limiter.limit("2/minute")
    async def home(request: Request):
        return {"at": "home"}

    client = TestClient(app)
    for number in range(3):
        yield f"/home {number}", told(client.get("/home"))


def fastapi_pagination():
    """Pages, also of a route that an included router declares; it changes routes at start."""
    from fastapi_pagination import Page, add_pagination, paginate

    app, router = FastAPI(), APIRouter()

    @app.get("/numbers")
    @router.get("/numbers")
    def numbers() -> Page[int]:
        return paginate(list(range(100)))

    app.include_router(router, prefix="/in")
    add_pagination(app)
    with TestClient(app) as client:
        for path in ("/numbers?page=2&size=7", "/in/numbers?size=3", "/numbers?page=0"):
            yield path, told(client.get(path))
    yield "openapi", app.openapi()


def sqladmin():
    """Pages, files and forms of the administration, mounted in an application."""
    from sqladmin import Admin, ModelView
    from sqlalchemy import String, create_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    from sqlalchemy.pool import StaticPool

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "users"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(String)

    class UserAdmin(ModelView, model=User):
        column_list = (User.id, User.name)

    options = {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool}
    engine = create_engine("sqlite://", **options)
    Base.metadata.create_all(engine)
    app = FastAPI()
    Admin(app, engine).add_view(UserAdmin)
    with TestClient(app) as client:
        for path in ("", "user/list", "user/create", "statics/css/tabler.min.css", "nowhere"):
            yield path, told(client.get(f"/admin/{path}"))
        sent = client.post("/admin/user/create", data={"name": "Ada"}, follow_redirects=False)
        yield "create", told(sent)
        for path in ("user/list", "user/details/1"):
            yield f"{path} after", told(client.get(f"/admin/{path}"))


LIBRARIES = (prometheus_fastapi_instrumentator, slowapi, fastapi_pagination, sqladmin)

if __name__ == "__main__":
    import fastapi

    found = {one.__name__: dict(one()) for one in LIBRARIES}
    with open(sys.argv[1], "w") as file:  # noqa: PTH123
        json.dump({"by": fastapi.__name__, **found}, file, default=str)
