"""The `carboy` command as a person meets it: help, errors that say what to do, reloading."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

MAIN = """
from carboy import App

app = App()


@app.get("/hello")
def hello(name: str = "World"):
    return {"message": f"Hello, {name}!"}


@app.get("/boom")
async def boom():
    return 1 / 0


@app.get("/pid")
def pid():
    import os

    return os.getpid()
"""
LIMIT = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(MAIN)
    return tmp_path


def carboy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "carboy", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[str, Path, subprocess.Popen[bytes]]]:
    """A server's address, the file with what it prints, and its process."""
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "carboy", *words],
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        found = until(lambda: re.search(r"running on (http://\S+)", log.read_text()), log)
        assert found is not None
        yield found[1], log, process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            process.kill()


def until(ready: Callable[[], object], log: Path) -> Any:
    """What `ready` returns once it is true; fails with the server's output after a while."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        if result := ready():
            return result
        time.sleep(0.05)
    raise AssertionError(f"nothing happened; the server printed:\n{log.read_text()}")


def get(url: str, accept: str = "*/*") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def test_help_and_version(folder: Path) -> None:
    shown = carboy(folder, "--help")
    assert shown.returncode == 0
    for command in ("run", "dev", "show", "routes"):
        assert re.search(rf"^  {command} ", shown.stdout, re.MULTILINE)
    assert re.fullmatch(r"carboy, version \d+\.\d+\.\d+\n", carboy(folder, "--version").stdout)


def test_routes_lists_them(folder: Path) -> None:
    lines = carboy(folder, "routes").stdout.splitlines()
    rows = [line.split() for line in lines]
    assert len({line.index("/") for line in lines}) == 1
    assert ["GET", "/openapi.json", "openapi"] in rows
    assert rows[-3:] == [
        ["GET", "/hello", "hello"],
        ["GET", "/boom", "boom"],
        ["GET", "/pid", "pid"],
    ]


def test_show_prints_the_straight_line_of_a_flask_route(folder: Path) -> None:
    (folder / "shop.py").write_text(
        "from carboy.flask import Flask\n"
        "app = Flask(__name__)\n"
        "@app.get('/tea')\n"
        "def tea():\n    return 'tea'\n"
    )
    shown = carboy(folder, "show", "GET /tea", "shop:app")
    assert shown.returncode == 0, shown.stderr
    assert "result = view_tea(**values)" in shown.stdout


def test_show_of_an_unknown_route_lists_the_known(folder: Path) -> None:
    shown = carboy(folder, "show", "GET /helo", "main:app")
    assert shown.returncode == 1
    assert "no route 'GET /helo'" in shown.stderr
    assert "GET /hello" in shown.stderr


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("mian:app", "there is no module 'mian'"),
        ("mian:app", "Did you mean main?"),
        ("main:ap", "the module 'main' has no 'ap'. It has: main:app."),
        ("nothing.py", "there is no file nothing.py"),
        ("main:MAIN", "has no 'MAIN'"),
        ("main:hello", "is a function, not a Carboy application"),
        ("broken:app", "SyntaxError"),
        ("missing:app", "No module named 'no_such_library'"),
    ],
)
def test_run_says_what_is_wrong_with_the_application(folder: Path, app: str, says: str) -> None:
    (folder / "broken.py").write_text("x = (\n")
    (folder / "missing.py").write_text("import no_such_library\n")
    shown = carboy(folder, "run", app)
    assert shown.returncode == 1
    assert says in shown.stderr
    assert "carboy/cli" not in shown.stderr


@pytest.mark.parametrize("command", ["run", "dev"])
@pytest.mark.parametrize(
    "name",
    [
        *("CARBOY_TIMEOUT_HEAD", "CARBOY_MIN_BODY_RATE", "CARBOY_TIMEOUT_SEND"),
        *("CARBOY_KEEP_ALIVE_REQUESTS", "CARBOY_BLOCKING_MS", "CARBOY_TIMEOUT_EVENT_STREAMS"),
    ],
)
def test_a_setting_that_is_none_is_told_at_the_start(
    folder: Path, command: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "soon")
    refused = carboy(folder, command, "main:app", "--port", "0")
    assert refused.returncode == 2
    assert name in refused.stderr.replace("\n", " ")
    assert "'soon'" in refused.stderr
    assert "running on" not in refused.stderr


def test_a_setting_in_an_env_file_is_checked_too(folder: Path) -> None:
    (folder / "settings.env").write_text("CARBOY_TIMEOUT_HEAD=-1\n")
    refused = carboy(folder, "run", "main:app", "--port", "0", "--env-file", "settings.env")
    assert refused.returncode == 2
    assert "CARBOY_TIMEOUT_HEAD is '-1'; say a whole number" in refused.stderr


def test_dev_binds_this_machine_only(folder: Path) -> None:
    shown = carboy(folder, "dev", "main:app", "--host", "0.0.0.0")
    assert shown.returncode == 2
    assert "carboy run" in shown.stderr


def test_run_serves_and_tells_clients_nothing_of_errors(folder: Path) -> None:
    with serving(folder, "run", "main.py", "--port", "0") as (url, log, _):
        assert get(f"{url}/hello?name=Ada") == (200, '{"message":"Hello, Ada!"}')
        assert get(f"{url}/boom") == (500, "Internal Server Error")
        text = until(lambda: "ZeroDivisionError" in log.read_text() and log.read_text(), log)
        assert 'File "<GET /boom>"' in text
        assert "GET /hello?name=Ada HTTP/1.1" in text


def test_no_access_log(folder: Path) -> None:
    with serving(folder, "run", "main:app", "--port", "0", "--no-access-log") as (url, log, _):
        assert get(f"{url}/hello")[0] == 200
        assert get(f"{url}/boom")[0] == 500
        text = until(lambda: "ZeroDivisionError" in log.read_text() and log.read_text(), log)
        assert "/hello" not in text


def test_workers_answer(folder: Path) -> None:
    words = ("run", "main:app", "--port", "0", "--workers", "2")
    with serving(folder, *words) as (url, log, process):
        until(lambda: get(f"{url}/hello")[0] == 200, log)
        pid = int(get(f"{url}/pid")[1])
        assert pid != process.pid
    assert process.returncode is not None


def test_dev_shows_errors_and_reloads(folder: Path) -> None:
    main = folder / "main.py"
    with serving(folder, "dev", "main:app", "--port", "0") as (url, log, _):
        until(lambda: get(f"{url}/hello")[0] == 200, log)
        status, text = get(f"{url}/boom")
        assert status == 500
        assert "ZeroDivisionError: division by zero" in text
        assert "carboy/core" not in text
        status, page = get(f"{url}/boom", accept="text/html")
        assert page.startswith("<!doctype html>")
        assert "return 1 / 0" in page

        def saved(text: str, ready: Callable[[], object]) -> Callable[[], object]:
            # Saved again and again: the watcher may not have begun to watch at the first time.
            def check() -> object:
                if result := ready():
                    return result
                main.write_text(text)
                time.sleep(0.5)
                return None

            return check

        goodbye = MAIN.replace("Hello", "Goodbye")
        until(saved(goodbye, lambda: "Goodbye" in get(f"{url}/hello")[1]), log)
        broken = MAIN + "\nx = (\n"
        until(saved(broken, lambda: "was never closed" in log.read_text()), log)
        until(saved(MAIN, lambda: "Hello, World!" in get(f"{url}/hello")[1]), log)
