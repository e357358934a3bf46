"""Requests and connections, reported: one server span, one measurement, a log of what failed.

`NativeTelemetry` stands around a whole application, outside of all its middleware. A request's
span ends with its last byte: background tasks and the ends of dependencies come after it.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from opentelemetry import _logs, metrics, propagate, trace
from opentelemetry import context as otel_context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carboy.fastapi import __version__
from carboy.fastapi.telemetry._api import SCOPE_KEY, TelemetryConfig
from carboy.fastapi.telemetry._attributes import known_methods, measured, traced
from carboy.fastapi.telemetry._data import RequestTelemetry
from carboy.fastapi.telemetry._operations import CONTEXT_KEY, failed, is_goodbye, type_name
from carboy.plugins.conventions import BOUNDS, SCHEMA

#: Providers that stand for one which nobody has set yet.
_PROXIES = {
    ("opentelemetry.trace", "ProxyTracerProvider"),
    ("opentelemetry.metrics._internal", "_ProxyMeterProvider"),
    ("opentelemetry._logs._internal", "ProxyLoggerProvider"),
}
#: Signal -> its provider's setting, where the global one is found, and the one that drops it all.
#: The global ones are looked up anew each time, in their module.
_SIGNALS: dict[str, tuple[str, Callable[[], Any], type]] = {
    "tracing": ("tracer_provider", lambda: trace.get_tracer_provider(), trace.NoOpTracerProvider),
    "metrics": (
        "meter_provider",
        lambda: metrics.get_meter_provider(),
        metrics.NoOpMeterProvider,
    ),
    "logs": ("logger_provider", lambda: _logs.get_logger_provider(), _logs.NoOpLoggerProvider),
}


def is_unset(provider: Any) -> bool:
    """Whether a global provider is only the promise of one."""
    cls = type(provider)
    return (cls.__module__, cls.__name__) in _PROXIES


class _HeadersGetter(Getter[Headers]):
    """How propagators read a request's headers."""

    def get(self, carrier: Headers, key: str) -> list[str] | None:
        values = carrier.getlist(key)
        # Baggage may be split over several headers, but only the first value would be read.
        return [",".join(values)] if values and key.lower() == "baggage" else values or None

    def keys(self, carrier: Headers) -> list[str]:
        return carrier.keys()


_HEADERS = _HeadersGetter()


def is_instrumented(stack: Any) -> bool:
    """Whether OpenTelemetry's own instrumentation stands somewhere in this middleware."""
    seen: set[int] = set()
    while stack is not None and id(stack) not in seen:
        seen.add(id(stack))
        cls = type(stack)
        if cls.__name__ == "OpenTelemetryMiddleware" and (
            cls.__module__ == "opentelemetry.instrumentation.asgi"
        ):
            return True
        stack = getattr(stack, "app", None)
    return False


class ExceptionTelemetryMiddleware:
    """Notices what nobody handled before an answer to it is made."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            failed(scope, error)
            raise


class NativeTelemetry:
    """Reports the requests of one application, by its settings."""

    def __init__(self, config: TelemetryConfig) -> None:
        self.config = config
        self.methods = known_methods()
        self._made: dict[str, tuple[Any, Any]] = {}

    def enabled(self) -> bool:
        """Whether any signal has a provider to go to."""
        config: Any = self.config
        return any(
            config[signal] and (config[key] is not None or not is_unset(find()))
            for signal, (key, find, _) in _SIGNALS.items()
        )

    def provider(self, signal: str) -> Any:
        """Where `signal` goes to; None where nothing would come of it."""
        config: Any = self.config
        key, find, dropping = _SIGNALS[signal]
        if not config[signal]:
            return None
        provider = config[key]
        if provider is None:
            provider = find()
            if is_unset(provider):
                return None
        return None if isinstance(provider, dropping) else provider

    def instrument(self, signal: str) -> Any:
        """The tracer, the two metrics, or the logger; None for a signal that goes nowhere."""
        provider = self.provider(signal)
        if provider is None:
            return None
        known = self._made.get(signal)
        if known is None or known[0] is not provider:
            known = self._made[signal] = provider, _MAKERS[signal](provider)
        return known[1]

    async def __call__(
        self,
        *,
        app: ASGIApp,
        scope: Scope,
        receive: Receive,
        send: Send,
        legacy_otel: bool = False,
    ) -> None:
        exclude = self.config["exclude"]
        if exclude is not None and exclude(scope):
            await _unreported(app, scope, receive, send)
            return
        tracer = meters = logger = None
        if not legacy_otel:
            tracer, logger = self.instrument("tracing"), self.instrument("logs")
            if scope["type"] == "http":
                meters = self.instrument("metrics")
        if tracer is None and meters is None and logger is None:
            await app(scope, receive, send)
            return
        exchange = _Exchange(self, scope, tracer, meters, logger)
        try:
            await exchange.run(app, receive, send)
        finally:
            exchange.forget()


def _meters(provider: metrics.MeterProvider) -> Any:
    meter = provider.get_meter("fastapi", __version__, schema_url=SCHEMA)
    duration = meter.create_histogram(
        "http.server.request.duration",
        unit="s",
        description="Duration of HTTP server requests.",
        explicit_bucket_boundaries_advisory=BOUNDS,
    )
    active = meter.create_up_down_counter(
        "http.server.active_requests",
        unit="{request}",
        description="Number of active HTTP server requests.",
    )
    return duration, active


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "tracing": lambda provider: provider.get_tracer("fastapi", __version__, schema_url=SCHEMA),
    "metrics": _meters,
    "logs": lambda provider: provider.get_logger("fastapi", __version__, schema_url=SCHEMA),
}


async def _unreported(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """An excluded request: mounted applications leave it out too, an outer request is not it."""
    scope[SCOPE_KEY] = None
    token = otel_context.attach(otel_context.set_value(CONTEXT_KEY, None))
    try:
        await app(scope, receive, send)
    finally:
        otel_context.detach(token)
        scope.pop(SCOPE_KEY, None)


class _Exchange:
    """One request, or one connection, from its first byte to its last."""

    def __init__(
        self, native: NativeTelemetry, scope: Scope, tracer: Any, meters: Any, logger: Any
    ) -> None:
        self.scope = scope
        self.is_websocket = scope["type"] == "websocket"
        asked = scope.get("method", "")
        method = asked if asked in native.methods else "_OTHER"
        self.attributes = measured(scope, method)
        self.meters = meters
        if meters is not None:
            self.counted = {
                key: value
                for key, value in self.attributes.items()
                if key != "network.protocol.version"
            }
            meters[1].add(1, self.counted)
        self.started = perf_counter()
        name = "WS" if self.is_websocket else "HTTP" if method == "_OTHER" else method
        context = otel_context.get_current()
        span = None
        if tracer is not None:
            context = propagate.extract(Headers(scope=scope), getter=_HEADERS)
            span = tracer.start_span(
                name,
                context=context,
                kind=SpanKind.SERVER,
                attributes=self.attributes | traced(scope, method),
            )
            context = trace.set_span_in_context(span, context)
        self.span = span
        self.reported = scope[SCOPE_KEY] = RequestTelemetry(
            span=span,
            span_method=name,
            tracer=tracer if native.config["operation_spans"] else None,
            logger=logger,
            mounted=scope.get("app_root_path", scope.get("root_path", "")).rstrip("/"),
        )
        context = otel_context.set_value(CONTEXT_KEY, self.reported, context)
        self.token = otel_context.attach(context)
        self.is_finished = self.has_trailers = self.has_left = False

    async def run(self, app: ASGIApp, receive: Receive, send: Send) -> None:
        """The request itself."""
        self._receive, self._send = receive, send
        try:
            if self.is_websocket:
                await app(self.scope, receive, send)
            else:
                await app(self.scope, self.receive, self.send)
        except BaseException as error:
            failed(self.scope, error)
            self.finish(None if self.is_websocket and is_goodbye(error) else error)
            raise
        self.finish(self._unanswered())

    def _unanswered(self) -> Exception | None:
        """What is wrong where the application returned before its answer's last byte."""
        if self.is_websocket or self.is_finished:
            return None
        if self.has_left:
            return ConnectionError("the client left before the answer was out")
        return RuntimeError("the application ended without a whole answer")

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.has_left = True
        return message

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self.reported.status_code = message["status"]
            self.has_trailers = message.get("trailers", False)
        await self._send(message)
        if kind == "http.response.body":
            is_last = not (message.get("more_body", False) or self.has_trailers)
        elif kind == "http.response.trailers":
            is_last = not message.get("more_trailers", False)
        else:
            is_last = kind == "http.response.pathsend"
        if is_last:
            self.finish(None)

    def finish(self, error: BaseException | None) -> None:
        """The exchange is over, with `error` or without; only the first end counts."""
        if self.is_finished:
            return
        self.is_finished = True
        attributes, reported = self.attributes, self.reported
        if reported.route is not None:
            attributes["http.route"] = reported.route
        status = reported.status_code
        if status is not None:
            attributes["http.response.status_code"] = status
        is_failure = error is not None or (
            not self.is_websocket and (status is None or status >= 500)
        )
        if is_failure:
            if error is None and reported.failures:
                error = reported.failures[-1]
            attributes["error.type"] = str(status) if error is None else type_name(error)
        if self.meters is not None:
            self.meters[0].record(max(0, perf_counter() - self.started), attributes)
            self.meters[1].add(-1, self.counted)
        if self.span is not None:
            self.span.set_attributes(attributes)
            if is_failure:
                self.span.set_status(StatusCode.ERROR)
            self.span.end()

    def forget(self) -> None:
        """Nothing of this request stays behind, whoever has kept its context."""
        self.reported.data = None
        self.reported.failures.clear()
        self.scope.pop(SCOPE_KEY, None)
        otel_context.detach(self.token)
