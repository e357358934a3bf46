import pytest
from journal.db import get_db


def entry(app, id=1):
    with app.app_context():
        return get_db().execute("SELECT * FROM entry WHERE id = ?", (id,)).fetchone()


def test_index(client):
    page = client.get("/").text
    assert "Log in" in page
    assert "Register" in page
    assert page.index("First light") < page.index("Bread")
    assert "by ada, 01 March 2024" in page
    assert "telescope" in page
    assert "/1/update" not in page


def test_index_of_a_member(ada):
    page = ada.get("/").text
    assert "Log out" in page
    assert 'href="/1/update"' in page
    assert "/2/update" not in page


@pytest.mark.parametrize("path", ["/create", "/1/update", "/1/delete"])
def test_strangers_are_sent_to_log_in(client, path):
    response = client.post(path)
    assert (response.status_code, response.location) == (302, "/auth/login")


@pytest.mark.parametrize("path", ["/2/update", "/2/delete"])
def test_what_is_somebody_elses(ada, path):
    assert ada.post(path).status_code == 403


@pytest.mark.parametrize("path", ["/7/update", "/7/delete"])
def test_what_is_not_there(ada, path):
    response = ada.post(path)
    assert response.status_code == 404
    assert "There is no entry 7." in response.text


def test_create(ada, app):
    assert ada.get("/create").status_code == 200
    response = ada.post("/create", data={"title": "Third", "body": "<b>"})
    assert (response.status_code, response.location) == (302, "/")
    assert entry(app, 3)["title"] == "Third"
    assert "&lt;b&gt;" in ada.get("/").text


def test_update(ada, app):
    assert "telescope saw" in ada.get("/1/update").text
    assert ada.post("/1/update", data={"title": "New", "body": ""}).location == "/"
    assert entry(app)["title"] == "New"


@pytest.mark.parametrize("path", ["/create", "/1/update"])
def test_a_title_is_needed(ada, path):
    page = ada.post(path, data={"title": "", "body": "kept <text>"}).text
    assert "An entry needs a title." in page
    assert "kept &lt;text&gt;" in page


def test_delete(ada, app):
    assert ada.get("/1/delete").status_code == 405
    assert ada.post("/1/delete").location == "/"
    assert entry(app) is None
