"""Code that blocks, from an `async def` view: in a thread, in the very context of the view.

A `contextvars.Context` is entered by one thread at a time. While a task waits its own is free, so
the thread may enter it: what a hook sets there, the view sees. Python tells a task's context from
3.12 on. Before, a Flask view gets a task of its own in a context that we know (`apart`), and around
a typed route, which may not change its task, a copy is entered and what was set is carried back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import partial, update_wrapper
from typing import Any

#: The context that a task was started in, where Python does not tell.
_HERE: ContextVar[Context | None] = ContextVar("carboy.flask.here", default=None)


def _here() -> Context | None:
    """The context of the running task; None where nobody tells."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # another event loop than asyncio's
        return None
    told: Callable[[], Context] | None = getattr(task, "get_context", None)
    return _HERE.get() if told is None else told()


def in_context(request: Any) -> Callable[..., Any]:
    """``await run(call, *args)``: in a thread of the request's server, in this task's context."""
    insist, context = request.threads.insist, _here()
    if context is None:
        return partial(_copied, insist)
    call_soon = asyncio.get_running_loop().call_soon

    def run(call: Callable[..., Any], *args: Any) -> Any:
        # The task still runs, and is in its context. What is called soon comes when it has stopped.
        gate = threading.Lock()
        gate.acquire()
        call_soon(gate.release)
        return insist(_enter, gate, context, call, args)

    return run


async def _copied(insist: Any, call: Callable[..., Any], *args: Any) -> Any:
    """In a copy of the context, whose changes are carried back."""
    context = copy_context()
    try:
        return await insist(context.run, call, *args)
    finally:
        carry(context)


def carry(context: Context) -> None:
    """Have what was set in `context` set in the current one."""
    for variable, value in context.items():
        if variable is not _HERE and variable.get(_HERE) is not value:
            variable.set(value)


def _enter(gate: Any, context: Context, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    gate.acquire()
    return context.run(call, *args)


def apart(endpoint: Callable[[Any], Coroutine[Any, Any, Any]]) -> Callable[[Any], Any]:
    """`endpoint` in a task whose context is known."""

    async def call(request: Any) -> Any:
        context = copy_context()
        context.run(_HERE.set, context)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return await endpoint(request)
        answer = await loop.create_task(endpoint(request), context=context)
        # What is closed later in this task knows what was set in that one.
        carry(context)
        return answer

    return update_wrapper(call, endpoint)
