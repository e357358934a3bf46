"""How the samples' lists of requests are read: `tests/migrate/samples/*/walk.py`.

A list is plain data. One item is one request:

    {"session": 0, "method": "POST", "path": "/auth/login", "form": {...}}

`session` numbers the clients, each with cookies of its own. `form`, `json` or `data` (text) is the
body, `headers` a dict. Where a value of a form is `TOKEN`, the newest CSRF token that a page showed
to this client stands there.

As a script (`python walking.py blog FOLDER`, or below `carboy exec --`) it fills a database in
FOLDER, walks with a random source that is none and a clock that stands still, and prints every
answer as JSON: all bytes can be compared.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

#: Stands for the CSRF token of the page this client has seen last.
TOKEN = "{csrf_token}"
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


def walk(app: Any, requests: Iterable[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any]]:
    """Send the requests with the application's own test clients; yields (request, response)."""
    clients: dict[int, Any] = {}
    tokens: dict[int, str] = {}
    for asked in requests:
        number = asked["session"]
        if number not in clients:
            clients[number] = app.test_client()
        options = {name: asked[name] for name in ("json", "data", "headers") if name in asked}
        if "form" in asked:
            token = tokens.get(number, "none")
            options["data"] = {
                name: token if value == TOKEN else value for name, value in asked["form"].items()
            }
        response = clients[number].open(asked["path"], method=asked["method"], **options)
        found = _TOKEN.search(response.get_data())
        if found:
            tokens[number] = found[1].decode()
        yield asked, response


def exchange(asked: dict[str, Any], response: Any) -> dict[str, Any]:
    """One line of a record for `carboy migrate verify`: what was sent, and what came back."""
    sent = response.request
    headers = [[name.lower(), value] for name, value in sent.headers.items()]
    return {
        "session": asked["session"],
        "request": {
            "method": asked["method"],
            "path": asked["path"].partition("?")[0],
            "query": asked["path"].partition("?")[2],
            "headers": headers,
            "body": _body(_sent(sent)),
        },
        "response": {
            "status": response.status_code,
            "headers": [[name.lower(), value] for name, value in response.headers],
            "body": _body(response.get_data()),
        },
    }


def _sent(request: Any) -> bytes:
    stream = request.environ["wsgi.input"]
    stream.seek(0)
    body: bytes = stream.read()
    return body


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def filled(sample: str, folder: Path) -> Any:
    """The sample's application, made and filled by its own `tests/conftest.py`."""
    root = Path(__file__).resolve().parent / sample
    sys.path[:0] = [str(root), str(root / "tests")]
    return importlib.import_module("conftest").make_app(folder)


def _stand_still() -> None:
    """Nothing is random and no time passes, in this process."""
    import hashlib
    import os
    import secrets
    import time

    numbers = iter(range(10**9))
    os.urandom = lambda size: hashlib.shake_128(b"%d" % next(numbers)).digest(size)
    secrets.token_hex = lambda size=32: os.urandom(size).hex()
    time.time = lambda: 1_700_000_000.0


def _endpoint(app: Any, asked: dict[str, Any]) -> str | None:
    with app.test_request_context(asked["path"], method=asked["method"]) as context:
        return context.request.endpoint


def main(sample: str, folder: Path) -> None:
    _stand_still()
    folder.mkdir(parents=True)
    app = filled(sample, folder)
    requests = importlib.import_module("walk").REQUESTS
    answers = [
        {
            "asked": asked,
            "endpoint": _endpoint(app, asked),
            "status": response.status_code,
            "headers": sorted(_settled(*header) for header in response.headers),
            "body": response.get_data(as_text=True),
        }
        for asked, response in walk(app, requests)
    ]
    endpoints = sorted({rule.endpoint for rule in app.url_map.iter_rules()})
    print(json.dumps({"by": type(app).__module__, "endpoints": endpoints, "answers": answers}))


def _settled(name: str, value: str) -> tuple[str, str]:
    """A set has no order; a remembered log-in expires by a clock of C."""
    if name.lower() == "allow":
        return name, ", ".join(sorted(value.split(", ")))
    if name.lower() == "set-cookie":
        return name, re.sub("Expires=[^;]+", "Expires", value)
    return name, value


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
