"""`--drop-in` and `carboy exec`: code that imports fastapi or flask, as it is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

FASTAPI = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{item_id}")
def item(item_id: int):
    return {"item_id": item_id}
"""
FLASK = """
import flask

app = flask.Flask(__name__)

@app.route("/")
def index():
    return flask.jsonify(served_by=type(app).__module__)

print(app.test_client().get("/").data.decode(), end="")
"""


def carboy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k != "CARBOY_DROPIN"}
    return subprocess.run(
        [sys.executable, "-m", "carboy", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_drop_in_loads_an_application_that_imports_fastapi(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(FASTAPI)
    shown = carboy(tmp_path, "show", "--drop-in", "GET /items/{item_id}", "main:app")
    assert "result = item(item_id=path_item_id)" in shown.stdout, shown.stderr


def test_exec_runs_a_command_with_the_faces(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text(FLASK)
    ran = carboy(tmp_path, "exec", "--", sys.executable, "wsgi.py")
    assert ran.stdout == '{"served_by":"carboy.flask.app"}\n', ran.stderr


def test_exec_keeps_the_environments_own_sitecustomize(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("print('own')")
    code = "import fastapi; print(fastapi.__name__)"
    ran = subprocess.run(
        [sys.executable, "-m", "carboy", "exec", "--", sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(own)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    # Once in `carboy` itself, once in the command.
    assert ran.stdout.split() == ["own", "own", "carboy.fastapi"]


def test_exec_has_a_flask_command_without_flask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "wsgi.py").write_text(FLASK)
    ran = carboy(tmp_path, "exec", "--", "flask", "routes", "--sort", "rule")
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[0] for line in ran.stdout.splitlines()[-2:]] == ["index", "static"]


def test_exec_of_an_unknown_command_says_so(tmp_path: Path) -> None:
    ran = carboy(tmp_path, "exec", "--", "no-such-command")
    assert (ran.returncode, "no-such-command" in ran.stderr) == (1, True)


#: Which protocol class serves, and whether anything of the real package is loaded, by any name.
SERVED = """
import sys
import fastapi
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    import gc
    from carboy.server.direct import Connection

    return {
        "direct": any(type(one) is Connection for one in gc.get_objects()),
        "files": sorted({
            one.__file__ for name, one in sys.modules.items()
            if name.partition(".")[0] in ("fastapi", "flask") and getattr(one, "__file__", None)
            and "/carboy/" not in one.__file__
        }),
    }
"""


@pytest.mark.parametrize(
    "command",
    [
        ("uvicorn", "main:app", "--port", "{port}"),
        ("uvicorn", "main:app", "--port", "{port}", "--workers", "2"),
        ("gunicorn", "main:app", "--bind", "127.0.0.1:{port}", "--no-control-socket",
         "--worker-class", "uvicorn_worker.UvicornWorker"),
    ],
    ids=["uvicorn", "uvicorn-workers", "gunicorn"],
)  # fmt: skip
def test_servers_started_by_exec_use_the_protocol(tmp_path: Path, command: tuple[str, ...]) -> None:
    if "gunicorn" in command:
        pytest.importorskip("uvicorn_worker")
    (tmp_path / "main.py").write_text(SERVED)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.format(port=port) for word in command]
    server = subprocess.Popen(
        [sys.executable, "-m", "carboy", "exec", "--", sys.executable, "-m", *words],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert json.loads(_get(port, server)) == {"direct": True, "files": []}
    finally:
        server.terminate()
        server.wait()


def _get(port: int, server: subprocess.Popen[bytes]) -> bytes:
    end = time.monotonic() + 60
    while True:
        try:
            return urlopen(f"http://127.0.0.1:{port}/", timeout=30).read()  # type: ignore[no-any-return]
        except URLError:
            assert server.poll() is None and time.monotonic() < end
            time.sleep(0.05)


def test_exec_runs_pytest_and_its_children_with_the_faces(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import subprocess, sys, importlib.metadata\n"
        "def test_it():\n"
        "    import fastapi\n"
        "    assert fastapi.__name__ == 'carboy.fastapi'\n"
        "    assert importlib.metadata.version('fastapi') == '0.165.0'\n"
        "    code = 'import fastapi; print(fastapi.__name__)'\n"
        "    assert subprocess.check_output([sys.executable, '-c', code]) == b'carboy.fastapi\\n'\n"
    )
    ran = carboy(tmp_path, "exec", "--", sys.executable, "-m", "pytest", "-q", "test_it.py")
    assert "1 passed" in ran.stdout, ran.stdout + ran.stderr
