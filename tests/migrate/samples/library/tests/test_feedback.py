import pytest


def test_reviews(client):
    found = client.get("/feedback/reviews").json
    assert found[0] == {
        "id": 1,
        "book_id": 1,
        "stars": 5,
        "text": "Again!",
        "written": "2024-01-02",
        "member": {"id": 1, "name": "ada", "joined": "2020-05-17"},
    }
    assert [review["id"] for review in client.get("/feedback/reviews?book=3").json] == [2]
    assert len(client.get("/feedback/reviews?book=x").json) == 2
    assert len(client.get("/feedback/reviews?stars=5&stars=4&stars=x").json) == 2
    assert client.get("/feedback/reviews?stars=1").json == []


def test_add_review(client, log_in):
    assert client.post("/feedback/reviews", json={}).status_code == 302
    log_in("bob")
    response = client.post("/feedback/reviews", json={"stars": 9, "text": "LOUD", "x": 1})
    assert response.status_code == 422
    assert response.json == {
        "errors": {
            "book_id": ["Missing data for required field."],
            "stars": ["Must be greater than or equal to 1 and less than or equal to 5."],
            "text": ["Please do not shout."],
            "x": ["Unknown field."],
        }
    }
    response = client.post("/feedback/reviews", json={"stars": "3", "book_id": 1})
    assert response.status_code == 201
    assert response.json["stars"] == 3
    assert response.json["text"] == ""
    response = client.post("/feedback/reviews", json={"stars": 3, "book_id": 99})
    assert response.status_code == 404
    assert response.json == {"error": "not found", "path": "/feedback/reviews"}
    assert client.post("/feedback/reviews", data="{").status_code == 415


def test_review(client, log_in):
    assert client.get("/feedback/reviews/2").json["stars"] == 4
    assert client.get("/feedback/reviews/9").status_code == 404
    assert client.patch("/feedback/reviews/2", json={}).status_code == 302
    log_in("bob")
    assert client.patch("/feedback/reviews/1", json={}).status_code == 403
    assert client.patch("/feedback/reviews/2", json={"stars": 6}).status_code == 422
    assert client.patch("/feedback/reviews/2", json={"stars": 1}).json["stars"] == 1
    assert client.delete("/feedback/reviews/1").json == {"error": "not yours"}
    assert client.delete("/feedback/reviews/2").status_code == 204
    assert client.get("/feedback/reviews/2").status_code == 404


def test_me(client, log_in):
    assert client.get("/feedback/me").status_code == 302
    log_in("bob")
    assert client.get("/feedback/me").json == {"id": 2, "name": "bob", "joined": "2020-05-17"}
    loans = [{"id": 1, "title": "Solaris", "returned": False}]
    assert client.get("/feedback/me/loans").json == {"loans": loans}


def test_notices(client):
    response = client.post("/feedback/notices", json={"title": "Party", "until": "2024-05-01"})
    assert response.status_code == 201
    assert response.json == {
        "title": "Party",
        "until": "2024-05-01",
        "kind": "news",
        "places": None,
        "tags": [],
    }
    response = client.post(
        "/feedback/notices",
        json={"title": "", "until": "tomorrow", "kind": "war", "places": "x", "tags": "a"},
    )
    assert response.json["errors"] == {
        "title": ["Length must be between 1 and 80."],
        "until": ["Not a valid date."],
        "kind": ["Must be one of: news, event, closing."],
        "places": ["Not a valid integer."],
        "tags": ["Not a valid list."],
    }


@pytest.mark.parametrize("how", ["json", "data"])
def test_suggestions(client, how):
    sent = {"title": "Ulysses", "year": "1922", "urgent": "y"}
    response = client.post("/feedback/suggestions", **{how: sent})
    assert response.status_code == 202
    assert response.json == {"title": "Ulysses", "year": 1922, "urgent": True}
    response = client.post("/feedback/suggestions", **{how: {"year": "x"}})
    assert response.status_code == 400
    assert response.json["errors"]["title"] == ["This field is required."]


def test_stats(client):
    found = client.get("/feedback/stats").json
    assert found == {
        "books": 5,
        "value": "83.05",
        "first_review": "Tue, 02 Jan 2024 00:00:00 GMT",
    }


def test_echo(client):
    client.set_cookie("theme", "dark")
    found = client.get("/feedback/echo/a/b", headers={"User-Agent": "me"}).json
    assert found == {"words": "a/b", "agent": "me", "theme": "dark"}
