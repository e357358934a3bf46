"""Settings, and the way to the current request's data. Nothing here loads OpenTelemetry.

Every application loads this module, so it has nothing but what they all need.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from carboy.fastapi.telemetry._data import TelemetryData

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


def get_telemetry_data(context: Context | None = None) -> TelemetryData | None:
    """The data of the request in `context` (the current one); None where nothing is reported."""
    if OTEL not in sys.modules:
        return None
    from carboy.fastapi.telemetry._operations import current

    found = current(context)
    return None if found is None else found.data
