"""The bookshelf example: each path called in process, and its README followed word by word.

The second half starts the real server and runs every curl line of the README against
it, once with curl itself and once with a small stand-in that needs only Python.
"""

import http.client
import importlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from carboy.testing import TestClient

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "bookshelf"
SEED = json.loads((EXAMPLE / "books.json").read_text(encoding="utf-8"))

sys.path.insert(0, str(EXAMPLE))
try:
    bookshelf: Any = importlib.import_module("bookshelf")
finally:
    sys.path.remove(str(EXAMPLE))


# --- In process ---


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Point the application at a database of this test's own."""
    file = tmp_path / "books.db"
    monkeypatch.setenv("BOOKSHELF_DB", str(file))
    bookshelf.get_engine.cache_clear()
    yield file
    bookshelf.get_engine().dispose()
    bookshelf.get_engine.cache_clear()


@pytest.fixture
def client(database: Path) -> Iterator[TestClient]:
    """Talk to the application between its start and its end."""
    with TestClient(bookshelf.app) as client:
        yield client


def titles(client: TestClient, **params: str | int) -> list[str]:
    """List the titles that a query of `GET /books` finds."""
    response = client.get("/books", params=params)
    assert response.status_code == 200, response.text
    return [book["title"] for book in response.json()]


def errors(response: Any) -> set[tuple[str, ...]]:
    """Reduce a 422 answer to its (type, place...) entries."""
    assert response.status_code == 422, response.text
    return {(error["type"], *map(str, error["loc"])) for error in response.json()["detail"]}


def test_seed_is_about_sixty_books_in_many_languages() -> None:
    assert 55 <= len(SEED) <= 70
    assert len({book["language"] for book in SEED}) >= 20
    assert len({(book["title"], book["author"]) for book in SEED}) == len(SEED)
    for book in SEED:
        assert set(book) - {"isbn"} == {"title", "author", "year", "language", "pages"}
        bookshelf.BookCreate.model_validate(book)


def test_welcome_lists_the_paths(client: TestClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.json()["message"] == "Welcome to the bookshelf!"
    assert response.json()["paths"] == [
        "GET /",
        "GET /hello",
        "GET /books",
        "POST /books",
        "GET /books/{book_id}",
        "PATCH /books/{book_id}",
        "DELETE /books/{book_id}",
        "GET /books.csv",
        "POST /books.csv",
        "PUT /books/{book_id}/cover",
        "GET /books/{book_id}/cover",
        "GET /news",
    ]


def test_hello(client: TestClient) -> None:
    assert client.get("/hello").json() == {"message": "Hello, World!"}
    assert client.get("/hello", params={"name": "Zoë"}).json() == {"message": "Hello, Zoë!"}


def test_list_starts_with_the_first_twenty(client: TestClient) -> None:
    assert titles(client) == [book["title"] for book in SEED[:20]]


def test_list_in_pages(client: TestClient) -> None:
    expected = [book["title"] for book in SEED]
    assert titles(client, limit=100) == expected
    assert titles(client, limit=7, offset=10) == expected[10:17]
    assert titles(client, offset=len(SEED)) == []
    assert titles(client, offset=2**63 - 1) == []


def test_list_filters(client: TestClient) -> None:
    assert titles(client, author="bront") == ["Jane Eyre", "Wuthering Heights"]
    assert titles(client, author="brontë", q="jane") == ["Jane Eyre"]
    assert titles(client, language="CZECH") == ["R.U.R."]
    assert titles(client, language="cze") == []
    assert titles(client, year_to=1605) == ["Don Quixote"]
    assert titles(client, year_from=1958) == ["Things Fall Apart", "Solaris"]
    assert titles(client, year_from=1860, year_to=1862, language="French") == ["Les Misérables"]
    assert titles(client, year_from=1900, year_to=1800) == []


def test_search_looks_at_titles_and_authors(client: TestClient) -> None:
    assert titles(client, q="the sto") == ["The Story of Gösta Berling"]
    assert titles(client, q="tolkien") == ["The Hobbit"]
    assert titles(client, q="no such thing") == []


@pytest.mark.parametrize("sign", ["%", "_", "/", "\\", "'; DROP TABLE book; --"])
def test_search_takes_signs_literally(client: TestClient, sign: str) -> None:
    assert titles(client, q=sign) == []
    assert titles(client, author=sign) == []


def test_list_refuses_what_does_not_fit(client: TestClient) -> None:
    response = client.get("/books", params={"limit": 101, "offset": -1, "year_from": "soon"})
    assert errors(response) == {
        ("less_than_equal", "query", "limit"),
        ("greater_than_equal", "query", "offset"),
        ("int_parsing", "query", "year_from"),
    }


def test_read(client: TestClient) -> None:
    for number in (1, len(SEED)):
        response = client.get(f"/books/{number}")
        assert response.status_code == 200
        assert response.json() == {"isbn": None, **SEED[number - 1], "id": number}


@pytest.mark.parametrize("verb", ["GET", "PATCH", "DELETE"])
def test_book_that_is_not_there(client: TestClient, verb: str) -> None:
    response = client.request(verb, "/books/999", json={} if verb == "PATCH" else None)
    assert response.status_code == 404
    assert response.json() == {
        "detail": "There is no book with id 999. GET /books lists those there are."
    }


@pytest.mark.parametrize(
    ("book_id", "error"),
    [("one", "int_parsing"), ("0", "greater_than_equal"), (str(2**63), "less_than_equal")],
)
def test_id_that_cannot_be(client: TestClient, book_id: str, error: str) -> None:
    assert errors(client.get(f"/books/{book_id}")) == {(error, "path", "book_id")}


def test_add(client: TestClient) -> None:
    book = {"title": " Momo ", "author": "Michael Ende", "year": 1973, "language": "German"}
    response = client.post("/books", json=book)
    assert response.status_code == 201
    added = response.json()
    assert added == {**book, "title": "Momo", "pages": None, "isbn": None, "id": len(SEED) + 1}
    assert client.get(f"/books/{added['id']}").json() == added


def test_add_chooses_the_id_itself(client: TestClient) -> None:
    book = {"id": 1, "title": "Momo", "author": "Michael Ende", "year": 1973, "language": "German"}
    assert client.post("/books", json=book).json()["id"] == len(SEED) + 1


def test_add_refuses_what_does_not_fit(client: TestClient) -> None:
    book = {"title": "  ", "year": "long ago", "language": "German", "pages": 0, "isbn": "12"}
    assert errors(client.post("/books", json=book)) == {
        ("string_too_short", "body", "title"),
        ("missing", "body", "author"),
        ("int_parsing", "body", "year"),
        ("greater_than_equal", "body", "pages"),
        ("string_pattern_mismatch", "body", "isbn"),
    }
    assert errors(client.post("/books")) == {("missing", "body")}
    broken = client.post("/books", content=b"{", headers={"Content-Type": "application/json"})
    assert errors(broken) == {("json_invalid", "body", "1")}
    assert len(titles(client, limit=100)) == len(SEED)


def test_change(client: TestClient) -> None:
    before = client.get("/books/1").json()
    response = client.patch("/books/1", json={"pages": 863})
    assert response.status_code == 200
    assert response.json() == {**before, "pages": 863}
    assert client.get("/books/1").json() == {**before, "pages": 863}
    assert client.patch("/books/1", json={}).json() == {**before, "pages": 863}
    assert client.patch("/books/1", json={"pages": None}).json() == before


def test_change_refuses_what_does_not_fit(client: TestClient) -> None:
    changes = {"title": None, "author": "", "year": 3000}
    assert errors(client.patch("/books/1", json=changes)) == {
        ("string_type", "body", "title"),
        ("string_too_short", "body", "author"),
        ("less_than_equal", "body", "year"),
    }
    assert client.get("/books/1").json()["title"] == "Don Quixote"


def test_remove(client: TestClient) -> None:
    response = client.delete("/books/1")
    assert response.status_code == 204
    assert response.content == b""
    assert client.get("/books/1").status_code == 404
    assert client.delete("/books/1").status_code == 404
    assert len(titles(client, limit=100)) == len(SEED) - 1


@pytest.mark.parametrize(
    ("verb", "path"), [("POST", "/"), ("POST", "/hello"), ("PUT", "/books"), ("POST", "/books/1")]
)
def test_verb_that_a_path_does_not_know(client: TestClient, verb: str, path: str) -> None:
    response = client.request(verb, path)
    assert response.status_code == 405
    assert response.json() == {"detail": "Method Not Allowed"}


def test_changes_outlast_a_restart(database: Path) -> None:
    with TestClient(bookshelf.app) as client:
        client.delete("/books/1")
    with TestClient(bookshelf.app) as client:
        assert client.get("/books/1").status_code == 404
        assert len(titles(client, limit=100)) == len(SEED) - 1


def test_works_where_no_lifespan_runs(database: Path) -> None:
    client = TestClient(bookshelf.app)
    assert not database.exists()
    assert len(titles(client, limit=100)) == len(SEED)


def test_filled_once_when_many_start_together(database: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        # `__wrapped__` goes around the cache, as separate worker processes would.
        engines = list(pool.map(lambda _: bookshelf.get_engine.__wrapped__(), range(8)))
    for engine in engines:
        engine.dispose()
    assert len(titles(TestClient(bookshelf.app), limit=100)) == len(SEED)


# --- Covers, CSV files, news, the page ---

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def test_a_cover_is_kept_and_goes_with_its_book(client: TestClient) -> None:
    assert client.get("/books/1/cover").status_code == 404
    # What the client says of the file is not believed.
    assert (
        client.put("/books/1/cover", files={"image": ("a.gif", PNG, "image/gif")}).status_code
        == 204
    )
    shown = client.get("/books/1/cover")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert client.delete("/books/1").status_code == 204
    with bookshelf.get_engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM cover").scalar() == 0


def test_what_is_no_cover_is_refused(client: TestClient) -> None:
    page = {"image": ("a.png", b"<script>alert(1)</script>", "image/png")}
    assert client.put("/books/1/cover", files=page).status_code == 415
    assert client.put("/books/999/cover", files={"image": ("a.png", PNG)}).status_code == 404
    large = {"image": ("a.png", PNG * 100_000)}
    assert client.put("/books/1/cover", files=large).status_code == 413
    assert client.put("/books/1/cover").status_code == 422


def test_csv_goes_out_and_comes_back_in(client: TestClient) -> None:
    table = client.get("/books.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(table.text.splitlines()) == len(SEED) + 1
    back = client.post("/books.csv", files={"file": ("books.csv", table.content)})
    assert (back.status_code, back.json()) == (201, {"added": len(SEED)})
    assert len(client.get("/books.csv").text.splitlines()) == 2 * len(SEED) + 1


@pytest.mark.parametrize(
    ("content", "detail", "lines"),
    [
        (b"\xff\xfe", "The file is not UTF-8 text.", []),
        (b"", "The first line has to name author, language, title, year as well.", []),
        (
            b"title,author,year,language\nA,B,soon,C\nA,B,1999,C\n,B,1999,C\n",
            "2 lines do not fit.",
            ["line 2: year: Input should be a valid integer, unable to parse string as an integer",
             "line 4: title: Field required"],
        ),
    ],
)  # fmt: skip
def test_a_table_that_does_not_fit_adds_nothing(
    client: TestClient, content: bytes, detail: str, lines: list[str]
) -> None:
    answer = client.post("/books.csv", files={"file": ("books.csv", content)})
    assert (answer.status_code, answer.json()) == (422, {"detail": detail, "lines": lines})
    assert len(titles(client, limit=100)) == len(SEED)


def test_the_page_shows_and_searches_books(client: TestClient) -> None:
    page = client.get("/shelf").text
    assert page.count('class="front"') == 24
    assert "page=2" in page
    found = client.get("/shelf", params={"q": "<hobbit"}).text
    assert "No book mentions that." in found
    assert "<hobbit" not in found
    assert "The Hobbit" in client.get("/shelf", params={"q": "hobbit"}).text


def events(url: str, last: str, count: int) -> list[dict[str, str]]:
    """The next `count` events after `last`, from a running server."""
    parts = urlsplit(url)
    assert parts.hostname
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    connection.request("GET", "/news", headers={"Last-Event-ID": last})
    response = connection.getresponse()
    assert response.getheader("content-type") == "text/event-stream; charset=utf-8"
    found: list[dict[str, str]] = [{}]
    while len(found) <= count:
        line = response.readline().decode().rstrip("\n")
        if not line and found[-1]:
            found.append({})
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[-1][name] = value
    connection.close()
    return found[:count]


def test_news_go_on_where_a_client_left_off(server_url: str) -> None:
    book = json.dumps({"title": "Momo", "author": "Ende", "year": 1973, "language": "German"})
    send = ["curl", "-s", "-H", "Content-Type: application/json", "-d", book, f"{server_url}/books"]
    new = json.loads(imitate_curl(send))
    imitate_curl(["curl", "-s", "-X", "DELETE", f"{server_url}/books/{new['id']}"])
    first, second = events(server_url, "0", 2)
    assert (first["event"], second["event"]) == ("added", "removed")
    assert json.loads(first["data"])["title"] == "Momo"
    assert events(server_url, first["id"], 1) == [second]


def test_the_search_answers_as_you_type(server_url: str) -> None:
    with connect(f"{server_url.replace('http', 'ws')}/search") as socket:
        for text, count in (("the hob", 1), ("", 0), ("zzz", 0), ("HOBBIT", 1)):
            socket.send(text)
            assert len(json.loads(socket.recv(timeout=PATIENCE))) == count


# --- The README, against a real server ---

README_URL = "http://127.0.0.1:8000"
PATIENCE = 30.0  # seconds; reached only when something is wrong

Runner = Callable[[list[str]], str]


def readme_walk() -> list[tuple[str, str]]:
    """Read the (command, expected answer) pairs out of the README's console blocks."""
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    walk = []
    for block in re.findall(r"^```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, answer = step.partition("\n")
            walk.append((command, answer))
    return walk


def parsed(answer: str) -> tuple[Any, str]:
    """Split an answer into its JSON, if it has any, and the text after it."""
    text = answer.strip().replace("\r\n", "\n")
    if not text.startswith(("{", "[")):
        return None, text
    body, end = json.JSONDecoder().raw_decode(text)
    return body, text[end:].strip()


def run_curl(command: list[str]) -> str:
    """Run a command line that starts with `curl`."""
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, timeout=PATIENCE, check=True)
    return done.stdout.decode()


def imitate_curl(command: list[str]) -> str:
    """Do what curl would, for the few options that the README uses."""
    verb, url, data, write_out, headers = "", "", None, "", {}
    words = iter(command[1:])
    for word in words:
        if word == "-s":
            continue
        if word == "-X":
            verb = next(words)
        elif word == "-d":
            data = next(words).encode()
        elif word == "-H":
            name, _, value = next(words).partition(":")
            headers[name] = value.strip()
        elif word == "-F":
            field, _, file = next(words).partition("=@")
            headers["content-type"] = "multipart/form-data; boundary=between"
            data = (
                f'--between\r\ncontent-disposition: form-data; name="{field}"; filename="{file}"'
                f"\r\n\r\n{(EXAMPLE / file).read_text()}\r\n--between--\r\n"
            ).encode()
        elif word == "-w":
            write_out = next(words)
        else:
            assert not word.startswith("-"), f"the README uses curl's {word}: teach it here"
            url = word
    parts = urlsplit(url)
    assert parts.hostname
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
    try:
        connection.request(verb or ("POST" if data else "GET"), target, data, headers)
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    return body + write_out.replace("%{http_code}", str(response.status)).replace("\\n", "\n")


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_up(server: subprocess.Popen[bytes], url: str) -> None:
    """Wait for the server's first answer; give up if it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with code {server.returncode}")
        try:
            imitate_curl(["curl", f"{url}/hello"])
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not answer within {PATIENCE:.0f} seconds")


@pytest.fixture
def server_url(tmp_path: Path) -> Iterator[str]:
    """Run the example as its README says, and show what the server wrote if a test fails."""
    port = free_port()
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "carboy", "run", "bookshelf:app", "--port", str(port)]
    environment = {
        **os.environ,
        "BOOKSHELF_DB": str(tmp_path / "books.db"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),  # so it finds what we found
    }
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=EXAMPLE, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until_up(server, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        # pytest shows captured output only for tests that fail.
        print(f"$ {shlex.join(command)}\n{log.read_text(errors='replace')}")


def test_readme_walk_calls_every_path() -> None:
    commands = " ".join(command for command, _ in readme_walk())
    assert len(readme_walk()) >= 10
    assert all(command.startswith("curl ") for command, _ in readme_walk())
    for wanted in ("/hello", "/books/1", "/books?", "-d ", "-X PATCH", "-X DELETE"):
        assert wanted in commands


@pytest.mark.parametrize("run", [run_curl, imitate_curl])
def test_readme_walk(server_url: str, run: Runner) -> None:
    if run is run_curl and shutil.which("curl") is None:
        pytest.skip("curl is not installed; its stand-in takes the same walk")
    for command, expected in readme_walk():
        answer = run(shlex.split(command.replace(README_URL, server_url)))
        assert parsed(answer) == parsed(expected), f"$ {command}\n{answer}"
