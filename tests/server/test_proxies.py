"""Client and scheme behind proxies: only named ones are believed, HTTP and WebSockets agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from contract.wire import Line, request
from living import running
from websockets.sync.client import connect

from carboy import App, Request, WebSocket
from carboy.flask import Flask
from carboy.flask import request as flask_request
from carboy.server.proxies import Proxies

app = App()


def seen(scope: Any) -> list[Any]:
    return [scope["client"][0], scope["client"][1], scope["scheme"]]


@app.get("/seen")
async def seen_by_http(request: Request) -> list[Any]:
    return [*seen(request.scope), str(request.url_for("seen_by_http")).partition(":")[0]]


@app.websocket("/seen")
async def seen_by_websocket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(seen(websocket.scope))
    await websocket.close()


HEADERS = [
    ("X-Forwarded-For", "203.0.113.9, 198.51.100.7:4711, 10.1.2.3"),
    ("X-Forwarded-Proto", "https"),
]
NOBODY = [("X-Forwarded-For", "203.0.113.9")]


def ask(headers: list[tuple[str, str]], **options: Any) -> tuple[list[Any], list[Any]]:
    """What HTTP and what a WebSocket sees."""
    with running(app, **options) as living:
        with Line(living.address) as line:
            line.send(request("GET", "/seen", headers))
            over_http = line.answer().json()
        host, port = living.address
        with connect(f"ws://{host}:{port}/seen", additional_headers=headers) as websocket:
            return over_http, json.loads(websocket.recv())


@pytest.mark.parametrize(
    ("allowed", "client"),
    [
        ("127.0.0.1", ["10.1.2.3", 0]),
        ("127.0.0.1,10.0.0.0/8", ["198.51.100.7", 4711]),
        (["127.0.0.0/8", "10.1.2.3", "198.51.100.7"], ["203.0.113.9", 0]),
        ("*", ["203.0.113.9", 0]),
    ],
)
def test_a_named_proxy_is_believed(allowed: Any, client: list[Any]) -> None:
    http, websocket = ask(HEADERS, forwarded_allow_ips=allowed)
    assert http == [*client, "https", "https"]
    assert websocket == [*client, "wss"]


@pytest.mark.parametrize(
    "options",
    [
        {"forwarded_allow_ips": "10.0.0.0/8"},
        {"forwarded_allow_ips": ""},
        {"forwarded_allow_ips": "unix"},
        {"forwarded_allow_ips": "*", "proxy_headers": False},
        {"forwarded_allow_ips": "the-proxy"},
    ],
    ids=str,
)
def test_a_peer_that_is_not_named_is_not(options: dict[str, Any]) -> None:
    http, websocket = ask(HEADERS, **options)
    assert (http[0], http[2:]) == ("127.0.0.1", ["http", "http"])
    assert (websocket[0], websocket[2]) == ("127.0.0.1", "ws")
    assert 0 not in (http[1], websocket[1])


@pytest.mark.parametrize("proto", ["https", "HTTPS ", "wss"])
def test_the_scheme_alone(proto: str) -> None:
    http, websocket = ask([("X-Forwarded-Proto", proto)], forwarded_allow_ips="127.0.0.1")
    assert (http[0], http[2]) == ("127.0.0.1", "https")
    assert (websocket[0], websocket[2]) == ("127.0.0.1", "wss")


@pytest.mark.parametrize("proto", ["gopher", "", "https, http"])
def test_a_scheme_that_is_none_changes_nothing(proto: str) -> None:
    http, websocket = ask([("X-Forwarded-Proto", proto)], forwarded_allow_ips="127.0.0.1")
    assert (http[2], websocket[2]) == ("http", "ws")


def test_flask_code_sees_the_client() -> None:
    flask = Flask(__name__)

    @flask.route("/seen")
    def view() -> list[Any]:
        return [flask_request.remote_addr, flask_request.scheme]

    with running(flask, forwarded_allow_ips="127.0.0.1") as living, Line(living.address) as line:
        line.send(request("GET", "/seen", HEADERS))
        assert line.answer().json() == ["10.1.2.3", "https"]


@pytest.mark.parametrize(
    ("names", "hops", "client"),
    [
        ("::1", "2001:db8::7", ("2001:db8::7", 0)),
        ("::1", "[2001:db8::7]:80", ("2001:db8::7", 80)),
        ("::1", "[2001:db8::7]", ("2001:db8::7", 0)),
        ("::1", "192.0.2.1, , ", ("192.0.2.1", 0)),
        ("::1", "no address", ("no address", 0)),
        ("::1", "192.0.2.1:99999", ("192.0.2.1", 0)),
        ("::1", " ", ("::1", 5)),
    ],
)
def test_how_hops_are_written(names: str, hops: str, client: tuple[str, int]) -> None:
    headers = [(b"x-forwarded-for", hops.encode())]
    assert Proxies(names).seen_through(("::1", 5), "http", headers) == (client, "http")


def test_peers_of_a_unix_socket_are_named_so() -> None:
    headers = [(b"x-forwarded-for", b"192.0.2.1")]
    for peer in (None, ("", 0)):
        assert Proxies("unix").seen_through(peer, "http", headers)[0] == ("192.0.2.1", 0)
        assert Proxies("10.0.0.0/8").seen_through(peer, "http", headers)[0] == peer


def test_ipv4_peers_of_a_socket_for_both() -> None:
    assert Proxies("10.0.0.0/8").trusts(("::ffff:10.9.9.9", 1))
    assert not Proxies("10.0.0.0/8").trusts(("::ffff:11.9.9.9", 1))


@pytest.mark.parametrize("name", ["nginx", "10.0.0.1/8", "10.0.0.300"])
def test_a_name_that_is_none_says_what_to_write(name: str) -> None:
    with pytest.raises(ValueError, match=r"names no proxy .*say an address"):
        Proxies(name)
