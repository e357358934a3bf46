"""What is asked of the library to see every view, filled by `tests/conftest.py`: plain data.

How it is read: `tests/migrate/samples/walking.py`. `TOKEN` is said as there.
"""

TOKEN = "{csrf_token}"
#: 0 is a stranger, who joins at last; 1 is ada, 2 bob, 3 liz, the librarian.
STRANGER, ADA, BOB, LIZ = range(4)


def _get(path, session=STRANGER, **headers):
    return {"session": session, "method": "GET", "path": path, "headers": headers}


def _form(path, session=STRANGER, **form):
    """A form with the token of the page that was seen last."""
    form = {"csrf_token": TOKEN, **form}
    return {"session": session, "method": "POST", "path": path, "form": form}


def _json(method, path, session=STRANGER, body=None):
    return {"session": session, "method": method, "path": path, "json": body}


def _log_in(session, name, to="/"):
    page = f"/account/login?next={to}"
    return [_get(page, session), _form(page, session, name=name, password=f"{name}'s password")]


PAGES = [
    _get("/"),
    _get("/?page=2"),
    _get("/?page=x"),
    _get("/?page=9"),
    _get("/?page=0"),
    _get("/?q=sola&page=1"),
    _get("/?q=%25"),
    _get("/?q=%3Cb%3E"),
    _get("/about"),
    _get("/about/"),
    {"session": STRANGER, "method": "HEAD", "path": "/about"},
    {"session": STRANGER, "method": "OPTIONS", "path": "/books/1/borrow"},
    {"session": STRANGER, "method": "DELETE", "path": "/about"},
    _get("/static/library.css"),
    _get("/absent"),
    _get("/absent", Accept="application/json"),
    _get("/books/1"),
    _get("/books/77"),
    _get("/books/x"),
    _get("/isbn/978-0-00-000002-2"),
    _get("/isbn/1"),
    _get("/authors/1"),
    _get("/authors/9"),
    _get("/books/2/borrow"),
    {"session": STRANGER, "method": "POST", "path": "/books/2/borrow", "form": {}},
    _form("/books/2/borrow"),
    _get("/loans"),
    _form("/loans/1/return"),
    _get("/account/profile"),
    _form("/account/logout"),
    _get("/desk/"),
]

READERS = [
    *_log_in(ADA, "ada", "/loans"),
    _get("/loans", ADA),
    _get("/loans?all=1", ADA),
    _get("/loans?all=x", ADA),
    _get("/books/2", ADA),
    _form("/books/2/borrow", ADA),
    _get("/loans", ADA),
    _form("/books/2/borrow", ADA),
    _form("/books/77/borrow", ADA),
    _get("/", ADA),
    _form("/loans/1/return", ADA),
    _form("/loans/77/return", ADA),
    _form("/loans/3/return", ADA),
    _get("/loans", ADA),
    _get("/account/login", ADA),
    _get("/account/profile", ADA),
    _form("/account/profile", ADA, email="nonsense"),
    _form("/account/profile", ADA, email="ada@else.example"),
    _get("/account/profile", ADA),
    _get("/desk/", ADA),
    _get("/desk/overdue", ADA, Accept="application/json"),
    _get("/account/login"),
    _form("/account/login", name="", password=""),
    _form("/account/login", name="ada", password="wrong"),
    _get("/account/join"),
    _form("/account/join", name="ada", email="x", password="short", again="other"),
    _form("/account/join", name="eve", email="e@x.y", password="long enough", again="long enough"),
    _get("/"),
    _form("/account/logout"),
    _get("/"),
]

DESK = [
    *_log_in(LIZ, "liz", "//evil.example"),
    _get("/desk", LIZ),
    _get("/desk/", LIZ),
    _get("/desk/books/new", LIZ),
    _form("/desk/books/new", LIZ, title="", author_id="9", year="12", copies="-1", price="x"),
    _form("/desk/books/new", LIZ, title="Eden", author_id="2", year="", copies="2", price="7.5"),
    _get("/desk/", LIZ),
    _get("/desk/books/1", LIZ),
    _get("/desk/books/99", LIZ),
    _form("/desk/books/1", LIZ, title="", author_id="1"),
    _form("/desk/books/1", LIZ, title="Emma!", author_id="1", year="1815", copies="2", price="1"),
    _form("/desk/books/2/isbn", LIZ, isbn=" 978-1 "),
    _form("/desk/books/2/isbn", LIZ, isbn="978-0-00-000001-1"),
    _form("/desk/books/4/isbn", LIZ),
    _form("/desk/books/99/isbn", LIZ, isbn="1"),
    _get("/desk/", LIZ),
    _form("/desk/books/3/delete", LIZ),
    _form("/desk/books/5/delete", LIZ),
    _form("/desk/books/99/delete", LIZ),
    _get("/desk/", LIZ),
    _get("/desk/overdue?on=2024-03-02", LIZ),
    _get("/desk/overdue?on=2024-02-01", LIZ),
    _get("/desk/overdue?on=nonsense", LIZ),
    _get("/desk/members/bob", LIZ),
    _get("/desk/members/nobody", LIZ, Accept="application/json"),
    _get("/desk/books.csv", LIZ),
]

FEEDBACK = [
    *_log_in(BOB, "bob"),
    _get("/feedback/reviews"),
    _get("/feedback/reviews?book=3"),
    _get("/feedback/reviews?book=x"),
    _get("/feedback/reviews?stars=5&stars=x&stars=4"),
    _get("/feedback/reviews?stars=1"),
    _json("POST", "/feedback/reviews", body={"stars": 3, "book_id": 1}),
    _json("POST", "/feedback/reviews", BOB, {"stars": 9, "text": "LOUD", "x": 1}),
    _json("POST", "/feedback/reviews", BOB, {"stars": "3", "book_id": 1}),
    _json("POST", "/feedback/reviews", BOB, {"stars": 3, "book_id": 99}),
    _json("POST", "/feedback/reviews", BOB, ["no", "object"]),
    {"session": BOB, "method": "POST", "path": "/feedback/reviews", "data": "{"},
    _get("/feedback/reviews/2"),
    _get("/feedback/reviews/99"),
    _json("PATCH", "/feedback/reviews/2", body={}),
    _json("PATCH", "/feedback/reviews/1", BOB, {}),
    _json("PATCH", "/feedback/reviews/2", BOB, {"stars": 6}),
    _json("PATCH", "/feedback/reviews/2", BOB, {"stars": 1, "text": "On second thoughts"}),
    _json("DELETE", "/feedback/reviews/1", BOB),
    _json("DELETE", "/feedback/reviews/2", BOB),
    _json("PUT", "/feedback/reviews/2", BOB, {}),
    _get("/feedback/me"),
    _get("/feedback/me", BOB),
    _get("/feedback/me/loans", BOB),
    _json("POST", "/feedback/notices", body={"title": "Party", "until": "2024-05-01"}),
    _json(
        "POST",
        "/feedback/notices",
        body={"title": "", "until": "tomorrow", "kind": "war", "places": "x", "tags": "a"},
    ),
    _json(
        "POST",
        "/feedback/notices",
        body={"title": "x", "until": "2024-05-01", "kind": "event", "places": "7", "tags": ["a"]},
    ),
    _json("POST", "/feedback/notices", body={"title": 1, "until": 5, "more": True}),
    {"session": BOB, "method": "POST", "path": "/feedback/notices", "data": "x"},
    _json("POST", "/feedback/suggestions", body={"title": "Ulysses", "year": "1922"}),
    _json("POST", "/feedback/suggestions", body={"year": "x"}),
    {
        "session": STRANGER,
        "method": "POST",
        "path": "/feedback/suggestions",
        "form": {"title": "Dubliners", "year": "1066", "urgent": "y"},
    },
    {
        "session": STRANGER,
        "method": "POST",
        "path": "/feedback/suggestions",
        "form": {"title": "Dubliners", "urgent": "y"},
    },
    _get("/feedback/stats"),
    _get("/feedback/echo/a/b", **{"User-Agent": "walker"}),
    _get("/feedback/echo/a%20b", Cookie="theme=dark"),
    _get("/feedback/absent"),
]

API = [
    _get("/api/"),
    _get("/api/swagger.json"),
    _get("/api/books"),
    _get("/api/books/"),
    _get("/api/books/?q=o&free=true&order=year&limit=1"),
    _get("/api/books/?limit=x&order=price&free=maybe"),
    _json("POST", "/api/books/", body={"title": "Fiasco", "author_id": 2, "year": 1986}),
    _json("POST", "/api/books/", body={"title": "", "year": "x", "copies": -1}),
    _json("POST", "/api/books/", body={"title": "x", "author_id": 99}),
    _json("POST", "/api/books/", body=[1]),
    {"session": STRANGER, "method": "POST", "path": "/api/books/", "data": "x"},
    _get("/api/books/1"),
    _get("/api/books/99"),
    _get("/api/books/x"),
    _json("PUT", "/api/books/4", body={"title": "The Dispossessed!", "author_id": 3}),
    _json("PUT", "/api/books/4", body={"title": 1}),
    _json("PUT", "/api/books/99", body={"title": "x", "author_id": 3}),
    _json("DELETE", "/api/books/4"),
    _json("DELETE", "/api/books/4", LIZ),
    _json("DELETE", "/api/books/4", LIZ),
    _json("PATCH", "/api/books/1/copies", body={"copies": 7}),
    _json("PATCH", "/api/books/1/copies", body={}),
    _json("PATCH", "/api/books/1/copies", body={"copies": "many"}),
    _json("PATCH", "/api/books/99/copies", body={"copies": 7}),
    _get("/api/authors/"),
    _get("/api/authors/?country=pl"),
    _json("POST", "/api/authors/", body={"name": "Anon"}),
    _json("POST", "/api/authors/", body={}),
    {"session": STRANGER, "method": "POST", "path": "/api/authors/", "data": "x"},
    _get("/api/authors/1"),
    _get("/api/authors/99"),
    _get("/api/loans/"),
    _get("/api/loans/1"),
    _get("/api/loans/", BOB),
    _get("/api/loans/1", BOB),
    _get("/api/loans/2", BOB),
]

REQUESTS = [*PAGES, *READERS, *DESK, *FEEDBACK, *API]
