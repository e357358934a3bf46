"""The shop of examples/flask_shop on Flask and on Carboy, its files unchanged: the same answers.

In memory every byte is compared; over sockets, against Flask under gunicorn, what random numbers
and the clock decide is left out. Its pages in a browser: tests/browser/test_flask_shop.py.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from examples.shop_walk import EXAMPLE, TOKEN, Answer, Send, walk

CARBOY = (sys.executable, "-m", "carboy")
#: How each of the two is given a command of Flask's.
FLASK_COMMANDS: dict[str, Sequence[str]] = {
    "flask": (sys.executable, "-m", "flask"),
    "carboy": (*CARBOY, "exec", "--", "flask"),
}
SERVERS = {
    "flask": [
        sys.executable,
        "-m",
        "gunicorn",
        "--no-control-socket",
        "--bind",
        "127.0.0.1:{port}",
    ],
    "carboy": [*CARBOY, "run", "--drop-in", "--port", "{port}", "--no-access-log"],
}


def environ(database: Path) -> dict[str, str]:
    """The settings of a shop with a database of its own."""
    address = json.dumps(f"sqlite:///{database}")
    return {**os.environ, "TEASHOP_SQLALCHEMY_DATABASE_URI": address, "FLASK_APP": "wsgi"}


def run(words: Sequence[str], database: Path) -> str:
    done = subprocess.run(words, cwd=EXAMPLE, env=environ(database), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def filled(by: str, folder: Path) -> Path:
    """A database made by the shop's own commands."""
    database = folder / f"{by}.db"
    flask = FLASK_COMMANDS[by]
    assert run([*flask, "shop", "fill"], database) == "6 teas\n"
    made = run([*flask, "shop", "keeper", "keeper", "--password", "secret tea"], database)
    assert made == "keeper keeps the shop\n"
    return database


def compare(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs) > 40
    for our, their in zip(ours, theirs, strict=True):
        assert our == their, our[0]


def test_a_walk_in_memory_is_the_same_to_the_byte(tmp_path: Path) -> None:
    script = str(Path(__file__).with_name("shop_walk.py"))
    commands = {
        "flask": [sys.executable, script],
        "carboy": [*CARBOY, "exec", "--", sys.executable, script],
    }
    found, modules = {}, {}
    for by, words in commands.items():
        told = json.loads(run(words, filled(by, tmp_path)))
        modules[by] = told["by"]
        found[by] = [_timeless(*answer) for answer in told["answers"]]
    assert modules == {"flask": "flask.app", "carboy": "carboy.flask.app"}
    compare(found["carboy"], found["flask"])


def _timeless(name: str, status: int, headers: list[Any], body: str) -> Any:
    """Flask-Login reads the clock itself; a set has no order."""
    return [name, status, [_settled(key, value) for key, value in headers], body]


def _settled(key: str, value: str) -> tuple[str, str]:
    if key.lower() == "allow":
        return key, ", ".join(sorted(value.split(", ")))
    if key.lower() == "set-cookie" and value.startswith("remember_token"):
        return key, re.sub("Expires=[^;]+", "Expires", value)
    return key, value


def test_its_commands_print_the_same(tmp_path: Path) -> None:
    database = filled("flask", tmp_path)
    for words in (["routes"], ["shop"], ["shop", "fill", "--help"], ["shop", "sold"]):
        theirs, ours = (
            subprocess.run(
                [*flask, *words], cwd=EXAMPLE, env=environ(database), capture_output=True, text=True
            )
            for flask in FLASK_COMMANDS.values()
        )
        assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout), words
        assert theirs.stdout or theirs.stderr or words == ["shop", "sold"]


def test_a_walk_over_sockets_is_the_same(tmp_path: Path) -> None:
    found = {}
    for by in ("flask", "carboy"):
        with serving(by, filled(by, tmp_path)) as port:
            found[by] = [_shown(name, answer) for name, answer in walk(over_http(port))]
    compare(found["carboy"], found["flask"])


def test_who_was_logged_in_on_flask_is_logged_in_on_carboy(tmp_path: Path) -> None:
    database = filled("flask", tmp_path)
    cookies: dict[str, str] = {}
    with serving("flask", database) as port:
        send = over_http(port, cookies)
        token = TOKEN.search(send("GET", "/account/login")[2])
        assert token
        form = {"csrf_token": token[1], "name": "keeper", "password": "secret tea"}
        assert send("POST", "/account/login", form)[0] == 302
    with serving("carboy", database) as port:
        status, _, body = over_http(port, cookies)("GET", "/stock/")
        assert (status, "Log out keeper" in body) == (200, True)


@contextmanager
def serving(by: str, database: Path) -> Iterator[int]:
    """The shop behind a server, on a port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    words = [*(word.format(port=port) for word in SERVERS[by]), "wsgi:app"]
    process = subprocess.Popen(
        words, cwd=EXAMPLE, env=environ(database), stderr=subprocess.PIPE, text=True
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
        process.communicate()


def over_http(port: int, cookies: dict[str, str] | None = None) -> Send:
    """A client that keeps cookies, a new connection for each request."""
    kept = {} if cookies is None else cookies

    def send(
        method: str, path: str, form: Any = None, file: Any = None, headers: Any = None
    ) -> Answer:
        fields = {"Host": "shop.example", **(headers or {})}
        if kept:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in kept.items())
        body = None
        if file is not None:
            body, fields["Content-Type"] = _multipart(form, file)
        elif form is not None:
            body = urlencode(form).encode()
            fields["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request(method, path, body, fields)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8")
        for value in answer.headers.get_all("Set-Cookie", ()):
            for name, morsel in SimpleCookie(value).items():
                kept[name] = morsel.value
                if not morsel.value:
                    del kept[name]
        connection.close()
        return answer.status, sorted(answer.getheaders()), text

    return send


def _multipart(form: dict[str, str], file: tuple[str, bytes]) -> tuple[bytes, str]:
    lines: list[bytes] = []
    for name, value in form.items():
        head = f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        lines.append(head.encode())
    head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{file[0]}"\r\n\r\n'
    return b"".join([*lines, head.encode(), file[1], b"\r\n--cut--\r\n"]), (
        "multipart/form-data; boundary=cut"
    )


#: Headers that are the server's own.
OWN = ("date", "server", "connection", "transfer-encoding")


def _shown(name: str, answer: Answer) -> Any:
    """An answer without what is random, the clock's or the server's."""
    status, headers, body = answer
    shown = []
    for key, value in headers:
        if key.lower() in OWN or (key.lower() == "content-length" and TOKEN.search(body)):
            continue
        key, value = _settled(key, value)
        if key.lower() == "set-cookie":
            value = re.sub("=[^;]+", "=...", value, count=1) if "=;" not in value else value
        shown.append((key.lower(), value))
    for token in TOKEN.findall(body):
        body = body.replace(token, "TOKEN")
    return [name, status, sorted(shown), body]


@pytest.mark.parametrize("word", ["carboy", "fastapi"])
def test_the_shop_does_not_know_carboy(word: str) -> None:
    for file in (EXAMPLE / "shop").rglob("*.py"):
        text = file.read_text(encoding="utf-8").lower().replace("knows of carboy", "")
        assert f"import {word}" not in text
        assert f"from {word}" not in text
