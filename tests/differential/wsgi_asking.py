"""One request to a WSGI application in memory, and everything that came back.

Both packages are asked with environs made from the same bytes, as a server would make them. A
Flask application also has itself asked through Carboy's own door, `over_socket` in asking.py.
"""

from __future__ import annotations

import os
from io import BytesIO
from types import ModuleType
from typing import Any
from urllib.parse import unquote_to_bytes

import flask
from hypothesis import HealthCheck, settings

import carboy.flask

from .asking import Answer, Ask

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
    given = dict(request.headers)
    for name, value in ((b"host", b"test"), *request.headers):
        if name == b"host" and b"host" in given and value != given[b"host"]:
            continue
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
        fields += [_field(name, value) for name, value in headers]
        return int(status[:3]), sorted(fields), b"".join(written)
    except Exception as error:
        return refusal(error)


def _field(name: str, value: str) -> tuple[bytes, bytes]:
    """Of a header that is a set, only the members count: upstream's order is that of its hashes."""
    if name == "Allow":
        value = ", ".join(sorted(value.split(", ")))
    return name.encode("latin-1"), value.encode("latin-1")
