"""The data of one request as code sees it. Nothing here loads OpenTelemetry.

`RequestTelemetry` is what is kept for one request, or one WebSocket connection, while it lasts; the
scope has it under `_api.SCOPE_KEY`, OpenTelemetry's context under a key of `_operations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.trace import Span, Tracer
    from starlette.requests import Request
    from starlette.websockets import WebSocket


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
