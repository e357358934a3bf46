"""Streams of typed routes, and what lasts as long as they do, by every door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.responses import StreamingResponse
from werkzeug.test import Client

from carboy import App, Depends
from carboy.flask import g
from carboy.flask import request as flask_request


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_that_fails_over_wsgi_is_told_where_it_was_opened(is_async: bool) -> None:
    app = App(secret_key="k")
    told: list[Any] = []

    def sync_dependency() -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            told.append(("sync", str(error), g.name, flask_request.path))
            raise

    async def async_dependency() -> AsyncIterator[None]:
        try:
            yield
        except ValueError as error:
            told.append(("async", str(error), g.name, flask_request.path))
            raise

    @app.teardown_request
    def leave(error: BaseException | None) -> None:
        told.append(("teardown", str(error), g.name, flask_request.path))

    def pieces() -> Iterator[str]:
        yield g.name
        raise ValueError("halfway")

    if is_async:

        @app.get("/")
        async def read(
            one: None = Depends(sync_dependency), two: None = Depends(async_dependency)
        ) -> Any:
            g.name = "ada"
            return StreamingResponse(pieces())
    else:

        @app.get("/")
        def read(one: None = Depends(sync_dependency), two: None = None) -> Any:
            g.name = "ada"
            return StreamingResponse(pieces())

    answer = Client(app).get("/")
    with pytest.raises(ValueError, match="halfway"):
        answer.get_data()
    answer.close()
    kinds = ["async", "sync", "teardown"] if is_async else ["sync", "teardown"]
    assert told == [(kind, "halfway", "ada", "/") for kind in kinds]
