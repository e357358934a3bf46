"""What plugins share that follow requests from their route to the end of their answers.

A plugin sees an answer when it leaves the endpoint. A stream goes on after that, and a file knows
its status (206, 304) only when it is sent: `follow` waits for that. A request may have been
answered in its endpoint's place, which `sent` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from carboy.core.answer import Answer
from carboy.core.closing import at_end
from carboy.core.context import RequestContext
from carboy.core.route import Route
from carboy.server.outer import is_async_body


def template_of(route: Route) -> str:
    """The path with variables in place of values; empty where no route fits."""
    template = str(route.extras.get("template") or route.pattern.source)
    return template if template.startswith("/") else ""


def paths(exclude: Iterable[str]) -> frozenset[str]:
    """Paths to leave out. ValueError for what is none."""
    found = frozenset((exclude,) if isinstance(exclude, str) else exclude)
    for path in found:
        if not path.startswith("/"):
            raise ValueError(f"exclude= names paths as they are declared, as '/health': {path!r}")
    return found


def sent(request: RequestContext, status: int) -> int:
    """The status that the client has got, where the endpoint's own was `status`."""
    return 504 if getattr(request, "expired", False) else status


def follow(request: RequestContext, answer: Answer, done: Callable[[int], None]) -> None:
    """Call `done` with the answer's status when the last of it is out, or will never be."""
    if type(answer.body) is bytes:
        done(sent(request, answer.status))
    elif not is_async_body(answer.body) and callable(answer.body):
        answer.body = sender = _Sender(answer.body, answer.status)
        at_end(request, lambda: done(sent(request, sender.status)))
    else:
        at_end(request, lambda: done(sent(request, answer.status)))


class _Sender:
    """An answer that sends itself, and notes the status that it sends."""

    __slots__ = ("send_answer", "status")

    def __init__(self, send_answer: Any, status: int) -> None:
        self.send_answer = send_answer
        self.status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await send(message)

        await self.send_answer(scope, receive, sending)
