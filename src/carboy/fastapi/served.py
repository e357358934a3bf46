"""How requests get into an application: straight to the engine, or through what is around it.

Around it are middleware, debug mode's error page, and a subclass's own ``__call__``: where there is
any, the engine's `front` sends requests through that, as ASGI, and the engine is inside. So it is
where the application reports to OpenTelemetry: what `_reports` says stands outside of it all.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from carboy.core.answer import Head
from carboy.core.engine import Target
from carboy.core.pattern import Pattern
from carboy.core.route import Lane, Route
from carboy.fastapi._body_limit import (
    MAX_BODY_SIZE_SCOPE_KEY,
    AppBodyLimitMiddleware,
    serve_within,
)
from carboy.fastapi.declared import Declared
from carboy.fastapi.handlers import is_monitored
from carboy.fastapi.router import APIRouter
from carboy.fastapi.telemetry._api import (
    MODULES,
    OTEL,
    SCOPE_KEY,
    UNSET,
    VARIABLES,
    TelemetryConfig,
    settings,
)
from carboy.fastapi.telemetry._switch import Switch
from carboy.server.entry import Entry

#: Starlette's own, or nothing where somebody had replaced it before this was loaded.
_PLAIN_CALL = None if is_monitored() else Starlette.__call__


class Served(Entry, Starlette):
    """The part of an application that servers call. Mixed into `FastAPI`."""

    router: APIRouter
    root_path: str
    declared: Declared

    def _serve_everywhere(self) -> None:
        async def __call__(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: N807
            await self._serve(scope, receive, send)

        self.__dict__["__call__"] = __call__

    def _report(self, telemetry: TelemetryConfig | None) -> None:
        self._telemetry = settings(telemetry)
        self._reports = Switch(self._telemetry, self._weave)
        self._reports.decide()

    def _weave(self) -> None:
        """The application reports from now on."""
        from carboy.fastapi.telemetry._asgi import ExceptionTelemetryMiddleware

        self.declared.watch = self._reports.weaver
        self.engine.invalidate(recompile=True)
        self._decide_front()
        stack: Any = self.middleware_stack
        if hasattr(stack, "app"):  # it was built before
            stack.app = ExceptionTelemetryMiddleware(stack.app)

    @property
    def _is_wrapped(self) -> bool:
        # COMPAT: OpenTelemetry's own instrumentation replaces `build_middleware_stack`.
        return (
            bool(self.user_middleware)
            or self.debug
            or self._reports.is_on
            or "build_middleware_stack" in self.__dict__
            or Starlette.__call__ is not _PLAIN_CALL
        )

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
        kind = scope["type"]
        reporting = None
        if OTEL in sys.modules and (
            self._reports.is_on
            or SCOPE_KEY in scope
            or any(map(getattr, map(sys.modules.get, MODULES), VARIABLES, UNSET))
        ):
            reporting = self._reports.of(scope)
        if kind == "lifespan":
            self._decide_front()
            self.engine.freeze()
            # COMPAT: middleware may set up what it needs then.
            live: Any = self._stack() if self.user_middleware else self.router.lifespan
            await self._reports.live(live, scope, receive, send)
        elif reporting is not None:
            from carboy.fastapi.telemetry._asgi import is_instrumented

            stack = self._stack()
            is_legacy = is_instrumented(stack)
            inner = partial(Starlette.__call__, self)
            await reporting(
                app=inner, scope=scope, receive=receive, send=send, legacy_otel=is_legacy
            )
        elif kind == "http" and not self._is_wrapped:
            # Inside: this is what `front` leads to as well.
            await _serve_in(scope)(self.engine, scope, receive, send, passed=True)
        else:
            # As a class attribute: who replaced it (handlers.is_monitored) wants to be called.
            await Starlette.__call__(self, scope, receive, send)

    def _stack(self) -> ASGIApp:
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        return self.middleware_stack

    def build_middleware_stack(self) -> ASGIApp:
        """Middleware around the engine, as Starlette orders it."""
        from starlette.middleware.errors import ServerErrorMiddleware
        from starlette.middleware.exceptions import ExceptionMiddleware

        from carboy.fastapi.foreign import handlers_of

        table = self.exception_handlers
        by_class, by_status = handlers_of(table)
        outer = [handler for key, handler in table.items() if key in (500, Exception)]
        # COMPAT: as `Middleware`, since monitoring tools replace classes where those are made.
        stack = [Middleware(ServerErrorMiddleware, outer[-1] if outer else None, self.debug)]
        if self._reports.is_on:
            from carboy.fastapi.telemetry._asgi import ExceptionTelemetryMiddleware

            stack.append(Middleware(ExceptionTelemetryMiddleware))
        stack += [Middleware(AppBodyLimitMiddleware, self.max_body_size), *self.user_middleware]
        stack.append(Middleware(ExceptionMiddleware, {**by_class, **by_status}, self.debug))
        app: ASGIApp = self._inside
        for cls, args, kwargs in reversed(stack):
            app = cls(app, *args, **kwargs)
        return app

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("router", self.router)
        if scope["type"] == "lifespan":
            await self.router.lifespan(scope, receive, send)
            return
        if scope["type"] == "websocket":
            from carboy.fastapi.sockets import serve_websocket

            fallback = self.declared.fallback
            await serve_websocket(self.router.routes, scope, receive, send, fallback)
            return
        await _serve_in(scope)(self.engine, scope, receive, send, inside=True)


def _serve_in(scope: Scope) -> Any:
    if MAX_BODY_SIZE_SCOPE_KEY in scope:
        return serve_within
    from carboy.server.asgi import serve

    return serve
