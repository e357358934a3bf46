"""The recorder sees what passes, writes it once, and changes nothing."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask as RealFlask
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

import carboy.flask
from carboy import App
from carboy.fastapi import Request
from carboy.fastapi.responses import FileResponse, StreamingResponse
from carboy.migrate.proof.exchange import Ask, Exchange, Reply
from carboy.migrate.proof.reading import record_of
from carboy.migrate.proof.recorder import KEY, Lines, Recorder
from carboy.migrate.proof.redaction import PLACEHOLDER
from carboy.migrate.proof.side import Asgi
from carboy.testing import TestClient

FILE = Path(__file__).parents[3] / "LICENSE"


def flask_app(flask: Any) -> Any:
    app = flask.Flask(__name__)
    app.secret_key = "k"

    @app.post("/login")
    def login() -> Any:
        flask.session["user"] = flask.request.form["name"]
        return flask.redirect("/")

    @app.get("/")
    def index() -> Any:
        return f"Hello, {flask.session.get('user', 'stranger')}!"

    @app.get("/stream")
    def stream() -> Any:
        return app.response_class(str(i) for i in range(3))

    return app


def real() -> Any:
    import flask

    return flask_app(flask)


@pytest.mark.parametrize("make", [real, lambda: flask_app(carboy.flask)], ids=["flask", "face"])
def test_a_flask_application(make: Callable[[], Any], tmp_path: Path) -> None:
    app = make()
    recorder = Recorder(tmp_path / "r.jsonl")
    recorder.install(app)
    client = app.test_client()
    assert client.get("/").text == "Hello, stranger!"
    form = {"name": "ada", "password": "pw"}
    # As a server does, which sends all of an answer.
    assert client.post("/login", data=form, buffered=True).status_code == 302
    assert client.get("/?x=%20y").text == "Hello, ada!"
    assert client.get("/stream").text == "012"
    assert client.head("/", buffered=True).status_code == 200
    assert client.get("/a%20b/ä", buffered=True).status_code == 404
    recorder.close()
    exchanges = recorded(tmp_path / "r.jsonl")
    asked = [(one.ask.method, one.ask.target) for one in exchanges]
    assert asked == [
        ("GET", "/"),
        ("POST", "/login"),
        ("GET", "/?x=%20y"),
        ("GET", "/stream"),
        ("HEAD", "/"),
        ("GET", "/a%20b/%C3%A4"),
    ]
    bodies = [one.reply.body for one in exchanges]
    assert bodies[2:5] == [b"Hello, ada!", b"012", b""]
    login, page = exchanges[1], exchanges[2]
    assert login.ask.body.startswith(b"name=ada&password=REDACTED-")
    (issued,) = PLACEHOLDER.findall(login.reply.header("set-cookie") or "")
    assert page.ask.header("cookie") == f"session={issued}"
    assert login.session == page.session != 0
    assert [one.session for one in exchanges[:1]] == [0]
    assert sorted(one.at for one in exchanges) == [one.at for one in exchanges]


def typed_app() -> App:
    app = App(middleware=[Middleware(SessionMiddleware, secret_key="k")])

    @app.post("/login")
    def login(request: Request, name: dict[str, str]) -> dict[str, str]:
        request.session["user"] = name["name"]
        return name

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.get("/file")
    def file() -> FileResponse:
        return FileResponse(FILE)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("broken")

    return app


def test_a_typed_application(tmp_path: Path) -> None:
    app = typed_app()
    recorder = Recorder(tmp_path / "r.jsonl")
    recorder.install(app)
    client = TestClient(app, raise_server_exceptions=False)
    assert client.post("/login", json={"name": "ada", "token": "abc"}).status_code == 200
    assert client.get("/stream").text == "ab"
    assert client.get("/file").status_code == 200
    assert client.get("/absent").status_code == 404
    assert client.get("/broken").status_code == 500
    login, stream, file, absent, broken = recorded(tmp_path / "r.jsonl")
    assert login.reply.header("set-cookie")
    assert b"ada" in login.reply.body
    assert b"abc" not in login.ask.body + login.reply.body
    assert stream.reply.body == b"ab"
    assert file.reply.body == FILE.read_bytes()
    assert (absent.reply.status, absent.reply.body) == (404, b'{"detail":"Not Found"}')
    assert login.session == stream.session != 0
    # What stands outside of all middleware has answered this.
    assert (broken.reply.status, broken.reply.body) == (500, b"Internal Server Error")


def test_a_fastapi_application(tmp_path: Path) -> None:
    """The real one."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/")
    def index() -> dict[str, str]:
        return {"a": "b"}

    Recorder(tmp_path / "r.jsonl").install(app)
    side = Asgi(app)
    asked = {"method": "GET", "path": "/", "query": "", "headers": []}
    assert side.ask(asked, b"")[2] == b'{"a":"b"}'
    side.close()
    (exchange,) = recorded(tmp_path / "r.jsonl")
    assert exchange.reply.body == b'{"a":"b"}'


def test_as_a_plugin_of_both(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl", skip=["^/skipped"])
    app = App(plugins=[recorder])

    @app.post("/echo")
    async def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.get("/file")
    def file() -> FileResponse:
        return FileResponse(FILE)

    client = TestClient(app)
    assert client.post("/echo", json={"a": "b"}).json() == {"a": "b"}
    assert client.get("/stream").text == "ab"
    assert client.get("/file").text == FILE.read_text()
    assert client.get("/skipped").status_code == 404
    assert client.get("/absent").status_code == 404
    face = carboy.flask.Flask(__name__)
    face.add_plugin(recorder)

    @face.get("/face")
    def view() -> Any:
        return iter(["x", "y"])

    assert face.test_client().get("/face", buffered=True).text == "xy"
    echoed, streamed, filed, absent, faced = recorded(tmp_path / "r.jsonl")
    assert (echoed.ask.body, echoed.reply.body) == (b'{"a":"b"}', b'{"a":"b"}')
    assert streamed.reply.body == b"ab"
    assert filed.reply.body == FILE.read_bytes()
    assert absent.reply.status == 404
    assert (faced.ask.path, faced.reply.body) == ("/face", b"xy")
    assert recorder.lost == 0


def recorded(path: Path) -> list[Exchange]:
    exchanges, broken = record_of(path)
    assert broken == 0
    return exchanges


def test_bodies_are_kept_up_to_a_limit(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl", limit=10)
    app = RealFlask(__name__)

    @app.post("/")
    def index() -> Any:
        from flask import request

        assert len(request.get_data()) == 5000
        return "y" * 5000

    recorder.install(app)
    assert len(app.test_client().post("/", data="x" * 5000).data) == 5000
    (exchange,) = recorded(tmp_path / "r.jsonl")
    assert (exchange.ask.body, exchange.ask.cut) == (b"x" * 10, True)
    assert (exchange.reply.body, exchange.reply.cut) == (b"y" * 10, True)


def test_requests_never_fail_for_its_sake(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path / "nowhere" / "r.jsonl")
    app = typed_app()
    recorder.install(app)
    assert TestClient(app).get("/stream").text == "ab"
    assert TestClient(app).get("/stream").text == "ab"
    assert recorder.lost == 2
    assert [record.levelname for record in caplog.records if record.name == "carboy.record"] == [
        "WARNING"
    ]


def test_errors_of_applications_are_theirs(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl")
    app = typed_app()
    recorder.install(app)
    with pytest.raises(RuntimeError, match="broken"):
        TestClient(app).get("/broken")

    def failing(environ: Any, start_response: Any) -> Any:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        recorder.wsgi(failing)({"PATH_INFO": "/"}, None)
    with pytest.raises(TypeError, match=r"recorder\.wsgi\(app\)"):
        recorder.install(failing)


def test_wsgi_that_writes_and_reads_in_every_way(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl")

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        stream = environ["wsgi.input"]
        read = [stream.read(2), stream.readline(), *stream.readlines(1), *stream]
        environ["PATH_INFO"] = "/changed"
        write = start_response("200 OK", [("X-A", "b")])
        write(b"written ")
        return iter(read)

    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a",
        "SCRIPT_NAME": "/root",
        "wsgi.input": io.BytesIO(b"ab\ncd\nef\ngh"),
    }
    sent: list[bytes] = []
    answered = recorder.wsgi(app)(environ, lambda status, headers: sent.append)
    sent.extend(answered)
    answered.close()
    assert b"".join(sent) == b"written ab\ncd\nef\ngh"
    (exchange,) = recorded(tmp_path / "r.jsonl")
    assert exchange.ask == Ask("POST", "/root/a", body=b"ab\ncd\nef\ngh")
    assert exchange.reply == Reply(200, (("x-a", "b"),), b"written ab\ncd\nef\ngh")


def test_asgi_that_is_no_request_passes(tmp_path: Path) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    asyncio.run(Recorder(tmp_path / "r.jsonl").asgi(app)({"type": "websocket"}, None, None))
    assert seen == [{"type": "websocket"}]
    assert not (tmp_path / "r.jsonl").exists()


def test_threads_share_a_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl")

    def work(number: int) -> None:
        for index in range(50):
            body = b"%d" % number * (1000 + index)
            recorder.take(Ask("GET", f"/{number}"), Reply(200, body=body), 1.0)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exchanges = recorded(tmp_path / "r.jsonl")
    assert len(exchanges) == 400
    assert all(set(one.reply.body.decode()) == {one.ask.path[1:]} for one in exchanges)
    assert (tmp_path / "r.jsonl").stat().st_mode & 0o777 == 0o600


WORK = """
import sys
from carboy.migrate.proof.recorder import Recorder
from carboy.migrate.proof.exchange import Ask, Reply
recorder = Recorder(sys.argv[1])
cookie = (("cookie", "session=the-same-for-all"),)
for index in range(200):
    recorder.take(Ask("GET", "/" + sys.argv[2], "", cookie), Reply(200, (), b"x" * 9000), 1.0)
assert recorder.lost == 0
"""


def test_processes_share_a_file_and_its_key(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    environ = {name: value for name, value in os.environ.items() if name != KEY}
    processes = [
        subprocess.Popen([sys.executable, "-c", WORK, str(path), str(number)], env=environ)
        for number in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0] * 4
    exchanges = recorded(path)
    assert len(exchanges) == 800
    assert len({one.ask.header("cookie") for one in exchanges}) == 1
    assert len({one.session for one in exchanges}) == 1
    assert path.with_name("r.jsonl.key").stat().st_mode & 0o777 == 0o600


def test_the_key_may_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "given")
    ask = Ask("GET", "/", "", (("authorization", "Bearer x"),))
    for name in "ab":
        Recorder(tmp_path / name).take(ask, Reply(200), 1.0)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_line_that_was_cut_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines(tmp_path / "r.jsonl")
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:7]))
    with pytest.raises(OSError, match="a part"):
        lines.append(b'{"request": {}}\n')
    monkeypatch.undo()
    recorder = Recorder(tmp_path / "r.jsonl")
    recorder._lines = lines
    recorder.take(Ask("GET", "/"), Reply(200), 1.0)
    exchanges, broken = record_of(tmp_path / "r.jsonl")
    assert (len(exchanges), broken) == (1, 1)
    lines.close()


def test_a_record_does_not_fill_the_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = RealFlask(__name__)
    app.add_url_rule("/", view_func=lambda: "x" * 1000)
    recorder = Recorder(tmp_path / "record", most=5000)
    recorder.install(app)
    for _ in range(20):
        assert app.test_client().get("/", buffered=True).status_code == 200
    recorder.close()
    size = (tmp_path / "record").stat().st_size
    assert 3000 < size <= 5000
    assert recorder.lost > 10
    assert len(caplog.records) == 1
