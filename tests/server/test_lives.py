"""The direct protocol's lives: slow readers, clients that leave, overload, threads, late errors."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from contract.wire import Line, request
from living import Living, running, until
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from carboy import App, BackgroundTasks, Depends, Response
from carboy.core.answer import Head
from carboy.core.closing import enter_async
from carboy.core.engine import Engine
from carboy.core.pattern import Pattern
from carboy.core.route import Lane, Route
from carboy.fastapi import FastAPI
from carboy.server.entry import Entry
from carboy.server.pool import pool_of

CHUNK = 512 * 1024
CHUNKS = 64


class Stage:
    """An application whose handlers wait for the test, and what happened in it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.events: list[str] = []
        self.inside = threading.Event()
        self.go_on = threading.Event()
        self.produced = 0

    def note(self, event: str) -> None:
        self.events.append(event)

    async def wait(self) -> None:
        """Wait on the loop until the test says `go_on`."""
        self.inside.set()
        while not self.go_on.is_set():
            await asyncio.sleep(0.002)

    async def opened(self) -> AsyncIterator[str]:
        self.note("open")
        try:
            yield "value"
        except BaseException as error:
            self.note(f"saw {type(error).__name__}")
            raise
        finally:
            await asyncio.sleep(0)
            self.note("close")

    def opened_in_thread(self) -> Iterator[str]:
        self.note("open")
        yield "value"
        self.note("close")


def staged(app: FastAPI) -> Stage:
    stage = Stage(app)

    @app.get("/get")
    async def get(value: Any = Depends(stage.opened)) -> str:
        await stage.wait()
        stage.note("end")
        return "done"

    @app.post("/post")
    async def post(value: Any = Depends(stage.opened)) -> str:
        await stage.wait()
        stage.note("end")
        return "done"

    @app.get("/thread", dependencies=[Depends(stage.opened_in_thread)])
    def thread() -> str:
        stage.inside.set()
        assert stage.go_on.wait(20)
        stage.note("end")
        return "done"

    @app.get("/mixed")
    def mixed(value: Any = Depends(stage.opened)) -> str:
        return thread()

    @app.get("/late-stream/{kind}")
    async def late_stream(kind: str, value: Any = Depends(stage.opened)) -> StreamingResponse:
        await asyncio.shield(asyncio.ensure_future(stage.wait()))
        return StreamingResponse(pieces(), background=BackgroundTask(stage.note, "task"))

    async def pieces() -> AsyncIterator[bytes]:
        stage.note("pieces")
        try:
            yield b"x"
            await asyncio.sleep(60)
        finally:
            stage.note("end of pieces")

    @app.get("/large")
    async def large(value: Any = Depends(stage.opened)) -> StreamingResponse:
        async def produce() -> AsyncIterator[bytes]:
            for number in range(CHUNKS):
                stage.produced += 1
                yield bytes([number]) * CHUNK

        return StreamingResponse(produce())

    @app.get("/silent")
    async def silent(value: Any = Depends(stage.opened)) -> StreamingResponse:
        return StreamingResponse(pieces(), background=BackgroundTask(stage.note, "task"))

    @app.post("/silent")
    async def silent_post(value: Any = Depends(stage.opened)) -> StreamingResponse:
        return StreamingResponse(pieces(), background=BackgroundTask(stage.note, "task"))

    @app.get("/background")
    def background(tasks: BackgroundTasks) -> str:
        def task() -> None:
            stage.inside.set()
            assert stage.go_on.wait(20)
            stage.note("task")

        tasks.add_task(task)
        return "done"

    @app.get("/ping")
    async def ping() -> str:
        return "pong"

    return stage


@contextmanager
def serving(app: FastAPI, **options: Any) -> Iterator[tuple[Stage, Living]]:
    stage = staged(app)
    with running(app, **options) as living:
        try:
            yield stage, living
        finally:
            stage.go_on.set()


def leave(stage: Stage, living: Living, method: str, target: str) -> None:
    """Ask, wait until the handler is inside, hang up, wait until the server has noticed."""
    with Line(living.address) as line:
        line.send(request(method, target, close=False))
        until(stage.inside.is_set)
    until(lambda: not living.connections)


def test_a_client_that_reads_nothing_pauses_the_stream() -> None:
    with serving(App()) as (stage, living):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.settimeout(20)
        with client:
            client.connect(living.address)
            client.sendall(request("GET", "/large"))
            until(lambda: any(c.paused for c in living.connections))
            [connection] = living.connections
            with Line(living.address) as other:  # the server does other things meanwhile
                for _ in range(50):
                    other.send(request("GET", "/ping", close=False))
                    assert other.answer().json() == "pong"
            # What the two kernels hold, and one piece over the transport's high water.
            assert stage.produced < CHUNKS // 2
            assert connection.transport.get_write_buffer_size() <= CHUNK + 128 * 1024
            received = bytearray()
            while data := client.recv(1 << 20):
                received += data
        assert stage.produced == CHUNKS
        body = bytes(received).partition(b"\r\n\r\n")[2]
        frame = b"%x\r\n" % CHUNK
        whole = b"".join(frame + bytes([n]) * CHUNK + b"\r\n" for n in range(CHUNKS))
        assert body == whole + b"0\r\n\r\n"


def test_a_client_that_leaves_while_the_stream_is_paused_ends_it() -> None:
    with serving(App()) as (stage, living):
        with Line(living.address) as line:
            line.send(request("GET", "/large"))
            until(lambda: any(c.paused for c in living.connections))
        until(lambda: "close" in stage.events)
        assert stage.produced < CHUNKS
        assert stage.events == ["open", "close"]


def test_an_async_get_of_app_is_cancelled_and_what_it_opened_sees_it() -> None:
    with serving(App()) as (stage, living):
        leave(stage, living, "GET", "/get")
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "saw CancelledError", "close"]
        until(lambda: not living.server.server_state.tasks)


class Bare(Entry):
    """An application of one hand-written endpoint, as dialects make them for overridden methods."""

    def __init__(self, call: Any) -> None:
        lane = Lane(call, True)
        pattern = Pattern("/lane", ("/lane",))
        self.route = Route(pattern, None, "lane", lane=lane, cancel_on_disconnect=True)
        self.engine = Engine(self)  # type: ignore[arg-type]
        self._serve_everywhere()

    def routes_in_rank(self) -> list[Route]:
        return [self.route]

    def override(self, function: Any) -> Any:
        return function

    def lifespan(self) -> Any:
        return nullcontext()


def test_what_a_hand_written_endpoint_opened_is_closed_when_it_is_cancelled() -> None:
    stage = Stage(App())

    async def call(request: Any) -> Any:
        await enter_async(request, stage.opened(), False)  # type: ignore[arg-type]
        await stage.wait()

    with running(Bare(call)) as living:
        leave(stage, living, "GET", "/lane")
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "saw CancelledError", "close"]
        stage.go_on.set()


@pytest.mark.parametrize(
    ("app", "method", "target"),
    [(App, "POST", "/post"), (FastAPI, "GET", "/get"), (FastAPI, "POST", "/post")],
)
def test_others_run_to_their_end(app: type[FastAPI], method: str, target: str) -> None:
    with serving(app()) as (stage, living):
        leave(stage, living, method, target)
        stage.go_on.set()
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "end", "close"]
        until(lambda: living.server.server_state.total_requests == 1)


def test_a_def_handler_runs_to_its_end() -> None:
    with serving(App()) as (stage, living):
        leave(stage, living, "GET", "/thread")
        stage.go_on.set()
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "end", "close"]
        until(lambda: living.server.server_state.total_requests == 1)


def test_what_a_thread_still_uses_is_not_closed_under_it() -> None:
    """The request is cancelled while its `def` handler is in a thread."""
    with serving(App()) as (stage, living):
        leave(stage, living, "GET", "/mixed")
        stage.go_on.set()
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "end", "saw CancelledError", "close"]


@pytest.mark.parametrize("app", [App, FastAPI])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_silent_stream_ends_when_its_client_leaves(app: type[FastAPI], method: str) -> None:
    """COMPAT: what goes with the answer still runs, and nothing is an error."""
    with serving(app()) as (stage, living):
        with Line(living.address) as line:
            line.send(request(method, "/silent"))
            until(lambda: line._more() and line.read.endswith(b"1\r\nx\r\n"))
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "pieces", "end of pieces", "task", "close"]


def test_a_stream_for_a_client_that_has_left_is_not_begun() -> None:
    with serving(FastAPI()) as (stage, living):
        leave(stage, living, "GET", "/late-stream/x")
        stage.go_on.set()
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "task", "close"]


def test_a_full_pool_answers_503_and_says_when_to_come_back() -> None:
    with serving(App()) as (stage, living), Line(living.address) as first:
        first.send(request("GET", "/ping", close=False))
        assert first.answer().json() == "pong"
        pool = living.connections[0].shared.pool
        pool.limit, pool.queue_limit = 1, 2
        lines = [Line(living.address) for _ in range(3)]
        try:
            lines[0].send(request("GET", "/thread"))
            until(stage.inside.is_set)
            for line in lines[1:]:
                line.send(request("GET", "/thread"))
            until(lambda: pool.waiting == 2)
            first.send(request("GET", "/thread", close=False))
            answer = first.answer()
            assert (answer.status, answer.get("retry-after")) == (503, "1")
            # What needs no thread is served, on the same connection.
            first.send(request("GET", "/ping", close=False))
            assert first.answer().json() == "pong"
            stage.go_on.set()
            assert [line.answer().json() for line in lines] == ["done"] * 3
        finally:
            for line in lines:
                line.socket.close()


def test_closing_is_never_refused_by_a_full_pool() -> None:
    """An `async def` endpoint whose `def` dependency ends while the pool takes nothing more."""
    app = App()
    closed = threading.Event()
    pools: list[Any] = []

    def opened() -> Iterator[None]:
        yield
        closed.set()

    @app.get("/", dependencies=[Depends(opened)])
    async def endpoint() -> str:
        pools.append(pool_of(asyncio.get_running_loop()))
        pools[0].queue_limit = 0
        return "done"

    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/"))
        assert line.answer().json() == "done"
        until(closed.is_set)


def test_a_stop_waits_for_what_a_def_handler_left_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "uvicorn.error")
    with serving(App()) as (stage, living):
        with Line(living.address) as line:
            line.send(request("GET", "/background"))
            assert line.answer().json() == "done"
            until(stage.inside.is_set)
        until(lambda: not living.connections)
        living.server.should_exit = True
        until(lambda: "Waiting for background tasks to complete" in caplog.text)
        stage.go_on.set()
        living.thread.join(20)
        assert stage.events == ["task"]


def test_a_stop_answers_a_request_that_is_still_coming() -> None:
    with serving(App()) as (stage, living), Line(living.address) as line:
        whole = request("POST", "/post", [("content-type", "text/plain")], b"12345", close=False)
        line.send(whole[:-2])
        until(lambda: living.connections and living.connections[0].reading is not None)
        living.server.should_exit = True
        until(lambda: living.connections[0].stopping)
        stage.go_on.set()
        line.send(whole[-2:])
        answer = line.answer()
        assert (answer.status, answer.get("connection")) == (200, "close")
        assert line.at_end()


class Odd(Response):
    """Sends itself, and fails in one of many ways."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.how == "before":
            raise ZeroDivisionError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        if self.how == "amidst":
            raise ZeroDivisionError
        await send({"type": "http.response.body", "body": b""})
        if self.how == "after":
            raise ZeroDivisionError


@pytest.mark.parametrize("how", ["before", "amidst", "after"])
def test_an_answer_that_sends_itself_and_fails(how: str, caplog: pytest.LogCaptureFixture) -> None:
    app = App()
    stage = staged(app)

    @app.get("/odd")
    async def odd(value: Any = Depends(stage.opened)) -> Response:
        return Odd(how)

    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/odd", close=False))
        answer = line.answer()
        assert answer.whole is (how != "amidst")
        assert (answer.status, answer.body) == {
            "before": (500, b"Internal Server Error"),
            "amidst": (200, b"piece"),
            "after": (200, b"piece"),
        }[how]
        until(lambda: "close" in stage.events)
        assert stage.events == ["open", "saw ZeroDivisionError", "close"]
        if how == "amidst":
            assert line.at_end()
        else:
            line.send(request("GET", "/ping"))
            assert line.answer().json() == "pong"
    assert [r.getMessage() for r in caplog.records if r.name == "carboy.error"] == [
        "GET /odd failed"
    ]


def test_the_handler_for_exceptions_answers_a_stream_that_fails_before_its_head() -> None:
    app = App()

    @app.exception_handler(Exception)
    def answer(request: Any, error: Exception) -> Response:
        return Response(type(error).__name__, 500)

    @app.get("/odd")
    async def odd() -> Response:
        return Odd("before")

    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/odd"))
        assert line.answer().body == b"ZeroDivisionError"


def test_one_failing_callback_does_not_hold_up_the_others() -> None:
    async def main() -> None:
        pool = pool_of(asyncio.get_running_loop())
        done: list[int] = []
        pool.post(divmod, 1, 0)
        pool.post(done.append, 1)
        while not done:
            await asyncio.sleep(0)
        await pool.run(int)

    asyncio.run(main())


def test_limit_concurrency_is_honoured() -> None:
    app = App()
    stage = staged(app)
    with running(app, limit_concurrency=1) as living, Line(living.address) as line:
        line.send(request("POST", "/post", close=False))
        until(stage.inside.is_set)
        with Line(living.address) as other:
            other.send(request("GET", "/ping"))
            answer = other.answer()
            assert (answer.status, answer.get("retry-after")) == (503, "1")
        stage.go_on.set()
        assert line.answer().json() == "done"


def test_a_head_that_asks_to_close_is_obeyed() -> None:
    assert Head(200, [(b"connection", b"close")]).close
    app = App()

    @app.get("/")
    async def endpoint() -> Response:
        return Response("bye", headers={"connection": "close"})

    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/", close=False))
        answer = line.answer()
        assert (answer.body, answer.get("connection")) == (b"bye", "close")
        assert line.at_end()
