"""Exporters from the environment, for applications that ask for it, made when serving starts.

Each signal with an endpoint in OTEL_EXPORTER_OTLP_* gets one exporter for the process: at a
provider that exists, or with a new provider where there is none. What was made here is flushed when
an application stops and shut down when the process ends; what others made is theirs.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carboy.fastapi.exceptions import FastAPIError
from carboy.fastapi.logger import logger
from carboy.fastapi.telemetry._api import TelemetryConfig

_lock = threading.RLock()
#: Providers and components made here.
_owned: list[Any] = []
#: (signal, provider) that have their exporter.
_configured: list[tuple[str, Any]] = []

_ENDS = {"lifespan.startup.failed", "lifespan.shutdown.failed", "lifespan.shutdown.complete"}
_OPT_OUT = 'pass telemetry={"auto_configure": False} to FastAPI()'


def _flush() -> None:
    _each(list(_owned), "force_flush")


@atexit.register
def _shutdown() -> None:
    with _lock:
        owned = list(_owned)
        _owned.clear()
    _each(owned, "shutdown")


def _each(components: list[Any], method: str) -> None:
    for component in components:
        try:
            getattr(component, method)()
        except Exception:
            logger.exception("FastAPI telemetry cleanup failed")


def _setting(signal: str, what: str) -> str | None:
    """A setting of one signal, else of all of them. Empty ones are none."""
    return os.getenv(f"OTEL_EXPORTER_OTLP_{signal}_{what}") or os.getenv(
        f"OTEL_EXPORTER_OTLP_{what}"
    )


def _export_endpoint(signal: str) -> str | None:
    """Where TRACES, METRICS or LOGS are to be sent; FastAPIError for what can't be done."""
    exporter = (os.getenv(f"OTEL_{signal}_EXPORTER") or "otlp").strip().lower()
    endpoint = os.getenv(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    if not endpoint and (base := os.getenv("OTEL_EXPORTER_OTLP_ENDPOINT")):
        endpoint = f"{base.removesuffix('/')}/v1/{signal.lower()}"
    if not endpoint or exporter == "none":
        return None
    if exporter != "otlp":
        raise FastAPIError(
            f"OTEL_{signal}_EXPORTER={exporter} can't be set up automatically: it must be "
            f"otlp or none. Set up another exporter in code, and {_OPT_OUT}."
        )
    if (_setting(signal, "PROTOCOL") or "http/protobuf") != "http/protobuf":
        raise FastAPIError(
            "automatic export speaks OTLP as http/protobuf only. Set up another protocol in code, "
            f"and {_OPT_OUT}."
        )
    url = urlsplit(endpoint)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise FastAPIError(
            f"the OTLP endpoint for {signal.lower()} must be an absolute HTTP or HTTPS URL."
        )
    return endpoint


class _Signal(NamedTuple):
    """How the parts for one signal are made and put together."""

    noun: str
    get: Callable[[], Any]
    set: Callable[[Any], None]
    #: (endpoint) -> what exports.
    component: Callable[[str], Any]
    #: (component) -> a provider with it.
    provider: Callable[[Any], Any]
    #: The provider's method that takes a component.
    register: str


def _signals() -> dict[str, _Signal]:
    """The table of signals, from whatever the API and the SDK have at this moment."""
    try:
        return {"TRACES": _traces(), "METRICS": _metrics(), "LOGS": _logs()}
    except ImportError as error:
        raise FastAPIError(
            "automatic export needs OpenTelemetry's SDK and its OTLP exporter over HTTP, which "
            f"fastapi[opentelemetry] brings. Install them, or {_OPT_OUT}."
        ) from error


def _traces() -> _Signal:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    def component(endpoint: str) -> Any:
        return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))

    def provider(component: Any) -> Any:
        made = TracerProvider(shutdown_on_exit=False)
        made.add_span_processor(component)
        return made

    get, put = trace.get_tracer_provider, trace.set_tracer_provider
    return _Signal("tracer", get, put, component, provider, "add_span_processor")


def _metrics() -> _Signal:
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    def component(endpoint: str) -> Any:
        return PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))

    def provider(component: Any) -> Any:
        return MeterProvider(metric_readers=[component], shutdown_on_exit=False)

    get, put = metrics.get_meter_provider, metrics.set_meter_provider
    return _Signal("meter", get, put, component, provider, "add_metric_reader")


def _logs() -> _Signal:
    from opentelemetry import _logs as logs
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    def component(endpoint: str) -> Any:
        return BatchLogRecordProcessor(OTLPLogExporter(endpoint=endpoint))

    def provider(component: Any) -> Any:
        made = LoggerProvider(shutdown_on_exit=False)
        made.add_log_record_processor(component)
        return made

    get, put = logs.get_logger_provider, logs.set_logger_provider
    return _Signal("logger", get, put, component, provider, "add_log_record_processor")


def _registration_provider(provider: Any) -> Any:
    """The provider that takes readers, where Logfire has wrapped one that its proxy hides."""
    cls = type(provider)
    is_proxy = (cls.__module__, cls.__name__) == ("logfire._internal.metrics", "ProxyMeterProvider")
    hides = is_proxy and not hasattr(provider, "add_metric_reader")
    return provider.provider if hides else provider


def _configure_from_environment(config: TelemetryConfig) -> None:
    """Give every signal that the environment has an endpoint for its exporter."""
    if not config["auto_configure"] or os.getenv("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    wanted = (
        ("TRACES", config["tracing"], config["tracer_provider"]),
        ("METRICS", config["metrics"], config["meter_provider"]),
        ("LOGS", config["logs"], config["logger_provider"]),
    )
    with _lock:
        requested = [
            (signal, given, endpoint)
            for signal, is_on, given in wanted
            if is_on and (endpoint := _export_endpoint(signal)) is not None
        ]
        if not requested:
            return
        table = _signals()
        for signal, given, endpoint in requested:
            _configure(signal, table[signal], given, endpoint)


def _configure(name: str, signal: _Signal, given: Any, endpoint: str) -> None:
    from carboy.fastapi.telemetry._asgi import is_unset

    provider = _registration_provider(signal.get() if given is None else given)
    if any(known == name and owner is provider for known, owner in _configured):
        return
    if given is None and is_unset(provider):
        made = signal.provider(signal.component(endpoint))
        signal.set(made)
        current = signal.get()
        if current is made:
            _keep(name, made, made)
            return
        made.shutdown()  # somebody else was first
        provider = _registration_provider(current)
    register = getattr(provider, signal.register, None)
    if not callable(register):
        raise FastAPIError(
            f"the {signal.noun} provider that is set does not support adding an OTLP exporter. "
            f"Export through it yourself, and {_OPT_OUT}."
        )
    component = signal.component(endpoint)
    try:
        register(component)
    except Exception:
        component.shutdown()
        raise
    _keep(name, provider, component)


def _keep(name: str, provider: Any, made: Any) -> None:
    _configured.append((name, provider))
    _owned.append(made)


def _configure_or_warn(config: TelemetryConfig) -> None:
    try:
        _configure_from_environment(config)
    except Exception as error:
        logger.warning("FastAPI automatic telemetry configuration failed: %s", error)


@asynccontextmanager
async def exporting(
    config: TelemetryConfig, lifespan: AbstractAsyncContextManager[Any]
) -> AsyncIterator[Any]:
    """`lifespan`, with exporters made before it starts and flushed when it has ended."""
    _configure_or_warn(config)
    try:
        async with lifespan as state:
            yield state
    finally:
        if _owned:
            await run_sync(_flush)


async def lifespan(
    *, config: TelemetryConfig, app: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """The same for an application that is told by messages.

    What goes wrong with exporters is a warning: an application starts without them.
    """

    async def receiving() -> Message:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _configure_or_warn(config)
        return message

    async def sending(message: Message) -> None:
        if message["type"] in _ENDS and _owned:
            await run_sync(_flush)
        await send(message)

    await app(scope, receiving, sending)
