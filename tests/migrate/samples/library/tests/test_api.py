def test_find_books(client):
    found = client.get("/api/books/?q=o&free=true&order=year&limit=1").json
    assert found == [
        {
            "id": 2,
            "title": "Persuasion",
            "isbn": None,
            "year": 1817,
            "copies": 1,
            "author": {"id": 1, "name": "Jane Austen"},
            "free": 1,
        }
    ]
    assert len(client.get("/api/books/").json) == 5
    response = client.get("/api/books/?limit=x&order=price")
    assert response.status_code == 400
    assert "limit" in response.json["errors"]
    assert client.get("/api/books").status_code == 308


def test_add_book(client):
    response = client.post("/api/books/", json={"title": "Eden", "author_id": 2})
    assert response.status_code == 201
    assert (response.json["id"], response.json["copies"]) == (6, 1)
    response = client.post("/api/books/", json={"title": ""})
    assert response.status_code == 400
    assert response.json["message"] == "Input payload validation failed"
    assert set(response.json["errors"]) == {"author_id", "title"}
    response = client.post("/api/books/", json={"title": "x", "author_id": 99})
    assert response.status_code == 404
    assert response.json["message"].startswith("There is no author 99.")
    assert client.post("/api/books/", data="x").status_code == 415


def test_book(client):
    assert client.get("/api/books/1").json["author"]["name"] == "Jane Austen"
    response = client.get("/api/books/99")
    assert response.status_code == 404
    assert client.put("/api/books/1", json={"title": "E", "author_id": 1}).json["title"] == "E"
    assert client.put("/api/books/1", json={"title": 1}).status_code == 400


def test_delete_book(client, log_in):
    assert client.delete("/api/books/5").json == {"message": "Librarians only."}
    log_in("liz")
    assert client.delete("/api/books/5").status_code == 204
    assert client.delete("/api/books/5").status_code == 404


def test_copies(client):
    assert client.patch("/api/books/1/copies", json={"copies": 7}).json == {"id": 1, "copies": 7}
    assert client.patch("/api/books/1/copies", json={}).status_code == 400


def test_authors(client):
    found = client.get("/api/authors/?country=pl").json
    assert found == {
        "authors": [{"id": 2, "name": "Stanisław Lem", "country": "PL", "titles": ["Solaris"]}]
    }
    response = client.post("/api/authors/", json={"name": "Anon"})
    assert (response.status_code, response.headers["Location"]) == (201, "/api/authors/4")
    assert response.json == {"id": 4, "name": "Anon", "country": "??", "titles": []}
    response = client.post("/api/authors/", json={})
    assert response.json == {"message": "An author has a name.", "field": "name"}
    assert client.get("/api/authors/4").json["name"] == "Anon"
    response = client.get("/api/authors/9")
    assert (response.status_code, response.json) == (404, {"message": "unknown author"})


def test_loans(client, log_in):
    assert client.get("/api/loans/").status_code == 401
    log_in("bob")
    loan = {"id": 1, "title": "Solaris", "due": "2024-03-01", "returned": False}
    assert client.get("/api/loans/").json == {"loans": [loan]}
    assert client.get("/api/loans/1").json == loan
    assert client.get("/api/loans/2").status_code == 404


def test_documentation(client):
    paths = client.get("/api/swagger.json").json["paths"]
    assert paths["/books/"]["get"]["operationId"] == "list_books"
    assert client.get("/api/").status_code == 200
