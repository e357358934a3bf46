"""An exit stack around a whole request, left in the ASGI scope for what runs inside.

It closes last of all: after the answer, the background tasks and every dependency.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class AsyncExitStackMiddleware:
    """Opens an AsyncExitStack as ``scope[context_name]`` around `app`."""

    def __init__(self, app: ASGIApp, context_name: str = "fastapi_middleware_astack") -> None:
        self.app = app
        self.context_name = context_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        stack = AsyncExitStack()
        async with stack:
            scope[self.context_name] = stack
            await self.app(scope, receive, send)
