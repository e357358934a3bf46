"""The recorder as a plugin (core/plugin.py): what endpoints are asked and answer.

Cookies that are set around endpoints (Flask's session, Starlette's SessionMiddleware) are not in
what a plugin sees; `Recorder.install` sees them. A body that the endpoint reads as a stream isn't
seen either.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

from carboy.core.answer import Answer
from carboy.core.closing import at_end
from carboy.core.context import RequestContext
from carboy.core.plugin import Steps
from carboy.migrate.proof.exchange import Ask, Reply, pairs_of
from carboy.migrate.proof.watching import SAFE_IN_PATH, Copy, Taker
from carboy.server.outer import is_async_body


def watch(taker: Taker, request: RequestContext) -> Steps:
    """One request."""
    if not taker.wants(request.method, request.path):
        yield
        return None
    at = time.time()
    answer: Answer = yield
    try:
        _follow(taker, request, answer, at)
    except Exception:
        taker.lost += 1
    return None


def _follow(taker: Taker, request: RequestContext, answer: Answer, at: float) -> None:
    asked, answered = Copy(taker.limit), Copy(taker.limit)
    asked.add(request.body or b"")
    ask = Ask(
        request.method.upper(),
        quote(request.path, safe=SAFE_IN_PATH),
        request.query.decode("latin-1"),
        tuple(sorted(pairs_of(request.headers))),
        asked.body,
        asked.cut,
    )
    head = [answer.status, pairs_of(answer.headers)]

    def done() -> None:
        body = b"" if ask.method == "HEAD" else answered.body
        taker.take(ask, Reply(head[0], head[1], body, answered.cut), at)  # type: ignore[arg-type]

    body: Any = answer.body
    if isinstance(body, bytes):
        answered.add(body)
        done()
        return
    if is_async_body(body):
        answer.body = _copied_async(body, answered)
    elif callable(body):
        answer.body = _Sending(body, answered, head)
    else:
        answer.body = _copied(body, answered)
    at_end(request, done)


def _copied(body: Any, copy: Copy) -> Iterator[bytes]:
    try:
        for piece in body:
            copy.add(piece if isinstance(piece, bytes) else str(piece).encode())
            yield piece
    finally:
        if hasattr(body, "close"):
            body.close()


async def _copied_async(body: Any, copy: Copy) -> AsyncIterator[bytes]:
    try:
        async for piece in body:
            copy.add(piece if isinstance(piece, bytes) else str(piece).encode())
            yield piece
    finally:
        if hasattr(body, "aclose"):
            await body.aclose()


class _Sending:
    """An answer that sends itself, copied."""

    def __init__(self, body: Any, copy: Copy, head: list[Any]) -> None:
        self._body = body
        self._copy = copy
        self._head = head

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._head[:] = [message["status"], pairs_of(message.get("headers", ()))]
            elif message["type"] == "http.response.body":
                self._copy.add(message.get("body", b""))
            await send(message)

        await self._body(scope, receive, sending)
