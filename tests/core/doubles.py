"""What stands in for a transport and a dialect when the core is tested alone.

`Memory` is a Wire whose threads are real and whose portal is a loop of its own. `VOICES` carries
out colourless steps in either voice; `endpoint` compiles a route from core's own data.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from carboy.core.answer import JSON_200, Body, Head
from carboy.core.compile import Compiled, compile_route
from carboy.core.context import RequestContext
from carboy.core.encode import encoder
from carboy.core.errors import NO_HANDLERS, Handlers
from carboy.core.pattern import parse_braces
from carboy.core.route import Input, Output, Route
from carboy.core.signature import Function, Parameter, Source
from carboy.core.voice import Colourless, drive, drive_async, kind_of

#: The loop of the running test, see conftest.py.
RUNNERS: list[asyncio.Runner] = []


def wait_for(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What `coroutine` comes to on the test's loop."""
    return RUNNERS[-1].run(coroutine)


class Memory:
    """A Wire; `calls` names what was handed to threads."""

    shelter = None

    def __init__(self) -> None:
        self.calls: list[str] = []

    @property
    def threads(self) -> Memory:
        return self

    async def run(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(call.__name__)
        return await asyncio.to_thread(functools.partial(call, *args, **kwargs))

    insist = run

    def portal(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return wait_for(coroutine)

    def scope(self, request: RequestContext) -> dict[str, Any]:
        return {"type": "http", "path": request.path}

    async def receive(self, request: RequestContext) -> dict[str, Any]:
        return {"type": "http.request", "body": request.body or b"", "more_body": False}


def request_for(
    path: str = "/",
    *,
    method: str = "GET",
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
    body: bytes | None = None,
    params: tuple[Any, ...] = (),
) -> RequestContext:
    """A request over `Memory`."""
    request = RequestContext(Memory(), method, path, query, headers or [])
    request.body = body
    request.params = params
    return request


def _async(steps: Colourless[Any], request: RequestContext) -> Any:
    return wait_for(drive_async(steps, request))


VOICES: dict[str, Callable[[Colourless[Any], RequestContext], Any]] = {
    "def": drive,
    "async def": _async,
}


def call(compiled: Compiled, request: RequestContext) -> tuple[Head, Body]:
    """What the endpoint answers, in whichever voice it speaks."""
    result = compiled.call(request)
    return wait_for(result) if compiled.is_async else result


class Invalid(Exception):
    """What this dialect raises for input that does not fit."""

    def __init__(self, errors: list[dict[str, Any]], body: Any) -> None:
        super().__init__(errors)
        self.errors = errors
        self.body = body


def _load(request: RequestContext) -> Any:
    from carboy.core.decode import UNSET, load_json

    return load_json(request.body) if request.body else UNSET


def plain_route(
    function: Function,
    path: str = "/",
    *,
    handlers: Handlers = NO_HANDLERS,
    methods: frozenset[str] | None = frozenset({"GET"}),
    **options: Any,
) -> Route:
    """A Route whose results are JSON."""
    encode = encoder(lambda value: str(value))

    def respond(request: RequestContext, result: Any, response: Any) -> tuple[Head, Body]:
        return JSON_200, encode(result)

    return Route(
        parse_braces(path),
        methods,
        "test",
        function=function,
        input=Input(_load, lambda request, errors, body: Invalid(errors, body)),
        output=Output(respond, encode, lambda head, response: head),
        handlers=handlers,
        **options,
    )


def same(function: Function) -> Function:
    """No overrides."""
    return function


def function_of(run: Callable[..., Any], **parts: Any) -> Function:
    """A Function for `run`, whose colour is read off it."""
    return Function(run, kind_of(run), **parts)


def endpoint(function: Function, **options: Any) -> Compiled:
    """The compiled endpoint of `plain_route`."""
    return compile_route(plain_route(function, **options), same)


def query(name: str, alias: str | None = None, **options: Any) -> Parameter:
    """A field of the query string, any text being valid."""
    required = options.pop("required", True)
    return Parameter(name, Source.QUERY, name if alias is None else alias, str, required, **options)


def named(name: str, colour: str, value: Any) -> Any:
    """A function called `name` that gives `value` and what it was given."""
    if colour == "def":

        def run(**given: Any) -> Any:
            return [value, given] if given else value

    elif colour == "async def":

        async def run(**given: Any) -> Any:  # type: ignore[misc]
            return [value, given] if given else value

    else:

        def run(**given: Any) -> Any:
            yield [value, given] if given else value

    run.__name__ = name
    return run
