import pytest


def test_index(client):
    page = client.get("/").text
    assert page.index("Emma") < page.index("Persuasion") < page.index("Solaris")
    assert "Dispossessed" not in page
    assert "The Dispossessed" in client.get("/?page=2").text
    assert client.get("/?page=9").status_code == 404
    assert "<b>1</b>" in client.get("/?page=x").text
    assert "Nothing found" in client.get("/?q=%25").text
    assert "Solaris" in client.get("/?q=sola").text


def test_book(client):
    page = client.get("/books/1").text
    assert "9.90 €" in page
    assert "★★★★★ Again! (ada)" in page
    response = client.get("/books/77")
    assert response.status_code == 404
    assert "We have no such page" in response.text
    assert response.headers["X-Library"] == "Smallville"


def test_isbn(client):
    response = client.get("/isbn/978-0-00-000002-2")
    assert (response.status_code, response.location) == (301, "/books/3")
    assert client.get("/isbn/1").status_code == 404


def test_author(client):
    assert "Persuasion" in client.get("/authors/1").text
    assert client.get("/authors/9").status_code == 404


def test_about(client):
    assert "You are at /about" in client.get("/about").text


def test_borrowing(client, log_in, post):
    log_in("ada")
    response = post("/books/2", "/books/2/borrow")
    assert response.location == "/loans"
    page = client.get("/loans").text
    assert "Enjoy Persuasion!" in page
    assert "Emma" not in page
    assert "Emma" in client.get("/loans?all=1").text
    assert post("/books/2", "/books/2/borrow").location == "/books/2"
    assert "Persuasion is out." in client.get("/").text
    assert post("/loans", "/loans/3/return").location == "/loans"
    assert "Nothing at home" in client.get("/loans").text
    response = post("/books/1", "/loans/1/return")
    assert response.status_code == 403
    assert "not your loan" in response.text


def test_borrowing_needs_a_token_and_a_card(client, post):
    assert client.post("/books/2/borrow").status_code == 400
    response = post("/books/2", "/books/2/borrow")
    assert response.location == "/account/login?next=%2Fbooks%2F2%2Fborrow"
    assert "Please log in first." in client.get("/").text


def test_join(client, post):
    page = post("/account/join", name="ada", email="x", password="long enough", again="other").text
    assert "Somebody has that name." in page
    assert "Field must be equal to password." in page
    response = post(
        "/account/join", name="eve", email="e@x.y", password="long enough", again="long enough"
    )
    assert response.location == "/"
    assert "Welcome, eve!" in client.get("/").text


def test_log_in(client, log_in, post):
    assert "We do not know" in post("/account/login", name="ada", password="x").text
    assert "This field is required." in post("/account/login", name="", password="").text
    assert log_in("ada", remember="y").location == "/"
    assert client.get("/account/login").location == "/"
    assert client.get_cookie("remember_token")
    assert post("/", "/account/logout").location == "/"
    assert client.get("/loans").status_code == 302


@pytest.mark.parametrize(
    ("target", "location"),
    [("/loans", "/loans"), ("//evil.example", "/"), ("https://evil.example", "/")],
)
def test_where_one_came_from(post, target, location):
    page = f"/account/login?next={target}"
    assert post(page, name="ada", password="ada's password").location == location


def test_profile(client, log_in, post):
    log_in("ada")
    assert "ada@mail.example" in client.get("/account/profile").text
    assert "Invalid input." in post("/account/profile", email="nonsense").text
    assert post("/account/profile", email="a@b.c").location == "/account/profile"
    assert "a@b.c" in client.get("/account/profile").text
