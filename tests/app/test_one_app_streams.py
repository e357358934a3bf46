"""Streams of typed routes, and what lasts as long as they do, by every door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import FileResponse, StreamingResponse
from werkzeug.test import Client

from carboy import App, Depends
from carboy.flask import Response, g, session
from carboy.flask import request as flask_request
from carboy.testing import TestClient


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


@pytest.mark.parametrize("hooked", [False, True])
@pytest.mark.parametrize("by_wsgi", [False, True])
def test_a_file_has_what_hooks_and_the_session_say(
    hooked: bool, by_wsgi: bool, tmp_path: Path
) -> None:
    app = App(secret_key="k")
    (tmp_path / "a.txt").write_text("0123456789")
    one_for_all = FileResponse(tmp_path / "a.txt", headers={"X-Own": "1", "X-Powered-By": "a"})

    @app.get("/file")
    def file() -> Any:
        session["n"] = session.get("n", 0) + 1
        return one_for_all

    app.get("/bare")(lambda: one_for_all)

    if hooked:

        @app.after_request
        def marked(response: Any) -> Any:
            assert response.mimetype == "text/plain"
            assert response.direct_passthrough
            response.headers["X-Frame-Options"] = "DENY"
            del response.headers["X-Powered-By"]
            return response

    def asked(path: str, **headers: str) -> Any:
        client: Any = app.test_client() if by_wsgi else TestClient(app)
        return client.get(path, headers=headers)

    for _ in range(2):
        answer = asked("/file")
        assert (answer.status_code, answer.text) == (200, "0123456789")
        assert answer.headers["x-own"] == "1"
        assert answer.headers["content-length"] == "10"
        assert answer.headers.get("x-frame-options") == ("DENY" if hooked else None)
        assert ("x-powered-by" in answer.headers) is not hooked
        assert answer.headers["set-cookie"].count("session=") == 1
    part = asked("/file", Range="bytes=2-4")
    assert (part.status_code, part.text) == (206, "234")
    bare = asked("/bare")
    assert "set-cookie" not in bare.headers
    assert bare.headers.get("x-frame-options") == ("DENY" if hooked else None)


def test_flask_s_test_client_leaves_streams_of_flask_views_open() -> None:
    app = App()
    closed: list[str] = []

    def pieces() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            closed.append("closed")

    app.add_url_rule("/view", "view", lambda: Response(pieces()))
    app.get("/typed")(lambda: StreamingResponse(pieces()))
    client = app.test_client()
    typed = client.get("/typed")
    assert (typed.is_streamed, typed.text, closed) == (False, "ab", ["closed"])
    closed.clear()
    answer = client.get("/view")
    assert answer.is_streamed
    assert not closed
    assert (answer.text, closed) == ("ab", ["closed"])
