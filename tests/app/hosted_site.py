"""One App that hosts real applications of real frameworks, each with the same four pages.

``where`` says as JSON what the framework takes for its root and its path, ``echo`` gives the body
back, ``pieces`` is a stream, ``boom`` raises. `APPLICATIONS` is the table that tests walk through.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import a2wsgi
import bottle
import django
import falcon
import falcon.asgi
import flask
import quart
import sanic
import tornado.wsgi
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from fastapi import FastAPI as RealFastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket

import carboy.fastapi
import carboy.flask
from carboy import App

PIECES = [b"one ", b"two ", b"three"]


async def pieces() -> AsyncIterator[bytes]:
    for piece in PIECES:
        yield piece


# -- WSGI -----------------------------------------------------------------------------------------


def with_flask(module: Any) -> Any:
    app = module.Flask("hosted")

    @app.get("/where")
    def where() -> Any:
        request = module.request
        return {"root": request.script_root, "path": request.path, "q": request.args.get("q")}

    @app.post("/echo")
    def echo() -> Any:
        return module.request.get_data()

    @app.get("/pieces")
    def stream() -> Any:
        return iter(PIECES)

    @app.get("/boom")
    def boom() -> Any:
        raise ValueError("boom")

    return app


class DjangoViews:
    @staticmethod
    def where(request: Any) -> Any:
        root = request.META.get("SCRIPT_NAME", "")
        return JsonResponse({"root": root, "path": request.path_info, "q": request.GET.get("q")})

    @staticmethod
    def echo(request: Any) -> Any:
        return HttpResponse(request.body)

    @staticmethod
    def pieces(request: Any) -> Any:
        is_async = hasattr(request, "scope")
        return StreamingHttpResponse(pieces() if is_async else iter(PIECES))

    @staticmethod
    def boom(request: Any) -> Any:
        raise ValueError("boom")


urlpatterns = [
    path(name, getattr(DjangoViews, name)) for name in ("where", "echo", "pieces", "boom")
]


def with_bottle() -> Any:
    app = bottle.Bottle()

    @app.get("/where")
    def where() -> Any:
        request = bottle.request
        root = request.script_name.rstrip("/")
        return {"root": root, "path": request.path, "q": request.query.get("q")}

    @app.post("/echo")
    def echo() -> Any:
        return bottle.request.body.read()

    @app.get("/pieces")
    def stream() -> Any:
        yield from PIECES

    @app.get("/boom")
    def boom() -> Any:
        raise ValueError("boom")

    return app


class FalconWhere:
    def on_get(self, req: Any, resp: Any) -> None:
        resp.media = {"root": req.root_path, "path": req.path, "q": req.get_param("q")}

    async def on_get_async(self, req: Any, resp: Any) -> None:
        FalconWhere.on_get(self, req, resp)


class FalconEcho:
    def on_post(self, req: Any, resp: Any) -> None:
        resp.data = req.bounded_stream.read()

    async def on_post_async(self, req: Any, resp: Any) -> None:
        resp.data = await req.stream.read()


class FalconPieces:
    def on_get(self, req: Any, resp: Any) -> None:
        resp.stream = iter(PIECES)

    async def on_get_async(self, req: Any, resp: Any) -> None:
        resp.stream = pieces()


class FalconBoom:
    def on_get(self, req: Any, resp: Any) -> None:
        raise ValueError("boom")

    async def on_get_async(self, req: Any, resp: Any) -> None:
        raise ValueError("boom")


def with_falcon(app: Any, suffix: str | None) -> Any:
    for name, kind in [
        ("where", FalconWhere),
        ("echo", FalconEcho),
        ("pieces", FalconPieces),
        ("boom", FalconBoom),
    ]:
        resource: Any = kind()
        if suffix:
            for method in ("on_get", "on_post"):
                if hasattr(kind, f"{method}_{suffix}"):
                    setattr(resource, method, getattr(resource, f"{method}_{suffix}"))
        app.add_route(f"/{name}", resource)
    return app


def plain_wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    """The protocol, by hand."""
    page, body = environ["PATH_INFO"], b""
    if page == "/where":
        query = environ["QUERY_STRING"].removeprefix("q=") or None
        found = {"root": environ["SCRIPT_NAME"], "path": page, "q": query}
        body = json.dumps(found).encode()
    elif page == "/echo":
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    elif page == "/boom":
        raise ValueError("boom")
    start_response("200 OK", [("Content-Type", "application/json")])
    return iter(PIECES) if page == "/pieces" else [body]


# -- ASGI -----------------------------------------------------------------------------------------


def with_quart() -> Any:
    app = quart.Quart("hosted")

    @app.get("/where")
    async def where() -> Any:
        request = quart.request
        return {"root": request.root_path, "path": request.path, "q": request.args.get("q")}

    @app.post("/echo")
    async def echo() -> Any:
        return await quart.request.get_data()

    @app.get("/pieces")
    async def stream() -> Any:
        return pieces()

    @app.get("/boom")
    async def boom() -> Any:
        raise ValueError("boom")

    return app


def with_sanic() -> Any:
    app = sanic.Sanic("hosted")

    @app.before_server_start
    async def start(app: Any) -> None:
        app.ctx.started = True

    @app.get("/where")
    async def where(request: Any) -> Any:
        assert app.ctx.started
        # Sanic knows no root: App gives it what follows the prefix.
        return sanic.json({"root": None, "path": request.path, "q": request.args.get("q")})

    @app.post("/echo")
    async def echo(request: Any) -> Any:
        return sanic.raw(request.body)

    @app.get("/pieces")
    async def stream(request: Any) -> None:
        response = await request.respond()
        for piece in PIECES:
            await response.send(piece)

    @app.get("/boom")
    async def boom(request: Any) -> Any:
        raise ValueError("boom")

    return app


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    """The protocol, by hand; of the lifespan it knows nothing."""
    assert scope["type"] == "http"
    page, body = scope["path"].removeprefix(scope["root_path"]), [b""]
    if page == "/where":
        query = scope["query_string"].decode().removeprefix("q=") or None
        body = [json.dumps({"root": scope["root_path"], "path": page, "q": query}).encode()]
    elif page == "/echo":
        more = True
        while more:
            event = await receive()
            body.append(event["body"])
            more = event.get("more_body", False)
    elif page == "/pieces":
        body = PIECES
    elif page == "/boom":
        raise ValueError("boom")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for piece in body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def plain_asgi2(scope: Any) -> Any:
    async def serve(receive: Any, send: Any) -> None:
        await plain_asgi(scope, receive, send)

    return serve


def with_fastapi(kind: Any) -> Any:
    app = kind()

    @app.get("/where")
    async def where(request: Request, q: str | None = None) -> Any:
        root = request.scope["root_path"]
        return {"root": root, "path": request.scope["path"].removeprefix(root), "q": q}

    @app.post("/echo")
    async def echo(request: Request) -> Response:
        return Response(await request.body())

    @app.get("/pieces")
    async def stream() -> Response:
        return StreamingResponse(pieces())

    @app.get("/boom")
    async def boom() -> Any:
        raise ValueError("boom")

    @app.websocket("/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            await socket.send_text(f"heard {await socket.receive_text()}")

    return app


def _django() -> None:
    if not settings.configured:
        settings.configure(
            SECRET_KEY="for tests only",
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            DATABASES={},
            LOGGING_CONFIG=None,
        )
        django.setup()


_django()
APPLICATIONS: dict[str, Any] = {
    "flask": with_flask(flask),
    "django-wsgi": get_wsgi_application(),
    "falcon-wsgi": with_falcon(falcon.App(), None),
    "bottle": with_bottle(),
    "tornado-container": tornado.wsgi.WSGIContainer(with_flask(flask)),
    "plain-wsgi": plain_wsgi,
    "a2wsgi-wsgi": a2wsgi.ASGIMiddleware(with_fastapi(RealFastAPI)),
    "django-asgi": get_asgi_application(),
    "falcon-asgi": with_falcon(falcon.asgi.App(), "async"),
    "quart": with_quart(),
    "sanic": with_sanic(),
    "fastapi": with_fastapi(RealFastAPI),
    "plain-asgi": plain_asgi,
    "plain-asgi2": plain_asgi2,
    "a2wsgi-asgi": a2wsgi.WSGIMiddleware(with_flask(flask)),
    "carboy-flask": with_flask(carboy.flask),
    "carboy-fastapi": with_fastapi(carboy.fastapi.FastAPI),
    "carboy-app": with_fastapi(App),
}


def site() -> App:
    app = App()

    @app.get("/ready")
    def ready() -> Any:
        return {"token": os.environ.get("CONTRACT_TOKEN")}

    @app.get("/where")
    def where() -> Any:
        return "mine"

    for name, application in APPLICATIONS.items():
        app.mount(f"/{name}", application, name=name)
    app.fallback(with_flask(flask))
    return app


app = site()
