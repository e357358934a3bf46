"""OpenTelemetry's semantic conventions for HTTP servers, schema 1.44, as far as they are shared.

Nothing here loads OpenTelemetry.
SAFETY: query parameters that are signatures or credentials are blotted out.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
#: Bounds of the durations' histogram, in seconds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)

_METHODS = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"]
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SECRET = frozenset(
    {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "sig"}
)


def known_methods() -> frozenset[str]:
    """The methods that are reported by name; the environment may name others."""
    named = os.getenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "").split(",")
    return frozenset(method for one in named if (method := one.strip())) or frozenset(_METHODS)


def server(authority: str | None, scheme: str, known: Any) -> dict[str, Any]:
    """The server's name and port as the client wrote them, else as the transport knows them."""
    if authority is None:
        address, port = known or (None, None)
    else:
        address, port = _authority(authority)
        if port is None:
            port = _PORTS.get(scheme)
    if address is None:
        return {}
    return {"server.address": address} | ({} if port is None else {"server.port": port})


def _authority(text: str) -> tuple[str | None, int | None]:
    """Host and port; no host where `text` is anything else or more."""
    try:
        url: SplitResult = urlsplit("//" + text)
        if url.username is not None or url.path or url.query or url.fragment:
            return None, None
        return url.hostname, url.port
    except ValueError:
        return None, None


def query(text: str) -> str:
    """A query without its secrets."""
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode([(key, "REDACTED" if key in _SECRET else value) for key, value in pairs])
