"""Pages and redirects that converted code keeps of Flask tell nothing and lead nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from carboy import kept
from carboy.fastapi import FastAPI, HTTPException, Request
from carboy.testing import TestClient

BAD = "<script>alert(1)</script>"


class Detailed(Exception):
    """As errors of databases and HTTP clients are."""

    detail = "Key (email)=(ada@example.com) already exists"
    status_code = 200
    headers = {"X-Upstream": "secret"}


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()

    @app.get("/error/{status}")
    def error(status: int, detail: str = BAD) -> None:
        raise HTTPException(status, detail)

    @app.get("/object")
    def object_() -> None:
        raise HTTPException(400, {"a": BAD})

    @app.get("/fails")
    def fails() -> None:
        raise Detailed

    @app.get("/users/")
    def users() -> str:
        return "users"

    @app.get("/{rest:path}/end", name="rest")
    def rest(rest: str) -> str:
        return rest

    @app.get("/url")
    def url(request: Request, rest: str) -> str:
        return kept.url_for(request, "rest", rest=rest)

    kept.habits(app)
    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    "path", ["/error/404", "/error/418", "/error/420", "/error/599", "/object"]
)
def test_what_is_said_of_an_error_is_escaped(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_an_error_that_nobody_handled_tells_nothing(client: TestClient) -> None:
    answer = client.get("/fails")
    assert answer.status_code == 500
    assert "ada@example.com" not in answer.text
    assert "x-upstream" not in answer.headers


@pytest.mark.parametrize(
    "path", ["//evil.test/..//users", "//users", "///users//", "/%2fusers", "/users"]
)
def test_slashes_lead_to_no_other_host(client: TestClient, path: str) -> None:
    answer = client.get(f"http://testserver{path}", follow_redirects=False)
    assert answer.status_code in (308, 404)
    if answer.status_code == 308:
        assert answer.headers["location"] == "http://testserver/users/"


@pytest.mark.parametrize("rest", ["/evil.test", "//evil.test/a", "/\\evil.test"])
def test_a_path_that_is_built_names_no_host(client: TestClient, rest: str) -> None:
    path = client.get("/url", params={"rest": rest}).json()
    assert path.startswith("/")
    assert path[1] not in "/\\"


@pytest.mark.parametrize(
    "location", ["/\u00e9", "/\u65e5\u672c", "/a\0b", "/a b", "/<script>", "/\t/evil.test"]
)
def test_a_location_is_a_uri(location: str) -> None:
    answer = kept.redirect(location)
    target = answer.headers["location"]
    assert target.isascii() and target.isprintable()
    assert " " not in target and "<" not in target
    assert target[:2] != "//"
    assert b"<script" not in answer.body


@pytest.mark.parametrize(
    "given",
    [
        {"key": "a;b"},
        {"key": "a\r\nX: y"},
        {"domain": "a.test; Secure"},
        {"samesite": "lax; Domain=evil.test"},
        {"expires": "now; Domain=evil.test"},
    ],
)
def test_a_cookie_has_the_attributes_that_were_said(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cookie"):
        kept.Response("").set_cookie(**{"key": "a", "value": "b"} | given)


@pytest.mark.parametrize("given", [{"value": "b; Domain=evil.test\r\nX: y"}, {"path": "/; Secure"}])
def test_a_cookie_that_can_be_written_is(given: dict[str, Any]) -> None:
    answer = kept.Response("")
    answer.set_cookie(**{"key": "a", "value": "b"} | given)
    (cookie,) = answer.headers.getlist("set-cookie")
    assert "; Domain" not in cookie
    assert "; Secure" not in cookie
    assert "\n" not in cookie
