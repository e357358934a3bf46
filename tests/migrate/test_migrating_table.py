"""The table of docs/migrating.md: each row is asked of Flask, a typed route and a converted view.

The page says what is sent and what comes back; here is the code. What stands in backquotes in a
cell has to be true of the answer: three digits are the status, `Name: value` begins a header, the
rest is a part of the body. "as Flask" means that status, `HEADERS` and body are equal, but for
spaces in JSON.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import flask
import pytest

from carboy.migrate.convert import plan

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text()
HEADERS = ("content-type", "location", "allow")

FLASK = """
import datetime
import decimal

from flask import Flask, abort, jsonify, redirect, request, session

app = Flask(__name__)
app.secret_key = "k"


"""
TYPED = """
import datetime
import decimal
from typing import Annotated

from pydantic import BaseModel

from carboy import App, File, Form, Header, HTTPException, Request, UploadFile
from carboy.fastapi.responses import RedirectResponse

app = App(secret_key="k")


class Book(BaseModel):
    pages: int


"""


class Code(NamedTuple):
    """A Flask view, and the typed route that somebody who knows FastAPI would write for it."""

    old: str
    typed: str


def code(rule: str, path: str, old: str, typed: str, method: str = "GET") -> Code:
    """Views of one function; both texts are `parameters -> body`."""
    parameters, body = old.split("-> ", 1)
    view = f"@app.route('{rule}', methods=['{method}'])\ndef view({parameters}):\n    {body}\n"
    parameters, body = typed.split("-> ", 1)
    return Code(view, f"@app.{method.lower()}('{path}')\ndef view({parameters}):\n    {body}\n")


NUMBER = code("/books/<int:n>", "/books/{n}", "n -> return {'n': n}", "n: int -> return {'n': n}")
TITLE = code(
    *("/books", "/books", "-> return {'title': request.form['title']}"),
    *("title: Annotated[str, Form()] -> return {'title': title}", "POST"),
)
PAGES = code(
    *("/books", "/books", "-> return {'pages': request.get_json()['pages']}"),
    *("book: Book -> return {'pages': book.pages}", "POST"),
)
PLAIN = code("/books", "/books", "-> return {'books': []}", "-> return {'books': []}")
SLASH = code("/books/", "/books/", "-> return {'books': []}", "-> return {'books': []}")
Q = "return {'q': q}"
DAY = "return {'day': datetime.date(2024, 2, 1)}"

CASES = {
    "a path without the number": NUMBER,
    "a number below zero": NUMBER,
    "`args.get(…, type=int)`": code(
        *("/books", "/books", "-> return {'page': request.args.get('page', 1, type=int)}"),
        "page: int = 1 -> return {'page': page}",
    ),
    "`args.get(…, type=bool)`": code(
        *("/books", "/books", "-> return {'new': request.args.get('new', type=bool)}"),
        "new: bool | None = None -> return {'new': new}",
    ),
    "`args[…]` that is missing": code(
        "/books", "/books", "-> return {'q': request.args['q']}", f"q: str -> {Q}"
    ),
    "a parameter twice": code(
        "/books", "/books", "-> return {'q': request.args.get('q')}", f"q: str | None = None -> {Q}"
    ),
    "a form field that is missing": TITLE,
    "a form field that is empty": TITLE,
    "a file that is missing": code(
        *("/books", "/books", "-> return {'name': request.files['cover'].filename}"),
        *("cover: UploadFile -> return {'name': cover.filename}", "POST"),
    ),
    "a header that is missing": code(
        *("/books", "/books", "-> return {'key': request.headers['X-Key']}"),
        "x_key: Annotated[str, Header()] -> return {'key': x_key}",
    ),
    "a number in quotes": PAGES,
    "a key that is missing": PAGES,
    "JSON that is broken": PAGES,
    "no JSON at all": PAGES,
    "text": code("/", "/", "-> return '<b>hi</b>'", "-> return '<b>hi</b>'"),
    "a tuple": code(
        "/books", "/books", "-> return {'id': 7}, 201", "-> return {'id': 7}, 201", "POST"
    ),
    "`None`": code("/", "/", "-> return None", "-> return None"),
    "a date": code("/", "/", f"-> {DAY}", f"-> {DAY}"),
    "a `Decimal`": code(
        *("/", "/", "-> return {'price': decimal.Decimal('1.50')}"),
        "-> return {'price': decimal.Decimal('1.50')}",
    ),
    "the order of keys": code(
        "/", "/", "-> return jsonify(b='ä', a=1)", "-> return {'b': 'ä', 'a': 1}"
    ),
    "`abort(404)`": code("/", "/", "-> abort(404, 'gone')", "-> raise HTTPException(404, 'gone')"),
    "an error that nobody catches": code(
        "/", "/", "-> return {'x': 1 / 0}", "-> return {'x': 1 / 0}"
    ),
    "`redirect(…)`": code("/", "/", "-> return redirect('/x')", "-> return RedirectResponse('/x')"),
    "a slash that is missing": SLASH,
    "a slash too many": PLAIN,
    "`OPTIONS`": PLAIN,
    "`HEAD`": PLAIN,
    "a method that there is not": PLAIN,
    "nothing for `<path:…>`": code(
        "/f/<path:p>", "/f/{p:path}", "p -> return {'p': p}", "p: str -> return {'p': p}"
    ),
    "two that fit": Code(
        "@app.route('/<name>')\ndef page(name):\n    return {'name': name}\n\n\n"
        "@app.route('/about')\ndef about():\n    return {'about': 1}\n",
        "@app.get('/{name}')\ndef page(name: str):\n    return {'name': name}\n\n\n"
        "@app.get('/about')\ndef about():\n    return {'about': 1}\n",
    ),
    "the session's cookie": code(
        *("/", "/", "-> session['n'] = 1\n    return {}"),
        "request: Request -> request.session['n'] = 1\n    return {}",
    ),
}


def rows() -> list[list[str]]:
    """The table's cells: what it is about, what is sent, Flask, typed, converted."""
    text = PAGE.partition("\n## What is different\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(cells) == 5 for cells in found)
    return found[1:]


def loaded(folder: Path, name: str, text: str) -> Any:
    """The application that a module with this text makes."""
    file = folder / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return module.app
    finally:
        del sys.modules[name]


def ask(app: Any, line: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body for a line like `POST /books title=`."""
    method, path, body = [*line.split(" ", 2), ""][:3]
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    options = {"data": body, "content_type": kind} if body else {}
    answer = app.test_client().open(path, method=method, **options)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return answer.status_code, headers, answer.get_data(as_text=True)


def holds(answer: tuple[int, dict[str, str], str], cell: str) -> None:
    """What stands in backquotes is true of `answer`."""
    status, headers, body = answer
    said = re.findall(r"`([^`]+)`", cell)
    assert said, f"a cell that says nothing: {cell}"
    for one in said:
        if re.fullmatch("[0-9]{3}", one):
            assert status == int(one)
        elif found := re.fullmatch(r"([A-Z][\w-]+): (.+)", one):
            assert headers[found[1].lower()].startswith(found[2])
        else:
            assert one in body


def told(answer: tuple[int, dict[str, str], str]) -> Any:
    """What has to be equal where a converted view answers as Flask."""
    status, headers, body = answer
    kept = {name: headers.get(name) for name in HEADERS}
    if kept["allow"]:
        kept["allow"] = ", ".join(sorted(kept["allow"].split(", ")))
    return status, kept, json.dumps(json.loads(body)) if body[:1] in ("{", "[") else body


def test_the_table_has_all_cases_and_no_more() -> None:
    assert [cells[0] for cells in rows()] == list(CASES)


@pytest.mark.parametrize("cells", rows(), ids=lambda cells: cells[0].strip("`"))
def test_a_row_is_true(cells: list[str], tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.CRITICAL)  # some of them fail, and are meant to
    title, sent, of_flask, of_typed, of_converted = cells
    old, typed = CASES[title]
    (tmp_path / "main.py").write_text(FLASK + old)
    made = plan(tmp_path / "main.py")
    converted = made.files["main.py"]
    flask_answer, typed_answer, converted_answer = (
        ask(loaded(tmp_path, name, text), sent.strip("`"))
        for name, text in (("old", FLASK + old), ("typed", TYPED + typed), ("new", converted))
    )
    holds(flask_answer, of_flask)
    if of_typed == "the same":
        assert told(typed_answer) == told(flask_answer)
    else:
        holds(typed_answer, of_typed)
        assert told(typed_answer) != told(flask_answer)
    if of_converted.startswith("as Flask"):
        assert told(converted_answer) == told(flask_answer)
    else:
        holds(converted_answer, of_converted)
        assert of_converted.endswith(", and a note")
        assert made.views[0].notes


def test_every_kind_s_session_is_flask_s(tmp_path: Path) -> None:
    old, typed = CASES["the session's cookie"]
    (tmp_path / "main.py").write_text(FLASK + old)
    converted = plan(tmp_path / "main.py").files["main.py"]
    real = flask.Flask("real")
    real.secret_key = "k"
    signing = flask.sessions.SecureCookieSessionInterface().get_signing_serializer(real)
    assert signing is not None
    for name, text in (("old", FLASK + old), ("typed", TYPED + typed), ("new", converted)):
        cookie = ask(loaded(tmp_path, name, text), "GET /")[1]["set-cookie"]
        assert signing.loads(cookie.partition("=")[2].partition(";")[0]) == {"n": 1}
