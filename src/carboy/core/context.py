"""One request on its way: what the transport read, and what must be closed afterwards.

`RequestContext` is what compiled endpoints and plugins are given. It parses nothing until asked and
knows no framework: dialects dress it as their own Request. `Wire` is what it needs of a transport.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from carboy.core.closing import Opened
    from carboy.core.engine import Target

Address = tuple[str, int] | None


class Threads(Protocol):
    """A pool of threads for code that blocks."""

    def run(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """`call(*args, **kwargs)` in a thread; keywords are an application's, "call" among them."""

    def insist(self, call: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """`run` that is never refused: for what must be closed."""


class Shelter(Protocol):
    """What stands around all that a request opens, on transports that cancel every await."""

    def up(self) -> None:
        """Nothing inside is cancelled from now on."""

    def down(self) -> None: ...

    async def checkpoint(self) -> None:
        """Raise the cancellation that has come, if one has."""

    def close(self) -> None: ...


class Wire(Protocol):
    """One connection, as far as a request needs to know it."""

    @property
    def shelter(self) -> Callable[[], Shelter] | None:
        """Makes a shelter, in the task that will close it. None where a cancellation comes once."""

    @property
    def threads(self) -> Threads: ...

    def portal(self, coroutine: Coroutine[Any, Any, Any]) -> Any: ...

    def scope(self, request: RequestContext) -> dict[str, Any]: ...

    async def receive(self, request: RequestContext) -> dict[str, Any]: ...


class RequestContext:
    """Method, path, query and headers as read; `params` from the route; `body` when it is read.

    `method` is upper-case as sent; `path` is percent-decoded text; `query` is bytes as sent;
    `headers` are (lower-case name, value) pairs in order; `params` are the route's converted path
    values in order; `body` is None while it has not been read.
    """

    __slots__ = (
        "_asgi_scope",
        "background",
        "body",
        "dressed",
        "expired",
        "headers",
        "method",
        "opened",
        "params",
        "path",
        "query",
        "stream",
        "target",
        "wire",
    )

    def __init__(
        self,
        wire: Wire,
        method: str,
        path: str,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        self.wire = wire
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body: bytes | None = None
        #: Generators to close once the answer is out, in the order they were opened.
        self.opened: list[Opened] | None = None
        #: Work to do after the answer, before `opened` is closed.
        self.background: Any = None
        #: The transport's live body, or what it waits on for the client's leaving.
        self.stream: Any = None
        #: The dialect's own request object, once somebody has asked for it.
        self.dressed: Any = None
        self._asgi_scope: dict[str, Any] | None = None
        #: True once the client was answered in the endpoint's place, its time being up; else unset.
        self.expired: bool
        self.target: Target
        self.params: tuple[Any, ...]

    @property
    def threads(self) -> Threads:
        return self.wire.threads

    @property
    def portal(self) -> Callable[[Coroutine[Any, Any, Any]], Any]:
        """Runs a coroutine on the server's loop from a thread, and waits for it."""
        return self.wire.portal

    @property
    def path_params(self) -> dict[str, Any]:
        """The route's path values by name."""
        return dict(zip(self.target.route.pattern.names, self.params, strict=True))

    def header(self, name: bytes) -> bytes | None:
        """The first value of header `name` (lower-case), or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def scope(self) -> dict[str, Any]:
        """This request as an ASGI HTTP connection scope (made at first use, then kept)."""
        if self._asgi_scope is None:
            self._asgi_scope = self.wire.scope(self)
        return self._asgi_scope

    async def receive(self) -> dict[str, Any]:
        """ASGI's receive: the body if it has been read, else what the transport has next."""
        return await self.wire.receive(self)

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"
