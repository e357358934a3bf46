"""A request reaches a Flask application by two doors, the engine's and WSGI's: same answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import run_wsgi_app

from carboy.flask import Flask, Response, g, jsonify, request, session, stream_with_context
from carboy.testing import TestClient

app = Flask(__name__)
app.secret_key = "not secret"


@app.route("/hello", methods=["GET"])
def hello():
    name = request.args.get("name", "World")
    return jsonify({"message": f"Hello, {name}!"})


@app.route("/wait/<int:number>")
async def wait(number):
    await asyncio.sleep(0)
    return {"number": number, "path": request.path}


@app.post("/form")
def form():
    return dict(request.form) | {name: one.read().decode() for name, one in request.files.items()}


@app.post("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return str(session["count"])


@app.route("/stream")
def stream():
    def pieces() -> Iterator[str]:
        for number in range(3):
            yield f"{number}{request.path};"

    return Response(stream_with_context(pieces()))


@app.route("/files/<path:rest>/")
def files(rest):
    return rest, 203, {"x-rest": "yes"}


@app.route("/replaced")
def replaced():
    """As httpbin does."""
    response = Response("", 401)
    response.headers = {"WWW-Authenticate": 'Basic realm="Fake Realm"'}
    return response


@app.route("/broken")
def broken():
    raise ZeroDivisionError


Door = Callable[..., tuple[int, dict[str, str], bytes]]


def _engine(method: str, target: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
    client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)
    answer = client.request(method, target, **options)
    return answer.status_code, dict(answer.headers), answer.content


def _wsgi(method: str, target: str, **options: Any) -> tuple[int, dict[str, str], bytes]:
    data = {**options.get("data", {})}
    for name, (filename, content) in options.get("files", {}).items():
        import io

        data[name] = (io.BytesIO(content), filename)
    answer = app.test_client().open(target, method=method, data=data or None)
    return answer.status_code, {k.lower(): v for k, v in answer.headers}, answer.data


doors = pytest.mark.parametrize("door", [_engine, _wsgi])


@doors
def test_the_sample_of_the_readme(door: Door) -> None:
    assert door("GET", "/hello")[2] == b'{"message":"Hello, World!"}\n'
    status, headers, body = door("GET", "/hello?name=Z%C3%BCrich+West")
    assert (status, body) == (200, b'{"message":"Hello, Z\\u00fcrich West!"}\n')
    assert headers["content-type"] == "application/json"


@doors
def test_an_async_view(door: Door) -> None:
    assert door("GET", "/wait/7")[2] == b'{"number":7,"path":"/wait/7"}\n'


@doors
def test_converters_slashes_and_headers(door: Door) -> None:
    status, headers, body = door("GET", "/files/a/b/")
    assert (status, headers["x-rest"], body) == (203, "yes", b"a/b")
    status, headers, _ = door("GET", "/files/a%20b?q=1")
    assert status == 308
    assert headers["location"].endswith("/files/a%20b/?q=1")


@doors
def test_headers_that_are_replaced_by_a_dict(door: Door) -> None:
    status, headers, body = door("GET", "/replaced")
    assert (status, body) == (401, b"")
    assert headers == {"www-authenticate": 'Basic realm="Fake Realm"', "content-length": "0"}


@doors
def test_forms_and_files(door: Door) -> None:
    answer = door("POST", "/form", data={"a": "1"}, files={"f": ("f.txt", b"content")})
    assert answer[2] == b'{"a":"1","f":"content"}\n'


@doors
def test_a_stream_keeps_its_context(door: Door) -> None:
    assert door("GET", "/stream")[2] == b"0/stream;1/stream;2/stream;"


@doors
@pytest.mark.parametrize(
    ("method", "target", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/hello", 405), ("GET", "/wait/x", 404)],
)
def test_misses(door: Door, method: str, target: str, status: int) -> None:
    found, headers, body = door(method, target)
    assert (found, headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert body.startswith(b"<!doctype html>")
    if status == 405:
        assert sorted(headers["allow"].split(", ")) == ["GET", "HEAD", "OPTIONS"]


@doors
def test_head_and_options(door: Door) -> None:
    status, headers, body = door("HEAD", "/hello")
    assert (status, headers["content-length"], body) == (200, "28", b"")
    status, headers, _ = door("OPTIONS", "/hello")
    assert sorted(headers["allow"].split(", ")) == ["GET", "HEAD", "OPTIONS"]


@doors
def test_an_unhandled_error_is_500(door: Door) -> None:
    status, _, body = door("GET", "/broken")
    assert status == 500
    assert b"ZeroDivisionError" not in body


def test_sessions_cross_the_doors() -> None:
    """The cookie that one door sets is read by the other."""
    client = TestClient(app)
    assert client.post("/count").text == "1"
    assert client.post("/count").text == "2"
    other = app.test_client()
    other.set_cookie("session", client.cookies["session"])
    assert other.post("/count").text == "3"


def test_a_def_view_and_its_hooks_share_one_thread() -> None:
    flask = Flask("threads")
    seen: list[tuple[str, int]] = []

    def note(what: str) -> None:
        seen.append((what, threading.get_ident()))

    flask.before_request(lambda: note("before"))
    flask.teardown_request(lambda error: note("teardown"))
    flask.teardown_appcontext(lambda error: note("app teardown"))

    @flask.after_request
    def after(response: Response) -> Response:
        note("after")
        response.call_on_close(lambda: note("close"))
        return response

    @flask.route("/")
    def view() -> str:
        note("view")
        g.x = 1
        return "done"

    assert TestClient(flask).get("/").text == "done"
    assert [what for what, _ in seen] == [
        "before",
        "view",
        "after",
        "teardown",
        "app teardown",
        "close",
    ]
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident()


def test_asgi_and_wsgi_servers_call_the_same_object() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/hello",
        "raw_path": b"/hello",
        "root_path": "",
        "query_string": b"name=ASGI",
        "headers": [(b"host", b"a")],
        "scheme": "http",
        "http_version": "1.1",
        "server": ("a", 80),
        "client": ("127.0.0.1", 1),
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200
    assert sent[1]["body"] == b'{"message":"Hello, ASGI!"}\n'
    environ = app.test_request_context("/hello?name=WSGI").request.environ
    pieces, status, _ = run_wsgi_app(app, environ)
    assert (status, b"".join(pieces)) == ("200 OK", b'{"message":"Hello, WSGI!"}\n')
    with pytest.raises(TypeError, match="carboy run"):
        app()
