"""Which protocol an application speaks, and what is told to who mounts something else."""

from __future__ import annotations

import functools
import types
from typing import Any

import pytest
import tornado.web
import tornado.wsgi

import carboy.flask
from carboy import APIRouter, App
from carboy.app.hosting.kinds import kind_of
from carboy.testing import TestClient


def wsgi(environ: Any, start_response: Any) -> Any:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"wsgi"]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})


class Object:
    def __call__(self, environ: Any, start_response: Any) -> Any:
        return wsgi(environ, start_response)

    def method(self, env: Any, start: Any) -> Any:
        return wsgi(env, start)

    async def asynchronous(self, scope: Any, receive: Any, send: Any) -> None:
        await asgi(scope, receive, send)


class OldObject:
    """A WSGI application whose objects are one request each."""

    def __init__(self, environ: Any, start_response: Any) -> None:
        self.start = start_response

    def __iter__(self) -> Any:
        self.start("200 OK", [])
        yield b"wsgi"


class Twice:
    """ASGI 2."""

    def __init__(self, scope: Any) -> None:
        self.scope = scope

    async def __call__(self, receive: Any, send: Any) -> None:
        await asgi(self.scope, receive, send)


def with_option(environ: Any, start_response: Any, option: int = 1) -> Any:
    return wsgi(environ, start_response)


def around(application: Any) -> Any:
    @functools.wraps(application)
    def call(*args: Any, **kwargs: Any) -> Any:
        return application(*args, **kwargs)

    return call


def unknown(*args: Any) -> Any:
    return wsgi(*args)


OURS = [App(), APIRouter(), carboy.flask.Flask("a"), carboy.flask.Flask("b").wsgi_app]
CASES: list[tuple[Any, str]] = [
    (wsgi, "wsgi"),
    (asgi, "asgi"),
    (Object(), "wsgi"),
    (Object().method, "wsgi"),
    (Object().asynchronous, "asgi"),
    (OldObject, "wsgi"),
    (Twice, "asgi2"),
    (with_option, "wsgi"),
    (functools.partial(with_option, option=2), "wsgi"),
    (around(wsgi), "wsgi"),
    (around(asgi), "asgi"),
    *zip(OURS, ("asgi", "asgi", "asgi", "wsgi"), strict=True),
]


@pytest.mark.parametrize(("application", "kind"), CASES, ids=lambda one: repr(one)[:40])
def test_it_is_told(application: Any, kind: str) -> None:
    assert kind_of(application) == kind
    app = App()
    app.mount("/old", application)
    if application not in OURS:
        body = TestClient(app).get("/old/").text
        assert body == ("asgi" if kind == "asgi2" else kind)


def test_what_can_not_be_told_is_said() -> None:
    app = App()
    with pytest.raises(TypeError, match='kind="wsgi"'):
        app.mount("/old", unknown)
    app.mount("/old", unknown, kind="wsgi")
    assert TestClient(app).get("/old/").text == "wsgi"
    with pytest.raises(ValueError, match='"asgi", "asgi2" or "wsgi"'):
        app.mount("/older", unknown, kind="cgi")


async def two_async(environ: Any, start_response: Any) -> None: ...


@pytest.mark.parametrize(
    ("application", "says"),
    [
        (tornado.web.Application(), "port of its own"),
        (carboy.flask.Blueprint("b", "b"), "app.register_blueprint"),
        (types.ModuleType("shop.wsgi"), "wsgi.app"),
        (42, "is no application"),
        (two_async, 'kind="wsgi"'),
        (Object, 'kind="wsgi"'),
    ],
    ids=lambda one: repr(one)[:40],
)
def test_no_application(application: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        App().mount("/old", application)
    with pytest.raises(TypeError, match=says):
        App().fallback(application)


def test_not_itself() -> None:
    app = App()
    with pytest.raises(ValueError, match="in itself"):
        app.mount("/old", app)
    with pytest.raises(ValueError, match="in itself"):
        app.fallback(app)


def test_names_lead_to_urls() -> None:
    app, inner = App(), App()

    @inner.get("/items/{item_id}", name="item")
    def item(item_id: int) -> None: ...

    app.mount("/old", wsgi, name="old")
    app.mount("/inner", inner, name="inner")
    app.mount("/nameless", wsgi)
    assert app.url_path_for("old", path="/x/y") == "/old/x/y"
    assert app.url_path_for("inner:item", item_id=3) == "/inner/items/3"
