"""A journal with two members, ada and bob, and an entry of each."""

import pytest
from journal import create_app
from journal.db import get_db, init_db
from werkzeug.security import generate_password_hash

ENTRIES = [
    ("First light", "What the\ntelescope saw", 1, "2024-03-01 00:00:00"),
    ("Bread", "Flour, water, salt", 2, "2024-02-01 00:00:00"),
]


def fill():
    """Make the tables, and what the tests know of."""
    init_db()
    db = get_db()
    for name in ("ada", "bob"):
        db.execute(
            "INSERT INTO member (name, password) VALUES (?, ?)",
            (name, generate_password_hash(f"{name}'s word", method="pbkdf2:sha256:1")),
        )
    db.executemany(
        "INSERT INTO entry (title, body, member_id, written) VALUES (?, ?, ?, ?)", ENTRIES
    )
    db.commit()


def make_app(folder):
    """A filled journal whose database is in that folder."""
    app = create_app({"TESTING": True, "SECRET_KEY": "t", "DATABASE": str(folder / "t.sqlite")})
    with app.app_context():
        fill()
    return app


@pytest.fixture
def app(tmp_path):
    return make_app(tmp_path)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def log_in(client):
    def log_in(name="ada", password=None):
        form = {"name": name, "password": password or f"{name}'s word"}
        return client.post("/auth/login", data=form)

    return log_in


@pytest.fixture
def ada(client, log_in):
    """A client that is ada."""
    log_in()
    return client
