"""One Flask view called with its typed parameters (typed_views.py), compiled as a typed route is.

Dependencies with ``yield`` end when the view has returned, and see its exception: before Flask's
after hooks, as everything of a view's own does. What they set on FastAPI's `Response` goes into the
view's answer; background tasks run when that is out.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from carboy.core.answer import Head
from carboy.core.closing import close_opened, unwind
from carboy.core.context import RequestContext
from carboy.core.engine import Target
from carboy.core.errors import NO_HANDLERS
from carboy.core.route import Output, Route
from carboy.core.voice import Do, drive, drive_async
from carboy.fastapi.route_state import RouteState
from carboy.fastapi.translate import route_for
from carboy.flask.ctx import after_this_request
from carboy.flask.door import TYPED_KEY
from carboy.flask.globals import request_ctx
from carboy.flask.plugged import is_aside, served_of

if TYPE_CHECKING:
    from carboy.app.application import App

_HEAD = Head(200)


class Filling:
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
        name = getattr(view, "__name__", type(view).__name__)
        collect.__name__ = collect.__qualname__ = name
        #: A function with nothing but the typed parameters.
        self.collector: Callable[..., Any] = collect
        state = RouteState()
        path = "/" + "/".join(f"{{{name}}}" for name in names)
        state._populate(path, collect, response_model=None, name=name)
        self.route: Route = route_for(state, {}, NO_HANDLERS)
        self.route.output = Output(_as_it_is, _never, lambda head, response: head, direct=False)
        self.route.extras.update(app=owner, by=owner.declared)
        self._target = Target(self.route)
        owner.declared._behind.append(self._target)

    def _begin(self, values: dict[str, Any]) -> tuple[RequestContext, tuple[Any, ...]]:
        """The engine's request for the current one, and what is to be put back into it."""
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
                _, filled = served.portal(call(served)) if self._target.is_async else call(served)
                result = self._view(**values, **filled[0])
            except Exception as error:
                raise drive(unwind(served, error), served) from None
            drive(close_opened(served), served)
            _after(served, filled[1])
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
                    _, filled = await call(served)
                else:
                    _, filled = await served.threads.run(call, served)
                result = await self._view(**values, **filled[0])
            except Exception as error:
                raise await drive_async(unwind(served, error), served) from None
            await drive_async(close_opened(served), served)
            _after(served, filled[1])
            return result
        finally:
            self._end(served, before)


def _after(served: RequestContext, response: Any) -> None:
    """What is left to be done with the view's answer."""
    if response is not None:

        def amend(answer: Any) -> Any:
            for name, value in response.raw_headers:
                answer.headers.add(name.decode("latin-1"), value.decode("latin-1"))
            if response.status_code is not None:
                answer.status_code = response.status_code
            return answer

        after_this_request(amend)
    if (background := served.background) is not None and is_aside(served):
        # Nobody else would: the engine has not seen this request.
        served.background = None

        def run() -> None:
            def steps() -> Any:
                yield Do(background, (), True)

            drive(steps(), served)

        def at_close(answer: Any) -> Any:
            answer.call_on_close(run)
            # A test client closes such an answer, as that of a typed route.
            if (tell := request_ctx.request.environ.get(TYPED_KEY)) is not None:
                tell(True)
            return answer

        after_this_request(at_close)


def _as_it_is(request: RequestContext, result: Any, response: Any) -> Any:
    return _HEAD, (result, response)


def _never(value: Any) -> bytes:
    raise AssertionError("values of parameters are not encoded")
