"""Whoever leaves at the wrong moment leaves nothing open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from contract.wire import request
from living import talk
from starlette.responses import StreamingResponse

from carboy import App, Depends
from carboy.flask import g
from carboy.flask import request as current
from carboy.server.direct import Connection


@pytest.mark.parametrize("kind", ["a stream", "a dependency"])
def test_who_leaves_before_a_stream_begins(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Its task is cancelled before it runs: nothing in it would."""
    over: list[str] = []
    app = App(secret_key="leavers" * 5)

    def opened() -> Iterator[None]:
        g.user = "ada"
        yield
        over.append(f"dependency of {g.user}")

    @app.teardown_request
    def unload(error: BaseException | None) -> None:
        over.append(f"request of {g.user} for {current.path}")

    @app.get("/stream", dependencies=[Depends(opened)] if kind == "a dependency" else [])
    def stream() -> StreamingResponse:
        def lines() -> Iterator[str]:
            try:
                yield "a"
            finally:
                over.append("stream")

        g.user = "ada"
        return StreamingResponse(lines())

    start = Connection._start_stream

    def leave(connection: Connection, *args: Any) -> None:
        start(connection, *args)
        connection.connection_lost(None)

    monkeypatch.setattr(Connection, "_start_stream", leave)
    assert talk(app, [request("GET", "/stream")]) == b""
    ended = ["dependency of ada"] if kind == "a dependency" else []
    assert over == [*ended, "request of ada for /stream"]
