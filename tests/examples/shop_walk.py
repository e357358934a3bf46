"""A walk through the shop of examples/flask_shop, the same whoever serves it.

As a script (`python shop_walk.py`, or below `carboy exec --`) it walks in memory, with a random
source that is none and a clock that stands still, and prints every answer as JSON: all bytes can be
compared.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flask_shop"
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
#: (status, headers sorted, body)
Answer = tuple[int, list[tuple[str, str]], str]
#: send(method, path, form, file, headers)
Send = Callable[..., Answer]


def walk(send: Send) -> Iterator[tuple[str, Answer]]:
    """Every page, every form with what is right and what is wrong, as two people see them."""
    pages = ["/", "/?q=china", "/?q=%3Cb%3E", "/tea/1", "/tea/99", "/tea/x", "/basket",
             "/teas.json", "/teas.csv", "/account/orders", "/stock/", "/account", "/account/login",
             "/absent", "/static/shop.css", "/static/absent.css"]  # fmt: skip
    for path in pages:
        yield path, send("GET", path)
    yield "json", send("GET", "/absent", headers={"Accept": "application/json"})
    yield "head", send("HEAD", "/")
    yield "options", send("OPTIONS", "/account/login")
    yield "no method", send("DELETE", "/")
    yield "no token", send("POST", "/tea/1/basket", {"count": "1"})
    yield from _join(send)
    for number, count in (("1", "2"), ("2", "1"), ("3", "x"), ("1", "50"), ("4", "1"), ("77", "1")):
        yield f"add {number}", _post(send, "/tea/1", f"/tea/{number}/basket", count=count)
    yield "basket", send("GET", "/basket")
    yield "too much", _post(send, "/basket", "/buy")
    yield "forbidden", send("GET", "/stock/")
    yield "log out", _post(send, "/", "/account/logout")
    yield "anonymous", _post(send, "/tea/2", "/tea/2/basket", count="3")
    yield "to log in", _post(send, "/basket", "/buy")
    yield from _keep(send)
    yield "buy", _post(send, "/basket", "/buy")
    yield "orders", send("GET", "/account/orders")
    yield "out again", _post(send, "/", "/account/logout")
    yield "after all", send("GET", "/")


def _join(send: Send) -> Iterator[tuple[str, Answer]]:
    for form in (
        {"name": "A", "password": "short", "again": "other"},
        {"name": "Ada", "password": "long enough", "again": "long enough"},
        {"name": "keeper", "password": "long enough", "again": "long enough"},
    ):
        yield f"join {form['name']}", _post(send, "/account/join", **form)
        yield "then", send("GET", "/")


def _keep(send: Send) -> Iterator[tuple[str, Answer]]:
    form = "/account/login?next=/stock/"
    yield "wrong", _post(send, form, form, name="keeper", password="wrong")
    yield "right", _post(send, form, form, name="keeper", password="secret tea", remember="y")
    yield "stock", send("GET", "/stock/")
    yield "change wrong", _post(send, "/stock/4", "/stock/4", price="0", stock="x")
    yield "change", _post(send, "/stock/4", "/stock/4", price="899", stock="7")
    yield "no file", _post(send, "/stock/", "/stock/")
    page = _token(send("GET", "/stock/"))
    delivered = ("news ä.csv", b"Assam,5\nKeemun,1\n")
    yield "delivery", send("POST", "/stock/", {"csrf_token": page}, delivered)
    yield "stock now", send("GET", "/stock/")


def _post(send: Send, page: str, target: str | None = None, **form: str) -> Answer:
    """Fill in the form that a page shows, and send it."""
    token = _token(send("GET", page))
    return send("POST", target or page, {"csrf_token": token, **form})


def _token(page: Answer) -> str:
    found = TOKEN.search(page[2])
    return found[1] if found else "none"


def in_memory(client: Any) -> Send:
    """Flask's test client; it keeps cookies."""

    def send(
        method: str, path: str, form: Any = None, file: Any = None, headers: Any = None
    ) -> Answer:
        data = dict(form or {})
        if file is not None:
            data["file"] = (io.BytesIO(file[1]), file[0])
        found = client.open(path, method=method, data=data or None, headers=headers or {})
        return found.status_code, sorted(found.headers), found.get_data().decode("utf-8")

    return send


def main() -> None:
    sys.path.insert(0, str(EXAMPLE))
    import hashlib
    import os
    import time

    numbers = iter(range(10**9))
    os.urandom = lambda size: hashlib.shake_128(b"%d" % next(numbers)).digest(size)
    time.time = lambda: 1_700_000_000.0
    from wsgi import app  # type: ignore[import-not-found]

    with app.test_client() as client:
        answers = [[name, *answer] for name, answer in walk(in_memory(client))]
    print(json.dumps({"by": type(app).__module__, "answers": answers}))


if __name__ == "__main__":
    main()
