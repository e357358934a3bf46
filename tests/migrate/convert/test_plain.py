"""`carboy migrate convert --target fastapi`: whole projects, on nothing but FastAPI.

plain/project is a small Flask application. What is written for it is served by uvicorn, where
neither Carboy nor Flask can be imported, and asked what the old one is asked on real Flask.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from carboy.cli import main

HERE = Path(__file__).parent / "plain"
BLOG = HERE.parents[1] / "samples" / "blog"
#: What differs between any two servers, or is the session's (another format).
OWN = {"date", "server", "connection", "content-length", "vary"}
FORM = {"name": "Ada", "password": "pw"}

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/", {}),
    ("HEAD", "/", {}),
    ("GET", "/about/", {}),
    ("GET", "/about", {}),
    ("GET", "/static/style.css", {}),
    ("GET", "/health", {}),
    ("GET", "/health/", {}),
    ("POST", "/health", {}),
    ("OPTIONS", "/books/", {}),
    ("GET", "/books/", {}),
    ("GET", "/books", {}),
    ("HEAD", "/books/", {}),
    ("GET", "/books//1", {}),
    ("GET", "//books?limit=1", {}),
    ("GET", "/books/?limit=1&tag=spice", {}),
    ("GET", "/books/?limit=many&tag=sea", {}),
    ("GET", "/books/1", {}),
    ("GET", "/books/2", {}),
    ("GET", "/books/3", {}),
    ("GET", "/books/none", {}),
    ("GET", "/books/first", {}),
    ("POST", "/books/", {"json": {"title": "Ulysses"}}),
    ("POST", "/books/", {"json": {}}),
    ("POST", "/books/", {"content": b"{", "headers": {"content-type": "application/json"}}),
    ("POST", "/books/", {"data": {"title": "Ulysses"}}),
    ("PUT", "/books/", {}),
    ("DELETE", "/books/1", {}),
    ("DELETE", "/books/9", {}),
    ("POST", "/books/1/copies", {"headers": {"X-Reader": "Ada"}}),
    ("POST", "/books/2/copies", {}),
    ("GET", "/readers/me", {}),
    ("POST", "/readers/login", {"data": {}}),
    ("POST", "/readers/login", {"data": {"name": "Ada"}}),
    ("POST", "/readers/login", {"data": FORM}),
    ("GET", "/readers/me", {}),
    ("POST", "/readers/logout", {}),
    ("GET", "/readers/me", {}),
    ("GET", "/readers/Ada/greeting", {}),
    ("GET", "/nowhere", {}),
]


def convert(*words: object) -> Result:
    whole = ["migrate", "convert", "--target", "fastapi", *map(str, words)]
    return CliRunner().invoke(main, whole)


@pytest.fixture(scope="module", params=["at once", "by way of App"])
def converted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after it has left: Flask, or an App that it was converted to before."""
    is_app = request.param == "by way of App"
    folder = tmp_path_factory.mktemp("plain") / "project"
    shutil.copytree(HERE / "project", folder, ignore=shutil.ignore_patterns("__pycache__"))
    if is_app:
        first = CliRunner().invoke(main, ["migrate", "convert", str(folder), "--write"])
        assert "13 of 13 views converted." in first.output
    done = convert(folder, "--write")
    assert done.exit_code == 0, done.output
    assert ("13 views are typed already" if is_app else "13 of 13 views converted.") in done.output
    assert "whoever is logged in is logged out once" in done.output
    assert "pip install fastapi uvicorn itsdangerous python-multipart jinja2" in done.output
    return folder


@contextmanager
def served(by: str, folder: Path, *absent: str) -> Iterator[httpx.Client]:
    command = [sys.executable, "-W", "default", HERE / "serving.py", by, folder, *absent]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            assert run.stdout is not None and run.stderr is not None
            port = run.stdout.readline().strip()
            if not port:
                pytest.fail(run.stderr.read())
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=30, headers={"connection": "close"}
            ) as client:
                yield client
        finally:
            run.terminate()


def answers(client: httpx.Client) -> list[dict[str, Any]]:
    found = []
    for method, path, options in REQUESTS:
        answer = client.request(method, path, **options)
        port = str(client.base_url.port)
        fields = {
            key: sorted(one.replace(port, "PORT") for one in answer.headers.get_list(key))
            for key in answer.headers
            if key not in OWN
        }
        if "allow" in fields:
            fields["allow"] = sorted(answer.headers["allow"].split(", "))
        cookies = [one.partition(";")[0] for one in fields.pop("set-cookie", [])]
        cookies = ["session" if one.startswith("session=") else one for one in cookies]
        body: Any = answer.text.replace(port, "PORT")
        if answer.headers.get("content-type") == "application/json" and body:
            body = json.loads(body)
        found.append(
            {
                "asked": f"{method} {path}",
                "status": answer.status_code,
                "headers": {k: v for k, v in fields.items() if k not in ("etag", "last-modified")},
                "cookies": sorted(cookies),
                "body": body,
            }
        )
    return found


def test_it_answers_on_fastapi_as_on_flask(converted: Path) -> None:
    with served("flask", HERE / "project") as client:
        old = answers(client)
    with served("fastapi", converted) as client:
        new = answers(client)
    for one, other in zip(old, new, strict=True):
        if one["asked"] == "GET /static/style.css":
            one["headers"], other["headers"] = {}, {}  # each has ways of its own to cache files
        assert other == one
    assert {one["status"] for one in new} >= {200, 201, 204, 302, 308, 400, 401, 403, 404, 405, 409}


def test_it_needs_no_werkzeug(converted: Path) -> None:
    with served("fastapi", converted, "werkzeug") as client:
        assert client.get("/books/1").json()["price"] == "9.50"
        assert "<h1>403 Forbidden</h1>" in client.get("/readers/me").text
        assert client.get("/books/9").json() == {"error": "There is no such book", "status": 404}
        assert client.get("/books").headers["location"].endswith("/books/")


def test_what_is_written_imports_nothing_of_flask_or_carboy(converted: Path) -> None:
    names: set[str] = set()
    for file in converted.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add((node.module or "").partition(".")[0])
    known = {"fastapi", "starlette", "pydantic", "anyio", "jinja2", "uvicorn", "shelf"}
    # kept.py asks for Werkzeug's words where it is installed.
    assert names - known - set(sys.stdlib_module_names) == {"werkzeug"}


def test_converting_twice_changes_nothing(converted: Path) -> None:
    before = {file: file.read_text(encoding="utf-8") for file in converted.rglob("*.py")}
    assert convert(converted, "--write").exit_code == 0
    assert {file: file.read_text(encoding="utf-8") for file in converted.rglob("*.py")} == before


def test_what_is_not_there_yet_is_told_and_nothing_written(tmp_path: Path) -> None:
    folder = tmp_path / "blog"
    shutil.copytree(BLOG, folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    done = convert(folder, "--write")
    assert done.exit_code == 1
    assert "a project where nothing Flask-like is left" in done.stderr
    assert "in the way" in done.stderr.casefold()
    for what in ("flash()", "current_app", "before_app_request", "get_flashed_messages"):
        assert what in done.stderr
    assert done.stdout == ""
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_parts_of_a_project_do_not_leave(converted: Path) -> None:
    done = convert(converted, "--view", "books.book")
    assert done.exit_code == 2
    assert "converts whole projects" in done.stderr


@pytest.mark.parametrize("is_there", [True, False])
def test_templates_may_be_anywhere(tmp_path: Path, is_there: bool) -> None:
    """In a folder that is no part of the project, too, whatever it is called."""
    pages = tmp_path / 'pages "of" all'
    if is_there:
        pages.mkdir()
        (pages / "a.html").write_text("a")
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "site_of_pages.py").write_text(
        "from flask import Flask, render_template\n\n"
        f"app = Flask(__name__, template_folder={str(pages)!r})\n\n\n"
        "@app.route('/')\ndef index():\n    return render_template('a.html')\n"
    )
    done = convert(folder, "--write")
    assert done.exception is None or isinstance(done.exception, SystemExit)
    if not is_there:
        assert "their folder was not found" in done.stderr
        return
    assert done.exit_code == 0, done.stderr
    namespace: dict[str, Any] = {"__file__": str(folder / "templating.py")}
    text = (folder / "templating.py").read_text().replace("import kept", "from carboy import kept")
    exec(text, namespace)
    assert namespace["templates"].get_template("a.html").render() == "a"
