"""What a scope says about a request, as OpenTelemetry's attributes.

Metrics get the few attributes whose values are bounded; the server's name, the path and the query
are for spans only. Names and secrets: plugins/conventions.py.
"""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from carboy.plugins import conventions
from carboy.plugins.conventions import known_methods as known_methods


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
        attributes["url.query"] = conventions.query(scope["query_string"].decode("latin-1"))
    if (original := scope.get("method", "")) != method:
        attributes["http.request.method_original"] = original
    return attributes


def server(scope: Scope) -> dict[str, Any]:
    """The server's name and port as the client wrote them, else as the transport knows them."""
    authority = Headers(scope=scope).get("host")
    return conventions.server(authority, scope.get("scheme", "http"), scope.get("server"))
