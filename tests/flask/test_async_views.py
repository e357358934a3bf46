"""Async views on the server's loop, def views in a thread: over a real server, at the same time.

What is held is who waits for whom: views meet in the middle, or never answer.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from typing import Any

import pytest
from contract.wire import Line, request
from living import Living, running

from carboy.flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    g,
    session,
    stream_with_context,
)
from carboy.flask import request as current
from carboy.flask.views import MethodView
from carboy.server.watchdog import what_blocks

MANY = 200
THREADS = 40

app = Flask(__name__)
app.secret_key = "not secret"
met: dict[str, int] = {}
everybody: dict[str, asyncio.Event] = {}
barrier = threading.Barrier(THREADS)
where: ContextVar[str] = ContextVar("where")


def on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def meet(name: str) -> str:
    """Wait for all the others."""
    event = everybody.setdefault(name, asyncio.Event())
    met[name] = met.get(name, 0) + 1
    if met[name] == MANY:
        event.set()
    await asyncio.wait_for(event.wait(), 20)
    return f"{name} {on_loop()} {current.args['n']} {g.get('n')}"


@app.route("/meet")
async def meeting() -> str:
    return await meet("plain")


hooked = Blueprint("hooked", __name__)


@hooked.before_request
def remember() -> None:
    time.sleep(0.001)
    g.n = current.args.get("n")
    g.before = threading.get_ident()
    where.set("in the hook")


@hooked.route("/meet-hooked")
async def meeting_hooked() -> str:
    return await meet("hooked")


@hooked.route("/context")
async def context() -> dict[str, Any]:
    session["who"] = "me"
    task = asyncio.create_task(later())
    return {"hook": where.get(), "task": await task, "loop": on_loop(), "app": current_app.name}


async def later() -> list[Any]:
    await asyncio.sleep(0)
    return [current.path, g.n, session["who"]]


closed: list[Any] = []


@hooked.after_request
def sign(response: Any) -> Any:
    response.headers["x-hook"] = f"{where.get()}, {on_loop()}"
    return response


@hooked.teardown_request
def close(error: BaseException | None) -> None:
    closed.append((current.path, where.get("lost"), on_loop(), error and type(error).__name__))


@hooked.route("/blocks-itself")
async def blocks_itself() -> str:
    found = what_blocks(sys._getframe())
    assert found is not None
    return f"{found.request}: {found.function} at {found.file}"


@hooked.route("/fails")
async def fails() -> str:
    raise LookupError("x")


@app.errorhandler(LookupError)
async def found(error: LookupError) -> tuple[str, int]:
    await asyncio.sleep(0)
    return f"handled {on_loop()} {current.path} {g.get('n')}", 418


@hooked.route("/aborts")
async def aborts() -> str:
    abort(404)


@hooked.route("/stream")
async def stream() -> Any:
    def pieces() -> Iterator[str]:
        yield current.path
        yield f" {g.n} {session.get('who')}"

    return app.response_class(stream_with_context(pieces()))


@hooked.route("/bare-stream")
async def bare_stream() -> Any:
    return app.response_class(f"{current.path} {g.n} {n}" for n in range(2))


app.register_blueprint(hooked)


@app.route("/blocks")
def blocks() -> str:
    barrier.wait(20)
    return str(on_loop())


class Item(MethodView):
    async def get(self, n: int) -> str:
        return f"get {n} {on_loop()}"

    async def put(self, n: int) -> str:
        return f"put {n} {on_loop()}"


class Mixed(MethodView):
    async def get(self) -> str:
        return f"async get {current.path} {on_loop()}"

    def post(self) -> str:
        return f"post {on_loop()}"


app.add_url_rule("/item/<int:n>", view_func=Item.as_view("item"))
app.add_url_rule("/mixed", view_func=Mixed.as_view("mixed"))

threads: list[int] = []
ordered = Blueprint("ordered", __name__)


@ordered.before_request
def first() -> None:
    threads.append(threading.get_ident())


@ordered.after_request
def third(response: Any) -> Any:
    threads.append(threading.get_ident())
    return response


@ordered.teardown_request
def fourth(error: Any) -> None:
    threads.append(threading.get_ident())


@ordered.route("/one-thread")
def second() -> str:
    threads.append(threading.get_ident())
    return "done"


@ordered.before_request
async def asked() -> None:
    threads.append(-1 if on_loop() else -2)


app.register_blueprint(ordered)


@pytest.fixture(scope="module")
def living() -> Iterator[Living]:
    with running(app) as one:
        yield one


def _all(living: Living, path: str, count: int) -> list[str]:
    """So many at once."""
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(living.address)) for _ in range(count)]
        for n, line in enumerate(lines):
            line.send(request("GET", f"{path}?n={n}"))
        return [line.answer().body.decode() for line in lines]


def _get(living: Living, path: str, method: str = "GET") -> Any:
    with Line(living.address) as line:
        line.send(request(method, path))
        return line.answer()


@pytest.mark.parametrize(("path", "name"), [("/meet", "plain"), ("/meet-hooked", "hooked")])
def test_async_views_are_all_inside_at_the_same_time(living: Living, path: str, name: str) -> None:
    """Five times as many as there are threads; a sync hook in front of them changes nothing."""
    answers = _all(living, path, MANY)
    kept = [str(n) if name == "hooked" else None for n in range(MANY)]
    assert answers == [f"{name} True {n} {kept[n]}" for n in range(MANY)]


def test_def_views_are_as_many_as_there_are_threads(living: Living) -> None:
    assert _all(living, "/blocks", THREADS) == ["False"] * THREADS


def test_hooks_run_in_a_thread_and_in_the_views_context(living: Living) -> None:
    closed.clear()
    answer = _get(living, "/context?n=7")
    assert answer.json() == {
        "hook": "in the hook", "task": ["/context", "7", "me"], "loop": True, "app": app.name,
    }  # fmt: skip
    assert answer.get("x-hook") == "in the hook, False"
    assert "session=" in answer.get("set-cookie")
    assert closed == [("/context", "in the hook", False, None)]


def test_errors_of_async_views_find_their_handlers(living: Living) -> None:
    closed.clear()
    answer = _get(living, "/fails?n=3")
    assert (answer.status, answer.body) == (418, b"handled True /fails 3")
    assert answer.get("x-hook") == "in the hook, False"
    assert _get(living, "/aborts").status == 404
    assert [one[3] for one in closed] == [None, None]


def test_the_watchdog_knows_the_route_of_an_async_view(living: Living) -> None:
    told = _get(living, "/blocks-itself").body.decode()
    assert told == f"GET /blocks-itself: blocks_itself() at {__file__}"


@pytest.mark.parametrize("path", ["/stream", "/bare-stream"])
def test_streams_of_async_views_know_their_request(living: Living, path: str) -> None:
    expected = {"/stream": b"/stream 5 None", "/bare-stream": b"/bare-stream 5 0/bare-stream 5 1"}
    assert _get(living, f"{path}?n=5").body == expected[path]


def test_class_views_whose_methods_are_async_are_async(living: Living) -> None:
    assert _get(living, "/item/3").body == b"get 3 True"
    assert _get(living, "/item/3", "PUT").body == b"put 3 True"
    assert _get(living, "/mixed").body == b"async get /mixed True"
    assert _get(living, "/mixed", "POST").body == b"post False"


def test_a_def_view_has_one_thread_for_all(living: Living) -> None:
    """An async hook of it runs on the loop meanwhile."""
    threads.clear()
    assert _get(living, "/one-thread").body == b"done"
    view, hook = set(threads) - {-1, -2}, threads[1]
    assert len(view) == 1 and len(threads) == 5
    assert hook == -1


def test_async_views_may_be_sent_to_threads() -> None:
    """CARBOY_ASYNC_VIEWS = "thread": each on a loop of its own, where it may block."""
    other = Flask("other")
    other.config["CARBOY_ASYNC_VIEWS"] = "thread"
    gate = threading.Barrier(2)

    @other.route("/")
    async def blocking() -> str:
        gate.wait(20)
        await asyncio.sleep(0)
        return str(on_loop())

    with running(other) as living:
        assert _all(living, "/", 2) == ["True", "True"]


def test_a_setting_that_is_neither_is_told() -> None:
    other = Flask("other")
    other.testing = True
    other.config["CARBOY_ASYNC_VIEWS"] = "process"

    @other.route("/")
    async def view() -> str:
        return ""

    with pytest.raises(ValueError, match='CARBOY_ASYNC_VIEWS is "loop" or "thread"'):
        other.engine.freeze()
