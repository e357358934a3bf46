"""The outer ring, and what every transport does around an endpoint in the same way.

Colourless where it calls an application's code (core/voice.py), so that the order of things is the
same on every transport: answer, last byte, background tasks, dependencies' ends.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

from carboy.core.answer import TEXT, AnswerError, Body, Head
from carboy.core.closing import finish, unwind
from carboy.core.context import RequestContext, Threads
from carboy.core.engine import Engine, Target
from carboy.core.errors import (
    BodyLost,
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
    Overloaded,
    TimedOut,
)
from carboy.core.route import Lane, Route
from carboy.core.voice import Colourless, Do, drive
from carboy.server import traces

Pair = tuple[Head, Body]
logger = logging.getLogger("carboy.error")

#: Under which key of its scope a request has the answer for the error that it goes on with.
READY = "carboy.ready"
PLAIN_500 = Head(500, [TEXT]), b"Internal Server Error"
OVERLOADED = (
    Head(503, [TEXT, (b"retry-after", b"1")]),
    b"Service Unavailable: every worker thread is busy and the queue is full. Try again.",
)
TOO_LARGE = (
    Head(413, [TEXT, (b"connection", b"close")]),
    b"Content Too Large: the request body is larger than this address takes.",
)
TOO_SLOW = (
    Head(408, [TEXT, (b"connection", b"close")]),
    b"Request Timeout: the request body comes too slowly.",
)
MALFORMED = (
    Head(400, [TEXT, (b"connection", b"close")]),
    b"Bad Request: the chunks of the request body are not valid.",
)
_END = object()


def outer_ring(engine: Engine, request: RequestContext, error: BaseException) -> Colourless[Pair]:
    """The answer to an error that nobody handled. The caller still reports `error`."""
    error = yield from unwind(request, error)
    try:
        handling = engine.application.outer(error)
        if handling is None:
            if traces.is_dev():
                return traces.answer(request, error)
            ready: Pair = (request._asgi_scope or {}).get(READY, PLAIN_500)
            return ready
        answer: Pair = yield Do(handling.handle, (request, error), handling.is_async)
    except Exception:
        logger.exception("the handler for unhandled errors failed itself")
        return PLAIN_500
    return answer


#: What refusals say where the application has no answer of its own.
_REFUSALS: dict[type[BaseException], Pair] = {
    TimedOut: (
        Head(504, [TEXT]),
        b"Gateway Timeout: the answer took longer than this address allows.",
    ),
    Overloaded: OVERLOADED,
    BodyTooLarge: TOO_LARGE,
    BodyTooSlow: TOO_SLOW,
    BodyMalformed: MALFORMED,
    BodyLost: PLAIN_500,
}


def refused(request: RequestContext, error: Exception) -> Colourless[Pair]:
    """The answer where the transport ends a request: by the route's handlers, as if raised."""
    handling = request.target.route.handlers.find(error)
    answer = _REFUSALS[type(error)]
    if handling is not None:
        try:
            answer = yield Do(handling.handle, (request, error), handling.is_async)
        except Exception:
            logger.exception("the handler for %r failed itself", error)
            return PLAIN_500
    # A handler's stream is not worth the wait: somebody has waited long enough.
    return answer if type(answer[1]) is bytes else _REFUSALS[type(error)]


def refuse(request: RequestContext, kind: type[Exception], *about: Any) -> Target:
    """Have `request` answered as if its endpoint had raised ``kind(*about)``; its new target.

    So plugins and exception handlers see what never reached the endpoint.
    """
    refusals = request.target.refusals
    target = refusals.get(kind)
    if target is None:
        target = refusals[kind] = _refusing(request.target.route, kind, about)
    request.target = target
    return target


def _refusing(route: Route, kind: type[Exception], about: tuple[Any, ...]) -> Target:
    async def call(request: RequestContext) -> Pair:
        error = kind(*about)
        if route.handlers.find(error) is None:
            return _REFUSALS[kind]
        raise error

    target = Target(
        replace(
            route.extras.get("inner", route),
            function=None,
            lane=Lane(call, True),
            make_lane=None,
            max_body=None,
            buffered=False,
            timeout=None,
            admit=None,
            guard=None,
            solving=None,
        )
    )
    target.compile(lambda function: function)
    return target


def report(request: RequestContext, error: BaseException) -> None:
    """One log entry, with the traceback; what the client sent is escaped (R9)."""
    what = request.method, _printable(request.path)
    if traces.is_dev():
        logger.error("%s %s failed\n%s", *what, traces.as_text(error))
    else:
        logger.error("%s %s failed", *what, exc_info=error)


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def serve_in_thread(
    engine: Engine | None, request: RequestContext, deliver: Callable[..., Any]
) -> None:
    """Run a `def` endpoint in this thread, hand over its answer, then close what it opened.

    `deliver(request, head, body, error)` is called with the answer and the unhandled error, if any;
    if it returns a function, that is called when everything is closed, with the error of closing or
    None, and says whether it reports that; else it is logged here. What was opened here is closed
    here, unless the answer is a stream: then whoever writes the last byte calls `finish`.
    Without `engine` an unhandled error has no answer, whoever it is handed to raises it.
    """
    failure: BaseException | None = None
    try:
        head, body = request.target.call(request)  # type: ignore[misc]
    except BaseException as error:
        failure = error
        head, body = PLAIN_500
        if engine is not None:
            head, body = drive(outer_ring(engine, request, error), request)
    closed = deliver(request, head, body, failure)
    late: BaseException | None = None
    if (request.opened or request.background) and type(body) is bytes:
        try:
            drive(finish(request), request)
        except BaseException as error:
            late = error
    taken = closed is not None and closed(late)
    if late is not None and not taken:
        report(request, late)


def finish_in_thread(request: RequestContext) -> None:
    """Background tasks and dependencies' ends; errors are logged, the answer is gone already."""
    try:
        drive(finish(request), request)
    except BaseException as error:
        report(request, error)


def is_async_body(body: Any) -> bool:
    """Whether `body` is awaited chunk by chunk."""
    return hasattr(body, "__anext__") or hasattr(body, "__aiter__")


async def chunks(body: Any, threads: Threads) -> AsyncIterator[bytes]:
    """The chunks of a stream, blocking ones pulled in a thread. Closes the stream at the end."""
    if is_async_body(body):
        try:
            async for chunk in body:
                yield as_bytes(chunk)
        finally:
            close = getattr(body, "aclose", None)
            if close is not None:
                await close()
        return
    steps: Iterator[Any] = iter(body)
    try:
        while (chunk := await threads.insist(next, steps, _END)) is not _END:
            yield as_bytes(chunk)
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            await threads.insist(close)


async def close_body(body: Any, threads: Threads) -> None:
    """Close a stream that nobody will read."""
    if is_async_body(body):
        if hasattr(body, "aclose"):
            await body.aclose()
    elif hasattr(body, "close"):
        await threads.insist(body.close)


class Promise:
    """The length that the head of a streamed answer promises, and whether it is kept."""

    __slots__ = ("left", "mute")

    def __init__(self, head: Head, mute: bool) -> None:
        self.left = head.length
        self.mute = mute

    def keep(self, size: int) -> None:
        """`size` bytes more are to be sent."""
        if self.left is not None and not self.mute:
            self.left -= size
            if self.left < 0:
                raise AnswerError("the streamed body is longer than its content-length")

    def end(self) -> None:
        """Nothing more is to be sent."""
        if self.left and not self.mute:
            raise AnswerError(f"the streamed body is {self.left} bytes shorter than promised")


def wrong_length(head: Head, body: bytes) -> AnswerError:
    """What is wrong with a whole answer whose head promises another length."""
    return AnswerError(
        f"content-length says {head.length}, the body has {len(body)} bytes: nothing was sent"
    )


def as_bytes(chunk: Any) -> bytes:
    """A chunk of a stream, which may be text."""
    if isinstance(chunk, bytes | bytearray | memoryview):
        return bytes(chunk)
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    raise TypeError(f"a streamed body yields bytes or str, not {type(chunk).__name__}")
