"""One request to a Flask application in memory, and everything that came back.

Both packages are asked by WSGI, with environs made from the same bytes. Carboy's application is
asked a second time through the engine, where compiled routes answer: that has to be the same again.
"""

from __future__ import annotations

import os
from dataclasses import replace
from io import BytesIO
from types import ModuleType
from typing import Any
from urllib.parse import unquote_to_bytes

import flask
from hypothesis import HealthCheck, settings

import carboy.flask

from .asking import Answer, Ask, ask

#: Upstream's, then ours.
PACKAGES: tuple[ModuleType, ModuleType] = (flask, carboy.flask)
COUNT = int(os.environ.get("CARBOY_FUZZ", "0"))


def draws(always: int, share: int = 1) -> Any:
    """hypothesis's settings: `always` the same draws, or CARBOY_FUZZ / `share` others."""
    return settings(
        max_examples=COUNT // share or always,
        deadline=None,
        derandomize=not COUNT,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def refusal(error: Exception) -> str:
    """The name of the error's class as code that catches it has to know it."""
    known = next(cls for cls in type(error).__mro__ if not cls.__module__.startswith("carboy"))
    return known.__name__


def environ_of(request: Ask) -> dict[str, Any]:
    """The environ of a server of this machine. Source: PEP 3333."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.raw_path).decode("latin-1"),
        "QUERY_STRING": request.query.decode("latin-1"),
        "REQUEST_URI": (request.raw_path + b"?" + request.query).decode("latin-1"),
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(request.body),
        "wsgi.errors": BytesIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in {b"host": b"test", **dict(request.headers)}.items():
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = value.decode("latin-1")
    return environ


def ask_wsgi(app: Any, request: Ask) -> Answer | str:
    """Status, headers sorted and body; the name of the exception that came out instead."""
    started: list[Any] = []
    written: list[bytes] = []

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        started[:] = [status, headers]
        return written.append

    try:
        pieces = app(environ_of(request), start_response)
        try:
            written.extend(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        status, headers = started
        fields = [(b"status", status.encode("latin-1"))]
        fields += [_field(name, value) for name, value in headers if name != "Date"]
        return int(status[:3]) if status[:3].isdigit() else 0, sorted(fields), b"".join(written)
    except Exception as error:
        return refusal(error)


def same(ours: Any, theirs: Any, request: Ask) -> None:
    """Ours answers as theirs does, by both doors."""
    expected = ask_wsgi(theirs, request)
    found = ask_wsgi(ours, request)
    assert found == expected, f"{request}\nours   {found}\ntheirs {expected}"
    if not can_be_served(expected, request):
        return
    compiled, expected = ask_engine(ours, request), plain(expected, request)
    assert compiled == expected, f"{request}\nengine {compiled}\ntheirs {expected}"


def can_be_served(answer: Answer | str, request: Ask) -> bool:
    """Whether it may leave by the engine; what is refused there is in docs/from-flask.md."""
    length = dict(request.headers).get(b"content-length", b"0")
    if length != str(len(request.body)).encode() and (request.body or length != b"0"):
        return False  # no HTTP that a server would let in
    if isinstance(answer, str):
        return True
    status, headers, body = answer
    told = {value for name, value in headers if name.lower() == b"content-length"}
    lies = bool(body) and told not in (set(), {str(len(body)).encode()})
    return 200 <= status <= 599 and status != 205 and not lies


def ask_engine(app: Any, request: Ask) -> Answer | str:
    """What the engine answers, as `plain` shows it."""
    path = unquote_to_bytes(request.raw_path).decode("utf-8", "replace")
    found = ask(app, replace(request, path=path), stays=True)
    if isinstance(found, str):
        return found
    status, headers, body = found
    fields = [_field(name.decode(), value.decode("latin-1")) for name, value in headers]
    kept = sorted((name.lower(), value) for name, value in fields if name.lower() != b"date")
    return status, kept, body


def plain(answer: Answer | str, request: Ask) -> Answer | str:
    """An answer by WSGI without its reason phrase, and as servers send it: HEAD has no body."""
    if isinstance(answer, str):
        return answer
    status, headers, body = answer
    fields = sorted((name.lower(), value) for name, value in headers if name != b"status")
    return status, fields, b"" if request.method == "HEAD" else body


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    """Of a header that is a set, only the members count: upstream's order is that of its hashes."""
    if name.lower() == "allow":
        value = ", ".join(sorted(value.split(", ")))
    return name.encode("latin-1"), value.encode("latin-1")
