"""What is known to differ from Flask, as docs/from-flask.md lists it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from server.living import talk

from carboy.flask import Flask, request
from carboy.testing import TestClient

ROOT = Path(__file__).resolve().parents[2]


def answered(result: Any) -> TestClient:
    """A client of Carboy's server for an application whose only view returns `result`."""
    app = Flask(__name__)
    app.add_url_rule("/", "view", lambda: result)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize("status", [100, 1000, "x y"])
def test_a_status_that_is_none(status: Any) -> None:
    assert answered(("text", status)).get("/").status_code == 500


def test_reset_content_has_no_body() -> None:
    answer = answered(("text", 205)).get("/")
    assert (answer.status_code, answer.content) == (205, b"")


def test_a_wrong_length_does_not_leave() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", "view", lambda: ("text", {"Content-Length": "3"}))
    written = talk(app, [b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"])
    assert b"\r\ncontent-length: 4\r\n" in written


def test_negative_numbers_in_converters() -> None:
    app = Flask(__name__)
    app.add_url_rule("/<float(signed=True, min=-1.5):x>", "view", lambda x: str(x))
    assert app.test_client().get("/-1.0").text == "-1.0"
    assert app.test_client().get("/-2.0").status_code == 404


def test_a_variable_twice() -> None:
    with pytest.raises(ValueError, match="names <x> more than once"):
        Flask(__name__).add_url_rule("/<x>/<x>", "view", lambda x: x)


def test_underscores_in_header_names() -> None:
    app = Flask(__name__)
    app.add_url_rule("/", "view", lambda: request.headers.get("X-User", "nobody"))
    headers = {"X_User": "admin"}
    assert TestClient(app).get("/", headers=headers).text == "nobody"
    assert TestClient(app).get("/", headers={"X-User": "admin"}).text == "admin"


def test_every_row_of_the_table_names_a_test() -> None:
    page = (ROOT / "docs" / "from-flask.md").read_text(encoding="utf-8")
    rows = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(rows) >= 8
    for file, name in rows:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), (file, name)
