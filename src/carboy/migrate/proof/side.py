"""One application in a process of its own, asked over its standard input: run as a file, by path.

Only the standard library is imported, so that any Python with any version of Flask can be the old
side; Carboy is, where it is asked for. A line of JSON comes for every request, a line of JSON goes
back; what the application prints goes to standard error.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import importlib
import inspect
import io
import json
import os
import re
import sys
import threading
import time
import traceback
from typing import Any
from urllib.parse import unquote_to_bytes

BROKEN = (500, [("content-type", "text/plain; charset=utf-8")], b"Internal Server Error")


# -- the application ------------------------------------------------------------------------------


def load(module: str, name: str) -> Any:
    """`name` of `module`: an object, or a factory with or without its arguments."""
    match = re.fullmatch(r"([\w.]+)(\(.*\))?", name, re.DOTALL)
    if match is None:
        raise ValueError(f"{name!r} is neither a name nor a call such as create_app()")
    found: Any = importlib.import_module(module)
    for part in match[1].split("."):
        found = getattr(found, part)
    if match[2]:
        call: Any = ast.parse(name, mode="eval").body
        values = [ast.literal_eval(one) for one in call.args]
        found = found(*values, **{k.arg: ast.literal_eval(k.value) for k in call.keywords})
    elif inspect.isfunction(found) and len(inspect.signature(found).parameters) == 0:
        found = found()
    return found


def routes(app: Any) -> list[dict[str, Any]]:
    """What is declared: name, methods, path with ``{name}``, and the names."""
    engine = getattr(app, "engine", None)
    if engine is not None:
        engine.freeze()
        return [
            _route(t.route.name, t.methods, t.pattern.format, t.pattern.names)
            for t in engine.router.routes
        ]
    if hasattr(app, "url_map"):
        return [
            _route(
                rule.endpoint,
                rule.methods,
                re.sub(r"<(?:[^<>]*:)?([^<>:]+)>", r"{\1}", rule.rule),
                sorted(rule.arguments),
            )
            for rule in app.url_map.iter_rules()
        ]
    return []


def _route(name: str, methods: Any, path: str, variables: Any) -> dict[str, Any]:
    listed = sorted(methods or ())
    return {"name": name, "methods": listed, "path": path, "variables": list(variables)}


def version_of(app: Any) -> str:
    """What the application runs on, for people."""
    from importlib import metadata

    name = "Flask" if hasattr(app, "url_map") else "FastAPI"
    if type(app).__module__.partition(".")[0] not in ("flask", "fastapi", "starlette", "carboy"):
        bases = [base.__module__.partition(".")[0] for base in type(app).__mro__]
        known = [base for base in bases if base in ("flask", "fastapi", "starlette", "carboy")]
        name = known[0].capitalize() if known else type(app).__name__
    if hasattr(app, "engine"):
        import carboy

        return f"Carboy {carboy.__version__}"
    try:
        return f"{name} {metadata.version(name.lower())}"
    except metadata.PackageNotFoundError:
        return name


# -- asking it ------------------------------------------------------------------------------------


class TooMuch(Exception):
    """An answer has no end, or none within the bytes and seconds there are for it."""


class Bound:
    """How many bytes and seconds an answer may take; None for as many as it likes."""

    most: int | None = None
    seconds: float | None = None


class Wsgi(Bound):
    """A WSGI application."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def ask(self, asked: dict[str, Any], body: bytes) -> tuple[int, list[Any], bytes]:
        started: list[Any] = []
        pieces: list[bytes] = []

        def start(status: str, headers: list[Any], exc_info: Any = None) -> Any:
            started[:] = [int(status[:3]), [(k.lower(), v) for k, v in headers]]
            return pieces.append

        since, size = time.monotonic(), 0
        result = self.app(environ(asked, body), start)
        try:
            for piece in result:
                pieces.append(piece)
                size += len(piece)
                if self.most is not None and size > self.most:
                    raise TooMuch(f"more than {self.most} bytes")
                if self.seconds is not None and time.monotonic() - since > self.seconds:
                    raise TooMuch(f"more than {self.seconds} seconds")
        finally:
            if hasattr(result, "close"):
                result.close()
        if asked["method"] == "HEAD":
            pieces = []  # applications may leave that to the server
        return started[0], started[1], b"".join(pieces)

    def name(self, asked: dict[str, Any]) -> str | None:
        """The endpoint that a request is for."""
        from werkzeug.exceptions import HTTPException

        try:
            adapter = self.app.url_map.bind_to_environ(environ(asked, b""))
            return str(adapter.match()[0])
        except (AttributeError, HTTPException):
            return None

    def close(self) -> None:
        pass


def environ(asked: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The WSGI environ of a request. Source: PEP 3333."""
    made: dict[str, Any] = {
        "REQUEST_METHOD": asked["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(asked["path"]).decode("latin-1"),
        "QUERY_STRING": asked["query"],
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in asked["headers"]:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        made[key] = f"{made[key]},{value}" if key in made else value
    return made


class Asgi(Bound):
    """An ASGI application, and its lifespan, on a loop in a thread."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.state: dict[str, Any] = {}
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._told: asyncio.Queue[Any] = self._run(self._queue())
        self._said: asyncio.Queue[Any] = self._run(self._queue())
        self._living = asyncio.run_coroutine_threadsafe(self._live(), self.loop)
        self._run(self._stage("startup"))

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    async def _queue(self) -> asyncio.Queue[Any]:
        return asyncio.Queue()

    async def _live(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self.state}
        try:
            await self.app(scope, self._told.get, self._said.put)
        except Exception:
            traceback.print_exc()  # one without a lifespan may raise
        finally:
            await self._said.put({"type": "over"})

    async def _stage(self, name: str) -> None:
        await self._told.put({"type": f"lifespan.{name}"})
        said = await self._said.get()
        if said["type"] == f"lifespan.{name}.failed":
            raise RuntimeError(f"the application's {name} failed: {said.get('message', '')}")

    def scope(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Source: ASGI 3.0, HTTP."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": asked["method"],
            "scheme": "http",
            "path": unquote_to_bytes(asked["path"]).decode("utf-8", "replace"),
            "raw_path": asked["path"].encode("latin-1"),
            "query_string": asked["query"].encode("latin-1"),
            "root_path": "",
            "headers": [
                (k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in asked["headers"]
            ],
            "client": ("127.0.0.1", 50000),
            "server": ("localhost", 80),
            "state": self.state.copy(),
            "extensions": {},
        }

    def ask(self, asked: dict[str, Any], body: bytes) -> tuple[int, list[Any], bytes]:
        return self._run(self._ask(self.scope(asked), body))  # type: ignore[no-any-return]

    async def _ask(self, scope: Any, body: bytes) -> tuple[int, list[Any], bytes]:
        sent: list[Any] = []
        asked = [{"type": "http.request", "body": body, "more_body": False}]
        over = asyncio.Event()

        async def receive() -> Any:
            if asked:
                return asked.pop()
            await over.wait()
            return {"type": "http.disconnect"}

        size = 0

        async def send(message: Any) -> None:
            nonlocal size
            sent.append(message)
            size += len(message.get("body", b""))
            if self.most is not None and size > self.most:
                raise TooMuch(f"more than {self.most} bytes")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                over.set()

        try:
            await asyncio.wait_for(self.app(scope, receive, send), self.seconds)
        except Exception:
            late = self.seconds is not None and not over.is_set()
            if not sent or late or (self.most is not None and size > self.most):
                raise
            traceback.print_exc()  # it was answered, and then raised for the server to log
        head, *rest = sent
        headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in head["headers"]]
        pieces = b"".join(message.get("body", b"") for message in rest)
        return head["status"], headers, b"" if scope["method"] == "HEAD" else pieces

    def name(self, asked: dict[str, Any]) -> str | None:
        engine = getattr(self.app, "engine", None)
        return None if engine is None else self._run(self._name(engine, asked))

    async def _name(self, engine: Any, asked: dict[str, Any]) -> str | None:
        from carboy.migrate.proof.naming import endpoint_of

        return endpoint_of(engine, self.scope(asked))

    def close(self) -> None:
        if not self._living.done():
            self._run(self._stage("shutdown"))
            self._living.result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def caller(app: Any) -> Wsgi | Asgi:
    """How `app` is called."""
    # Carboy's applications have one of their own, which says what they are.
    call = app if inspect.isfunction(app) else getattr(app, "__call__", None)  # noqa: B004
    if inspect.iscoroutinefunction(call):
        return Asgi(app)
    if not callable(app):
        raise TypeError(f"{app!r} is no application: it can't be called")
    return Wsgi(app)


def answer(side: Wsgi | Asgi, asked: dict[str, Any]) -> dict[str, Any]:
    """The line for a line."""
    body = base64.b64decode(asked["body"])
    name = side.name(asked)
    try:
        status, headers, content = side.ask(asked, body)
    except Exception:
        traceback.print_exc()
        status, headers, content = BROKEN
    sys.stderr.flush()
    found = {"status": status, "headers": headers, "endpoint": name}
    return {**found, "body": base64.b64encode(content).decode()}


def main() -> None:
    """``side.py MODULE NAME FACES FOLDERS...``; FACES is "real" or "carboy"."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    lines = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(2, 1)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    module, name, faces, *folders = sys.argv[1:]
    # The folder of this file is no place for an application's imports to look.
    sys.path[:1] = folders

    def say(found: dict[str, Any]) -> None:
        out.write(json.dumps(found) + "\n")
        out.flush()

    try:
        if faces == "carboy":
            importlib.import_module("carboy.dropin")
        app = load(module, name)
        side = caller(app)
        say({"routes": routes(app), "on": version_of(app)})
    except BaseException:
        say({"failed": traceback.format_exc()})
        return
    for line in lines:
        say(answer(side, json.loads(line)))
    side.close()


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads of applications are nobody's to wait for
