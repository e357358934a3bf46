"""Options of `carboy run`, each seen from outside of a process that was started with it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from contract.servers import free_port
from contract.wire import Address, Answer, Broken, request
from living import until
from processes import HERE, Running, run, started
from tls import Certificates, is_refused
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect, unix_connect

QUIET = "--no-access-log"
FORWARDED = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")]


def websocket(running: Running, path: str = "/ws", **more: Any) -> ClientConnection:
    scheme = "ws" if running.context is None else "wss"
    if isinstance(running.address, str):
        return unix_connect(running.address, f"{scheme}://localhost{path}", **more)
    host, port = running.address
    return connect(f"{scheme}://{host}:{port}{path}", ssl=running.context, **more)


def seen(running: Running, headers: list[tuple[str, str]]) -> list[list[Any]]:
    """Scheme and client as HTTP and as a WebSocket see them."""
    http = running.get("/seen", headers).json()
    with websocket(running, additional_headers=headers) as socket:
        return [[http["scheme"], http["client"]], json.loads(socket.recv())]


def said(*command: str, status: int = 2, **environ: str) -> str:
    """What a `carboy run` says that does not get so far as to serve."""
    ended = subprocess.run(
        [sys.executable, "-m", "carboy", "run", "run_app:app", *command],
        cwd=HERE,
        env={**os.environ, "RUN_FOLDER": "/nowhere", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == status, ended.stderr
    return " ".join(ended.stderr.split())


# -- who asks --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "http", "ws"),
    [
        ([], ["http", "127.0.0.1"], ["ws", "127.0.0.1"]),
        (["--forwarded-allow-ips", "10.0.0.0/8"], ["http", "127.0.0.1"], ["ws", "127.0.0.1"]),
        (["--forwarded-allow-ips", "127.0.0.1"], ["https", "203.0.113.9"], ["wss", "203.0.113.9"]),
        (
            ["--forwarded-allow-ips", "*", "--no-proxy-headers"],
            ["http", "127.0.0.1"],
            ["ws", "127.0.0.1"],
        ),
    ],
    ids=["nobody is named", "another is named", "it is named", "switched off"],
)
def test_http_and_websockets_agree_on_client_and_scheme(
    tmp_path: Path, options: list[str], http: list[str], ws: list[str]
) -> None:
    with run(tmp_path, [QUIET, *options]) as running:
        assert seen(running, FORWARDED) == [http, ws]


@pytest.mark.parametrize("protocol", ["websockets", "websockets-sansio", "wsproto"])
def test_every_websocket_protocol_of_uvicorns(tmp_path: Path, protocol: str) -> None:
    if protocol == "wsproto":
        pytest.importorskip("wsproto")
    options = [QUIET, "--ws", protocol, "--forwarded-allow-ips", "127.0.0.1", "--root-path", "/v1"]
    with run(tmp_path, options) as running:
        assert seen(running, FORWARDED)[1] == ["wss", "203.0.113.9"]


def test_no_websockets(tmp_path: Path) -> None:
    with run(tmp_path, [QUIET, "--ws", "none"]) as running:
        with pytest.raises(InvalidStatus), websocket(running):
            pass
        assert running.is_up()


def test_the_size_of_messages(tmp_path: Path) -> None:
    options = [QUIET, "--ws-max-size", "1000"]
    with run(tmp_path, options) as running, websocket(running, "/echo") as socket:
        socket.send("x" * 1000)
        assert socket.recv() == "x" * 1000
        socket.send("x" * 1001)
        with pytest.raises(ConnectionClosedError, match="1009"):
            socket.recv()


def test_a_root_path(tmp_path: Path) -> None:
    with run(tmp_path, [QUIET, "--root-path", "/api/v1/"]) as running:
        assert running.get("/seen").json()["root_path"] == "/api/v1"
        assert running.get("/openapi.json").json()["servers"] == [{"url": "/api/v1"}]


# -- where it listens --------------------------------------------------------------------------


@pytest.fixture
def uds(tmp_path: Path) -> Any:
    path = Path(f"/tmp/carboy-{os.getpid()}.sock")  # short, as a socket's path has to be
    yield str(path)
    path.unlink(missing_ok=True)


def test_a_unix_socket_and_its_peers(tmp_path: Path, uds: str) -> None:
    options = [QUIET, "--uds", uds, "--forwarded-allow-ips", "unix"]
    with run(tmp_path, options) as running:
        assert seen(running, FORWARDED) == [["https", "203.0.113.9"], ["wss", "203.0.113.9"]]
        assert "in use" in said("--uds", uds, status=1)
        Path(uds).chmod(0o660)
        running.process.kill()
        running.process.wait(20)
    # What that one left behind does not stop the next, and keeps its rights.
    with run(tmp_path, options) as running:
        assert running.is_up()
        assert Path(uds).stat().st_mode & 0o777 == 0o660
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
    assert not Path(uds).exists()


def test_a_file_is_no_unix_socket(uds: str) -> None:
    Path(uds).write_text("precious")
    assert "it is a file, and no socket" in said("--uds", uds, status=1)
    assert Path(uds).read_text() == "precious"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_socket_that_is_passed_in(tmp_path: Path, workers: str) -> None:
    with socket.socket() as passed:
        passed.bind(("127.0.0.1", 0))
        passed.listen(100)
        address: Address = passed.getsockname()
        number = passed.fileno()
        command = ["carboy", "run", "run_app:app", QUIET, "--fd", str(number)]
        command += ["--workers", workers]
        with started(tmp_path, command, address, pass_fds=[number]) as running:
            assert running.get("/seen").json()["client"] == "127.0.0.1"
            running.process.terminate()
            assert running.process.wait(20) == 0, running.log()


def test_a_unix_socket_that_is_passed_in(tmp_path: Path, uds: str) -> None:
    with socket.socket(socket.AF_UNIX) as passed:
        passed.bind(uds)
        passed.listen(100)
        number = passed.fileno()
        command = ["carboy", "run", "run_app:app", QUIET, "--fd", str(number)]
        command += ["--forwarded-allow-ips", "unix"]
        with started(tmp_path, command, uds, pass_fds=[number]) as running:
            assert seen(running, FORWARDED)[1] == ["wss", "203.0.113.9"]
            running.process.terminate()
            assert running.process.wait(20) == 0, running.log()
    # It belongs to whoever has bound it.
    assert Path(uds).exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fd", "0", "--uds", "/tmp/x"], "--uds and --fd: say one of them"),
        (["--ssl-keyfile", __file__], "say --ssl-certfile too"),
        (["--ssl-certfile", __file__], "the certificate, its key"),
        (["--reload", "--workers", "2"], "leave out --workers"),
        (["--reload-dir", "."], "need --reload"),
        (["--forwarded-allow-ips", "nginx"], "'nginx' names no proxy"),
        (["--header", "nonsense"], "write it as Name:value"),
        (["--root-path", "api"], "write /api"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_does_not_go_is_told_before_anything_is_served(options: list[str], says: str) -> None:
    assert says in said(*options)


def test_what_can_not_be_listened_on(tmp_path: Path) -> None:
    assert "file descriptor 77 is no socket" in said("--fd", "77", status=1)
    assert "no such address" in said("--host", "192.0.2.1", "--port", "0", status=1)


def test_a_port_in_use(tmp_path: Path) -> None:
    with run(tmp_path) as running:
        assert "it is in use" in said("--port", str(running.address[1]), status=1)


# -- TLS ---------------------------------------------------------------------------------------


def test_tls(tmp_path: Path, tls: Certificates) -> None:
    options = [QUIET, "--ssl-certfile", str(tls.certificate), "--ssl-keyfile", str(tls.key)]
    with run(tmp_path, options, context=tls.context()) as running:
        assert "running on https://" in running.log()
        assert seen(running, []) == [["https", "127.0.0.1"], ["wss", "127.0.0.1"]]
        with running.line() as line:
            line.send(request("GET", "/slow", close=False))
            until(lambda: running.diary() == ["inside"])
            running.process.terminate()
            until(running.refuses)
            (tmp_path / "gate").touch()
            assert line.answer().json() == "whole"
        assert running.process.wait(20) == 0, running.log()


def test_tls_with_certificates_of_clients(tmp_path: Path, tls: Certificates) -> None:
    options = [QUIET, "--ssl-certfile", str(tls.certificate), "--ssl-keyfile", str(tls.key)]
    options += ["--ssl-ca-certs", str(tls.authority), "--ssl-cert-reqs", "required"]
    options += ["--workers", "2"]
    with run(tmp_path, options, context=tls.context(client=True)) as running:
        assert not is_refused(running.address, tls.context(client=True))
        assert is_refused(running.address, tls.context())


def test_ciphers(tmp_path: Path, tls: Certificates) -> None:
    wanted = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
    options = [QUIET, "--ssl-certfile", str(tls.certificate), "--ssl-keyfile", str(tls.key)]
    context = tls.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    chosen = [*options, "--ssl-ciphers", wanted]
    with run(tmp_path, chosen, context=context) as running, running.line() as line:
        assert isinstance(line.socket, ssl.SSLSocket)
        cipher = line.socket.cipher()
        assert cipher is not None and cipher[0] in wanted.split(":")
    assert "the ciphers can't be used" in said(*options, "--ssl-ciphers", "rot13")


# -- how much and how long -----------------------------------------------------------------------


def test_a_limit_of_concurrency(tmp_path: Path) -> None:
    with run(tmp_path, [QUIET, "--limit-concurrency", "3"]) as running:
        lines = [running.line() for _ in range(3)]
        for line in lines:
            line.send(request("GET", "/slow", close=False))
        until(lambda: len(running.diary()) == 3)
        refused = running.get("/pid")
        assert (refused.status, refused.get("retry-after")) == (503, "1")
        (tmp_path / "gate").touch()
        for line in lines:
            assert line.answer().json() == "whole"
            line.socket.close()
        until(lambda: running.get("/pid").status == 200)


def test_idle_connections_are_closed(tmp_path: Path) -> None:
    with run(tmp_path, [QUIET, "--timeout-keep-alive", "1"]) as running, running.line() as line:
        line.send(request("GET", "/pid", close=False))
        assert line.answer().get("connection") is None
        assert line.at_end()


def test_what_does_not_end_in_time_is_cancelled(tmp_path: Path) -> None:
    options = [QUIET, "--timeout-graceful-shutdown", "1"]
    with run(tmp_path, options) as running, running.line() as line:
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["inside", "shutdown"]


# -- what every answer carries, and the log -------------------------------------------------------


def carried(answer: Answer) -> set[str]:
    return {name for name, _ in answer.headers}


def test_headers_of_every_answer(tmp_path: Path) -> None:
    options = [QUIET, "--no-date-header", "--server-header"]
    options += ["--header", "X-One: 1", "--header", "X-Two:2"]
    with run(tmp_path, options) as running:
        for answer in (running.get("/pid"), running.get("/nowhere")):
            assert answer.get("date") is None
            assert (answer.get("server"), answer.get("x-one")) == ("carboy", "1")
            assert answer.get("x-two") == "2"


def test_the_environment_names_options_and_the_command_line_has_the_last_word(
    tmp_path: Path,
) -> None:
    environ = {
        "CARBOY_PORT": "1",
        "CARBOY_ROOT_PATH": "/env",
        "CARBOY_HEADER": "X-One: 1\nX-Two: 2",
        "CARBOY_DATE_HEADER": "no",
    }
    with run(tmp_path, environ=environ) as running:
        answer = running.get("/seen")
        assert answer.json()["root_path"] == "/env"
        assert {"x-one", "x-two"} <= carried(answer)
        assert "date" not in carried(answer)


def test_a_configuration_of_logging(tmp_path: Path) -> None:
    file = tmp_path / "logs.json"
    out = tmp_path / "access"
    handler = {"class": "logging.FileHandler", "filename": str(out), "formatter": "short"}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"short": {"format": "%(name)s: %(message)s"}},
        "handlers": {"file": handler},
        "loggers": {"uvicorn.access": {"handlers": ["file"], "level": "INFO"}},
    }
    file.write_text(json.dumps(config))
    with run(tmp_path, ["--log-config", str(file)]) as running:
        running.get("/pid?a=1")
        until(lambda: '"GET /pid?a=1 HTTP/1.1" 200' in out.read_text())
        assert out.read_text().startswith("uvicorn.access: 127.0.0.1:")


def test_the_least_level(tmp_path: Path) -> None:
    with run(tmp_path, [QUIET, "--log-level", "warning"]) as running:
        assert running.get("/broken").status == 500
        until(lambda: "ZeroDivisionError" in running.log())
        assert "INFO" not in running.log()


# -- processes -----------------------------------------------------------------------------------


def test_a_lifespan_that_is_off(tmp_path: Path) -> None:
    with run(tmp_path, [QUIET, "--lifespan", "off"]) as running:
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_lifespan_that_fails_ends_the_server(workers: str) -> None:
    options = ["--port", "0", "--workers", workers]
    assert "refuses to start" in said(*options, status=3, RUN_REFUSES="1")


@pytest.mark.parametrize("options", [[], ["--workers", "2"]], ids=["one", "two"])
def test_without_uvloop_it_says_so_and_serves(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['uvloop'] = None\n")
    path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    with run(tmp_path, [QUIET, *options], environ={"PYTHONPATH": path}) as running:
        assert running.get("/loop").json().startswith("asyncio.")
        notice = "uvloop is not installed: serving on asyncio's own loop, slower."
        assert running.log().count(notice) == 1
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()


@pytest.mark.parametrize(("loop", "module"), [("asyncio", "asyncio."), ("uvloop", "uvloop")])
def test_the_loop_that_was_asked_for(tmp_path: Path, loop: str, module: str) -> None:
    with run(tmp_path, [QUIET, "--loop", loop]) as running:
        assert running.get("/loop").json().startswith(module)
        assert "uvloop is not installed" not in running.log()


def test_an_app_dir_and_an_env_file(tmp_path: Path) -> None:
    pytest.importorskip("dotenv")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "elsewhere.py").write_text(
        "import os\n"
        "from carboy import App\n"
        "app = App()\n"
        "@app.get('/pid')\n"
        "async def pid() -> str:\n"
        "    return os.environ['GREETING']\n"
    )
    (tmp_path / "settings.env").write_text("GREETING=hello\n")
    address: Address = ("127.0.0.1", free_port())
    command = ["carboy", "run", "elsewhere:app", "--port", str(address[1]), "--workers", "2"]
    command += ["--app-dir", "apps", "--env-file", "settings.env"]
    with started(tmp_path, command, address, cwd=tmp_path) as running:
        assert running.get("/pid").json() == "hello"


def test_reload(tmp_path: Path) -> None:
    source = (
        "from carboy import App\n"
        "app = App()\n"
        "@app.get('/pid')\n"
        "async def pid() -> str:\n"
        "    return 'NUMBER'\n"
    )
    module = tmp_path / "changing.py"
    module.write_text(source.replace("NUMBER", "one"))
    address: Address = ("127.0.0.1", free_port())
    command = ["carboy", "run", "changing:app", "--port", str(address[1]), "--reload"]
    with started(tmp_path, command, address, cwd=tmp_path) as running:
        until(lambda: running.get("/pid").json() == "one")
        saved = 0.0

        def changed() -> bool:
            # Saved again now and then: the first time may be before the watcher is there.
            nonlocal saved
            if time.monotonic() > saved + 5:
                module.write_text(source.replace("NUMBER", "two, and longer"))
                saved = time.monotonic()
            try:
                return bool(running.get("/pid").json() == "two, and longer")
            except (OSError, Broken):
                return False

        until(changed)
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
