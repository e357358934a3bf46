"""Answers as they leave a real socket: Flask by Werkzeug's server, Carboy by its own protocol.

CARBOY_FUZZ as in test_operations.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from server.living import running
from werkzeug.serving import WSGIRequestHandler, make_server

from . import test_flask_answers as answers
from . import test_flask_requests as reading
from . import test_flask_rules as matching
from .asking import Answer, Ask, over_socket
from .flask_views import answerer, reader
from .wsgi_asking import PACKAGES, ask_wsgi, can_be_served, draws

pytestmark = pytest.mark.filterwarnings("ignore:Current server name:UserWarning")


class Silent(WSGIRequestHandler):
    def log(self, *args: Any) -> None:
        pass


@contextmanager
def upstream(app: Any) -> Iterator[tuple[str, int]]:
    """`app` behind Werkzeug's server, in a thread."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[:2]  # type: ignore[misc]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def asked_alike(ours: Any, theirs: Any, asked: list[Ask]) -> None:
    with upstream(theirs) as their, running(ours) as our:
        for request in asked:
            found = _shown(over_socket(our.address, request))
            assert found == _shown(over_socket(their, request)), request


def _shown(answer: Answer) -> Answer:
    """Without how the body is framed; a set has no order."""
    status, headers, body = answer
    kept = []
    for name, value in headers:
        if name == b"allow":
            value = b", ".join(sorted(value.split(b", ")))
        if name not in (b"transfer-encoding", b"connection"):
            kept.append((name, value))
    return status, sorted(kept), body


def _is_plain(request: Ask) -> bool:
    """Whether either server takes it: not what is refused before an application is asked."""
    names = dict(request.headers)
    host, length = names.get(b"host", b"test"), names.get(b"content-length", b"0")
    return (
        host.replace(b".", b"").isalnum()
        and length == str(len(request.body)).encode()
        and request.raw_path.startswith(b"/")
        and not request.raw_path.startswith(b"//")
        and all(32 <= byte < 127 for _, value in request.headers for byte in value)
        and all(32 < byte < 127 for byte in request.query)
    )


@draws(8, 20)
@given(st.data())
def test_matches_leave_sockets_alike(data: st.DataObject) -> None:
    plan = data.draw(matching.plans())
    theirs, ours = matching.built(plan)
    assume(not isinstance(theirs, str) and not isinstance(ours, str))
    asked = [_own_host(data.draw(matching.requests(plan))) for _ in range(8)]
    asked_alike(ours, theirs, [request for request in asked if _is_plain(request)])


def _own_host(request: Ask) -> Ask:
    """`over_socket` names the host itself."""
    kept = tuple(pair for pair in request.headers if pair[0] != b"host")
    return Ask(request.method, request.path, request.raw_path, request.query, kept, request.body)


@draws(6, 20)
@given(st.lists(reading.requests(), min_size=6, max_size=8))
def test_requests_arrive_by_sockets_alike(asked: list[Ask]) -> None:
    asked = [request for request in map(_own_host, asked) if request.path != "/plain"]
    theirs, ours = (reader(package, {}) for package in PACKAGES)
    asked_alike(ours, theirs, [request for request in asked if _is_plain(request)])


@draws(25, 20)
@given(answers.results(), st.sampled_from(["GET", "GET", "HEAD"]))
def test_results_leave_sockets_alike(result: Any, method: str) -> None:
    _, made = result
    request = Ask(method, "/", b"/")
    theirs, ours = (answerer(package, made, {}) for package in PACKAGES)
    expected = ask_wsgi(theirs, request)
    assume(not isinstance(expected, str) and can_be_served(expected, request))
    asked_alike(ours, theirs, [request])
