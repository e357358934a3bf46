"""How requests get into an application: straight to the engine, or through what is around it.

Around it are middleware, debug mode's error page, and a subclass's own ``__call__``: where there is
any, the engine's `front` sends requests through that, as ASGI, and the engine is inside.
"""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from carboy.core.answer import Head
from carboy.core.engine import Target
from carboy.core.pattern import Pattern
from carboy.core.route import Lane, Route
from carboy.fastapi.router import APIRouter
from carboy.server.entry import Entry


class Served(Entry, Starlette):
    """The part of an application that servers call. Mixed into `FastAPI`."""

    router: APIRouter
    root_path: str

    def _serve_everywhere(self) -> None:
        async def __call__(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N807
            await self._serve(scope, receive, send)

        self.__dict__["__call__"] = __call__

    @property
    def _is_wrapped(self) -> bool:
        return bool(self.user_middleware) or self.debug

    def _decide_front(self) -> None:
        """Have requests that come past ASGI go through what stands around the engine."""
        overridden = type(self).__call__ is not Entry.__call__
        if not (self._is_wrapped or overridden):
            self.engine.front = None
            return

        async def call(request: Any) -> Any:
            return Head(200), self

        route = Route(Pattern("around", ()), None, "around", lane=Lane(call, True), buffered=False)
        front = Target(route)
        front.compile(lambda function: function)
        self.engine.front = front

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI: through what is around the engine, if anything is."""
        scope["app"] = self
        if self.root_path:
            scope["root_path"] = self.root_path
        if scope["type"] == "lifespan":
            self.engine.freeze()
            await self.router.lifespan(scope, receive, send)
        elif scope["type"] == "http" and not self._is_wrapped:
            from carboy.server.asgi import serve

            # Inside: this is what `front` leads to as well.
            await serve(self.engine, scope, receive, send, passed=True)  # type: ignore[arg-type]
        else:
            if self.middleware_stack is None:
                self.middleware_stack = self.build_middleware_stack()
            await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Middleware around the engine, as Starlette orders it."""
        from starlette.middleware.errors import ServerErrorMiddleware
        from starlette.middleware.exceptions import ExceptionMiddleware

        from carboy.fastapi.foreign import handlers_of

        table = self.exception_handlers
        by_class, by_status = handlers_of(table)
        outer = [handler for key, handler in table.items() if key in (500, Exception)]
        app: ASGIApp = ExceptionMiddleware(
            self._inside, handlers={**by_class, **by_status}, debug=self.debug
        )
        for cls, args, kwargs in reversed(self.user_middleware):
            app = cls(app, *args, **kwargs)
        return ServerErrorMiddleware(app, outer[-1] if outer else None, self.debug)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("router", self.router)
        if scope["type"] == "websocket":
            from carboy.fastapi.sockets import serve_websocket

            await serve_websocket(self.router.routes, scope, receive, send)
            return
        from carboy.server.asgi import serve

        await serve(self.engine, scope, receive, send, inside=True)  # type: ignore[arg-type]
