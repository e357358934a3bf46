"""The shop of examples/mixed: its own tests, and both kinds of its routes behind a real server.

They run in processes of their own, where `flask` is Carboy's face. Its pages in a browser:
tests/browser/test_mixed.py.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mixed"
CARBOY = (sys.executable, "-m", "carboy")
SERVERS = {
    "carboy": (*CARBOY, "run", "main:app", "--no-access-log", "--port"),
    # One process and thread for each request of the stream would be in the others' way.
    "gunicorn": (
        sys.executable,
        *("-m", "gunicorn", "--no-control-socket", "--threads", "4", "main:app", "--bind"),
    ),
}


def test_its_own_tests_pass() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed|(\.+) +\[100%\]", done.stdout)
    assert passed, done.stdout
    assert int(passed[1] or len(passed[2])) > 15


def test_commands_know_both_kinds(tmp_path: Path) -> None:
    words: tuple[str, ...]
    for words in (("routes", "main:app"), ("flask", "--app", "main:app", "routes")):
        done = subprocess.run(
            [*CARBOY, *words], cwd=EXAMPLE, env=environ(tmp_path), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        for name in ("pages.show_basket", "api.basket", "packing.move"):
            assert name in done.stdout, done.stdout


@pytest.mark.parametrize("by", list(SERVERS))
def test_a_customer_uses_both_kinds_over_sockets(by: str, tmp_path: Path) -> None:
    with serving(tmp_path, by) as port:
        ada, keeper = Visitor(port), Visitor(port)
        assert "Basil" in ada.see("/")
        assert ada.call("PUT", "/api/basket/1", {"count": 2}) == (200, {"count": 2, "size": 2})
        assert "5.80 €" in ada.see("/basket")
        assert ada.call("POST", "/api/orders")[0] == 401
        ada.log_in("ada", "long enough")
        status, order = ada.call("POST", "/api/orders")
        assert (status, order["number"], order["total"]) == (201, 1, 580)
        assert ada.send("GET", "/packing")[0] == 403
        stream = ada.follow("/api/orders/1/status")
        assert next(stream) == "received"
        keeper.log_in("keeper", "green thumb")
        for step in ("packed", "sent"):
            assert "Order 1 for ada" in keeper.see("/packing")
            assert keeper.submit("/packing/1", status=step)[0] == 303
            assert next(stream) == step
        assert list(stream) == []
        assert "Everything is sent." in keeper.see("/packing")
        paths = json.loads(ada.send("GET", "/openapi.json")[1])["paths"]
        assert {"/api/orders", "/account/orders"} <= paths.keys()


def test_who_follows_an_order_takes_nobody_s_connection(tmp_path: Path) -> None:
    """A pool has fifteen; the streams of one customer had them all."""
    with serving(tmp_path) as port:
        ada = Visitor(port)
        ada.see("/")
        ada.call("PUT", "/api/basket/1", {"count": 1})
        ada.log_in("ada", "long enough")
        ada.see("/")
        assert ada.call("POST", "/api/orders")[0] == 201
        streams = [ada.follow("/api/orders/1/status") for _ in range(20)]
        assert [next(one) for one in streams] == ["received"] * 20
        assert "Basil" in Visitor(port).see("/")
        for one in streams:
            one.close()  # type: ignore[attr-defined]


def environ(folder: Path) -> dict[str, str]:
    """The settings of a shop with a database of its own."""
    address = json.dumps(f"sqlite:///{folder}/garden.db")
    return {**os.environ, "GARDEN_SQLALCHEMY_DATABASE_URI": address}


@contextmanager
def serving(folder: Path, by: str = "carboy") -> Iterator[int]:
    """The shop behind a server, on a port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    words = [*SERVERS[by], str(port) if by == "carboy" else f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        words, cwd=EXAMPLE, env=environ(folder), stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    raise AssertionError(process.communicate()[1]) from None
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        told = process.communicate()[1]
    assert "Traceback" not in told, told


class Visitor:
    """A client with cookies that sends the token of the page it has seen last."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookie = self.token = ""

    def open(
        self, method: str, path: str, body: str | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers |= {"Cookie": self.cookie, "X-CSRFToken": self.token, "Connection": "close"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        if (cookie := answer.headers.get("Set-Cookie")) is not None:
            self.cookie = cookie.split(";")[0]
        return answer

    def send(self, *args: Any, **headers: str) -> tuple[int, str]:
        answer = self.open(*args, **headers)
        return answer.status, answer.read().decode()

    def see(self, path: str) -> str:
        status, text = self.send("GET", path)
        assert status == 200, text
        found = re.search(r'name="csrf-token" content="([^"]+)"', text)
        assert found is not None
        self.token = found[1]
        return text

    def submit(self, path: str, **form: str) -> tuple[int, str]:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, urlencode({"csrf_token": self.token, **form}), **kind)

    def call(self, method: str, path: str, data: Any = None) -> tuple[int, Any]:
        body = None if data is None else json.dumps(data)
        kind = {"Content-Type": "application/json"}
        status, text = self.send(method, path, body, **kind)
        return status, json.loads(text)

    def log_in(self, name: str, password: str) -> None:
        self.see("/account/login")
        assert self.submit("/account/login", name=name, password=password)[0] == 302

    def follow(self, path: str) -> Iterator[str]:
        """The data of a stream of events, one after the other."""
        for line in self.open("GET", path):
            if line.startswith(b"data: "):
                yield json.loads(line[6:])
