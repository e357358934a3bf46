"""The shape of the house, held by counting, not by stopwatch.

The hop budget: Python calls, libraries' included, that one typed request costs. Sizes of files and
functions: a limit that may be raised here, with a reason, not crossed unnoticed.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
import uvloop

from carboy import App
from carboy.server.direct import Connection
from carboy.server.shared import Shared

ROOT = Path(__file__).parent.parent / "src" / "carboy"
FILE_LINES = 400
FUNCTION_LINES = 40
#: Files that are longer, and why.
LONG_FILES = {
    "kept.py": "one file, so that `carboy migrate convert --target fastapi` may copy it",
    "core/compile.py": "the whole text of an endpoint is written here, in the order it is read",
}

app = App()


@app.get("/items/{item_id}")
async def item(item_id: int, q: str | None = None) -> Any:
    return {"item_id": item_id, "q": q}


EXPECTED = b'{"item_id":7,"q":"x"}'


class _Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        raise AssertionError("the connection was closed")


def _counted(work: Callable[[], Any]) -> list[str]:
    """The Python functions called by `work`, itself left out."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_qualname)

    gc.disable()  # others may have hung callbacks on it
    gc.disable()  # hypothesis counts collections in Python
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
        gc.enable()
    return calls


def test_hops_on_the_direct_protocol() -> None:
    async def measure() -> list[str]:
        loop = asyncio.get_running_loop()
        config = SimpleNamespace(
            loaded_app=app, root_path="", limit_concurrency=None, timeout_keep_alive=5
        )
        state = SimpleNamespace(
            tasks=set(), connections=set(), default_headers=[(b"date", b"now")], total_requests=0
        )
        shared = Shared(config, state, {}, loop)
        shared.access_log = False
        connection, wire = Connection(shared), _Wire()
        connection.connection_made(wire)
        request = b"GET /items/7?q=x HTTP/1.1\r\nHost: a\r\n\r\n"
        connection.data_received(request)
        for _ in range(3):  # the first request's task ends and is forgotten
            await asyncio.sleep(0)
        wire.written.clear()
        calls = _counted(lambda: connection.data_received(request))[1:]
        if sys.version_info < (3, 12):  # no eager tasks: the rest runs at the loop's next turn
            calls += await _counted_turn()
        assert wire.written[0].endswith(EXPECTED)
        connection.connection_lost(None)
        return calls

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        calls = runner.run(measure())
    calls = calls[: calls.index("_Wire.write")]
    assert len(calls) <= 16, "\n".join(calls)


async def _counted_turn() -> list[str]:
    """Calls of the tasks that are due, without the loop's own machinery."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and "asyncio" not in frame.f_code.co_filename:
            calls.append(frame.f_code.co_qualname)

    gc.disable()  # hypothesis counts collections in Python
    sys.setprofile(note)
    await asyncio.sleep(0)
    sys.setprofile(None)
    gc.enable()
    return [call for call in calls if not call.startswith(("test_hops", "_counted"))]


def test_hops_over_the_asgi_rim() -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/items/7",
        "query_string": b"q=x",
        "headers": [(b"host", b"a")],
    }

    async def measure() -> list[str]:
        await app(dict(scope), receive, send)
        sent.clear()
        request = app(dict(scope), receive, send)

        def step() -> None:
            # Nothing in this request waits, so that one step is the whole of it.
            try:
                request.send(None)
            except StopIteration:
                return
            raise AssertionError("the request waited for something")

        calls = _counted(step)[1:]
        assert sent[1]["body"] == EXPECTED
        return calls

    calls = asyncio.run(measure())
    assert len(calls) <= 20, "\n".join(calls)


def _modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_opens_with_its_law_and_stays_a_room(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a file opens with what lives in it"
    name = path.relative_to(ROOT).as_posix()
    if name not in LONG_FILES:
        assert text.count("\n") <= FILE_LINES, "what is this file really about?"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= FUNCTION_LINES, f"{node.name} has {lines} lines"


def test_importing_carboy_loads_no_more_than_it_needs() -> None:
    import subprocess

    code = (
        "import sys; from carboy import App; app = App()\n"
        "@app.get('/hello')\n"
        "def hello(name: str = 'World'): return {'message': name}\n"
        "app.freeze()\n"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    unwanted = {"jinja2", "werkzeug", "opentelemetry", "httpx", "fastapi", "flask", "uvicorn"}
    unwanted.add("prometheus_client")
    if sys.version_info >= (3, 13):  # Starlette needs it before
        unwanted.add("asyncio")
    assert not unwanted & set(loaded)
    assert "carboy" in loaded
