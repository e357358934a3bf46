"""`gunicorn -k carboy.gunicorn.Worker`: our protocol in gunicorn's processes, as that is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from asking import Askers
from contract.servers import free_port
from contract.wire import Address, Line, request
from living import until
from processes import HERE, Running, started
from tls import Certificates, is_refused

pytestmark = pytest.mark.skipif(find_spec("gunicorn") is None, reason="gunicorn is not installed")


def command(*options: str, app: str = "run_app:app") -> list[str]:
    return ["gunicorn", "-k", "carboy.gunicorn.Worker", "--no-control-socket", app, *options]


@contextmanager
def gunicorn(
    folder: Path, *options: str, bind: Address | None = None, **more: Any
) -> Iterator[Any]:
    address = bind or ("127.0.0.1", free_port())
    said = f"unix:{address}" if isinstance(address, str) else "{}:{}".format(*address)
    with started(folder, command("--bind", said, *options), address, **more) as running:
        yield running


def workers(running: Running) -> set[int]:
    pid = running.process.pid
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def test_a_worker_of_gunicorns_answers(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as running:
        answer = running.get("/pid")
        assert {answer.json()} == workers(running)
        assert answer.json() != running.process.pid
        assert answer.get("server") is None
        seen = running.get("/seen", [("X-Forwarded-For", "203.0.113.9")]).json()
        # gunicorn's own default trusts this machine.
        assert seen["client"] == "203.0.113.9"
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["shutdown"]


def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as running, Line(running.address) as line:
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.terminate()
        until(running.refuses)
        (tmp_path / "gate").touch()
        answer = line.answer()
        assert (answer.json(), answer.whole, answer.get("connection")) == ("whole", True, "close")
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["inside", "shutdown"]
        assert "Traceback" not in running.log()


def test_streams_of_events_end_well(tmp_path: Path) -> None:
    environ = {"CARBOY_TIMEOUT_EVENT_STREAMS": "0"}
    with gunicorn(tmp_path, environ=environ) as running, Line(running.address) as line:
        line.send(request("GET", "/events", close=False))
        assert line._until(b"data: 1\n") is not None
        running.process.terminate()
        rest = b""
        while line._more():
            rest = line.read
        assert rest.endswith(b"\r\n0\r\n\r\n")
        assert running.process.wait(20) == 0, running.log()


def test_what_does_not_end_is_ended_before_gunicorn_kills(tmp_path: Path) -> None:
    options = ("--graceful-timeout", "3")
    with gunicorn(tmp_path, *options) as running, Line(running.address) as line:
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
        assert running.diary() == ["inside", "shutdown"]
        assert "SIGKILL" not in running.log()


def test_sigquit_ends_at_once(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as running, Line(running.address) as line:
        line.send(request("GET", "/slow", close=False))
        until(lambda: running.diary() == ["inside"])
        running.process.send_signal(signal.SIGQUIT)
        # The gate stays closed: nobody waits for it.
        assert running.process.wait(20) == 0, running.log()
        assert "SIGKILL" not in running.log()


def test_sighup_replaces_the_workers_and_loses_nothing(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "--workers", "2") as running:
        until(lambda: len(workers(running)) == 2)
        first = workers(running)
        with Askers(running).asking() as askers:
            until(lambda: askers.pids)
            running.process.send_signal(signal.SIGHUP)
            until(lambda: len(askers.pids - first) == 2)
            until(lambda: not first & workers(running))
        assert askers.lost == []
        assert askers.pids <= first | workers(running)


def test_after_max_requests_a_worker_is_replaced_and_nothing_lost(tmp_path: Path) -> None:
    options = ("--workers", "2", "--max-requests", "50", "--max-requests-jitter", "5")
    with gunicorn(tmp_path, *options) as running:
        with Askers(running).asking() as askers:
            until(lambda: len(askers.pids) >= 4)
        assert askers.lost == []


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    with gunicorn(tmp_path, "--timeout", "2") as running, Line(running.address) as line:
        (hanging,) = workers(running)
        line.send(request("GET", "/hang", close=False))
        assert line.at_end()
        until(lambda: workers(running) and hanging not in workers(running))
        until(running.is_up)
        assert "WORKER TIMEOUT" in running.log()
        assert "GET /hang hangs: hang() at " in running.log()


def test_a_unix_socket_whose_peers_are_believed(tmp_path: Path) -> None:
    uds = f"/tmp/carboy-gunicorn-{os.getpid()}.sock"  # short, as a socket's path has to be
    headers = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")]
    with gunicorn(tmp_path, bind=uds) as running:
        seen = running.get("/seen", headers).json()
        assert (seen["client"], seen["scheme"]) == ("203.0.113.9", "https")
        running.process.terminate()
        assert running.process.wait(20) == 0, running.log()
    assert not Path(uds).exists()


def test_tls_with_certificates_of_clients(tmp_path: Path, tls: Certificates) -> None:
    options = ["--certfile", str(tls.certificate), "--keyfile", str(tls.key)]
    options += ["--ca-certs", str(tls.authority), "--cert-reqs", "2"]
    with gunicorn(tmp_path, *options, context=tls.context(client=True)) as running:
        assert not is_refused(running.address, tls.context(client=True))
        assert running.get("/seen").json()["scheme"] == "https"
        assert is_refused(running.address, tls.context())


def test_logs_go_where_gunicorns_go(tmp_path: Path) -> None:
    access, errors = tmp_path / "access", tmp_path / "errors"
    options = ("--access-logfile", str(access), "--error-logfile", str(errors))
    with gunicorn(tmp_path, *options) as running:
        running.get("/pid?a=1")
        assert running.get("/broken").status == 500
        until(lambda: '"GET /broken HTTP/1.1" 500' in access.read_text())
        assert '"GET /pid?a=1 HTTP/1.1" 200' in access.read_text()
        until(lambda: "ZeroDivisionError" in errors.read_text())
        # Rotated: gunicorn's signal opens them anew.
        access.rename(tmp_path / "access.1")
        for pid in (running.process.pid, *workers(running)):
            os.kill(pid, signal.SIGUSR1)
        until(access.exists)
        running.get("/seen")
        until(lambda: '"GET /seen HTTP/1.1" 200' in access.read_text())


def test_there_is_no_access_log_unless_it_is_asked_for(tmp_path: Path) -> None:
    with gunicorn(tmp_path) as running:
        running.get("/pid")
        running.process.terminate()
        running.process.wait(20)
        assert "GET /pid" not in running.log()


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"CARBOY_TIMEOUT_HEAD": "soon"}, "CARBOY_TIMEOUT_HEAD is 'soon'; say a whole number"),
        ({"RUN_REFUSES": "1"}, "refuses to start"),
    ],
    ids=["a setting that is none", "a lifespan that fails"],
)
def test_what_can_not_start_is_not_tried_again(
    tmp_path: Path, environ: dict[str, str], says: str
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as out:
        ended = subprocess.run(
            [sys.executable, "-m", *command("--bind", "127.0.0.1:0")],
            cwd=HERE,
            env={**os.environ, "RUN_FOLDER": str(tmp_path), **environ},
            stdout=out,
            stderr=out,
            timeout=60,
        )
    assert ended.returncode == 3, log.read_text()
    assert says in log.read_text()
    assert log.read_text().count("Booting worker") == 1


def foreign(folder: Path, kind: Sequence[str]) -> str:
    (folder / "foreign.py").write_text("\n".join(kind))
    return "foreign:app"


def test_an_application_that_is_not_ours_gets_uvicorns_protocol(tmp_path: Path) -> None:
    app = foreign(
        tmp_path,
        (
            "async def app(scope, receive, send):",
            "    if scope['type'] != 'http':",
            "        return",
            "    await send({'type': 'http.response.start', 'status': 200, 'headers': []})",
            "    await send({'type': 'http.response.body', 'body': b'foreign'})",
        ),
    )
    address: Address = ("127.0.0.1", free_port())
    words = command("--bind", "{}:{}".format(*address), app=app)
    with started(tmp_path, words, address, cwd=tmp_path) as running:
        assert running.get("/").body == b"foreign"
