"""Routes that report what happens in them, made from routes that do not.

Telemetry is woven in before a route is compiled, so that an application without it has nothing of
it, not even a question. `Weaver` makes the copies, each once; the engine compiles those instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import update_wrapper
from typing import Any

from starlette.routing import Mount

from carboy.core.context import RequestContext
from carboy.core.decode import UNSET
from carboy.core.route import Input, Lane, Output, Route
from carboy.core.signature import Function
from carboy.fastapi.dress import is_response, make_request
from carboy.fastapi.exceptions import RequestValidationError
from carboy.fastapi.telemetry import _operations
from carboy.fastapi.telemetry._data import TelemetryData


class Weaver:
    """The reporting copies of one application's routes."""

    def __init__(self) -> None:
        self._woven: dict[Any, tuple[Route, Route]] = {}

    def __call__(self, route: Route) -> Route:
        """The copy of `route`; always the same one."""
        known = self._woven.get(id(route))
        if known is None or known[0] is not route:
            known = self._woven[id(route)] = route, woven(route)
        return known[1]

    def missed(self, route: Route, nearest: Route | None) -> Route:
        """The copy of what answers where no route fits; `nearest` is the one that nearly did."""
        template = template_of(route if nearest is None else nearest)
        key = id(route), template
        known = self._woven.get(key)
        if known is None or known[0] is not route:
            known = self._woven[key] = route, _telling(woven(route), template)
        return known[1]


def template_of(route: Route) -> str | None:
    """The route's path with variables in place of values, if it has a path of its own."""
    if (template := route.extras.get("template")) is not None:
        return str(template)
    declared = route.extras.get("route") or route.extras.get("foreign")
    return getattr(declared, "path_format", None)


def woven(route: Route) -> Route:
    """A copy of `route` that reports."""
    copy = replace(route, guard=_selecting(route))
    function = route.function
    if function is None or route.lane is not None or "template" in route.extras:
        return copy  # COMPAT: frontends have no operations
    assert route.input is not None and route.output is not None
    call = function.call
    copy.function = _endpoint(function)
    copy.input = _input(route.input)
    copy.solving = _solving(call)
    if not function.kind.is_generator:
        copy.output = _output(route.output, call)
    return copy


def _selecting(route: Route) -> Callable[[RequestContext], bool]:
    """The route's guard; that it lets a request in is what selects the route."""
    guard = route.guard
    template = template_of(route)
    is_mount = isinstance(route.extras.get("foreign"), Mount)

    def select(request: RequestContext) -> bool:
        if guard is not None and not guard(request):
            return False
        _operations.selected(request.scope, template, is_mount)
        return True

    return select


def _telling(route: Route, template: str | None) -> Route:
    """`route`, which is not matched and so never asked for its guard, telling its template."""
    if route.lane is None:
        within = route.solving

        def solving(request: RequestContext) -> AbstractContextManager[Any]:
            _operations.selected(request.scope, template)
            return nullcontext() if within is None else within(request)

        route.solving = solving
    else:
        inner = route.lane.call

        def call(request: RequestContext) -> Any:
            _operations.selected(request.scope, template)
            return inner(request)

        route.lane = Lane(call, route.lane.is_async)
    return route


def _data(request: RequestContext) -> TelemetryData | None:
    """The data of a request that is reported, with the request in it."""
    reported = _operations.of_scope(request.scope)
    data = None if reported is None else reported.data
    if data is not None and data.request is None:
        data.request = make_request(request)
    return data


def _solving(call: Any) -> Callable[[RequestContext], AbstractContextManager[Any]]:
    @contextmanager
    def solving(request: RequestContext) -> Iterator[None]:
        _data(request)
        with _operations.operation("dependencies", call):
            yield

    return solving


def _endpoint(function: Function) -> Function:
    """The endpoint's function: its arguments are data, its run is an operation."""
    call: Callable[..., Any] = function.call

    def begin(values: dict[str, Any]) -> None:
        reported = _operations.current()
        if reported is not None and reported.data is not None:
            reported.data.values, reported.data.errors = values, []

    async def run_async(**values: Any) -> Any:
        begin(values)
        with _operations.operation("endpoint", call):
            return await call(**values)

    def run(**values: Any) -> Any:
        begin(values)
        with _operations.operation("endpoint", call):
            return call(**values)

    def stream(**values: Any) -> Any:
        begin(values)
        return call(**values)

    if function.kind.is_generator:
        runner: Callable[..., Any] = stream
    else:
        runner = run_async if function.kind.is_async else run
    return replace(function, call=update_wrapper(runner, call))


def _input(input: Input) -> Input:
    """The body is data, and what is invalid is logged."""
    load: Callable[[RequestContext], Any] = input.load_body

    @contextmanager
    def loading(request: RequestContext) -> Iterator[Callable[[Any], Any]]:
        data = _data(request)

        def keep(body: Any) -> Any:
            if data is not None:
                data.body = None if body is UNSET else body
            return body

        try:
            yield keep
        except RequestValidationError as error:
            _operations.invalid(error)
            raise

    def load_body(request: RequestContext) -> Any:
        with loading(request) as keep:
            return keep(load(request))

    async def load_body_async(request: RequestContext) -> Any:
        with loading(request) as keep:
            return keep(await load(request))

    def invalid(request: RequestContext, errors: Any, body: Any) -> Exception:
        error: Any = input.invalid(request, errors, body)
        _operations.invalid(error)
        return error  # type: ignore[no-any-return]

    return Input(load_body_async if input.is_async else load_body, invalid, input.is_async)


def _output(output: Output, call: Any) -> Output:
    """Writing a result is an operation, unless it is a Response already."""
    respond = output.respond

    def report(request: RequestContext, result: Any, response: Any) -> Any:
        if is_response(result):
            return respond(request, result, response)
        with _operations.operation("serialization", call):
            return respond(request, result, response)

    return replace(output, respond=report, direct=False)
