"""One error path: Flask's exceptions and FastAPI's mean the same in both kinds of routes.

`abort(404)` raises Werkzeug's exception, `HTTPException(404)` is Starlette's; each becomes the
other where a handler of the other kind is asked. A typed route asks `exception_handler`s that
somebody registered, then Flask's `errorhandler`s (its blueprint's first), a Flask view the other
way round. What nobody handles is answered by what the route is: a page for pages, else JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException as TypedException

from carboy.app.exceptions import answers_itself, as_flask, as_typed, is_flask
from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import Handling
from carboy.fastapi import handlers as typed
from carboy.fastapi.exceptions import RequestValidationError
from carboy.fastapi.handlers import AppHandlers, is_monitored, status_of

if TYPE_CHECKING:
    from carboy.app.application import App
    from carboy.app.side import Side

Pair = tuple[Head, Body]


class BothHandlers(AppHandlers):
    """What answers which error in an `App`."""

    def __init__(
        self,
        table: Callable[[], dict[Any, Any]],
        owner: App,
        own: dict[Any, Any] | None = None,
    ) -> None:
        super().__init__(table if own is None else lambda: {**table(), **own})
        self._outer_table = table
        self._owner = owner
        #: Those of the route itself and of its routers.
        self._own = own or {}

    def within(self, table: Any) -> AppHandlers:
        """These handlers for a route, before them for the same key those of `table`."""
        return BothHandlers(self._outer_table, self._owner, table) if table else self

    def _answered(self, request: RequestContext, response: Any) -> Pair:
        """What a handler of FastAPI's answers, which may be Flask's `make_response(...)`."""
        if self._owner._side is not None:
            from werkzeug.wrappers import Response

            if isinstance(response, Response):
                from carboy.flask.serving import pair_of

                return pair_of(request, response)
        return super()._answered(request, response)

    def find(self, error: BaseException) -> Handling | None:
        """The handler of the inner ring, for a typed route."""
        side = self._owner._side
        if is_monitored():
            return None
        if side is None:
            return super().find(error) or self._last()
        found = self.registered(error) or _flask_handling(side, error) or self._last()
        if found is not None:
            return found
        if isinstance(error, TypedException) or is_flask(error):
            return Handling(answer_by_kind, None)
        return super().find(error)

    def registered(self, error: BaseException) -> Handling | None:
        """The handler that somebody registered with FastAPI's means; None for the built-in ones."""
        # FastAPI's own handlers stand in every App's table; at a router or route somebody said so.
        table = self._table()
        for key, told in _keys(error):
            handler = self._own.get(key) or _unless_built_in(table.get(key))
            if handler is not None:
                return _telling(self._handling(handler), error, told)
        return None

    def _last(self) -> Handling | None:
        """What answers any Exception within the route, if its routers or itself say so."""
        last = self._own.get(500, self._own.get(Exception))
        return None if last is None else self._handling(last)


def _keys(error: BaseException) -> Iterator[tuple[Any, BaseException]]:
    """What a handler for `error` may be registered for, and what it would be told.

    The status, the classes of what was raised, and those of the other kind's exception.
    """
    is_typed = isinstance(error, TypedException)
    same = as_typed(error) if is_flask(error) else error
    if (status := status_of(same)) not in (None, 500):
        yield status, same
    yield from _classes(error)
    if same is not error:
        yield from _classes(same)
    elif is_typed:
        yield from _classes(as_flask(error))  # type: ignore[arg-type]


def _classes(error: BaseException) -> Iterator[tuple[Any, BaseException]]:
    """The classes of an error up to `Exception`, which all errors have."""
    if isinstance(error, Exception):
        ancestors = type(error).__mro__
        for kind in ancestors[: ancestors.index(Exception)]:
            yield kind, error


def _telling(handling: Handling, error: BaseException, told: BaseException) -> Handling:
    if told is error:
        return handling
    return Handling(lambda request, _: handling.handle(request, told), handling.is_async)


def _unless_built_in(handler: Any) -> Any:
    return None if handler in typed._OWN else handler


# -- in a typed route ---------------------------------------------------------------------------


def _flask_handling(side: Side, error: BaseException) -> Handling | None:
    """Flask's handler for an error of a typed route."""
    if not isinstance(error, Exception):
        return None
    found = _find_in_flask(side, error)
    if found is None:
        return None
    handler, told = found
    if iscoroutinefunction(handler):

        async def handle_async(request: RequestContext, _: BaseException) -> Pair:
            with _in_context(side, request):
                return _pair(side, request, await handler(told))

        return Handling(handle_async, True)

    def handle(request: RequestContext, _: BaseException) -> Pair:
        with _in_context(side, request):
            return _pair(side, request, side.ensure_sync(handler)(told))

    return Handling(handle, False)


def _find_in_flask(side: Side, error: Exception) -> tuple[Any, Exception] | None:
    """Flask's handler for `error`, and what it is told: Werkzeug's exception where there is one.

    Invalid input has an answer: who wants any error, or any HTTP error, is not asked for it.
    """
    names = _blueprints()
    if isinstance(error, RequestValidationError):
        from werkzeug.exceptions import UnprocessableEntity

        if handler := _narrow(side, names, None, error):
            return handler, error
        told: Exception = UnprocessableEntity()
        told.__cause__ = error
        handler = _narrow(side, names, 422, told)
    elif isinstance(error, TypedException):
        # Somebody may have registered FastAPI's own class with Flask.
        if handler := _narrow(side, names, None, error):
            return handler, error
        told = as_flask(error)
        handler = side._find_error_handler(told, names)
    else:
        told = error
        handler = side._find_error_handler(error, names)
        if handler is None and is_flask(error):
            told = as_typed(error)
            handler = _narrow(side, names, None, told)
    return None if handler is None else (handler, told)


def _narrow(side: Side, names: list[str], code: int | None, error: Exception) -> Any:
    """Flask's handler for a status or a class, but not for all of them."""
    for name in (*names, None):
        handlers = side.error_handler_spec.get(name, {}).get(code, {})
        for kind, _ in _classes(error):
            if (handler := handlers.get(kind)) is not None:
                return handler
    return None


def _blueprints() -> list[str]:
    from carboy.flask.globals import _cv_request

    context = _cv_request.get(None)
    return [] if context is None else context.request.blueprints


def _in_context(side: Side, request: RequestContext) -> AbstractContextManager[Any]:
    """The request's contexts, pushed for a handler where the transport refuses a request."""
    from carboy.flask.globals import _cv_request
    from carboy.flask.serving import environ_of

    if _cv_request.get(None) is not None:
        return nullcontext()
    return side.request_context(environ_of(request))


def _pair(side: Side, request: RequestContext, result: Any) -> Pair:
    from carboy.flask.serving import pair_of

    return pair_of(request, side.make_response(result))


def answer_by_kind(request: RequestContext, error: Any) -> Pair:
    """The answer to an HTTPException of either kind that nobody handles."""
    from carboy.flask.answers import undress
    from carboy.flask.serving import environ_of

    of_flask = is_flask(error)
    is_page = request.target.route.extras.get("pages")
    if not (is_page or (of_flask and answers_itself(error))):
        return typed.http_exception(request, as_typed(error) if of_flask else error)
    made = error if of_flask else as_flask(error)
    environ = environ_of(request)
    return undress(request, environ, made.get_response(environ))


# -- in a Flask view ----------------------------------------------------------------------------


def answer_in_flask(side: Side, error: Exception, flask: Callable[[Exception], Any]) -> Any:
    """What a Flask view's exception becomes: Flask's handlers (`flask`), then the App's."""
    if isinstance(error, TypedException | RequestValidationError):
        if (found := _find_in_flask(side, error)) is not None:
            return side.ensure_sync(found[0])(found[1])
        if isinstance(error, TypedException):
            return flask(as_flask(error))
        handlers: Any = side.owner.declared.handlers
        handling = handlers.registered(error) or Handling(typed.validation_error, None)
        return _response(side, handling, error)
    try:
        return flask(error)
    except Exception as raised:
        if raised is not error:
            raise
        handling = side.owner.declared.handlers.registered(error)  # type: ignore[attr-defined]
        if handling is None:
            raise
        return _response(side, handling, error)


def http_error_in_flask(side: Side, error: Any, flask: Callable[[Any], Any]) -> Any:
    """What Werkzeug's exception becomes: Flask's handlers (`flask`), the App's, then by kind."""
    from werkzeug.routing import RoutingException

    answer = flask(error)
    came = getattr(error, "response", None)
    is_settled = answer is not error or error.code is None or came is not None
    if is_settled or isinstance(error, RoutingException):
        return answer
    if (found := _find_in_flask(side, error)) is not None:
        return side.ensure_sync(found[0])(found[1])
    handling = side.owner.declared.handlers.registered(error)  # type: ignore[attr-defined]
    if handling is not None:
        return _response(side, handling, error)
    from carboy.flask.globals import request

    if answers_itself(error):
        return answer
    if _is_api(request) if request.url_rule is not None else _wants_json(request):
        return _response(side, Handling(typed.http_exception, None), as_typed(error))
    return answer


def last_in_flask(side: Side, error: Any) -> Any:
    """What nobody handles becomes what the App's handler for Exception or 500 says, if any."""
    handlers: Any = side.owner.declared.handlers
    handling = handlers.outer
    return error if handling is None else _response(side, handling, error.original_exception)


def _is_api(request: Any) -> bool:
    """Whether it is a hook of a typed route that raised, and the route is no page."""
    from carboy.flask.url_map import ENGINE_KEY

    served = request.__dict__.get("_served") or request.environ.get(ENGINE_KEY)
    return served is not None and not served.target.route.extras.get("pages", True)


def _wants_json(request: Any) -> bool:
    """Whether a client that asks for no route's path has said that it wants JSON."""
    accept = request.accept_mimetypes
    best = accept.best_match(["text/html", "application/json"])
    return bool(best == "application/json" and accept[best] > accept["text/html"])


def _response(side: Side, handling: Handling, error: BaseException) -> Any:
    """A handler's answer, as Flask wants it."""
    from werkzeug.datastructures import Headers

    from carboy.flask.globals import request_ctx
    from carboy.flask.plugged import served_of

    request = request_ctx.request
    served = served_of(side.engine, request, side.missing)
    result = handling.handle(served, error)
    head, body = served.portal(result) if handling.is_async else result
    if type(body) is not bytes:
        raise TypeError(
            f"the exception handler for {type(error).__name__} answered a Flask view with a "
            "stream: it may answer with a body in one piece"
        )
    response = side.response_class(body, status=head.status)
    response.headers = Headers(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.fields()]
    )
    return response
