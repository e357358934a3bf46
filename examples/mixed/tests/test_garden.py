"""The shop's own tests: Flask views and typed routes by one client, in one session."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import session
from flask_login import current_user
from garden.models import Order, Seed, db
from sqlalchemy import event


def test_the_window_is_flask_s_and_the_api_typed(client):
    page = client.see("/?q=flower")
    assert page.status_code == 200
    assert "Cornflower" in page.text
    assert "Basil" not in page.text
    assert 'href="/seeds/4"' in page.text  # a Flask view's URL
    assert 'href="/api/seeds"' in page.text  # a typed route's
    seeds = client.get("/api/seeds?q=flower&most=300").json()
    assert [(one["name"], one["page"]) for one in seeds] == [("Cornflower", "/seeds/4")]
    wrong = client.get("/api/seeds?most=cheap")
    assert (wrong.status_code, wrong.json()["detail"][0]["loc"]) == (422, ["query", "most"])


def test_what_the_api_puts_into_the_basket_the_flask_page_shows(client):
    client.see("/seeds/1")
    assert client.call("PUT", "/api/basket/1", {"count": 2}).json() == {"count": 2, "size": 2}
    assert client.call("PUT", "/api/basket/8", {"count": 1}).json() == {"count": 1, "size": 3}
    assert client.get("/api/basket").json() == {
        "lines": [
            {"name": "Basil", "count": 2, "price": 290},
            {"name": "Sunflower", "count": 1, "price": 350},
        ],
        "total": 930,
    }
    page = client.see("/basket")
    assert "9.30 €" in page.text
    assert 'id="size">3<' in page.text
    assert client.call("PUT", "/api/basket/1", {"count": 0}).json() == {"count": 0, "size": 1}
    assert "Basil" not in client.get("/basket").text


@pytest.mark.parametrize(
    ("number", "count", "status"),
    [(1, 21, 422), (1, -1, 422), ("x", 1, 422), (99, 1, 404), (9, 4, 409), (6, 1, 409)],
)
def test_what_does_not_fit_is_said_in_json(client, number, count, status):
    client.see("/")
    answer = client.call("PUT", f"/api/basket/{number}", {"count": count})
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert client.get("/api/basket").json()["lines"] == []


def test_who_logs_in_by_the_flask_form_is_known_to_typed_routes(client):
    client.see("/")
    client.call("PUT", "/api/basket/1", {"count": 2})
    refused = client.call("POST", "/api/orders")
    assert (refused.status_code, refused.json()["detail"][:6]) == (401, "Log in")
    assert "do not fit" in client.log_in(password="wrong").text  # flashed by the view
    welcome = client.log_in()
    assert (welcome.status_code, welcome.headers["location"]) == (302, "/")
    assert "remember_token" not in client.cookies

    with client.app.flask.test_client() as inside:  # Flask's own client, with the same cookie
        inside.set_cookie("session", client.cookies["session"])
        assert inside.get("/api/orders/1").status_code == 404
        assert current_user.name == "ada"
        assert session["basket"] == {"1": 2}

    ordered = client.call("POST", "/api/orders")
    assert ordered.status_code == 201
    assert ordered.json() == {
        "number": 1,
        "status": "received",
        "lines": [{"name": "Basil", "count": 2, "price": 290}],
        "total": 580,
    }
    assert client.get("/api/basket").json()["lines"] == []
    assert client.get("/api/seeds/1").json()["stock"] == 38
    assert "5.80 €" in client.see("/account/orders").text
    assert client.call("POST", "/api/orders").status_code == 409

    client.submit("/account/logout")
    assert client.call("POST", "/api/orders").status_code == 401
    assert "See you soon." in client.see("/").text


def test_login_required_and_the_typed_dependency_send_to_the_same_page(client):
    for path in ("/account/orders", "/packing"):
        answer = client.get(path)
        target = path.replace("/", "%2F")
        assert (answer.status_code, answer.headers["location"]) == (
            302,
            f"/account/login?next={target}",
        )
    client.see("/account/login?next=/packing")
    form = {"name": "keeper", "password": "green thumb"}
    assert client.submit("/account/login?next=/packing", **form).headers["location"] == "/packing"
    for outside in ("//evil.example", "/\\evil.example", "/%09/evil.example", "/%0A/evil.example"):
        answer = client.submit(f"/account/login?next={outside}", **form)
        assert answer.headers["location"] == "/"


def test_orders_are_packed_on_a_typed_page(client):
    client.log_in()
    client.see("/")
    client.call("PUT", "/api/basket/3", {"count": 1})
    client.call("POST", "/api/orders")
    assert client.see("/packing").status_code == 403
    client.log_in("keeper", "green thumb")
    assert "Order 1 for ada" in client.see("/packing").text
    assert client.get("/api/orders/1").status_code == 404  # it is ada's
    assert client.submit("/packing/1", status="sent").status_code == 409
    moved = client.submit("/packing/1", status="packed")
    assert (moved.status_code, moved.headers["location"]) == (303, "/packing")
    assert "Order 1 is packed." in client.see("/packing").text
    client.submit("/packing/1", status="sent")
    assert "Everything is sent." in client.see("/packing").text
    client.log_in()
    with client.stream("GET", "/api/orders/1/status") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert "".join(stream.iter_text()) == 'event: status\ndata: "sent"\n\n'


def test_what_is_left_is_sold_once(app, client):
    """Eight customers buy the last three packets at the same time."""
    customers = []
    for number in range(8):
        one = type(client)(app, follow_redirects=False)
        one.see("/account/join")
        one.submit("/account/join", name=f"customer {number}", password="long enough")
        one.see("/")
        assert one.call("PUT", "/api/basket/9", {"count": 1}).status_code == 200
        customers.append(one)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one.call("POST", "/api/orders"), customers))
    assert sorted(one.status_code for one in answers) == [201] * 3 + [409] * 5
    assert client.get("/api/seeds/9").json()["stock"] == 0


def test_a_missing_page_is_a_page_and_the_api_answers_json(client):
    for path in ("/nowhere", "/seeds/99", "/packing/nowhere", "/api/nothing"):
        answer = client.get(path)
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == "text/html; charset=utf-8", path
    assert "Back to the seeds" in client.get("/seeds/99").text
    answer = client.get("/api/seeds/99")
    assert (answer.status_code, answer.json()) == (404, {"detail": "There is no seed 99."})


def test_hooks_stand_around_both_kinds(client):
    for path in ("/", "/api/seeds", "/packing", "/static/garden.css"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"
    refused = client.put("/api/basket/1", json={"count": 1})  # Flask-WTF's hook
    assert (refused.status_code, refused.json()) == (400, {"detail": "The CSRF token is missing."})
    assert "<p>The CSRF token is missing.</p>" in client.post("/account/login").text


@pytest.mark.parametrize("path", ["/", "/api/seeds", "/api/basket", "/packing"])
def test_the_database_s_session_ends_with_the_request(app, client, path):
    client.log_in("keeper", "green thumb")
    client.see("/")
    client.call("PUT", "/api/basket/1", {"count": 1})
    out = []
    with app.app_context():
        pool = db.engine.pool
        event.listen(pool, "checkout", lambda *_: out.append("out"))
        event.listen(pool, "checkin", lambda *_: out.append("in"))
    assert client.get(path).status_code == 200
    assert out.count("out") == out.count("in") > 0
    assert pool.checkedout() == 0


def test_what_was_not_committed_is_not_kept(app, client):
    @app.get("/api/careless")
    def careless() -> int:
        db.session.get(Seed, 1).stock = 0
        db.session.flush()
        return 1

    assert client.get("/api/careless").json() == 1
    assert client.get("/api/seeds/1").json()["stock"] == 40
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count(Order.id))) == 0


def test_one_document_shows_both_kinds(client):
    assert client.get("/docs").status_code == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/api/basket", "/api/orders/{number}", "/packing"} <= paths.keys()  # typed
    assert {"/", "/seeds/{number}", "/account/orders"} <= paths.keys()  # read from Flask's views
    assert paths["/api/orders"]["post"]["security"] == [{"Log-in": []}]
