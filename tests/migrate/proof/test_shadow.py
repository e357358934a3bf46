"""A shadow is asked behind the client's back, and what it answers otherwise is written down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask
import pytest
from click.testing import CliRunner
from contract.servers import free_port
from living import PATIENCE, running, until
from processes import started

import carboy.flask
from carboy import App
from carboy.cli import main
from carboy.fastapi import Request
from carboy.fastapi.responses import JSONResponse, StreamingResponse
from carboy.migrate.proof.comparing import Rules
from carboy.migrate.proof.masking import Masks
from carboy.migrate.proof.proxy import BAD_GATEWAY, Proxy
from carboy.migrate.proof.shadow import Shadow
from carboy.testing import TestClient
from proof.projects import NEW, OLD, Browser, write


def live_app(made: Any = flask) -> Any:
    app = made.Flask(__name__)
    app.secret_key = "k"

    @app.get("/")
    def index() -> Any:
        return made.jsonify(message="hello", user=made.session.get("user"))

    @app.get("/account")
    def account() -> Any:
        return made.jsonify(password="live-password-1", name="ada")

    @app.post("/login")
    def login() -> Any:
        made.session["user"] = "ada"
        return "in"

    return app


def new_app(message: str = "hello") -> App:
    app = App(secret_key="k")
    seen: list[Any] = []
    app.state.seen = seen

    @app.get("/")
    async def index(request: Request) -> dict[str, Any]:
        seen.append((request.method, dict(request.headers)))
        return {"message": message, "user": request.session.get("user")}

    @app.get("/account")
    async def account() -> dict[str, Any]:
        return {"password": "new-password-2", "name": "eve"}

    return app


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Shadow]]:
    """Shadows that write to s.jsonl and see every request; ended with the test."""
    made: list[Shadow] = []

    def make(other: Any, **options: Any) -> Shadow:
        made.append(Shadow(other, tmp_path / "s.jsonl", **{"sample": 1} | options))
        return made[-1]

    yield make
    for shadow in made:
        shadow.close()


def test_equal_answers_leave_no_trace(make: Callable[..., Shadow], tmp_path: Path) -> None:
    live, new = live_app(), new_app()
    shadow = make(new)
    shadow.install(live)
    client = live.test_client()
    assert client.get("/").get_json() == {"message": "hello", "user": None}
    assert client.post("/login").text == "in"
    # Within one process the session goes along, and is the same one.
    assert client.get("/").get_json() == {"message": "hello", "user": "ada"}
    shadow.settle()
    assert shadow.counts == {"asked": 2, "equal": 2}
    assert [method for method, _ in new.state.seen] == ["GET", "GET"]
    assert lines(tmp_path / "s.jsonl") == []
    shadow.close()
    assert lines(tmp_path / "s.jsonl")[0]["counts"] == {"asked": 2, "equal": 2}


@pytest.mark.parametrize("made", [flask, carboy.flask], ids=["flask", "face"])
def test_differences_are_written_without_secrets(
    make: Callable[..., Shadow], made: Any, tmp_path: Path
) -> None:
    live = live_app(made)
    shadow = make(new_app("bye"))
    shadow.install(live)
    client = live.test_client()
    assert client.get("/?token=abcdefgh").get_json()["message"] == "hello"
    assert client.get("/account").get_json()["name"] == "ada"
    shadow.settle()
    told = lines(tmp_path / "s.jsonl")
    assert [(one["endpoint"], one["what"], one["old"], one["new"]) for one in told] == [
        ("index", "body message", '"hello"', '"bye"'),
        ("account", "body name", '"ada"', '"eve"'),
        ("account", "body password", "(left out)", "(left out)"),
    ]
    assert "abcdefgh" not in (tmp_path / "s.jsonl").read_text()
    assert shadow.counts == {"asked": 2, "different": 2}


def test_typed_applications_and_plugins(make: Callable[..., Shadow], tmp_path: Path) -> None:
    shadow = make(new_app())
    live = new_app("live")
    shadow.install(live)
    assert TestClient(live).get("/").json()["message"] == "live"
    plugged = App(plugins=[shadow])

    @plugged.get("/")
    def index() -> dict[str, str]:
        return {"message": "plugged"}

    assert TestClient(plugged).get("/").json() == {"message": "plugged"}
    shadow.settle()
    messages = [one for one in lines(tmp_path / "s.jsonl") if one["what"] == "body message"]
    assert [one["old"] for one in messages] == ['"live"', '"plugged"']


def test_a_share_and_safe_methods_only(make: Callable[..., Shadow], tmp_path: Path) -> None:
    shadow = Shadow(new_app(), tmp_path / "s", sample=0.25)
    shadow._random.seed(1)
    wanted = sum(shadow.wants("GET", "/") for _ in range(1000))
    assert 200 < wanted < 300
    every = make(new_app())
    assert not any(every.wants(method, "/") for method in ("POST", "PUT", "PATCH", "DELETE"))
    assert not any(Shadow("http://x", tmp_path / "s", sample=0).wants("GET", "/") for _ in "abc")
    with pytest.raises(ValueError, match="0 to 1"):
        Shadow(new_app(), tmp_path / "s", sample=5)
    app = new_app()
    with pytest.raises(ValueError, match="its own shadow"):
        Shadow(app, tmp_path / "s").install(app)


def test_a_slow_shadow_slows_nobody(make: Callable[..., Shadow], tmp_path: Path) -> None:
    """What there is no room for is dropped; nothing waits for it."""
    go = threading.Event()

    def slow(environ: Any, start_response: Any) -> Any:
        assert go.wait(PATIENCE)
        start_response("200 OK", [])
        return [b""]

    live = live_app()
    shadow = make(slow, queue=2)
    shadow.install(live)
    client = live.test_client()
    for _ in range(10):
        assert client.get("/", buffered=True).status_code == 200
    assert shadow.counts["dropped"] >= 7
    go.set()
    shadow.settle()
    assert shadow.counts["asked"] + shadow.counts["dropped"] == 10


def test_long_bodies_are_not_kept(make: Callable[..., Shadow], tmp_path: Path) -> None:
    shadow = make(new_app(), limit=5)
    live = live_app()
    shadow.install(live)
    assert live.test_client().get("/", buffered=True).status_code == 200
    assert shadow.counts == {"skipped": 1}


def test_a_shadow_that_fails_is_counted(
    make: Callable[..., Shadow], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(environ: Any, start_response: Any) -> Any:
        raise RuntimeError("shadow")

    for other in (failing, 5, "http://127.0.0.1:9"):
        shadow = make(other)
        live = live_app()
        shadow.install(live)
        client = live.test_client()
        assert [client.get("/", buffered=True).status_code for _ in "ab"] == [200, 200]
        shadow.settle()
        assert shadow.counts["failed"] == 2
    assert [record.levelname for record in caplog.records if record.name == "carboy.shadow"] == [
        *("WARNING", "ERROR", "WARNING")
    ]


def test_secrets_leave_the_process_only_if_that_is_said(
    make: Callable[..., Shadow], tmp_path: Path
) -> None:
    new = new_app()
    with running(new) as server:
        url = "http://{}:{}".format(*server.address)
        live = live_app()
        shadow = make(url)
        shadow.install(live)
        client = live.test_client()
        client.get("/", buffered=True)
        client.get("/", headers={"Authorization": "Bearer x"}, buffered=True)
        client.post("/login")
        client.get("/", buffered=True)
        shadow.settle()
        assert shadow.counts == {"asked": 1, "equal": 1, "skipped": 2}
        assert not [headers for _, headers in new.state.seen if "cookie" in headers]
        sending = make(url, send_secrets=True)
        sending.install(live)
        client.get("/", buffered=True)
        sending.settle()
        assert sending.counts == {"asked": 1, "equal": 1}
        assert new.state.seen[-1][1]["cookie"].startswith("session=")


def test_masks_count_here_too(make: Callable[..., Shadow], tmp_path: Path) -> None:
    rules = Rules(Masks([re.compile("hello|bye")]))
    shadow = make(new_app("bye"), rules=rules)
    live = live_app()
    shadow.install(live)
    live.test_client().get("/", buffered=True)
    shadow.settle()
    assert shadow.counts["equal"] == 1


# -- the proxy ------------------------------------------------------------------------------------


def origin() -> App:
    app = App()

    @app.post("/echo")
    async def echo(request: Request) -> Any:
        body = await request.body()
        headers = {"x-host": request.headers["host"], "x-length": str(len(body))}
        return JSONResponse(
            {"query": str(request.url.query), "via": _via(request)}, headers=headers
        )

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> Any:
            for number in range(3):
                yield f"{number}" * 70_000

        return StreamingResponse(pieces())

    @app.get("/endless")
    async def endless(request: Request) -> StreamingResponse:
        async def pieces() -> Any:
            import asyncio

            try:
                while True:
                    yield b"x"
                    await asyncio.sleep(0.01)
            finally:
                app.state.ended = True

        return StreamingResponse(pieces())

    return app


def _via(request: Request) -> str:
    return request.headers.get("x-forwarded-for", "")


@contextmanager
def serving(app: Any) -> Iterator[tuple[str, int]]:
    """Any ASGI application on a socket, by uvicorn's own protocol."""
    with running(app, http="h11") as server:
        yield server.address


def test_requests_pass_through(tmp_path: Path) -> None:
    app = origin()
    with running(app) as server, serving(Proxy("http://{}:{}".format(*server.address))) as proxy:
        user = Browser(proxy)
        status, text = user.ask("POST", "/echo?a=%20b", "x" * 300_000)
        assert (status, json.loads(text)) == (200, {"query": "a=%20b", "via": "127.0.0.1"})
        assert user.ask("GET", "/stream")[1] == "0" * 70_000 + "1" * 70_000 + "2" * 70_000
        assert user.ask("GET", "/absent")[0] == 404
        assert user.ask("HEAD", "/stream") == (200, "")
        chunked = b"POST /echo HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n"
        sent = talk(
            proxy, chunked + b"Connection: close, x-mine\r\nX-Mine: 1\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        )
        assert b"x-length: 2" in sent
        assert b"x-host: shop" in sent
        assert b"x-host: " in talk(proxy, b"POST /echo HTTP/1.0\r\nContent-Length: 0\r\n\r\n")


def talk(address: tuple[str, int], data: bytes) -> bytes:
    with socket.create_connection(address, timeout=PATIENCE) as line:
        line.sendall(data)
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_a_client_that_leaves_ends_the_origins_stream() -> None:
    app = origin()
    app.state.ended = False
    with running(app) as server, serving(Proxy("http://{}:{}".format(*server.address))) as proxy:
        with socket.create_connection(proxy, timeout=PATIENCE) as line:
            line.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            assert line.recv(100)
        until(lambda: app.state.ended)


def test_an_origin_that_is_not_there_is_a_bad_gateway() -> None:
    with serving(Proxy("http://127.0.0.1:9")) as proxy:
        assert Browser(proxy).ask("GET", "/") == (502, BAD_GATEWAY.decode())
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def close() -> None:
            silent.accept()[0].close()

        threading.Thread(target=close).start()
        with serving(Proxy(f"http://127.0.0.1:{silent.getsockname()[1]}")) as proxy:
            assert Browser(proxy).ask("GET", "/")[0] == 502
    for wrong in ("127.0.0.1:80", "ftp://a", "http://"):
        with pytest.raises(ValueError, match="no URL such as"):
            Proxy(wrong)


def test_a_proxy_with_a_shadow(make: Callable[..., Shadow], tmp_path: Path) -> None:
    live = new_app("live")
    shadow = make(new_app("new"))
    with (
        running(live) as server,
        serving(shadow.asgi(Proxy("http://{}:{}".format(*server.address)))) as proxy,
    ):
        assert json.loads(Browser(proxy).ask("GET", "/")[1])["message"] == "live"
        until(lambda: lines(tmp_path / "s.jsonl"))
    assert lines(tmp_path / "s.jsonl")[0]["new"] == '"new"'
    shadow.close()


# -- the command ----------------------------------------------------------------------------------

LIVE = OLD + "\n@app.get('/pid')\ndef pid():\n    return 'up'\n"


def test_the_command(tmp_path: Path) -> None:
    """In front of a live application in a process of its own."""
    write(tmp_path / "live", LIVE)
    write(tmp_path / "new", NEW.replace('"message": "hello"', '"message": "bye"'))
    ports = free_port(), free_port()
    live = ["carboy", "run", "main:app", "--drop-in", "--port", str(ports[0])]
    front = [
        *("carboy", "migrate", "shadow", f"{tmp_path / 'new'}:main:app", "--sample", "1"),
        *("--live", f"http://127.0.0.1:{ports[0]}", "--port", str(ports[1])),
        *("--to", str(tmp_path / "s.jsonl"), "--mask", "[0-9a-f]{16}"),
    ]
    with (
        started(tmp_path, live, ("127.0.0.1", ports[0]), cwd=tmp_path / "live"),
        started(tmp_path / "new", front, ("127.0.0.1", ports[1]), cwd=tmp_path) as front_process,
    ):
        user = Browser(("127.0.0.1", ports[1]))
        assert json.loads(user.ask("GET", "/?page=3")[1]) == {"message": "hello", "page": 3}
        assert user.ask("POST", "/notes", "{}")[0] == 415
        told = tmp_path / "s.jsonl"
        until(lambda: any(one.get("what") == "body message" for one in lines(told)))
        front_process.process.send_signal(signal.SIGTERM)
        assert front_process.process.wait(PATIENCE) == 0, front_process.log()
    found = [one for one in lines(told) if one.get("endpoint") == "index"]
    assert [(one["path"], one["old"], one["new"]) for one in found] == [
        ("/?page=3", '"hello"', '"bye"')
    ]
    assert '"different": ' in front_process.log()
    assert lines(told)[-1]["counts"]["different"] >= 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["main:app"], "--live"),
        (["main:app", "--live", "localhost"], "no URL such as"),
        (["a b", "--live", "http://a"], "names no application"),
        (["nowhere/main.py", "--live", "http://a"], "there is no file"),
        (["main:app", "--live", "http://a", "--sample", "3"], "--sample"),
    ],
)
def test_wrong_words_are_told(words: list[str], said: str) -> None:
    told = CliRunner().invoke(main, ["migrate", "shadow", *words])
    assert told.exit_code
    assert said in told.output


def endless(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    while True:
        yield b"x" * 1000


async def endless_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})


async def silent_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()


@contextmanager
def endless_server() -> Iterator[str]:
    """One connection is answered with bytes without an end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            plug, _ = listening.accept()
            with plug, contextlib.suppress(OSError):
                plug.recv(65536)
                plug.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    plug.sendall(b"x" * 65536)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.mark.parametrize("other", [endless, endless_asgi, silent_asgi, "a server"])
def test_an_answer_without_an_end_is_given_up(make: Callable[..., Shadow], other: Any) -> None:
    with endless_server() if other == "a server" else contextlib.nullcontext(other) as asked:
        live = live_app()
        # Where bytes come all the time their number ends it, else the time does.
        shadow = make(asked, timeout=0.2 if other is silent_asgi else PATIENCE, limit=10_000)
        shadow.install(live)
        assert live.test_client().get("/", buffered=True).status_code == 200
        shadow.settle()
        assert shadow.counts == {"asked": 1, "failed": 1}


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_safe_method_that_may_be_another_is_not_asked_again(
    make: Callable[..., Shadow], name: str
) -> None:
    live, other = live_app(), live_app()
    shadow = make(other)
    shadow.install(live)
    live.test_client().get("/", headers={name: "DELETE"}, buffered=True)
    assert shadow.counts == {"skipped": 1}


def test_one_that_hangs_keeps_no_process_from_ending(make: Callable[..., Shadow]) -> None:
    go = threading.Event()

    def hangs(environ: Any, start_response: Any) -> Any:
        assert go.wait(PATIENCE)
        start_response("200 OK", [])
        return [b""]

    live = live_app()
    shadow = make(hangs, queue=2, timeout=0.1)
    shadow.install(live)
    for _ in range(5):
        live.test_client().get("/", buffered=True)
    shadow.close()
    assert not go.is_set()
    go.set()
