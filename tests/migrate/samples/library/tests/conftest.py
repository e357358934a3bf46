"""A library with five books, two readers (ada, bob) and a librarian (liz)."""

import re
from datetime import date

import pytest
from lending import create_app
from lending.extensions import db
from lending.models import Author, Book, Loan, Member, Review


def fill():
    """Make the tables, and what the tests know of."""
    db.create_all()
    for name in ("ada", "bob", "liz"):
        member = Member(name=name, email=f"{name}@mail.example", joined=date(2020, 5, 17))
        member.set_password(f"{name}'s password")
        member.is_librarian = name == "liz"
        db.session.add(member)
    db.session.add_all(
        [
            Author(name="Jane Austen", country="GB"),
            Author(name="Stanisław Lem", country="PL"),
            Author(name="Ursula Le Guin", country="US"),
        ]
    )
    db.session.flush()
    for title, author, year, copies, price, isbn in (
        ("Emma", 1, 1815, 2, "9.90", "978-0-00-000001-1"),
        ("Persuasion", 1, 1817, 1, "8.50", None),
        ("Solaris", 2, 1961, 1, "12.00", "978-0-00-000002-2"),
        ("The Dispossessed", 3, 1974, 3, "14.25", None),
        ("The Lathe of Heaven", 3, 1971, 0, "11.00", None),
    ):
        db.session.add(
            Book(title=title, author_id=author, year=year, copies=copies, price=price, isbn=isbn)
        )
    db.session.flush()
    db.session.add(Loan(member_id=2, book_id=3, due=date(2024, 3, 1)))
    db.session.add(Loan(member_id=1, book_id=1, due=date(2024, 4, 1), returned=True))
    db.session.add(Review(book_id=1, member_id=1, stars=5, text="Again!", written=date(2024, 1, 2)))
    db.session.add(Review(book_id=3, member_id=2, stars=4, written=date(2024, 2, 3)))
    db.session.commit()


def make_app(folder):
    """A filled library whose database is in that folder."""
    app = create_app(
        {
            "TESTING": True,
            "SECRET_KEY": "t",
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 't.sqlite'}",
        }
    )
    with app.app_context():
        fill()
    return app


@pytest.fixture
def app(tmp_path):
    app = make_app(tmp_path)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def post(client):
    """Fill in the form that a page shows."""

    def post(page, target=None, **form):
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(page).text)
        return client.post(target or page, data={"csrf_token": token[1], **form})

    return post


@pytest.fixture
def log_in(post):
    def log_in(name, **more):
        return post("/account/login", name=name, password=f"{name}'s password", **more)

    return log_in
