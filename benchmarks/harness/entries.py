"""What is measured: every workload with its servers, requests and expected answers.

An entry is one server command and one request. Each command is how the framework's
own documentation deploys it, with one worker and no access log. Entries of a
workload that name the same command share one server.
"""

import json
from dataclasses import dataclass
from typing import Any

from .cookie import session_cookie

HELLO = "/hello?name=World"
GREETING = {"message": "Hello, World!"}
ITEM = {
    "name": "Desk lamp",
    "price": 24.5,
    "quantity": 3,
    "in_stock": True,
    "tags": ["light", "office", "metal"],
}
ORDER = {"name": "Desk lamp", "amount": 3, "tags": ["light", "office"]}
LAST_ROUTE = 999
#: What apps/models.py answers with.
PAGE = [
    {
        "name": f"Lamp {number}",
        "price": number / 2,
        "quantity": number,
        "in_stock": True,
        "tags": ["light"],
        "description": None,
    }
    for number in range(100)
]

#: What apps/flask_sample.py answers with.
ORDERED = {"name": ORDER["name"], "total": 6, "tags": ORDER["tags"]}
LAMPS = "".join(
    (
        "<!doctype html>\n<title>Lamps</title>\n<main>\n<ul>\n",
        *[f"<li>Lamp {number}: {number / 2:.2f}</li>\n" for number in range(20)],
        "</ul>\n</main>",
    )
)
VISITED = session_cookie("for benchmarks only", {"visits": 7})

UVICORN = "uvicorn {app} --host 127.0.0.1 --port {port} --no-access-log"
DROP_IN = "carboy run --drop-in {app} --host 127.0.0.1 --port {port} --no-access-log"
CARBOY = "carboy run {app} --host 127.0.0.1 --port {port} --no-access-log"
GUNICORN = "gunicorn {app} --workers 1 --bind 127.0.0.1:{port} --no-control-socket"
GRANIAN = "granian --interface wsgi --workers 1 --host 127.0.0.1 --port {port} {app}"
SANIC = "sanic {app} --host 127.0.0.1 --port {port} --single-process --no-access-logs"
ROBYN = "python -m {app} --processes 1 --workers 1 --log-level WARN"
SCRIPT = "python -m {app}"
NGINX = "nginx -p {dir} -c {dir}/nginx.conf"

# Peers that cannot share the main environment, with their exact pin.
EXTRA_ENVIRONMENTS = {"robyn": "robyn==0.88.0", "socketify": "socketify==0.0.31"}


@dataclass(frozen=True)
class Entry:
    """One measured line: a server and the one request sent to it."""

    workload: str
    name: str
    label: str
    command: str
    app: str
    package: str
    expected: Any
    path: str = HELLO
    body: Any = None
    environment: str = "main"
    cookie: str = ""

    @property
    def key(self) -> str:
        """The entry's name across workloads."""
        return f"{self.workload}/{self.name}"

    @property
    def server_key(self) -> tuple[str, str]:
        """Entries with the same key share a server."""
        return self.command, self.app

    @property
    def payload(self) -> str:
        """The request body as sent."""
        return "" if self.body is None else json.dumps(self.body)


def _hello(
    name: str, label: str, command: str, app: str, package: str, environment: str = "main"
) -> Entry:
    return Entry("hello", name, label, command, app, package, GREETING, environment=environment)


def _post(name: str, label: str, command: str, app: str, package: str) -> Entry:
    answer = {**ITEM, "description": None}
    return Entry("post", name, label, command, app, package, answer, "/items", ITEM)


def _route(name: str, label: str, command: str, package: str, number: int) -> Entry:
    answer = {"name": ORDER["name"], "tags": ORDER["tags"], "limit": 7}
    app, path = f"apps.routes_{package}:app", f"/orders/{number}?limit=7"
    return Entry("routes-1000", name, label, command, app, package, answer, path, ORDER)


def _both(workload: str, path: str, answer: Any) -> tuple[Entry, ...]:
    """Carboy and FastAPI with the same request."""
    return (
        Entry(workload, "carboy", "Carboy", CARBOY, "apps.carboy_app:app", "carboy", answer, path),
        Entry(
            workload, "fastapi", "FastAPI + uvicorn", UVICORN, "apps.fastapi_app:app", "fastapi",
            answer, path,
        ),
    )  # fmt: skip


def _flask(
    workload: str, path: str, expected: Any, body: Any = None, cookie: str = ""
) -> tuple[Entry, ...]:
    """One source, on Carboy and on Flask behind two servers."""
    app = "apps.flask_sample:app"
    servers = (
        ("carboy", "Flask's source on Carboy", DROP_IN, "carboy"),
        ("flask-gunicorn", "Flask + gunicorn sync", GUNICORN, "flask"),
        ("flask-granian", "Flask + granian", GRANIAN, "flask"),
    )
    return tuple(
        Entry(workload, name, label, command, app, package, expected, path, body, cookie=cookie)
        for name, label, command, package in servers
    )


HELLO_ENTRIES = (
    _hello("carboy", "Carboy, async", CARBOY, "apps.carboy_app:app", "carboy"),
    _hello("carboy-def", "Carboy, def", CARBOY, "apps.carboy_app:def_app", "carboy"),
    _hello("carboy-uvicorn", "Carboy on uvicorn", UVICORN, "apps.carboy_app:app", "carboy"),
    _hello("drop-in", "FastAPI's source on Carboy", DROP_IN, "apps.fastapi_app:app", "carboy"),
    _hello("fastapi", "FastAPI + uvicorn, async", UVICORN, "apps.fastapi_app:app", "fastapi"),
    _hello("fastapi-def", "FastAPI + uvicorn, def", UVICORN, "apps.fastapi_app:def_app", "fastapi"),
    _hello("flask-gunicorn", "Flask + gunicorn sync", GUNICORN, "apps.flask_app:app", "flask"),
    _hello("flask-granian", "Flask + granian", GRANIAN, "apps.flask_app:app", "flask"),
    _hello("starlette", "Starlette + uvicorn", UVICORN, "apps.starlette_app:app", "starlette"),
    _hello("litestar", "Litestar + uvicorn", UVICORN, "apps.litestar_app:app", "litestar"),
    _hello("sanic", "Sanic", SANIC, "apps.sanic_app:app", "sanic"),
    _hello("blacksheep", "BlackSheep + uvicorn", UVICORN, "apps.blacksheep_app:app", "blacksheep"),
    _hello("falcon", "Falcon + uvicorn", UVICORN, "apps.falcon_app:app", "falcon"),
    _hello("robyn", "Robyn", ROBYN, "apps.robyn_app", "robyn", "robyn"),
    _hello("socketify", "socketify", SCRIPT, "apps.socketify_app", "socketify", "socketify"),
    _hello("bare-asgi", "bare ASGI + uvicorn", UVICORN, "apps.bare_asgi:app", "uvicorn"),
    _hello("limit", "the limit: bare protocol", SCRIPT, "apps.limit", "uvloop"),
    _hello("nginx", "nginx, return 200", NGINX, "", ""),
)
POST_ENTRIES = (
    _post("carboy", "Carboy", CARBOY, "apps.carboy_app:app", "carboy"),
    _post("carboy-uvicorn", "Carboy on uvicorn", UVICORN, "apps.carboy_app:app", "carboy"),
    _post("fastapi", "FastAPI + uvicorn", UVICORN, "apps.fastapi_app:app", "fastapi"),
    _post("litestar", "Litestar + uvicorn", UVICORN, "apps.litestar_app:app", "litestar"),
    _post("blacksheep", "BlackSheep + uvicorn", UVICORN, "apps.blacksheep_app:app", "blacksheep"),
)
ROUTE_ENTRIES = (
    _route("carboy", "Carboy, first route", CARBOY, "carboy", 0),
    _route("carboy-last", "Carboy, last route", CARBOY, "carboy", LAST_ROUTE),
    _route("fastapi", "FastAPI + uvicorn, first route", UVICORN, "fastapi", 0),
    _route("fastapi-last", "FastAPI + uvicorn, last route", UVICORN, "fastapi", LAST_ROUTE),
)
WORKLOADS: dict[str, tuple[Entry, ...]] = {
    "hello": HELLO_ENTRIES,
    "post": POST_ENTRIES,
    "dependencies": _both("dependencies", "/basket?name=World", GREETING),
    "page": _both("page", "/page", PAGE),
    "dicts": _both("dicts", "/dicts", PAGE),
    "routes-1000": ROUTE_ENTRIES,
    "flask-hello": _flask("flask-hello", HELLO, GREETING),
    "flask-template": _flask("flask-template", "/lamps", LAMPS),
    "flask-session": _flask("flask-session", "/visits", {"visits": 8}, cookie=VISITED),
    "flask-post": _flask("flask-post", "/orders", ORDERED, ORDER),
    "flask-blueprints": _flask("flask-blueprints", "/part9/7", {"part": 9, "item": 7}),
}
BASELINE = "fastapi"
REFERENCE = ("fastapi", "flask-gunicorn", "flask-granian", "carboy", "carboy-def")
PARTS = (*WORKLOADS, "reference", "startup")


def known_names() -> set[str]:
    """Every name that ``--only`` takes."""
    return {*PARTS, *(entry.name for entries in WORKLOADS.values() for entry in entries)}


def chosen(workload: str, names: frozenset[str]) -> list[Entry]:
    """Return the entries of a workload that ``--only`` leaves; no name means all."""
    if names & set(PARTS) and workload not in names:
        return []
    peers = names - set(PARTS)
    return [entry for entry in WORKLOADS[workload] if not peers or entry.name in peers]
