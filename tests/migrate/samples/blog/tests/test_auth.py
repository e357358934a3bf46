import pytest
from flask import g, session
from journal.db import get_db


def test_register(client, app):
    assert client.get("/auth/register").status_code == 200
    response = client.post("/auth/register", data={"name": "eve", "password": "w"})
    assert (response.status_code, response.location) == (302, "/auth/login")
    with app.app_context():
        assert get_db().execute("SELECT * FROM member WHERE name = 'eve'").fetchone() is not None


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("", "", "Please choose a name."),
        ("eve", "", "Please choose a password."),
        ("ada", "w", "There is a ada already."),
    ],
)
def test_register_says_what_is_wrong(client, name, password, message):
    response = client.post("/auth/register", data={"name": name, "password": password})
    assert response.status_code == 200
    assert message in response.text


@pytest.mark.parametrize("page", ["/auth/register", "/auth/login"])
def test_a_missing_field_is_a_bad_request(client, page):
    assert client.post(page, data={"name": "ada"}).status_code == 400


def test_log_in(client, log_in):
    assert client.get("/auth/login").status_code == 200
    assert log_in().location == "/"
    with client:
        client.get("/")
        assert session["member_id"] == 1
        assert g.user["name"] == "ada"


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("nobody", "x", "Nobody has that name."),
        ("ada", "x", "That is not the password."),
    ],
)
def test_log_in_says_what_is_wrong(log_in, name, password, message):
    assert message in log_in(name, password).text


def test_a_notice_is_shown_once(client, log_in):
    log_in("nobody", "x")
    assert "Nobody has that name." not in client.get("/auth/login").text


def test_log_out(ada):
    with ada:
        assert ada.get("/auth/logout").location == "/"
        assert "member_id" not in session
