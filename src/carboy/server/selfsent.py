"""Answers that send themselves through ASGI's messages, for transports without any.

A FileResponse, say, is an ASGI application of its own. Here it runs in a task and its messages are
taken one at a time: the head, then pieces, never more than one ahead of whoever writes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from carboy.core.answer import Head
from carboy.core.context import RequestContext


class SelfSent:
    """One such answer; its methods are called on the loop."""

    def __init__(self, request: RequestContext, body: Any) -> None:
        self._request = request
        self._body = body
        self._head: Head | None = None
        self._complete = False
        #: A Head, pieces, then None; or the exception that came in between.
        self._queue: asyncio.Queue[Any] = asyncio.Queue(1)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> Head:
        """Run it until its head is there."""
        self._task = asyncio.create_task(self._run())
        head: Head = await self._taken()
        return head

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body."""
        while (piece := await self._taken()) is not None:
            yield piece

    async def close(self) -> None:
        """Let it finish what it does after its last message, or end it before that."""
        assert self._task is not None
        if not self._complete:
            self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (error := self._task.exception()) and self._complete:
            raise error

    async def _taken(self) -> Any:
        taken = await self._queue.get()
        if isinstance(taken, BaseException):
            raise taken
        return taken

    async def _run(self) -> None:
        try:
            await self._body(self._request.scope, self._request.receive, self._send)
            if not self._complete:
                raise RuntimeError(f"{self._body!r} ended before its response was complete")
        except Exception as error:
            if self._complete:
                raise
            await self._queue.put(error)

    async def _send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            if self._head is not None:
                raise RuntimeError("the response has been started already")
            self._head = Head(message["status"], message.get("headers", ()))
            await self._queue.put(self._head)
        elif kind == "http.response.body":
            if self._head is None or self._complete:
                raise RuntimeError("a response body outside its response")
            if data := message.get("body", b""):
                await self._queue.put(bytes(data))
            if not message.get("more_body", False):
                self._complete = True
                await self._queue.put(None)
