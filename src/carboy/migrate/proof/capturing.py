"""Runs pytest and writes down what every test's client asks and is answered: a script, run by path.

Only the standard library, pytest and Werkzeug are imported, so that the old side may be any Python;
Carboy is, where it is asked for. Werkzeug's test client is Flask's, on both sides.

    capturing.py FILE FACES ALIAS PYTEST-ARGUMENTS...

ALIAS is ``old=new``, where tests import a module that has another name on this side, or empty.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

#: As in watching.py, which can't be imported here.
SAFE = "/:@!$&'()*+,;=-._~"
#: Of an answer that a test does not read to its end.
MOST = 1000


class Capture:
    """The plugin."""

    def __init__(self, out: Any, names: bool) -> None:
        self._out = out
        self._names = names
        self._test = ""
        self._open: list[Captured] = []
        self._known: set[str] = set()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test = nodeid

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" or report.outcome != "passed":
            crash = getattr(report.longrepr, "reprcrash", None)
            said = str(getattr(crash, "message", None) or report.longrepr or "").strip()
            found = {"outcome": report.outcome, "when": report.when}
            self.write({**found, "said": said.splitlines()[:1]})

    def pytest_fixture_post_finalizer(self) -> None:
        self.settle()

    def pytest_runtest_teardown(self) -> None:
        self.settle()

    def settle(self) -> None:
        """Write what was captured, while what it was asked of is still there."""
        captured, self._open = self._open, []
        for one in captured:
            self.write(one.line())

    def write(self, found: dict[str, Any]) -> None:
        self._out.write(json.dumps({"test": self._test, **found}) + "\n")
        self._out.flush()

    def tell_of(self, app: Any) -> None:
        """Write down the views of an application, once."""
        if (engine := getattr(app, "engine", None)) is not None:
            names = [one.route.name for one in engine.router.routes]
        else:
            names = [one.endpoint for one in app.url_map.iter_rules()]
        if new := sorted(set(names) - self._known):
            self._known |= set(new)
            self.write({"routes": new})

    def watch(self) -> None:
        """Look at every request of Werkzeug's test client."""
        from werkzeug.test import Client

        run: Any = Client.run_wsgi_app
        capture = self

        def run_wsgi_app(client: Any, environ: Any, buffered: bool = False) -> Any:
            one = Captured(environ)
            if capture._names:
                one.endpoint = name_of(client.application, environ)
            if hasattr(client.application, "url_map"):
                capture.tell_of(client.application)
            capture._open.append(one)
            try:
                pieces, status, headers = run(client, environ, buffered=buffered)
            except Exception as error:
                one.raised(error, environ)
                raise
            return one.answered(pieces, status, headers, environ), status, headers

        patched: Any = Client
        patched.run_wsgi_app = run_wsgi_app


class Captured:
    """One exchange of a test."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self.at = time.time()
        self.endpoint: str | None = None
        self._start = dict(environ)
        self._body = b""
        stream = environ.get("wsgi.input")
        if stream is not None and hasattr(stream, "seek"):
            place = stream.tell()
            self._body = stream.read()
            stream.seek(place)
        self._pieces: list[bytes] = []
        self._rest: Iterator[bytes] = iter(())
        self._status = 0
        self._headers: list[tuple[str, str]] = []

    def raised(self, error: Exception, environ: dict[str, Any]) -> None:
        """The application let out an error: the test sees that."""
        self._headers = [("raised", type(error).__name__)]
        self._cookies(environ)

    def answered(self, pieces: Any, status: str, headers: Any, environ: dict[str, Any]) -> Any:
        """The pieces, for the test."""
        self._status = int(status[:3])
        self._headers = [(name.lower(), value) for name, value in headers]
        self._cookies(environ)
        if isinstance(pieces, list | tuple):
            self._pieces = list(pieces)
            return pieces
        self._rest = iter(pieces)
        return Pieces(self, pieces)

    def _cookies(self, environ: dict[str, Any]) -> None:
        # The client puts them in when it calls.
        if "HTTP_COOKIE" in environ:
            self._start["HTTP_COOKIE"] = environ["HTTP_COOKIE"]

    def next(self) -> bytes:
        piece = next(self._rest)
        self._pieces.append(piece)
        return piece

    def line(self) -> dict[str, Any]:
        """As in a record."""
        try:
            for _ in range(MOST):
                self.next()
        except Exception:
            pass  # it has ended, or was closed by the test
        environ = self._start
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        headers = [
            (key.removeprefix("HTTP_").replace("_", "-").lower(), str(value))
            for key, value in environ.items()
            if key.startswith("HTTP_") or (key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
        ]
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"".join(self._pieces)
        return {
            "endpoint": self.endpoint,
            "at": self.at,
            "request": {
                "method": environ["REQUEST_METHOD"],
                "path": quote(path.encode("latin-1"), safe=SAFE),
                "query": environ.get("QUERY_STRING", ""),
                "headers": sorted(headers),
                "body": {"base64": base64.b64encode(self._body).decode()},
            },
            "response": {
                "status": self._status,
                "headers": self._headers,
                "body": {"base64": base64.b64encode(body).decode()},
            },
        }


class Pieces:
    """An answer that the test reads as it likes."""

    def __init__(self, captured: Captured, pieces: Any) -> None:
        self._captured = captured
        self._pieces = pieces

    def __iter__(self) -> Pieces:
        return self

    def __next__(self) -> bytes:
        return self._captured.next()

    def close(self) -> None:
        if hasattr(self._pieces, "close"):
            self._pieces.close()


def name_of(app: Any, environ: dict[str, Any]) -> str | None:
    """The endpoint of a request to an application of Carboy's."""
    from carboy.migrate.proof.naming import endpoint_of

    engine = getattr(app, "engine", None)
    if engine is None:
        return None
    raw = environ.get("PATH_INFO", "").encode("latin-1")
    scope = {
        "type": "http",
        "method": environ["REQUEST_METHOD"],
        "path": raw.decode("utf-8", "replace"),
        "raw_path": quote(raw, safe=SAFE).encode(),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "headers": [(b"host", environ.get("HTTP_HOST", "localhost").encode("latin-1"))],
        "root_path": "",
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "server": ("localhost", 80),
        "http_version": "1.1",
    }
    return endpoint_of(engine, scope)


def main() -> int:
    file, faces, alias, *arguments = sys.argv[1:]
    sys.path[0] = str(Path.cwd())
    if faces == "carboy":
        importlib.import_module("carboy.dropin")
    if alias:
        old, new = alias.split("=")
        sys.modules[old] = importlib.import_module(new)
    import pytest

    with Path(file).open("w", encoding="utf-8") as out:
        capture = Capture(out, names=faces == "carboy")
        capture.watch()
        return int(pytest.main(arguments, plugins=[capture]))


if __name__ == "__main__":
    sys.exit(main())
