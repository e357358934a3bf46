"""Settings and data as code sees them. Nothing here loads OpenTelemetry.

`RequestTelemetry` is what is kept for one request, or one WebSocket connection, while it lasts; the
scope has it under `SCOPE_KEY`, OpenTelemetry's context under a key of `_operations`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from opentelemetry._logs import Logger, LoggerProvider
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider
    from starlette.requests import Request
    from starlette.websockets import WebSocket

SCOPE_KEY = "fastapi.telemetry"
#: In sys.modules once anybody has loaded OpenTelemetry; before that, nobody can have set it up.
OTEL = "opentelemetry.context"
#: Where OpenTelemetry keeps its global providers: modules, their variables, and what those hold as
#: long as none is set. ``any(map(getattr, map(sys.modules.get, MODULES), VARIABLES, UNSET))``
#: PERF: is asked before every request, and calls no function of Python's; OpenTelemetry's own
#: functions take 30 calls to say the same.
MODULES = (
    "opentelemetry.trace",
    "opentelemetry.metrics._internal",
    "opentelemetry._logs._internal",
)
VARIABLES = ("_TRACER_PROVIDER", "_METER_PROVIDER", "_LOGGER_PROVIDER")
UNSET = (None, None, None)


class TelemetryConfig(TypedDict, total=False):
    """``FastAPI(telemetry=...)``. Without a provider of its own, a signal uses the global one.

    `tracing`, `metrics` and `logs` switch the signals; `operation_spans` the spans within a
    request; `auto_configure` makes exporters from OTEL_* variables at start-up;
    ``exclude(scope)`` is true for requests that are not reported.
    """

    tracer_provider: TracerProvider | None
    meter_provider: MeterProvider | None
    logger_provider: LoggerProvider | None
    tracing: bool
    metrics: bool
    logs: bool
    operation_spans: bool
    auto_configure: bool
    exclude: Callable[[MutableMapping[str, Any]], bool] | None


def settings(given: TelemetryConfig | None) -> TelemetryConfig:
    """`given`, copied, with a value for everything."""
    auto = os.getenv("FASTAPI_OTEL_AUTO_CONFIGURE", "").lower() == "true"
    config: TelemetryConfig = {
        "tracer_provider": None,
        "meter_provider": None,
        "logger_provider": None,
        "tracing": True,
        "metrics": True,
        "logs": True,
        "operation_spans": True,
        "auto_configure": auto,
        "exclude": None,
    }
    if given:
        config.update(given)
    return config


@dataclass(kw_only=True)
class TelemetryData:
    """Live objects of the current request, for processors. Never exported by themselves.

    `values` are the endpoint's arguments, `errors` what is wrong with the input ([] if nothing is);
    both are None until they are known.
    """

    request: Request | None = None
    websocket: WebSocket | None = None
    body: Any = None
    values: dict[str, Any] | None = None
    errors: Sequence[Any] | None = None


@dataclass(kw_only=True)
class RequestTelemetry:
    """What is reported of one request. `tracer` is None where operations get no spans.

    `mounted` is the path template of the mounts passed so far; `failures` are exceptions that
    nobody handled, in order.
    """

    span: Span | None
    span_method: str
    tracer: Tracer | None = None
    logger: Logger | None = None
    mounted: str = ""
    route: str | None = None
    status_code: int | None = None
    #: None once the request is over: contexts that are kept keep no request alive.
    data: TelemetryData | None = field(default_factory=TelemetryData)
    failures: list[BaseException] = field(default_factory=list, repr=False)


def get_telemetry_data(context: Context | None = None) -> TelemetryData | None:
    """The data of the request in `context` (the current one); None where nothing is reported."""
    if OTEL not in sys.modules:
        return None
    from carboy.fastapi.telemetry._operations import current

    found = current(context)
    return None if found is None else found.data
