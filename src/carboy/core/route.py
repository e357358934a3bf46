"""A declared route: plain data that the compiler, the router and OpenAPI read.

Dialects build Routes; nothing here calls anything. `Lane` is the way out for dialects and for code
that overrides a framework's methods: an endpoint written by hand takes the compiled one's place.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from carboy.core.answer import JSON_200, Body, Head
from carboy.core.context import RequestContext
from carboy.core.encode import Encode
from carboy.core.errors import NO_HANDLERS, Handlers
from carboy.core.pattern import Pattern
from carboy.core.plugin import Plugin
from carboy.core.signature import Errors, Function


class Lane(NamedTuple):
    """A ready-made endpoint: ``call(request)`` returns (Head, Body), or awaits to it.

    One with a `source` was compiled by its dialect, and answers errors by itself.
    """

    call: Callable[[RequestContext], Any]
    is_async: bool
    source: str = ""
    #: Something may look at the buffered body.
    reads: bool = True


@dataclass(slots=True, eq=False, repr=False)
class Output:
    """How a result becomes a (Head, Body) pair.

    A result of exactly the type `exact`, or of a plain JSON type where `exact` is None, is written
    by `encode` under `head`. Everything else goes to `respond(request, result, response)`, where
    `response` is the object for changes that the endpoint asked for, or None; `amend(head,
    response)` applies those changes.
    """

    respond: Callable[[RequestContext, Any, Any], tuple[Head, Body]]
    encode: Encode
    amend: Callable[[Head, Any], Head]
    head: Head = JSON_200
    exact: type | None = None
    #: False sends every result to `respond`.
    direct: bool = True


@dataclass(slots=True, eq=False, repr=False)
class Input:
    """How the dialect reads bodies and says that a request is invalid."""

    #: The body's value for a route with body parameters; raises what `invalid` would.
    load_body: Callable[[RequestContext], Any]
    #: (request, errors, body) -> the exception to raise.
    invalid: Callable[[RequestContext, Errors, Any], Exception]
    #: `load_body` is awaited, and reads the body itself.
    is_async: bool = False
    #: A parameter's `decode` -> the same with a `load_body` that calls it on the bytes: it returns
    #: the value, UNSET, or an `Undecoded`.
    decoding: Callable[[Callable[[bytes], Any]], Input] | None = None
    #: `load_body` decodes.
    decodes: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Route:
    """What is declared: a pattern and methods, a function, and how its result is answered.

    `methods` is None where any method will do. `max_body` is in bytes, None for no limit.
    """

    pattern: Pattern
    methods: frozenset[str] | None
    name: str
    function: Function | None = None
    input: Input | None = None
    output: Output | None = None
    lane: Lane | None = None
    #: Makes the lane when the route is compiled, and again when it is compiled anew.
    make_lane: Callable[[Route], Lane] | None = None
    handlers: Handlers = NO_HANDLERS
    plugins: tuple[Plugin, ...] = ()
    max_body: int | None = None
    #: Read the whole body before the endpoint runs; else the endpoint gets the live stream.
    buffered: bool = True
    #: Wait for the body even where nothing looks at it: it may be larger than `max_body`.
    measured: bool = False
    #: Cancel an `async def` endpoint when its client goes away.
    cancel_on_disconnect: bool = False
    #: Seconds from the call of the endpoint to its answer, None for as long as it takes.
    timeout: float | None = None
    #: Awaited before anything else of the endpoint: turns to wait for. May raise the answer.
    admit: Callable[[RequestContext], Awaitable[None]] | None = None
    #: Asked after the path has fitted: False sends the request to the next route (hosts, headers).
    guard: Callable[[RequestContext], bool] | None = None
    #: Stands around dependencies and checks, as ``with solving(request):`` in the async voice.
    solving: Callable[[RequestContext], AbstractContextManager[Any]] | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    def _shown(self) -> frozenset[str]:
        methods = self.methods or frozenset()
        return methods - {"HEAD"} if "GET" in methods else methods

    @property
    def title(self) -> str:
        """``GET /items/{item_id}``: the name in tracebacks and in `carboy show`."""
        methods = ",".join(sorted(self._shown())) or "*"
        return f"{methods} {self.pattern.source or '/'}"
