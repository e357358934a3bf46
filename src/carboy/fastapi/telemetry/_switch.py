"""Whether an application reports, decided as early and as rarely as possible.

With a provider of its own it reports from the start. Else it does once a global provider has been
set: asked at start-up, and for requests that come as ASGI once OpenTelemetry's variables say so
(`_api.VARIABLES`). An application that is mounted in one that reports does so for its part.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

from carboy.fastapi.telemetry._api import OTEL, SCOPE_KEY, TelemetryConfig

if TYPE_CHECKING:
    from carboy.fastapi.telemetry._asgi import NativeTelemetry
    from carboy.fastapi.telemetry._woven import Weaver

#: Environment variables by which OpenTelemetry itself makes a global provider when it is asked.
_VARIABLES = (
    "OTEL_PYTHON_TRACER_PROVIDER",
    "OTEL_PYTHON_METER_PROVIDER",
    "_OTEL_PYTHON_LOGGER_PROVIDER",
)
_SIGNALS = ("tracing", "metrics", "logs")
_RUNTIME = "carboy.fastapi.telemetry._runtime"


class Switch:
    """On or off, for one application. `turned_on` is called once, when it goes on."""

    def __init__(self, config: TelemetryConfig, turned_on: Callable[[], None]) -> None:
        self.config = config
        self.is_on = False
        self.weaver: Weaver | None = None
        self._turned_on = turned_on
        self._native: NativeTelemetry | None = None

    def decide(self) -> bool:
        """Look whether there is anything to report to."""
        if not any(self.config[signal] for signal in _SIGNALS):  # type: ignore[literal-required]
            return False
        if OTEL not in sys.modules and not any(one in os.environ for one in _VARIABLES):
            return False  # nobody can have set a provider
        if not self.native.enabled():
            return False
        self._turn_on()
        return True

    @property
    def native(self) -> NativeTelemetry:
        """What reports requests; made when OpenTelemetry has been loaded."""
        if self._native is None:
            from carboy.fastapi.telemetry._asgi import NativeTelemetry

            self._native = NativeTelemetry(self.config)
        return self._native

    def _turn_on(self) -> None:
        if not self.is_on:
            from carboy.fastapi.telemetry._woven import Weaver

            self.is_on, self.weaver = True, Weaver()
            self._turned_on()

    def of(self, scope: Scope) -> NativeTelemetry | None:
        """What stands around this request; None where it is not for this application to report."""
        if scope["type"] not in ("http", "websocket"):
            return None
        if SCOPE_KEY in scope:
            if scope[SCOPE_KEY] is not None:
                self._turn_on()  # an application outside reports it, and wants to know our part
            return None
        if not (self.is_on or self.decide()):
            return None
        return self.native

    @property
    def is_exporting(self) -> bool:
        """Whether exporters live as long as the application."""
        return bool(self.config["auto_configure"]) or _RUNTIME in sys.modules

    @asynccontextmanager
    async def around(self, lifespan: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
        """The same as `live` for servers that are not asked by messages."""
        if self.is_exporting:
            from carboy.fastapi.telemetry._runtime import exporting

            lifespan = exporting(self.config, lifespan)
        async with lifespan as state:
            self.decide()
            yield state

    async def live(self, lifespan: Any, scope: Scope, receive: Receive, send: Send) -> None:
        """The lifespan, with exporters from the environment; what it sets up is looked at."""

        async def started(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                self.decide()
            await send(message)

        if self.config["auto_configure"] or _RUNTIME in sys.modules:
            from carboy.fastapi.telemetry._runtime import lifespan as configured

            await configured(
                config=self.config, app=lifespan, scope=scope, receive=receive, send=started
            )
        else:
            await lifespan(scope, receive, started)
