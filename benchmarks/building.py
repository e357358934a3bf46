"""What one fresh interpreter sees from within: building 1,000 routes, and answering with models.

``python building.py SHAPE FRAMEWORK`` prints numbers as JSON. Imports and the creation of the
pydantic classes are left out. `flat` and `nested` differ in where the routes are declared (on the
application, or in four routers, one within the other). ``seconds`` end when everything that is
done once is done: Carboy's routes are frozen. ``answered_seconds`` is the same question without
asking who does what when: until the last route has answered its first request. `page` is what an
answer of 100 model instances costs beside pydantic's own work for it.
"""

import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

CLASSES = {"fastapi": "FastAPI", "carboy": "App"}
ORDER = b'{"name": "Desk lamp", "amount": 3}'
REPEATS = 300

Numbers = dict[str, float]


def build(name: str, nested: bool) -> Numbers:
    """Build 1,000 routes, answer one request, write the document."""
    from apps.many_routes import make_models, nest, register

    module = importlib.import_module(name)
    factory, router = getattr(module, CLASSES[name]), importlib.import_module(name).APIRouter
    models = make_models()
    before = _peak_mib()
    begun = time.perf_counter()
    app = factory()
    path = nest(app, router, models) if nested else register(app, models)
    routed = time.perf_counter()
    if name == "carboy":
        app.freeze()
    ended = time.perf_counter()
    assert asyncio.run(_ask(app, "POST", path, ORDER)) == 200
    answered = time.perf_counter()
    built = _peak_mib()
    document = app.openapi()
    written = time.perf_counter()
    assert len(document["paths"]) == len(models)
    return {
        "seconds": ended - begun,
        "freeze_seconds": ended - routed,
        "answered_seconds": answered - begun,
        "openapi_seconds": written - answered,
        "peak_mib": built,
        "added_mib": built - before,
    }


def page(name: str) -> Numbers:
    """An answer with 100 model instances, against pydantic's validation and dump of them."""
    from apps.models import PAGE, Item
    from pydantic import TypeAdapter

    app = importlib.import_module(f"apps.{name}_app").app
    adapter = TypeAdapter(list[Item])

    def pydantic() -> None:
        adapter.dump_json(adapter.validate_python(PAGE, from_attributes=True))

    async def measure() -> Numbers:
        async def answer() -> None:
            assert await _ask(app, "GET", "/page") == 200

        async def nothing() -> None:
            assert await _ask(app, "GET", "/hello") == 200

        return {
            "page_seconds": await _median(answer),
            "hello_seconds": await _median(nothing),
            "pydantic_seconds": await _median(_asynchronous(pydantic)),
        }

    return asyncio.run(measure())


def _asynchronous(call: Callable[[], None]) -> Callable[[], Any]:
    async def run() -> None:
        call()

    return run


async def _median(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        await call()
        times.append(time.perf_counter() - begun)
    return median(times)


async def _ask(app: Any, method: str, path: str, body: bytes = b"") -> int:
    """One request over ASGI, from memory; return its status."""
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": headers, "client": None, "server": ("localhost", 80),
    }  # fmt: skip
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    await app(scope, receive, send)
    return int(messages[0]["status"])


def _peak_mib() -> float:
    """Return this process's own peak memory; getrusage would include the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


SHAPES: dict[str, Callable[[str], Numbers]] = {
    "flat": lambda name: build(name, nested=False),
    "nested": lambda name: build(name, nested=True),
    "page": page,
}


if __name__ == "__main__":
    print(json.dumps(SHAPES[sys.argv[1]](sys.argv[2])))
