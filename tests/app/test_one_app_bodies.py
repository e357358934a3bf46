"""The body of one request, as Starlette's Request and Flask's `request` see it, by every door."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import httpx
import pytest
from werkzeug.test import Client

from carboy import App, Body, Form, Request, UploadFile
from carboy.flask import request as flask_request
from carboy.testing import TestClient

Post = Callable[..., tuple[int, Any]]


def _over_wsgi(app: App) -> Post:
    client = Client(app)

    def post(path: str, **what: Any) -> tuple[int, Any]:
        answer = client.post(path, buffered=True, **what)
        return answer.status_code, answer.json

    return post


def _by_engine(app: App) -> Post:
    client = TestClient(app)

    def post(path: str, **what: Any) -> tuple[int, Any]:
        answer = client.post(path, **what)
        return answer.status_code, answer.json()

    return post


def _over_asgi(app: App) -> Post:
    async def asked(path: str, **what: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post(path, **what)

    def post(path: str, **what: Any) -> tuple[int, Any]:
        answer = asyncio.run(asked(path, **what))
        return answer.status_code, answer.json()

    return post


DOORS = {
    "engine": _by_engine,
    "asgi": _over_asgi,
    "wsgi": _over_wsgi,
}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Callable[[App], Post]:
    return DOORS[request.param]


@pytest.fixture(params=["no hooks", "a hook that reads"])
def app(request: pytest.FixtureRequest) -> App:
    made = App(secret_key="k")
    if request.param == "a hook that reads":

        @made.before_request
        def check() -> None:
            if flask_request.mimetype == "application/x-www-form-urlencoded":
                assert flask_request.form["a"] == "b"

    return made


def test_a_flask_view_reads_its_body_by_every_door(app: App, door: Callable[[App], Post]) -> None:
    @app.route("/form", methods=["POST"])
    def form() -> Any:
        return [flask_request.form["a"]]

    @app.route("/json", methods=["POST"])
    async def json() -> Any:
        return [flask_request.get_json(), len(flask_request.get_data())]

    post = door(app)
    assert post("/form", data={"a": "b"}) == (200, ["b"])
    assert post("/json", json={"a": 1})[1][0] == {"a": 1}


def test_typed_routes_read_it_with_flask_s_request(app: App, door: Callable[[App], Post]) -> None:
    @app.post("/none")
    async def none() -> Any:
        return flask_request.form["a"]

    @app.post("/sync")
    def sync(request: Request) -> Any:
        return [flask_request.form["a"], str(request.url.path)]

    @app.post("/form")
    async def form(a: Annotated[str, Form()]) -> Any:
        return [a, flask_request.form["a"]]

    @app.post("/json")
    async def json(request: Request, item: Annotated[dict[str, int], Body()]) -> Any:
        return [item, await request.json(), flask_request.get_json()]

    post = door(app)
    assert post("/none", data={"a": "b"}) == (200, "b")
    assert post("/sync", data={"a": "b"}) == (200, ["b", "/sync"])
    assert post("/form", data={"a": "b"}) == (200, ["b", "b"])
    assert post("/json", json={"a": 1}) == (200, [{"a": 1}] * 3)


def test_what_starlette_s_request_has_read_flask_s_has(
    app: App, door: Callable[[App], Post]
) -> None:
    @app.post("/")
    async def read(request: Request) -> Any:
        body = await request.body()
        return [body.decode(), dict(await request.form()), flask_request.form["a"]]

    assert door(app)("/", data={"a": "b"}) == (200, ["a=b", {"a": "b"}, "b"])


def test_what_nobody_has_read_yet_says_what_to_do() -> None:
    app = App(secret_key="k")

    @app.post("/")
    async def read(request: Request) -> Any:
        return flask_request.form["a"]

    with pytest.raises(RuntimeError, match=r"await request\.body\(\)"):
        TestClient(app).post("/", data={"a": "b"})
    assert TestClient(app, raise_server_exceptions=False).post("/").status_code == 400


def test_a_body_in_pieces_is_one_body(app: App) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a="
        yield b"b"

    @app.post("/")
    def read(request: Request) -> Any:
        return [flask_request.form["a"], flask_request.content_length]

    @app.route("/flask", methods=["POST"])
    def view() -> Any:
        return [flask_request.form["a"]]

    form = {"content-type": "application/x-www-form-urlencoded"}
    client = TestClient(app)
    assert client.post("/", content=pieces(), headers=form).json()[0] == "b"
    assert client.post("/flask", content=pieces(), headers=form).json() == ["b"]


def test_a_file_goes_to_typed_parameters_and_to_flask(
    app: App, door: Callable[[App], Post]
) -> None:
    @app.post("/")
    async def upload(file: UploadFile, name: Annotated[str, Form()]) -> Any:
        mine = flask_request.files["file"]
        return [name, (await file.read()).decode(), mine.read().decode(), mine.filename]

    post = door(app)
    sent: dict[str, Any] = {"data": {"name": "n", "file": (io.BytesIO(b"hello"), "f.txt")}}
    if door is not DOORS["wsgi"]:
        sent = {"data": {"name": "n"}, "files": {"file": ("f.txt", b"hello")}}
    assert post("/", **sent) == (200, ["n", "hello", "hello", "f.txt"])
