"""Names the handler that blocks the event loop.

A thread asks the loop to answer and looks at the loop's stack while it does not. What stands there
each time it looks is what blocks; a loop that is only busy with many requests shows another each
time, and nobody is blamed. In `carboy dev` the loop is asked all the time, in production once a
second, so that what blocks often is found and nobody pays for it: nothing is done per request.
"""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import sys
import threading
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import NamedTuple

from carboy.core.context import RequestContext
from carboy.server.settings import whole_number
from carboy.server.traces import is_dev

#: Milliseconds that a handler may keep the loop; 0 for no watchdog.
SETTING = "CARBOY_BLOCKING_MS"
LIMIT = 50
#: Seconds between two questions.
IN_DEV, IN_PRODUCTION = 0.01, 1.0
#: Seconds in which production tells of the same place once.
QUIET = 60
#: How often the stack is looked at within the limit.
LOOKS = 3

_SERVER = str(Path(__file__).parent)
_PACKAGE = str(Path(__file__).parent.parent)
_RUNNERS = (str(Path(asyncio.__file__).parent), f"{os.sep}uvicorn{os.sep}")

logger = logging.getLogger("carboy.watchdog")


class Blocked(NamedTuple):
    """What is on the loop's stack: the request, the handler, and the line it is at."""

    request: str
    #: Where the application's code begins, None if it isn't there.
    handler: FrameType | None
    function: str
    file: str
    line: int
    #: The innermost line, where that is in other code.
    at: str

    def __str__(self) -> str:
        inside = f" (in {self.at})" if self.at else ""
        return f"{self.function} at {self.file}:{self.line}{inside}"


class Watchdog:
    """Watches the loop of the thread that makes it, until the loop is closed.

    `lag` is the time in seconds that the loop took to answer when it was asked last.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, pause: float) -> None:
        self.loop = loop
        self.lag = 0.0
        self._limit = limit / 1000
        self._pause = pause
        self._thread = threading.get_ident()
        self._answered = threading.Event()
        self._told: dict[tuple[str, int], float] = {}
        name = "carboy-watchdog"
        threading.Thread(target=self._watch, name=name, daemon=True).start()

    def _watch(self) -> None:
        resting = threading.Event()
        # Asked often, the loop may have been blocked since it answered last; else who knows.
        often = self._pause < self._limit
        patience = self._limit - self._pause if often else self._limit
        while True:
            alive = monotonic()
            resting.wait(self._pause)
            self._answered.clear()
            asked = monotonic()
            try:
                self.loop.call_soon_threadsafe(self._answered.set)
            except RuntimeError:  # the loop is closed
                return
            blocked = self._look(patience / LOOKS)
            while not self._answered.wait(1):
                if self.loop.is_closed():
                    return
            now = monotonic()
            self.lag = now - asked
            if blocked is not None and now - (alive if often else asked) >= self._limit:
                self._tell(blocked, self.lag)
            del blocked  # it holds the handler's variables

    def _look(self, seconds: float) -> Blocked | None:
        """What has been on the stack all the time without an answer; None if nothing has."""
        seen: Blocked | None = None
        for _ in range(LOOKS):
            if self._answered.wait(seconds):
                return None
            frame = sys._current_frames().get(self._thread)
            now = None if frame is None else what_blocks(frame)
            if now is None or (seen is not None and seen.handler is not now.handler):
                return None
            seen = now
        return seen

    def _tell(self, blocked: Blocked, seconds: float) -> None:
        place, now = (blocked.file, blocked.line), monotonic()
        if not is_dev():
            if now - self._told.get(place, -QUIET) < QUIET or len(self._told) > 1000:
                return
            self._told[place] = now
        logger.warning(
            "%s blocked the event loop for %d ms: %s. Nothing else was served meanwhile: make it "
            "`def`, which runs in a thread, or await what takes long.",
            blocked.request,
            seconds * 1000,
            blocked,
        )


def limit() -> int:
    """Milliseconds, 0 for none. ValueError: what the environment says is no number."""
    return whole_number(SETTING, LIMIT, "a whole number of milliseconds, 0 for none")


def watch(loop: asyncio.AbstractEventLoop) -> Watchdog | None:
    """Watch the running `loop` as the environment says."""
    allowed = limit()
    return Watchdog(loop, allowed, IN_DEV if is_dev() else IN_PRODUCTION) if allowed else None


def what_blocks(innermost: FrameType) -> Blocked | None:
    """Read a stack; None if nobody's code is on it."""
    if innermost.f_code.co_filename == selectors.__file__:
        return None  # it waits for something to do
    stack: list[FrameType] = []
    frame: FrameType | None = innermost
    while frame is not None:
        stack.append(frame)
        frame = frame.f_back
    stack.reverse()
    request: RequestContext | None = None
    begin = 0
    for index, frame in enumerate(stack):
        file = frame.f_code.co_filename
        # A compiled endpoint may run in a task of its own.
        if file.startswith((_SERVER, "<")):
            found = frame.f_locals.get("request")
            if isinstance(found, RequestContext) and hasattr(found, "target"):  # it is matched
                request, begin = found, index + 1
        elif any(runner in file for runner in _RUNNERS):
            begin = index + 1
    inside = stack[begin:]
    own = [frame for frame in inside if not frame.f_code.co_filename.startswith((_PACKAGE, "<"))]
    if not own and request is None:
        return None
    shown = own[0] if own else inside[0] if inside else innermost
    at = ""
    if innermost is not shown:
        at = f"{innermost.f_code.co_filename}:{innermost.f_lineno}"
    name = "A task" if request is None else _name(request)
    code = shown.f_code
    return Blocked(name, shown, f"{code.co_qualname}()", code.co_filename, shown.f_lineno, at)


def _name(request: RequestContext) -> str:
    """Method and route: what the client sent is not repeated."""
    route = request.target.route
    return f"{request.method} {route.pattern.source}"
