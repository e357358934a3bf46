"""An App with Flask-Login, Flask-SQLAlchemy and Flask-WTF; test_extensions.py runs it under dropin.

The database has one connection: whoever keeps it stops everybody after.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Annotated, Any

from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf
from pydantic import BaseModel
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.pool import QueuePool

from carboy import App, Depends, Form, HTTPException, UploadFile
from carboy.testing import TestClient

app = App(import_name=__name__, secret_key="k")
app.config.update(
    SQLALCHEMY_DATABASE_URI=f"sqlite:///{sys.argv[1]}",
    SQLALCHEMY_ENGINE_OPTIONS={
        "poolclass": QueuePool,
        "pool_size": 1,
        "max_overflow": 0,
        "pool_timeout": 1,
    },
)
db: Any = SQLAlchemy()
db.init_app(app)
csrf = CSRFProtect(app)
manager = LoginManager(app.flask)


class User(db.Model, UserMixin):  # type: ignore[misc, name-defined]
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Item(BaseModel):
    a: int


@manager.user_loader
def load(number: str) -> Any:
    return db.session.get(User, int(number))


def session() -> Iterator[Any]:
    yield db.session


Session = Annotated[Any, Depends(session)]


@app.route("/in")
def log_in() -> str:
    login_user(db.session.get(User, 1))
    return "in"


@app.get("/who")
async def who() -> str | None:
    return current_user.name if current_user.is_authenticated else None


@app.get("/only")
@login_required
async def only() -> str:
    return str(current_user.name)


@app.get("/only/def")
@login_required
def only_def() -> str:
    return str(current_user.name)


@app.get("/db/def")
def db_def() -> str:
    return str(db.session.get(User, 1).name)


@app.get("/db/async")
async def db_async() -> str:
    return str(db.session.get(User, 1).name)


@app.get("/db/yield")
def db_yield(found: Session) -> str:
    return str(found.get(User, 1).name)


@app.get("/db/yield/async")
async def db_yield_async(found: Session) -> str:
    return str(found.get(User, 1).name)


@app.get("/db/fails")
async def db_fails(found: Session) -> str:
    raise HTTPException(418, found.get(User, 1).name)


@app.get("/db/breaks")
def db_breaks(found: Session) -> str:
    raise ValueError(found.get(User, 1).name)


@app.get("/token")
def token() -> str:
    return str(generate_csrf())


@app.post("/form")
async def form(a: Annotated[int, Form()]) -> int:
    return a


@app.post("/form/def")
def form_def(a: Annotated[int, Form()]) -> int:
    return a


@app.post("/file")
async def file(f: UploadFile, a: Annotated[int, Form()]) -> str:
    return f"{(await f.read()).decode()}{a}"


@app.post("/json")
async def json(item: Item) -> int:
    return item.a


@app.post("/exempt")
@csrf.exempt
async def exempt(item: Item) -> int:
    return item.a


def check_users() -> None:
    for client in (TestClient(app), app.test_client()):
        asked = ("/who", "/only", "/only/def", "/in", "/who", "/only", "/only/def")
        told = [client.get(path).text.strip('"') for path in asked]
        refused = '{"detail":"Unauthorized"}'
        assert told == ["null", refused, refused, "in", "ada", "ada", "ada"], told


def check_database() -> None:
    for client in (TestClient(app, raise_server_exceptions=False), app.test_client()):
        for path in ("def", "async", "yield", "yield/async", "fails", "breaks"):
            status = {"fails": 418, "breaks": 500}.get(path, 200)
            assert client.get(f"/db/{path}").status_code == status, path
            with app.app_context():
                assert db.engine.pool.checkedout() == 0, path


def check_forms() -> None:
    client = app.test_client()
    known = {"csrf_token": client.get("/token").json}
    missing = {"detail": "The CSRF token is missing."}
    for path in ("/form", "/form/def", "/file"):
        for given, status in (({}, 400), (known, 200)):
            sent = {"a": "1", **given}
            if path == "/file":
                sent["f"] = (io.BytesIO(b"abc"), "f")
            answer = client.post(path, data=sent)
            assert answer.status_code == status, (path, answer.text)
            assert status == 200 or answer.json == missing
    assert client.post("/json", json={"a": 1}).json == missing
    headers = {"X-CSRFToken": known["csrf_token"]}
    assert client.post("/json", json={"a": 1}, headers=headers).json == 1
    assert client.post("/exempt", json={"a": 1}).json == 1


if __name__ == "__main__":
    with app.app_context():
        db.create_all()
        db.session.add(User(id=1, name="ada"))
        db.session.commit()
    for check in (check_users, check_database, check_forms):
        check()
        print(check.__name__)
