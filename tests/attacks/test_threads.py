"""A WSGI server's thread goes from one client to the next with nothing of the first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.responses import StreamingResponse
from werkzeug.test import create_environ

from carboy import App, BackgroundTasks, Depends
from carboy.flask import Response, g, has_app_context, has_request_context, stream_with_context


def pieces() -> Iterator[str]:
    yield from ("a", "b", g.user)


async def pieces_async() -> AsyncIterator[str]:
    for piece in ("a", "b", g.user):
        yield piece


def opened() -> Iterator[None]:
    yield


async def opened_async() -> AsyncIterator[None]:
    yield


def enter() -> None:
    g.user = "ada"


def typed(app: App, name: str, result: Any, **more: Any) -> None:
    @app.get(f"/{name}", name=name, **more)
    def in_def() -> Any:
        enter()
        return result()

    @app.get(f"/{name}-async", name=f"{name}-async", **more)
    async def in_async() -> Any:
        enter()
        return result()


def site() -> App:
    app = App(secret_key="threads" * 5)
    both = [Depends(opened_async), Depends(opened)]
    typed(app, "stream", lambda: StreamingResponse(pieces()))
    typed(app, "stream-async", lambda: StreamingResponse(pieces_async()))
    typed(app, "opened", lambda: 1, dependencies=[Depends(opened)])
    typed(app, "opened-async", lambda: 1, dependencies=[Depends(opened_async)])
    typed(app, "both", lambda: StreamingResponse(pieces()), dependencies=both)

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> None:
        enter()
        tasks.add_task(enter)

    @app.route("/flask")
    def flask() -> Response:
        enter()
        return Response(stream_with_context(pieces()))

    @app.route("/flask-async")
    async def flask_async() -> Response:
        enter()
        return Response(stream_with_context(pieces()))

    @app.get("/who")
    async def who() -> Any:
        return g.get("user")

    @app.get("/who-def")
    def who_def() -> Any:
        return g.get("user")

    @app.route("/who-flask")
    def who_flask() -> str:
        return "null" if g.get("user") is None else str(g.user)

    return app


NAMES = [
    *(f"/{one}{way}" for one in ("stream", "stream-async", "opened", "opened-async", "both")
      for way in ("", "-async")),
    *("/background", "/flask", "/flask-async"),
]  # fmt: skip


def call(target: Any, path: str, how: str = "whole") -> bytes:
    """What a server does: it reads all, or less where the client leaves, and closes."""
    pieces = target(create_environ(path), lambda *given: None)
    try:
        if how == "whole":
            return b"".join(pieces)
        return next(iter(pieces)) if how == "begun" else b""
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


@pytest.mark.parametrize("how", ["whole", "begun", "unread"])
@pytest.mark.parametrize("door", ["App", "App.flask"])
@pytest.mark.parametrize("path", NAMES)
def test_a_thread_is_left_as_it_was(path: str, door: str, how: str) -> None:
    app = site()
    target = app if door == "App" else app.flask
    found = call(target, path, how)
    assert how != "whole" or b"stream" not in path.encode() or found.endswith(b"ada")
    assert not has_request_context()
    assert not has_app_context()
    for who in ("/who", "/who-def", "/who-flask"):
        assert call(target, who) == b"null"
