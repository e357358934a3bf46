"""Errors have two rings.

Inner: an exception raised on the way to an answer is looked up in `Handlers`, flattened for the
route at freeze, and becomes an answer, inside the plugins. Outer: what nobody handles becomes a 500
and goes on to the transport as well, which logs it or raises it in tests.
`RequestInvalid` and `NoRoute`/`WrongMethod` are the engine's own; dialects say how they look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from carboy.core.answer import Body, Head
    from carboy.core.context import RequestContext

Pair = tuple["Head", "Body"]
Handler = Callable[["RequestContext", BaseException], Any]


class SwallowedError(RuntimeError):
    """A dependency caught the exception that was to become the answer."""

    says = (
        "a dependency with yield caught an exception and did not raise again, so there is no "
        "answer to send. Raise at the end of its except block (or raise an HTTPException there)."
    )

    def __init__(self) -> None:
        super().__init__(self.says)


class BodyTooLarge(Exception):
    """The request body is over the route's limit; transports answer 413 and close."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request body is larger than {limit} bytes")
        self.limit = limit


class BodyTooSlow(Exception):
    """The request body comes at less than the server's rate; answered 408, and closed."""

    def __init__(self, rate: int) -> None:
        super().__init__(f"the request body comes at less than {rate} bytes a second")
        self.rate = rate


class BodyMalformed(Exception):
    """The request body is not framed as HTTP wants it; answered 400, and closed."""

    def __init__(self) -> None:
        super().__init__("the chunks of the request body are not valid")


class BodyLost(Exception):
    """The request body could not be kept, the log says why; answered 500."""


class Overloaded(Exception):
    """Too much waits already, for a thread or for a turn; answered 503 with Retry-After."""


class TimedOut(Exception):
    """The endpoint took longer than the route allows; answered 504."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"there was no answer within {seconds:g} seconds")
        self.seconds = seconds


class Handling(NamedTuple):
    """A handler and its colour (None: neither waits nor blocks). It returns (Head, body)."""

    handle: Handler
    is_async: bool | None


class Handlers:
    """What answers which exception: by type along its MRO, and by HTTP status.

    `status_of` gives the HTTP status that an exception stands for, or None; both upstreams look the
    status up before the type.
    """

    #: What is raised where a dependency swallows an error; a dialect may have its own.
    swallowed: type[SwallowedError] = SwallowedError

    def __init__(
        self,
        by_type: Mapping[type[BaseException], Handling],
        by_status: Mapping[int, Handling],
        status_of: Callable[[BaseException], int | None],
    ) -> None:
        self._by_type = by_type
        self._by_status = by_status
        self._status_of = status_of

    def within(self, table: Any) -> Handlers:
        """These handlers for a route that has a table of its own; the dialect says how."""
        if table:
            raise NotImplementedError
        return self

    def find(self, error: BaseException) -> Handling | None:
        """The handler for `error` in the inner ring."""
        status = self._status_of(error) if self._by_status else None
        if status is not None and (handling := self._by_status.get(status)) is not None:
            return handling
        for ancestor in type(error).__mro__:
            if (handling := self._by_type.get(ancestor)) is not None:
                return handling
        return None


NO_HANDLERS = Handlers({}, {}, lambda error: None)
