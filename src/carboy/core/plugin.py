"""Plugins: code around endpoints, without a colour.

A plugin is asked once per route, at freeze: ``around(route)`` returns a generator function, or None
where it has nothing to do, which then costs nothing. The generator function is called with the
request; it may return an `Answer` before its ``yield`` (no endpoint runs then), it receives the
`Answer` from its ``yield``, may change it or ``return`` another, and has exceptions of the endpoint
thrown in.

    def timing(request):
        start = perf_counter()
        answer = yield
        answer.add("server-timing", f"app;dur={(perf_counter() - start) * 1000:.1f}")
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Protocol

from carboy.core.answer import Answer, Body, Head
from carboy.core.context import RequestContext

if TYPE_CHECKING:
    from carboy.core.route import Route

Around = Callable[[RequestContext], "Steps"]


class Plugin(Protocol):
    """Anything with an `around`."""

    def around(self, route: Route) -> Around | None: ...


Steps = Generator[None, Answer, "Answer | None"]
Running = list[Steps]


def begin(running: Running, around: Around, request: RequestContext) -> Answer | None:
    """Start one plugin; an `Answer` if it answers in the endpoint's place."""
    steps = around(request)
    try:
        next(steps)
    except StopIteration as stop:
        if stop.value is None:
            raise TypeError(f"{around!r} ended before its yield; return an Answer there") from None
        return _checked(steps, stop.value)
    running.append(steps)
    return None


def _checked(steps: Any, value: Any) -> Answer:
    if not isinstance(value, Answer):
        raise TypeError(f"{steps!r} returned {value!r}; a plugin returns an Answer or nothing")
    return value


def _twice(steps: Steps) -> RuntimeError:
    steps.close()
    return RuntimeError(f"{steps!r} yielded twice: a plugin yields exactly once")


def leave(running: Running, answer: Answer) -> tuple[Head, Body]:
    """Hand the answer outwards through the plugins that have begun, innermost first."""
    while running:
        steps = running.pop()
        try:
            try:
                steps.send(answer)
            except StopIteration as stop:
                if stop.value is not None:
                    answer = _checked(steps, stop.value)
            else:
                raise _twice(steps)
        except BaseException as error:
            answer = fail(running, error)
    return answer.pack()


def fail(running: Running, error: BaseException) -> Answer:
    """Throw `error` into the plugins, innermost first, until one answers in its place."""
    while running:
        steps = running.pop()
        try:
            try:
                steps.throw(error)
            except StopIteration as stop:
                if stop.value is not None:
                    return _checked(steps, stop.value)
            else:
                raise _twice(steps) from error
        except BaseException as raised:
            error = raised
    raise error
