"""Contract: `carboy exec -- gunicorn` serves an application that imports flask, by every worker.

There is none for eventlet: gunicorn has it no more.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from .clients import SocketClient
from .dropped_app import TOGETHER
from .servers import Transport, serving

LINE = "carboy exec -- gunicorn {app} --bind {bind} --no-control-socket --graceful-timeout 5"
WORKERS = {
    "sync": "",
    "gthread": "--worker-class gthread --threads 8",
    "gevent": "--worker-class gevent",
}


@pytest.fixture(scope="module", params=list(WORKERS))
def served(request: pytest.FixtureRequest) -> Iterator[SocketClient]:
    name: str = request.param
    if name == "gevent" and importlib.util.find_spec("gevent") is None:
        pytest.skip("gevent is not installed")
    line = f"{LINE.replace('{app}', 'contract.dropped_app:app')} {WORKERS[name]}"
    transport = Transport(name, line.split(), parallel=name != "sync")
    with serving(transport.command) as server:
        yield SocketClient(transport, server)
        assert server.process.poll() is None, f"the server died:\n{server.log()}"


def test_carboy_answers_for_flask(served: SocketClient) -> None:
    assert served.get("/by").json() == {"app": "carboy.flask.app", "flask": "carboy.flask.app"}


def test_async_views(served: SocketClient) -> None:
    for number in range(3):
        answer = served.get(f"/wait/{number}")
        assert answer.json() == {"number": number, "path": f"/wait/{number}"}


def test_forms_and_sessions(served: SocketClient) -> None:
    kind = ("content-type", "application/x-www-form-urlencoded")
    first = served.send("POST", "/count", [kind], b"by=2")
    cookie = (first.get("set-cookie") or "").partition(";")[0]
    assert (first.body, cookie.startswith("session=")) == (b"2", True)
    assert served.send("POST", "/count", [kind, ("cookie", cookie)], b"by=3").body == b"5"


def test_streams(served: SocketClient) -> None:
    assert served.get("/stream").body == b"/stream0;/stream1;/stream2;"


def test_errors(served: SocketClient) -> None:
    answer = served.get("/broken")
    assert (answer.status, b"secret" in answer.body) == (500, False)
    assert served.get("/nowhere").status == 404
    assert served.send("POST", "/stream").status == 405


def test_workers_that_can_serve_many_at_once(served: SocketClient) -> None:
    if not served.transport.parallel:
        pytest.skip("a sync worker of gunicorn serves one request at a time")
    with ThreadPoolExecutor(TOGETHER) as pool:
        answers = list(pool.map(lambda _: served.get("/together").body, range(TOGETHER)))
    assert answers == [b"met"] * TOGETHER
