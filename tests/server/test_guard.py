"""Times and leaving clients over ASGI, called by the test; and what all of it costs: no timers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from contract.wire import Line, request
from living import running, until

from carboy import App, Depends, Request
from carboy.fastapi.responses import JSONResponse
from carboy.server.deadline import SWEEPERS
from carboy.server.guard import Guard
from carboy.server.pool import pool_of

PATIENCE = 20


class Call:
    """One ASGI call: what it is told, one event after the other, and what it sent."""

    def __init__(self, app: App, path: str, method: str = "GET") -> None:
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: list[Any] = []
        self.asked = asyncio.Event()
        scope = {"type": "http", "method": method, "path": path}
        scope |= {"query_string": b"", "headers": []}
        self.task = asyncio.ensure_future(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        self.asked.set()
        return await self.events.get()

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    def tell(self, body: bytes = b"", more: bool = False) -> None:
        self.events.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def leave(self) -> None:
        self.events.put_nowait({"type": "http.disconnect"})

    @property
    def answer(self) -> tuple[int, bytes]:
        start, body = self.sent
        return start["status"], body["body"]


def guards() -> list[Guard]:
    alarms = SWEEPERS[asyncio.get_running_loop()].alarms
    return [one for one in alarms if isinstance(one, Guard)]


def sweep(late: bool = False) -> None:
    """A second passes; with `late`, all the time there is."""
    if late:
        for one in guards():
            one.due = 0
    SWEEPERS[asyncio.get_running_loop()].sweep()


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE):
            await main()

    asyncio.run(within())


def waiting(app: App, log: list[str], **options: Any) -> asyncio.Event:
    """Has `app` answer / when the returned event is set."""
    go = asyncio.Event()

    async def held() -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            log.append(type(error).__name__)
            raise

    @app.get("/", **options)
    async def index(held: None = Depends(held)) -> str:
        log.append("begun")
        await go.wait()
        return "done"

    return go


async def begun(log: list[str]) -> None:
    while "begun" not in log:
        await asyncio.sleep(0)


def test_a_long_time_is_looked_at_by_the_sweeper() -> None:
    async def main() -> None:
        app, log = App(), list[str]()
        waiting(app, log)
        call = Call(app, "/")
        call.tell()
        await begun(log)
        sweep()
        assert not call.sent
        sweep(late=True)
        await call.task
        assert call.answer == (504, b'{"detail":"Gateway Timeout"}')
        assert log == ["begun", "CancelledError"]
        assert not guards()

    run(main)


def test_a_request_has_no_timer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """App's 60 s: one timer for the sweeper, however many requests there are."""
    app = App()

    @app.get("/async")
    async def on_the_loop() -> None:
        await asyncio.sleep(0)

    @app.get("/thread")
    def in_a_thread() -> None: ...

    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers: list[Any] = []
        call_later = loop.call_later
        monkeypatch.setattr(
            loop, "call_later", lambda *what, **how: timers.append(what) or call_later(*what, **how)
        )
        for path in ("/async", "/thread") * 20:
            call = Call(app, path)
            call.tell()
            await call.task
            assert call.answer[0] == 200
        assert [one[1].__name__ for one in timers] == ["sweep", *["_check"] * (len(timers) - 1)]
        assert len(timers) < 10

    run(main)


def test_who_left_is_noticed_at_the_next_sweep() -> None:
    async def main() -> None:
        app, log = App(), list[str]()
        waiting(app, log)
        call = Call(app, "/")
        call.tell()
        await begun(log)
        call.leave()
        await asyncio.sleep(0)
        assert log == ["begun"]
        sweep()
        await call.task
        assert log == ["begun", "CancelledError"]
        assert call.answer == (499, b"")

    run(main)


@pytest.mark.parametrize("steps", range(8))
def test_who_leaves_as_the_answer_is_made_gets_one_of_two(steps: int) -> None:
    """Whichever comes first, the other comes to nothing."""

    async def main() -> None:
        app, log = App(), list[str]()
        go = waiting(app, log)
        call = Call(app, "/")
        call.tell()
        await begun(log)
        sweep()
        await asyncio.sleep(0)
        call.leave()
        for _ in range(steps):
            await asyncio.sleep(0)
        go.set()
        await call.task
        for _ in range(8):
            await asyncio.sleep(0)
        assert (log, call.answer) in (
            (["begun"], (200, b'"done"')),
            (["begun", "CancelledError"], (499, b"")),
        )

    run(main)


def test_who_is_not_to_be_cancelled_is_not_listened_for() -> None:
    async def main() -> None:
        app, log = App(), list[str]()
        go = waiting(app, log, cancel_on_disconnect=False)
        call = Call(app, "/")
        call.tell()
        await begun(log)
        call.leave()
        sweep()
        go.set()
        await call.task
        assert (log, call.answer) == (["begun"], (200, b'"done"'))

    run(main)


def test_an_endpoint_may_read_what_the_listener_has_read() -> None:
    async def main() -> None:
        app = App()
        go = asyncio.Event()

        @app.post("/", cancel_on_disconnect=True)
        async def index(request: Request) -> list[Any]:
            await go.wait()
            return [(await request.body()).decode(), await request.is_disconnected()]

        # It reads a body that has come, one that comes in pieces, and one that comes late.
        for pieces in ((b"ab",), (b"a", b"b")):
            for is_late in (False, True):
                go.clear()
                call = Call(app, "/", "POST")
                for _ in range(3):
                    await asyncio.sleep(0)
                if is_late:
                    sweep()
                    await call.asked.wait()
                for at, piece in enumerate(pieces, 1):
                    call.tell(piece, at < len(pieces))
                if not is_late:
                    sweep()
                for _ in range(3):
                    await asyncio.sleep(0)
                go.set()
                await call.task
                assert call.answer == (200, b'["ab",false]')

    run(main)


def test_an_endpoint_that_listens_by_itself_is_left_alone() -> None:
    async def main() -> None:
        app, log = App(), list[str]()

        @app.get("/")
        async def index(request: Request) -> str:
            while (event := await request.receive())["type"] == "http.request":
                log.append("begun")
            return str(event["type"])

        call = Call(app, "/")
        call.tell()
        await begun(log)
        sweep()
        await asyncio.sleep(0)
        call.leave()
        await call.task
        assert call.answer == (200, b'"http.disconnect"')

    run(main)


def test_what_fails_after_the_answer_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app, log = App(), list[str]()

        @app.get("/")
        async def index() -> None:
            log.append("begun")
            try:
                await asyncio.Event().wait()
            finally:
                raise ZeroDivisionError("too late")

        call = Call(app, "/")
        call.tell()
        await begun(log)
        sweep(late=True)
        await call.task
        assert call.answer[0] == 504

    run(main)
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["too late"]


def test_a_cancellation_by_the_server_is_its_own() -> None:
    async def main() -> None:
        app, log = App(), list[str]()
        waiting(app, log)
        call = Call(app, "/")
        call.tell()
        await begun(log)
        sweep(late=True)
        call.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.task
        assert log == ["begun", "CancelledError"]

    run(main)


def test_the_call_of_a_thread_ends_with_the_thread() -> None:
    go = threading.Event()

    async def main() -> None:
        app, log = App(), list[str]()

        @app.get("/")
        def index() -> str:
            log.append("begun")
            go.wait(PATIENCE)
            log.append("ended")
            return "late"

        call = Call(app, "/")
        call.tell()
        await begun(log)
        sweep(late=True)
        while len(call.sent) < 2:
            await asyncio.sleep(0)
        assert call.answer[0] == 504
        assert log == ["begun"]
        go.set()
        await call.task
        assert (log, len(call.sent)) == (["begun", "ended"], 2)

    run(main)


def crowded() -> App:
    """Its pool takes no work; who is refused is told by a handler."""
    app = App()

    @app.exception_handler(503)
    async def busy(request: Request, error: Any) -> JSONResponse:
        return JSONResponse({"ours": error.detail}, 503, error.headers)

    @app.get("/crowd")
    async def crowd() -> None:
        pool_of(asyncio.get_running_loop()).queue_limit = 0

    @app.get("/")
    def index() -> None: ...

    return app


BUSY = b'{"ours":"Service Unavailable"}'


def test_handlers_see_that_there_is_no_thread_over_asgi() -> None:
    async def main() -> None:
        app = crowded()
        pool_of(asyncio.get_running_loop()).queue_limit = 0
        call = Call(app, "/")
        call.tell()
        await call.task
        assert call.answer == (503, BUSY)
        assert (b"retry-after", b"1") in call.sent[0]["headers"]

    run(main)


def test_handlers_see_that_there_is_no_thread() -> None:
    with running(crowded()) as living, Line(living.address) as line:
        line.send(request("GET", "/crowd", close=False))
        assert line.answer().status == 200
        line.send(request("GET", "/"))
        answer = line.answer()
        assert (answer.status, answer.body, answer.get("retry-after")) == (503, BUSY, "1")


def test_a_long_time_is_looked_at_by_the_sweeper_of_connections() -> None:
    app, log = App(), list[str]()
    waiting(app, log)
    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/"))
        until(lambda: log == ["begun"])
        (connection,) = living.connections
        assert connection.armed > connection.shared.tick + 50
        connection.armed = 0
        answer = line.answer()
        assert (answer.status, answer.json()) == (504, {"detail": "Gateway Timeout"})
        until(lambda: log == ["begun", "CancelledError"])


def test_a_refused_body_is_answered_in_its_turn() -> None:
    """Pipelined: the request before it is still being answered."""
    app = App(max_body=10)
    go = asyncio.Event()
    log: list[str] = []

    @app.get("/")
    async def first() -> str:
        log.append("begun")
        await go.wait()
        return "first"

    @app.post("/")
    def second(body: dict[str, int]) -> None: ...

    with running(app) as living, Line(living.address) as line:
        line.send(request("GET", "/", close=False) + request("POST", "/", (), b"x" * 20))
        until(lambda: log == ["begun"])
        (connection,) = living.connections
        connection.loop.call_soon_threadsafe(go.set)
        assert line.answer().json() == "first"
        answer = line.answer()
        assert (answer.status, answer.json()) == (413, {"detail": "Content Too Large"})
        assert line.at_end()
