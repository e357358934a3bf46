"""A `before_request` hook that refuses can't be passed by, however a request is spelled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from contract.servers import DIRECT, Server, serving
from contract.wire import Line, request

from carboy import App
from carboy.flask import abort
from carboy.flask import request as current
from carboy.testing import TestClient

APP = "attacks.guarded_app:app"
LINES = {
    "direct": DIRECT,
    # Below a prefix of the server's, whose requests go the long way.
    "direct-below": f"{DIRECT} --root-path /below",
    "uvicorn": "uvicorn {app} --port {port} --no-access-log",
    "gunicorn": "gunicorn {app} --bind {bind} --no-control-socket --graceful-timeout 5",
}
PLACES = (
    "/typed",
    "/typed-def",
    "/slash/",
    "/page",
    "/body",
    "/rest/a",
    "/number/1",
    "/own/class",
    "/layered/one",
    "/flask",
    "/flask-async/",
    "/view",
    "/pages/a/b",
    "/static/x",
    "/front/index.html",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get")
#: What a path may be made to look like.
SPELLINGS = (
    lambda path: path + "/",
    lambda path: path.rstrip("/"),
    lambda path: "/" + path,
    lambda path: path.replace("/", "//"),
    lambda path: "/." + path,
    lambda path: "/x/.." + path,
    lambda path: "/%2e" + path,
    lambda path: path + "%2f",
    lambda path: "/%2f" + path.lstrip("/"),
    lambda path: "".join(f"%{ord(one):02x}" if one != "/" else one for one in path),
    lambda path: path.upper(),
    lambda path: path + ";a=b",
    lambda path: path + "%00",
    lambda path: path + "%0a",
    lambda path: path + "?_method=GET",
    lambda path: "http://contract.test" + path,
    lambda path: path.replace("/", "\\"),
    lambda path: path + "%ff",
)
HEADERS = (
    [("X-HTTP-Method-Override", "GET")],
    [("X-Original-URL", "/ran"), ("X-Rewrite-URL", "/ran")],
    [("X-Forwarded-Prefix", "/typed"), ("X-Script-Name", "/typed")],
    [("Upgrade", "websocket"), ("Sec-WebSocket-Key", "x" * 22 + "=="),
     ("Sec-WebSocket-Version", "13")],
    [("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")],
    [("Host", "other.test")],
    [("Content-Type", "multipart/form-data")],
    [("Content-Type", "application/json")],
)  # fmt: skip


@pytest.fixture(scope="module", params=list(LINES))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving(LINES[request.param].replace("{app}", APP).split()) as one:
        yield one


def ran(server: Server) -> int:
    with Line(server.address) as line:
        line.send(request("GET", "/ran"))
        return int(line.answer().json())


def statuses(server: Server, asked: list[bytes]) -> set[int]:
    """What the requests are answered, each on a connection of its own."""
    found = set()
    for one in asked:
        with Line(server.address) as line:
            line.send(one)
            found.add(line.answer(one.partition(b" ")[0].decode()).status)
    return found


@pytest.mark.parametrize("method", METHODS)
def test_no_method_gets_past(server: Server, method: str) -> None:
    before = ran(server)
    asked = [request(method, place) for place in PLACES]
    assert statuses(server, asked) <= {401, 400, 405, 501}
    assert ran(server) == before


@pytest.mark.parametrize("spelling", range(len(SPELLINGS)))
def test_no_spelling_gets_past(server: Server, spelling: int) -> None:
    before = ran(server)
    asked = [
        request(method, SPELLINGS[spelling](place))
        for place in PLACES
        for method in ("GET", "POST", "OPTIONS")
        if SPELLINGS[spelling](place)
    ]
    # Where a server refuses what is no path there is nothing to pass.
    assert statuses(server, asked) <= {401, 400, 404}
    assert ran(server) == before


@pytest.mark.parametrize("headers", HEADERS, ids=lambda one: one[0][0])
def test_no_header_gets_past(server: Server, headers: list[tuple[str, str]]) -> None:
    before = ran(server)
    closing = not any(name == "Upgrade" for name, _ in headers)
    upgrade = [] if closing else [("Connection", "Upgrade")]
    bodies = (b"{}", b"")
    if not closing and "uvicorn" in server.process.args:  # type: ignore[operator]
        bodies = (b"",)  # uvicorn's own protocol waits for ever where a body follows a handshake
    asked = [
        request(method, place, [*headers, *upgrade], body=body, close=closing)
        for place in PLACES
        for method in ("GET", "POST")
        for body in bodies
    ]
    assert statuses(server, asked) <= {401, 400, 403, 405}
    assert ran(server) == before


@pytest.mark.parametrize("routes", [("flask", "typed"), ("typed", "flask"), ("typed", "typed")])
def test_a_mark_of_one_route_is_no_mark_of_another_with_its_name(routes: tuple[str, str]) -> None:
    """A hook that lets marked views pass asks for the view of the endpoint."""
    app = App(secret_key="guarded" * 5)

    @app.before_request
    def only_open() -> None:
        view = app.view_functions.get(current.endpoint)
        assert view is app.view_functions[current.endpoint]
        if not getattr(view, "open", False):
            abort(401)

    for kind, path in zip(routes, ("/open", "/secret"), strict=True):

        def same(path: str = path) -> str:
            return path

        same.open = path == "/open"  # type: ignore[attr-defined]
        if kind == "typed":
            app.get(path, name="same")(same)
        else:
            app.add_url_rule(path, "same", same)
    client = TestClient(app)
    for _ in range(2):
        assert client.get("/open").status_code == 200
        assert client.get("/secret").status_code == 401


@pytest.mark.parametrize(
    "host",
    ["evil.test", "good.test.evil.test", "evilgood.test", "good.test@evil.test", "good.test:80:90",
     "good.test/", "good.test?", "[::1]", "", "good.test,evil.test"],
)  # fmt: skip
@pytest.mark.parametrize("is_known", [False, True])
def test_a_host_that_is_not_trusted_gets_to_neither_kind(host: str, is_known: bool) -> None:
    """Nor does one that was taken before hosts were named."""
    app = App(secret_key="guarded" * 5)
    ran: list[str] = []

    @app.get("/typed")
    async def typed() -> None:
        ran.append(current.host)

    @app.get("/typed-def")
    def typed_def() -> None:
        ran.append(current.host)

    @app.route("/view")
    def view() -> str:
        ran.append(current.host)
        return ""

    client = TestClient(app, raise_server_exceptions=False)
    paths = ("/typed", "/typed-def", "/view")
    for path in paths if is_known else ():
        client.get(path, headers={"host": host})
    ran.clear()
    app.config["TRUSTED_HOSTS"] = ["good.test"]
    for path in paths:
        forwarded = {"x-forwarded-host": "good.test", "forwarded": "host=good.test"}
        assert client.get(path, headers={"host": host, **forwarded}).status_code == 400
        assert client.get(f"{path}/no", headers={"host": host}).status_code == 400
        assert ran == []
        for good in ("good.test", "good.test:8000"):
            assert client.get(path, headers={"host": good}).status_code == 200
        assert ran == ["good.test", "good.test:8000"]
        ran.clear()
