"""Typed parameters of Flask views: ``def view(id, page: Annotated[int, Query()] = 1)``.

What is marked (``Annotated[..., Query()]``, ``= Depends(...)``) is read, checked and solved as in a
typed route, compiled once; the URL's values stay Flask's. The view that Flask knows is a function
around the one that was written. Dependencies with ``yield`` end when the view has returned, and see
its exception: before Flask's after hooks, as everything of a view's own does.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ForwardRef, get_args, get_origin

from carboy.core.answer import Head
from carboy.core.closing import close_opened, unwind
from carboy.core.context import RequestContext
from carboy.core.engine import Target
from carboy.core.errors import NO_HANDLERS
from carboy.core.route import Output, Route
from carboy.core.signature import Part
from carboy.core.voice import drive, drive_async
from carboy.fastapi.depends import Depends
from carboy.fastapi.params import Body, Param
from carboy.fastapi.route_state import RouteState
from carboy.fastapi.translate import route_for

if TYPE_CHECKING:
    from carboy.app.application import App

_MARKS = (Param, Body, Depends)
_MARKED = re.compile(r"\b(Query|Path|Header|Cookie|Body|Form|File|Depends|Security)\(")
_HEAD = Head(200)


class TypedViews:
    """The views of one application that have typed parameters."""

    def __init__(self, owner: App) -> None:
        self._owner = owner
        self._known: dict[Any, Callable[..., Any]] = {}

    def of(self, view: Callable[..., Any], names: set[str]) -> Callable[..., Any]:
        """`view`, or where it has typed parameters the function that fills them.

        `names` are what the URL gives it.
        """
        if not inspect.isfunction(view) or hasattr(view, "carboy_typed"):
            return view
        if view not in self._known:
            marked = _marked(view, names)
            self._known[view] = self._made(view, marked, names) if marked else view
        known: Callable[..., Any] = self._known[view]
        return known

    def _made(
        self, view: Callable[..., Any], marked: list[inspect.Parameter], names: set[str]
    ) -> Callable[..., Any]:
        filling = _Filling(self._owner, view, marked, sorted(names))
        function: Any
        if inspect.iscoroutinefunction(view):

            @wraps(view)
            async def function(**values: Any) -> Any:
                return await filling.call_async(values)

        else:

            @wraps(view)
            def function(**values: Any) -> Any:
                return filling.call(values)

        function.carboy_typed = filling.route
        made: Callable[..., Any] = function
        return made


def _marked(view: Callable[..., Any], names: set[str]) -> list[inspect.Parameter]:
    """The parameters that are marked; their annotations are evaluated."""
    from carboy.fastapi.dependencies.signatures import get_typed_signature

    try:
        parameters = inspect.signature(view).parameters.values()
    except (TypeError, ValueError):
        return []
    if all(p.annotation is p.empty and p.default is p.empty for p in parameters):
        return []
    found = get_typed_signature(view).parameters.values()
    return [one for one in found if one.name not in names and _is_marked(one)]


def _is_marked(parameter: inspect.Parameter) -> bool:
    if isinstance(parameter.default, _MARKS):
        return True
    annotation = parameter.annotation
    if isinstance(annotation, ForwardRef) and _MARKED.search(annotation.__forward_arg__):
        raise TypeError(
            f"can't read the annotation of {parameter.name!r}, {annotation.__forward_arg__!r}: "
            "with `from __future__ import annotations` its names have to be those of the module"
        )
    if get_origin(annotation) is not Annotated:
        return False
    return any(isinstance(one, _MARKS) for one in get_args(annotation)[1:])


class _Filling:
    """Calls one view with its typed parameters filled."""

    def __init__(
        self,
        owner: App,
        view: Callable[..., Any],
        marked: list[inspect.Parameter],
        names: list[str],
    ) -> None:
        self._owner = owner
        self._view = view
        self._names = names

        def collect(**values: Any) -> dict[str, Any]:
            return values

        keyword_only = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in marked]
        collect.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
        collect.__name__ = collect.__qualname__ = view.__name__
        state = RouteState()
        path = "/" + "/".join(f"{{{name}}}" for name in names)
        state._populate(path, collect, response_model=None, name=view.__name__)
        self.route: Route = route_for(state, {}, NO_HANDLERS)
        assert self.route.function is not None
        if any(one.part is Part.RESPONSE for one in self.route.function.specials):
            raise TypeError(
                f"the Flask view {view.__name__!r} asks for FastAPI's Response: use "
                "flask.make_response or @after_this_request to set headers and cookies there"
            )
        self.route.output = Output(_as_it_is, _never, lambda head, response: head, direct=False)
        self.route.extras.update(app=owner, by=owner.declared)
        self._target = Target(self.route)
        owner.declared._behind.append(self._target)

    def _begin(self, values: dict[str, Any]) -> tuple[RequestContext, tuple[Any, ...]]:
        """The engine's request for the current one, and what is to be put back into it."""
        from carboy.flask.globals import request_ctx
        from carboy.flask.plugged import served_of

        request = request_ctx.request
        served = served_of(self._owner.engine, request, self.route)
        before = served.opened, served.params, served.target
        served.opened = None
        if self._target.call is None:
            self._target.compile(self._owner.declared.override)
        if served.body is None and self._target_reads:
            served.body = request.get_data(cache=True)
        served.params = tuple(values.get(name) for name in self._names)
        served.target = self._target
        return served, before

    @property
    def _target_reads(self) -> bool:
        asked = self._target.buffered or self._target.reads
        return asked or (self.route.input is not None and self.route.input.is_async)

    @staticmethod
    def _end(served: RequestContext, before: tuple[Any, ...]) -> None:
        served.opened, served.params, served.target = before

    def call(self, values: dict[str, Any]) -> Any:
        """The view's result."""
        served, before = self._begin(values)
        try:
            call: Any = self._target.call
            try:
                _, more = served.portal(call(served)) if self._target.is_async else call(served)
                result = self._view(**values, **more)
            except Exception as error:
                raise drive(unwind(served, error), served) from None
            drive(close_opened(served), served)
            return result
        finally:
            self._end(served, before)

    async def call_async(self, values: dict[str, Any]) -> Any:
        """The same for an `async def` view."""
        served, before = self._begin(values)
        try:
            call: Any = self._target.call
            try:
                if self._target.is_async:
                    _, more = await call(served)
                else:
                    _, more = await served.threads.run(call, served)
                result = await self._view(**values, **more)
            except Exception as error:
                raise await drive_async(unwind(served, error), served) from None
            await drive_async(close_opened(served), served)
            return result
        finally:
            self._end(served, before)


def _as_it_is(request: RequestContext, result: Any, response: Any) -> Any:
    return _HEAD, result


def _never(value: Any) -> bytes:
    raise AssertionError("values of parameters are not encoded")
