"""The lifespans of hosted ASGI applications, within the application's own.

Each is told of the start before anything is served, and of the end after everything was. One that
says it could not start fails the start of the whole; one that knows no lifespan is served without.
Source: ASGI 3.0, lifespan.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from anyio import CancelScope, Event, create_task_group

from carboy.app.hosting.asgi import HostedASGI

logger = logging.getLogger("carboy.error")


class HostedFailure(RuntimeError):
    """A hosted application said that it could not start or stop."""


@asynccontextmanager
async def lived(hosted: Iterable[HostedASGI]) -> AsyncIterator[None]:
    """All of `hosted` started, one after the other; stopped in reverse order.

    An application that is mounted twice starts once.
    """
    started: dict[int, HostedASGI] = {}
    async with AsyncExitStack() as stack:
        for one in hosted:
            known = started.setdefault(id(one.application), one)
            if known is one:
                one.state = {}
                await stack.enter_async_context(_alive(one))
            else:
                one.state = known.state
        yield


@asynccontextmanager
async def _alive(hosted: HostedASGI) -> AsyncIterator[None]:
    talk = _Talk(hosted)
    failure: Exception | None = None
    async with create_task_group() as group:
        group.start_soon(talk.run)
        try:
            await talk.start()
            try:
                yield
            finally:
                with CancelScope(shield=True):
                    await talk.stop()
        except Exception as error:
            failure = error  # the task group would put it into an ExceptionGroup
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure


class _Talk:
    """The messages of one lifespan."""

    def __init__(self, hosted: HostedASGI) -> None:
        self._application = hosted.application
        self._state = hosted.state
        self._said: dict[str, Event] = {"startup": Event(), "shutdown": Event()}
        self._asked: list[str] = []
        self._may_stop = Event()
        #: What it said of a phase: a message, or None for "complete".
        self._failed: dict[str, str] = {}
        self._is_over = False
        self._is_started = False
        self._error: Exception | None = None

    async def run(self) -> None:
        """The application, for as long as it takes part."""
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self._state,
        }
        try:
            await self._application(scope, self._receive, self._send)
        except Exception as error:
            self._error = error
        self._is_over = True
        for event in self._said.values():
            event.set()

    async def _receive(self) -> dict[str, Any]:
        if self._asked:
            await self._may_stop.wait()
        self._asked.append("startup" if not self._asked else "shutdown")
        return {"type": f"lifespan.{self._asked[-1]}"}

    async def _send(self, message: dict[str, Any]) -> None:
        _, phase, how = message["type"].split(".")
        if how == "failed":
            self._failed[phase] = message.get("message") or "it gave no reason"
        elif phase == "startup":
            self._is_started = True
        self._said[phase].set()

    async def start(self) -> None:
        """Return when it has started; HostedFailure if it says it could not."""
        await self._said["startup"].wait()
        self._check("startup", "start")
        if not self._is_started:
            why = "" if self._error is None else f" ({self._error!r})"
            logger.info("%r takes no lifespan and is served without%s", self._application, why)

    async def stop(self) -> None:
        """Have it stop, if it has started; HostedFailure if it says it could not."""
        if not self._is_started or self._is_over:
            return
        self._may_stop.set()
        await self._said["shutdown"].wait()
        self._check("shutdown", "stop")
        if self._error is not None:
            raise HostedFailure(f"{self._application!r} did not stop well") from self._error

    def _check(self, phase: str, what: str) -> None:
        if phase in self._failed:
            raise HostedFailure(
                f"{self._application!r} could not {what}: {self._failed[phase]}"
            ) from self._error
