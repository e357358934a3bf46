"""Endpoints that are generators: JSON Lines, server-sent events, bytes through a response class.

Items are checked and written one by one as they are made; a sync generator is pulled in a thread.
Events go through a queue of one, so that a comment can be sent while the next is waited for.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio.lowlevel

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.route import Output
from carboy.core.voice import kind_of
from carboy.fastapi.dress import amend, undress
from carboy.fastapi.output import dump_options, encode_plain, validated

if TYPE_CHECKING:
    from carboy.fastapi.route_state import RouteState

Pair = tuple[Head, Body]
_END = object()


def stream_output(state: RouteState, response_class: Any) -> Output:
    """How the items of a generator endpoint are answered."""
    if state.is_sse_stream:
        respond: Callable[..., Pair] = _Events(state)
    elif state.is_json_stream:
        respond = _Lines(state)
    else:
        respond = _Raw(state, response_class)
    return Output(respond, encode_plain, amend, direct=False)


def _finite(value: Any) -> Any:
    """COMPAT: JSON has no NaN and no infinity; in streams they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return value


def _json(value: Any) -> bytes:
    from carboy.fastapi.encoders import jsonable_encoder

    return json.dumps(_finite(jsonable_encoder(value))).encode()


class _Items:
    """Items to bytes, as the item's declared type or as they are."""

    def __init__(self, state: RouteState) -> None:
        self.state = state
        self.options = dump_options(state)
        field: Any = state.stream_item_field
        if field is not None and field.codec is not None:
            field.check_options(self.options)

    def write(self, item: Any) -> bytes:
        field = self.state.stream_item_field
        if field is None:
            return _json(item)
        return field.serialize_json(validated(self.state, field, item), **self.options)

    def head(self, response: Any, *headers: tuple[bytes, bytes]) -> Head:
        head = Head(self.state.status_code or 200, headers)
        return head if response is None else amend(head, response)


class _Lines(_Items):
    """One JSON text a line."""

    def __call__(self, request: RequestContext, steps: Any, response: Any) -> Pair:
        lines = self._later(steps) if hasattr(steps, "__anext__") else self._now(steps)
        return self.head(response, (b"content-type", b"application/jsonl")), lines

    async def _later(self, steps: Any) -> AsyncIterator[bytes]:
        async for item in steps:
            yield self.write(item) + b"\n"
            # A generator that never waits must not keep out the others.
            await anyio.lowlevel.checkpoint()

    def _now(self, steps: Any) -> Iterator[bytes]:
        for item in steps:
            yield self.write(item) + b"\n"


class _Events(_Items):
    """Server-sent events. Source: the HTML standard, 9.2."""

    def __call__(self, request: RequestContext, steps: Any, response: Any) -> Pair:
        head = self.head(
            response,
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        )
        items = steps if hasattr(steps, "__anext__") else _threaded(request, steps)
        return head, _with_pings(self._written(items))

    async def _written(self, items: Any) -> AsyncIterator[bytes]:
        async for item in items:
            yield self._event(item)

    def _event(self, item: Any) -> bytes:
        from carboy.fastapi.sse import ServerSentEvent, format_sse_event

        if not isinstance(item, ServerSentEvent):
            return format_sse_event(data_str=self.write(item).decode())
        data = item.raw_data
        if data is None and item.data is not None:
            dump = getattr(item.data, "model_dump_json", None)
            data = dump() if dump is not None else _json(item.data).decode()
        return format_sse_event(
            data_str=data, event=item.event, id=item.id, retry=item.retry, comment=item.comment
        )


async def _threaded(request: RequestContext, steps: Any) -> AsyncIterator[Any]:
    while (item := await request.threads.run(next, steps, _END)) is not _END:
        yield item


async def _with_pings(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`pieces`, and a comment whenever none came for a while, so that proxies keep the line."""
    from carboy.fastapi import routing
    from carboy.fastapi.sse import KEEPALIVE_COMMENT

    queue: asyncio.Queue[Any] = asyncio.Queue(1)

    async def produce() -> None:
        try:
            async for piece in pieces:
                await queue.put(piece)
        except Exception as error:
            await queue.put(error)
        else:
            await queue.put(_END)

    producer = asyncio.create_task(produce())
    try:
        while True:
            try:
                async with asyncio.timeout(routing._PING_INTERVAL):
                    piece = await queue.get()
            except TimeoutError:
                yield KEEPALIVE_COMMENT
                continue
            if piece is _END:
                return
            if isinstance(piece, Exception):
                raise piece
            yield piece
            await anyio.lowlevel.checkpoint()
    finally:
        producer.cancel()
        with suppress(asyncio.CancelledError):
            await producer


class _Raw:
    """The generator goes to the response class as its content."""

    def __init__(self, state: RouteState, response_class: Any) -> None:
        self.state = state
        self.response_class = response_class

    def __call__(self, request: RequestContext, steps: Any, response: Any) -> Pair:
        if kind_of(self.state.endpoint).is_async:
            steps = _breathing(steps)
        status = self.state.status_code
        if response is not None and response.status_code:
            status = response.status_code
        options = {} if status is None else {"status_code": status}
        made = self.response_class(content=steps, **options)
        if response is not None:
            made.raw_headers.extend(response.raw_headers)
        return undress(request, made)


async def _breathing(steps: Any) -> AsyncIterator[Any]:
    async for piece in steps:
        yield piece
        await anyio.lowlevel.checkpoint()
