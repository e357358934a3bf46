"""The body of a request that a typed route reads for itself, as Flask's `request` sees it.

A route that takes a `Request` may want the body in pieces, so the engine has not read it. What the
route has read by then is what Flask's `form`, `json` and `data` are made from; a hook or a `def`
handler, which may wait, has it read. An `async def` handler may not: it is told what to say.
"""

from __future__ import annotations

import asyncio
from io import BytesIO, RawIOBase
from typing import Any

from carboy.core.context import RequestContext
from carboy.fastapi.dress import make_request


def unread(request: RequestContext) -> Any:
    """The input of `request`, whose body the engine has not read; None where there is none."""
    length = request.header(b"content-length")
    if length in (None, b"0") and request.header(b"transfer-encoding") is None:
        return None
    return Unread(request)


class Unread(RawIOBase):
    """Reads the body when it is first asked for."""

    def __init__(self, request: RequestContext) -> None:
        self._request = request
        self._body: BytesIO | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; RuntimeError where an `async def` handler would have to wait."""
        if self._body is None:
            self._body = BytesIO(self._read())
        return self._body.readinto(buffer)

    def _read(self) -> bytes:
        dressed = make_request(self._request)
        if not hasattr(dressed, "_body"):
            if _is_on_loop():
                raise RuntimeError(
                    "the body of this request is not read yet: a route that takes a `Request` "
                    "reads it itself. Say `await request.body()` before flask.request's form, "
                    "json or data, or do not take a `Request` here."
                )
            self._request.portal(dressed.body())
        body: bytes = dressed._body
        return body


def _is_on_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
