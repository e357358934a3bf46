"""The environ that a WSGI application is given where no WSGI server made one. Source: PEP 3333.

Text in it is Latin-1 for bytes, as WSGI has it. What a client sends as ``X_A`` gets no variable.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]

#: The variables of header fields that were seen before.
_KEYS: dict[bytes, str] = {}


def _key(raw: bytes) -> str | None:
    """The variable of a header field; None for one that there is none for."""
    # SAFETY: "X_A" would become the same variable as "X-A", which a proxy may have checked.
    if b"_" in raw:
        return None
    name = raw.decode("latin-1").upper().replace("-", "_")
    key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
    if len(_KEYS) < 256:
        _KEYS[raw] = key
    return key


def environ_for(scope: Mapping[str, Any], path: str, stream: Any) -> Environ:
    """The environ for an ASGI scope, of which `path` is what follows its ``root_path``.

    `stream` is the body, which ends where the body ends.
    """
    server = scope.get("server") or ("localhost", 80)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": as_variable(scope.get("root_path", "")),
        "PATH_INFO": as_variable(path),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "REQUEST_URI": _uri(scope),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": stream,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if (client := scope.get("client")) is not None:
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    _add_headers(environ, scope["headers"])
    return environ


def _add_headers(environ: Environ, headers: Iterable[tuple[bytes, bytes]]) -> None:
    for raw, value in headers:
        key = _KEYS.get(raw)
        if key is None and (key := _key(raw)) is None:
            continue
        text = value.decode("latin-1")
        if key in environ:
            text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
        environ[key] = text


def as_variable(path: str) -> str:
    """A path as an environ holds it."""
    return path.encode("utf-8", "surrogateescape").decode("latin-1")


def _uri(scope: Mapping[str, Any]) -> str:
    raw: bytes | None = scope.get("raw_path")
    path = (raw or scope["path"].encode("utf-8", "surrogateescape")).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def exact_path(scope: Mapping[str, Any], path: str) -> str:
    """`path` with the bytes that the client sent, where decoding has put U+FFFD for some."""
    raw: bytes | None = scope.get("raw_path")
    if raw and "\ufffd" in path:
        sent = unquote_to_bytes(raw)
        whole: str = scope["path"]
        if sent.decode("utf-8", "replace") == whole:
            sent = sent[len(whole[: len(whole) - len(path)].encode()) :]
            return sent.decode("utf-8", "surrogateescape")
    return path
