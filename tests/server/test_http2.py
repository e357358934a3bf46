"""`carboy run --http2`: the same application over HTTP/2, by hypercorn, for a client of it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from contract.wire import Address, Line
from living import until
from processes import HERE, run
from tls import Certificates

h2_connection = pytest.importorskip("h2.connection")
h2_events = pytest.importorskip("h2.events")
pytest.importorskip("hypercorn")

FORWARDED = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}


class Client:
    """A connection of HTTP/2, over TLS where it has a context."""

    def __init__(self, address: Address, context: ssl.SSLContext | None = None) -> None:
        self.scheme = "http"
        self.socket = Line(address).socket
        if context is not None:
            context.set_alpn_protocols(["h2"])
            self.socket = context.wrap_socket(self.socket, server_hostname="127.0.0.1")
            assert self.socket.selected_alpn_protocol() == "h2"
            self.scheme = "https"
        self.h2 = h2_connection.H2Connection()
        self.h2.initiate_connection()
        self.bodies: dict[int, bytes] = {}
        self.statuses: dict[int, int] = {}
        self.ended: set[int] = set()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *about: object) -> None:
        self.socket.close()

    def ask(self, target: str, headers: Mapping[str, str] | None = None) -> int:
        """Begin a request; its stream."""
        stream: int = self.h2.get_next_available_stream_id()
        head = {
            ":method": "GET",
            ":scheme": self.scheme,
            ":authority": "server.test",
            ":path": target,
            **(headers or {}),
        }
        self.h2.send_headers(stream, list(head.items()), end_stream=True)
        self.socket.sendall(self.h2.data_to_send())
        return stream

    def answer(self, stream: int) -> tuple[int, bytes]:
        """Status and body, once the stream has ended."""
        while stream not in self.ended:
            data = self.socket.recv(65536)
            assert data, "the server closed the connection"
            for event in self.h2.receive_data(data):
                self._happened(event)
            self.socket.sendall(self.h2.data_to_send())
        return self.statuses[stream], self.bodies.get(stream, b"")

    def _happened(self, event: object) -> None:
        if isinstance(event, h2_events.ResponseReceived):
            fields = {bytes(k).decode(): bytes(v).decode() for k, v in _raw(event.headers)}
            self.statuses[event.stream_id] = int(fields[":status"])
        elif isinstance(event, h2_events.DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2_events.StreamEnded):
            self.ended.add(event.stream_id)


def _raw(headers: object) -> list[tuple[bytes, bytes]]:
    return [
        (k if isinstance(k, bytes) else k.encode(), v if isinstance(v, bytes) else v.encode())
        for k, v in headers  # type: ignore[attr-defined]
    ]


def seen(client: Client, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    status, body = client.answer(client.ask("/seen", headers))
    assert status == 200
    answer: dict[str, str] = json.loads(body)
    return answer


def test_over_tls_with_many_requests_on_one_connection(tmp_path: Path, tls: Certificates) -> None:
    options = ["--http2", "--ssl-certfile", str(tls.certificate), "--ssl-keyfile", str(tls.key)]
    with run(tmp_path, options, context=tls.context()) as running:
        assert isinstance(running.address, tuple)
        with Client(running.address, tls.context()) as client:
            assert seen(client) == {
                "scheme": "https",
                "client": "127.0.0.1",
                "root_path": "",
                "version": "2",
            }
            slow = [client.ask("/slow") for _ in range(5)]
            until(lambda: len(running.diary()) == 5)
            # They wait for their gate, others are answered meanwhile.
            assert seen(client)["version"] == "2"
            (tmp_path / "gate").touch()
            for stream in slow:
                assert client.answer(stream) == (200, b'"whole"')
        # Who speaks HTTP/1.1 only is served too.
        assert running.get("/seen").json()["version"] == "1.1"
        running.process.terminate()
        assert running.process.wait(30) == 0, running.log()
        assert running.diary()[-1] == "shutdown"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("http", "127.0.0.1")),
        (["--forwarded-allow-ips", "127.0.0.1"], ("https", "203.0.113.9")),
        (["--forwarded-allow-ips", "127.0.0.1", "--workers", "2"], ("https", "203.0.113.9")),
    ],
    ids=["nobody is named", "it is named", "with workers"],
)
def test_without_tls_behind_a_proxy(
    tmp_path: Path, options: list[str], expected: tuple[str, str]
) -> None:
    with run(tmp_path, ["--http2", "--root-path", "/v1", *options]) as running:
        assert "HTTP/2 without TLS" in running.log()
        with Client(running.address) as client:
            answer = seen(client, FORWARDED)
        assert (answer["scheme"], answer["client"]) == expected
        assert (answer["root_path"], answer["version"]) == ("/v1", "2")


def test_a_unix_socket(tmp_path: Path) -> None:
    uds = f"/tmp/carboy-http2-{os.getpid()}.sock"  # short, as a socket's path has to be
    options = ["--http2", "--uds", uds, "--forwarded-allow-ips", "unix"]
    try:
        with run(tmp_path, options) as running, Client(running.address) as client:
            assert seen(client, FORWARDED)["client"] == "203.0.113.9"
            running.process.terminate()
            assert running.process.wait(30) == 0, running.log()
        assert not Path(uds).exists()
    finally:
        Path(uds).unlink(missing_ok=True)


def test_what_is_in_flight_at_a_stop_is_finished(tmp_path: Path) -> None:
    with run(tmp_path, ["--http2"]) as running, Client(running.address) as client:
        stream = client.ask("/slow")
        until(lambda: running.diary() == ["inside"])
        running.process.terminate()
        until(running.refuses)
        (tmp_path / "gate").touch()
        assert client.answer(stream) == (200, b'"whole"')
        assert running.process.wait(30) == 0, running.log()


def refused(*options: str, path: str = "", hide: tuple[str, ...] = ()) -> str:
    environ = {**os.environ, "RUN_FOLDER": "/nowhere"}
    if hide:
        lines = ["import sys", *(f"sys.modules[{name!r}] = None" for name in hide)]
        Path(path, "sitecustomize.py").write_text("\n".join(lines))
        environ["PYTHONPATH"] = f"{path}{os.pathsep}{environ.get('PYTHONPATH', '')}"
    ended = subprocess.run(
        [sys.executable, "-m", "carboy", "run", "run_app:app", "--http2", *options],
        cwd=HERE,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2, ended.stderr
    return " ".join(ended.stderr.split())


def test_without_a_server_for_it_says_what_to_install(tmp_path: Path) -> None:
    message = refused(path=str(tmp_path), hide=("hypercorn", "granian"))
    assert "pip install hypercorn, or pip install granian" in message


def test_an_option_that_hypercorn_has_not_is_refused_by_name() -> None:
    message = refused("--limit-concurrency", "5")
    assert "hypercorn, which has no --limit-concurrency: leave out one of the two" in message


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "carboy", "run", "run_app:app", "--http2"),
                *("--port", str(taken.getsockname()[1])),
            ],
            cwd=HERE,
            env={**os.environ, "RUN_FOLDER": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.returncode == 1
        assert "it is in use" in ended.stderr
        assert "Traceback" not in ended.stderr
