import pytest
from lending.extensions import db
from lending.models import Book, Member


@pytest.fixture(autouse=True)
def liz(log_in):
    log_in("liz")


def test_librarians_only(app):
    other = app.test_client()
    assert other.get("/desk/").location == "/account/login?next=%2Fdesk%2F"
    with other.session_transaction() as session:
        session["_user_id"] = "1"
    assert other.get("/desk/").status_code == 403


def test_books(client):
    page = client.get("/desk/").text
    assert "978-0-00-000001-1" in page
    assert 'href="/desk/books/1"' in page


def test_add(client, post, app):
    page = post("/desk/books/new", title="", author_id="1", year="12", copies="-1", price="x").text
    for message in ("This field is required.", "between 1450 and 2100", "Not a valid decimal"):
        assert message in page
    response = post(
        "/desk/books/new", title="Eden", author_id="2", year="", copies="2", price="7.5"
    )
    assert response.location == "/desk/"
    assert "Eden has number 6." in client.get("/desk/").text


def test_edit(client, post, app):
    assert 'value="Emma"' in client.get("/desk/books/1").text
    post("/desk/books/1", title="Emma!", author_id="1", year="1815", copies="2", price="1")
    with app.app_context():
        assert db.session.get(Book, 1).title == "Emma!"
    assert client.get("/desk/books/99").status_code == 404


def test_isbn(client, post):
    assert post("/", "/desk/books/2/isbn", isbn=" 978-1 ").location == "/desk/"
    assert "978-1" in client.get("/desk/").text
    post("/", "/desk/books/2/isbn", isbn="978-0-00-000001-1")
    assert "Another book has that number." in client.get("/desk/").text


def test_delete(client, post):
    assert post("/", "/desk/books/3/delete").status_code == 409
    assert post("/", "/desk/books/2/delete").location == "/desk/"
    assert "Persuasion" not in client.get("/desk/").text


def test_overdue(client):
    late = [{"book": "Solaris", "loan": 1, "member": "bob"}]
    assert client.get("/desk/overdue").json == late
    assert client.get("/desk/overdue?on=2024-03-02").json == late
    assert client.get("/desk/overdue?on=2024-02-01").json == []
    assert client.get("/desk/overdue?on=nonsense").json == late


def test_member(client):
    assert client.get("/desk/members/bob").json == {
        "name": "bob",
        "email": "bob@mail.example",
        "loans": 1,
    }
    assert client.get("/desk/members/nobody").status_code == 404


def test_report(client):
    response = client.get("/desk/books.csv")
    assert response.mimetype == "text/csv"
    assert response.text.splitlines()[1] == "1,Emma,2,9.90"


def test_commands(app):
    runner = app.test_cli_runner()
    assert "Tables are there." in runner.invoke(args=["library", "create"]).output
    made = runner.invoke(args=["library", "librarian", "meg", "--password", "x"])
    assert made.output == "meg has number 4.\n"
    with app.app_context():
        assert Member.query.filter_by(name="meg").one().is_librarian
    late = runner.invoke(args=["library", "remind", "--on", "2024-03-02"])
    assert late.output == "bob@mail.example: Solaris\n"
