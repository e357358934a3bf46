"""What a scope says about a request, as OpenTelemetry's attributes.

Source: OpenTelemetry semantic conventions for HTTP, schema 1.44. Metrics get the few attributes
whose values are bounded; the server's name, the path and the query are for spans only.
SAFETY: query parameters that are signatures or credentials are blotted out.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

_METHODS = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"]
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SECRET = frozenset(
    {"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "X-Goog-Signature", "sig"}
)


def known_methods() -> frozenset[str]:
    """The methods that are reported by name; the environment may name others."""
    named = os.getenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "").split(",")
    return frozenset(method for one in named if (method := one.strip())) or frozenset(_METHODS)


def measured(scope: Scope, method: str) -> dict[str, Any]:
    """What metrics are told apart by, before there is a route or a status."""
    if scope["type"] == "websocket":
        return {"url.scheme": scope.get("scheme", "ws"), "network.protocol.name": "websocket"}
    attributes = {"url.scheme": scope.get("scheme", "http"), "http.request.method": method}
    if scope.get("http_version"):
        attributes["network.protocol.version"] = scope["http_version"]
    return attributes


def traced(scope: Scope, method: str) -> dict[str, Any]:
    """What only spans are told."""
    attributes = server(scope)
    if scope["type"] == "websocket":
        return attributes
    attributes["url.path"] = scope["path"]
    if scope.get("query_string"):
        attributes["url.query"] = _query(scope["query_string"].decode("latin-1"))
    if (original := scope.get("method", "")) != method:
        attributes["http.request.method_original"] = original
    return attributes


def server(scope: Scope) -> dict[str, Any]:
    """The server's name and port as the client wrote them, else as the transport knows them."""
    authority = Headers(scope=scope).get("host")
    if authority is None:
        address, port = scope.get("server") or (None, None)
    else:
        address, port = _authority(authority)
        if port is None:
            port = _PORTS.get(scope.get("scheme", "http"))
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


def _query(text: str) -> str:
    pairs = parse_qsl(text, keep_blank_values=True)
    return urlencode([(key, "REDACTED" if key in _SECRET else value) for key, value in pairs])
