"""What stands between `App` and an ASGI application that it hosts.

As little as there can be: the limit of bodies, the state of the application's own lifespan, and
the rest of the path for frameworks that do not look at ``root_path``. ASGI 2 is called twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from carboy.fastapi._body_limit import ContentTooLarge, wrap_app_with_body_limit
from carboy.server.asgi import route_path

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]


class HostedASGI:
    """ASGI for an ASGI application that has a lifespan of its own (lifespan.py sets `state`)."""

    def __init__(self, application: ASGIApp, cut_prefix: bool = False) -> None:
        self.application = application
        self._cut_prefix = cut_prefix
        #: What its lifespan has put into its state.
        self.state: dict[str, Any] = {}

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One connection, with `state` added to what the server gave."""
        if self.state and scope["type"] != "lifespan":
            scope["state"] = {**scope.get("state", {}), **self.state}
        root = scope.get("root_path", "")
        if self._cut_prefix and root:
            path = route_path(scope["path"], root)
            raw = quote(path, safe="/:@!$&'()*+,;=~", errors="surrogateescape").encode("ascii")
            scope = {**scope, "path": path, "raw_path": raw}
        await self.application(scope, receive, send)


def twice(application: Callable[[Any], Callable[[Any, Any], Awaitable[None]]]) -> ASGIApp:
    """ASGI 3 for an application of ASGI 2: ``application(scope)(receive, send)``."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        await application(scope)(receive, send)

    return call


def bounded(application: ASGIApp, limit: int | None) -> ASGIApp:
    """`application`, where bodies of more than `limit` bytes are answered with 413."""
    if limit is None:
        return application
    counted = wrap_app_with_body_limit(application, limit)

    async def call(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            # What is announced is refused before it comes, by the application's handlers.
            for name, value in scope["headers"]:
                if name == b"content-length" and value.isdigit() and int(value) > limit:
                    raise ContentTooLarge
        await counted(scope, receive, send)

    return call
