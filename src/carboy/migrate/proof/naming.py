"""Which view a request is for: the route's name, as the engine finds it."""

from __future__ import annotations

from typing import Any

from carboy.core.engine import Engine
from carboy.server.asgi import request_of


def endpoint_of(engine: Engine, scope: dict[str, Any]) -> str | None:
    """The name of the route that takes the request of an ASGI scope; None where none does."""
    request = request_of(scope, _nothing)
    target = engine.match(request, inside=True)
    known = any(target is one for one in engine.router.routes)
    return target.route.name if known else None


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}
