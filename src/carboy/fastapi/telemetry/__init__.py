"""What an application reports to OpenTelemetry: its settings, and the data of the current request.

OpenTelemetry is loaded by the modules that are loaded once an application reports: `_operations`,
`_asgi` and `_woven`. `_api` and `_switch`, which every application has, know it by name only.
"""

from typing import TYPE_CHECKING, Any

from carboy.fastapi.telemetry._api import TelemetryConfig as TelemetryConfig
from carboy.fastapi.telemetry._api import get_telemetry_data as get_telemetry_data

if TYPE_CHECKING:
    from carboy.fastapi.telemetry._data import TelemetryData as TelemetryData

__all__ = ["TelemetryConfig", "TelemetryData", "get_telemetry_data"]


def __getattr__(name: str) -> Any:
    if name == "TelemetryData":
        from carboy.fastapi.telemetry import _data

        return _data.TelemetryData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
