"""docs/deployment.md: its table is the command's, its files are taken by whom they are for."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from contract.servers import free_port
from contract.wire import Address, Broken, Line, request
from living import until
from websockets.sync.client import connect

from carboy.cli.options import ROWS, Row

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
HERE = Path(__file__).parent


def block(language: str, mark: str) -> str:
    """The code block that has `mark` in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if mark in text]
    return str(found)


def line_of(row: Row) -> str:
    is_flag = isinstance(row.default, bool) and "/" in row.flag
    shown = ("off", "on")[row.default] if is_flag else row.default
    flag = row.flag.replace("/", "`, `")
    meaning = row.help
    if isinstance(row.type, click.Choice):
        meaning = f"{meaning.rstrip('.')}: {', '.join(row.type.choices)}."
    return f"| `{flag}` | {'' if shown in (None, '') else shown} | {meaning} |"


def test_every_option_stands_in_the_table() -> None:
    table = PAGE.partition("## Options")[2]
    lines = [line for line in table.splitlines() if line.startswith("| `--")]
    assert lines == [line_of(row) for row in ROWS]


@contextmanager
def process(command: list[str], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(command, cwd=HERE, env={**os.environ, **more})
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(20)
        finally:
            started.kill()


def answers(address: Address) -> bool:
    try:
        with Line(address) as line:
            line.send(request("GET", "/seen"))
            return line.answer().status == 200
    except (OSError, Broken):
        return False


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_the_configuration_of_nginx(tmp_path: Path) -> None:
    uds = f"/tmp/carboy-nginx-{os.getpid()}.sock"  # short, as a socket's path has to be
    port = free_port()
    site = block("nginx", "upstream").replace("/run/shop/http.sock", uds)
    site = site.replace("listen 80;", f"listen 127.0.0.1:{port};")
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; "
        f"proxy_temp_path {tmp_path}/proxy; fastcgi_temp_path {tmp_path}/f; "
        f"uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{site}\n}}\n"
    )
    ours = [sys.executable, "-m", "carboy", "run", "run_app:app", "--no-access-log", "--uds", uds]
    nginx = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    with (
        process([*ours, "--forwarded-allow-ips", "unix"], RUN_FOLDER=str(tmp_path)),
        process(nginx),
    ):
        until(lambda: answers(uds) and answers(("127.0.0.1", port)))
        with Line(("127.0.0.1", port)) as line:
            # What the client claims is not believed.
            line.send(request("GET", "/seen", [("X-Forwarded-For", "203.0.113.9")]))
            seen = line.answer().json()
        assert (seen["client"], seen["scheme"], seen["version"]) == ("127.0.0.1", "http", "1.1")
        with connect(f"ws://127.0.0.1:{port}/ws") as websocket:
            assert websocket.recv() == '["ws","127.0.0.1"]'


ANALYZE = shutil.which("systemd-analyze")


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    service = block("ini", "[Service]").replace("/srv/shop/.venv/bin/carboy", sys.executable)
    activated = re.sub(r"--uds \S+ --forwarded-allow-ips unix", "--fd 3", service)
    activated = activated.replace("[Unit]\n", "[Unit]\nRequires=shop.socket\n")
    for name, text in (("plain", service), ("shop", activated)):
        (tmp_path / f"{name}.service").write_text(text.replace("/srv/shop", str(tmp_path)))
    (tmp_path / "shop.socket").write_text(block("ini", "[Socket]"))
    for name in ("plain.service", "shop.service", "shop.socket"):
        said = subprocess.run(
            [str(ANALYZE), "verify", "--man=no", str(tmp_path / name)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        ours = [line for line in said.stderr.splitlines() if str(tmp_path) in line or name in line]
        assert (said.returncode, ours) == (0, []), said.stderr


ACTIVATE = shutil.which("systemd-socket-activate")


@pytest.mark.skipif(ACTIVATE is None, reason="systemd is not installed")
def test_a_socket_of_systemds(tmp_path: Path) -> None:
    port = free_port()
    words = block("text", "--fd 3").split()[1:]
    words = [word.replace("shop:app", "run_app:app") for word in words]
    command = [str(ACTIVATE), "-l", f"127.0.0.1:{port}", "-E", "RUN_FOLDER", "-E", "PYTHONPATH"]
    with process([*command, sys.executable, "-m", "carboy", *words], RUN_FOLDER=str(tmp_path)):
        until(lambda: answers(("127.0.0.1", port)))
