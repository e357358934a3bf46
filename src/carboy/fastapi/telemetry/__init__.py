"""What an application reports to OpenTelemetry: its settings, and the data of the current request.

OpenTelemetry is loaded by the modules that are loaded once an application reports: `_operations`,
`_asgi` and `_woven`. `_api` and `_switch`, which every application has, know it by name only.
"""

from carboy.fastapi.telemetry._api import TelemetryConfig as TelemetryConfig
from carboy.fastapi.telemetry._api import TelemetryData as TelemetryData
from carboy.fastapi.telemetry._api import get_telemetry_data as get_telemetry_data

__all__ = ["TelemetryConfig", "TelemetryData", "get_telemetry_data"]
