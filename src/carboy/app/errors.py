"""One error path: Flask's exceptions and FastAPI's mean the same in both kinds of routes.

`abort(404)` raises Werkzeug's exception, `HTTPException(404)` is Starlette's; each becomes the
other where a handler of the other kind is asked. A typed route asks `exception_handler`s that
somebody registered, then Flask's `errorhandler`s (its blueprint's first), a Flask view the other
way round. What nobody handles is answered by what the route is: a page for pages, else JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException as TypedException

from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import Handling
from carboy.fastapi import handlers as typed
from carboy.fastapi.exceptions import RequestValidationError
from carboy.fastapi.handlers import AppHandlers, is_monitored, status_of

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException as FlaskException

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
        table = self._table()
        asked = as_typed(error) if is_flask(error) else error
        status = status_of(asked)
        keys: list[Any] = [] if status in (None, 500) else [status]
        if isinstance(asked, Exception):
            ancestors = type(asked).__mro__
            keys += ancestors[: ancestors.index(Exception)]
        # FastAPI's own handlers stand in every App's table; at a router or route somebody said so.
        found = (self._own.get(key) or _unless_built_in(table.get(key)) for key in keys)
        handler = next(filter(None, found), None)
        if handler is None:
            return None
        handling = self._handling(handler)
        if asked is error:
            return handling
        return Handling(lambda request, _: handling.handle(request, asked), handling.is_async)

    def _last(self) -> Handling | None:
        """What answers any Exception within the route, if its routers or itself say so."""
        last = self._own.get(500, self._own.get(Exception))
        return None if last is None else self._handling(last)


def _unless_built_in(handler: Any) -> Any:
    return None if handler in typed._OWN else handler


# -- from the one kind to the other -------------------------------------------------------------


def is_flask(error: BaseException) -> bool:
    """Whether `error` is Werkzeug's HTTPException with a status or a response."""
    from werkzeug.exceptions import HTTPException

    return isinstance(error, HTTPException)


def as_typed(error: Any) -> TypedException:
    """Werkzeug's exception as FastAPI's: the default description becomes the status's phrase."""
    from carboy.fastapi.exceptions import HTTPException

    status = error.code or 500
    said = error.description
    detail = said if said is not None and said != type(error).description else None
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    made = HTTPException(status, detail, headers or None)
    made.__cause__ = error
    return made


def as_flask(error: TypedException) -> FlaskException:
    """FastAPI's exception as Werkzeug's of the same status."""
    made = _kind(error.status_code)()
    if error.detail != _phrase(error.status_code):
        made.description = error.detail if isinstance(error.detail, str) else str(error.detail)
    if error.headers:
        made._more = list(error.headers.items())  # type: ignore[attr-defined]
    made.__cause__ = error
    return made


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_KINDS: dict[int, type[FlaskException]] = {}


def _kind(status: int) -> type[FlaskException]:
    """Werkzeug's class for `status`, which can carry headers."""
    if status not in _KINDS:
        from werkzeug.exceptions import HTTPException, default_exceptions

        base = default_exceptions.get(status, HTTPException)

        def get_headers(self: Any, *args: Any, **named: Any) -> Any:
            return [*base.get_headers(self, *args, **named), *getattr(self, "_more", ())]

        _KINDS[status] = type(
            base.__name__,
            (base,),
            {"code": status, "get_headers": get_headers, "__module__": base.__module__},
        )
    return _KINDS[status]


# -- in a typed route ---------------------------------------------------------------------------


def _flask_handling(side: Side, error: BaseException) -> Handling | None:
    """Flask's handler for an error of a typed route."""
    if not isinstance(error, Exception):
        return None
    told = as_flask(error) if isinstance(error, TypedException) else error
    handler = side._find_error_handler(told, _blueprints())
    if told is not error:
        # Somebody may have registered FastAPI's own class with Flask.
        own = side._find_error_handler(error, _blueprints())
        if own is not None and own is not handler:
            handler, told = own, error
    if handler is None or _is_too_wide(side, error, handler):
        return None
    if iscoroutinefunction(handler):

        async def handle_async(request: RequestContext, _: BaseException) -> Pair:
            with _in_context(side, request):
                return _pair(side, request, await handler(told))

        return Handling(handle_async, True)

    def handle(request: RequestContext, _: BaseException) -> Pair:
        with _in_context(side, request):
            return _pair(side, request, side.ensure_sync(handler)(told))

    return Handling(handle, False)


def _is_too_wide(side: Side, error: BaseException, handler: Any) -> bool:
    """Whether invalid input would be answered by who wants any Exception: it has an answer."""
    if not isinstance(error, RequestValidationError):
        return False
    spec = side.error_handler_spec.get(None, {}).get(None, {})
    return spec.get(Exception) is handler


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
    from carboy.flask.answers import undress
    from carboy.flask.serving import environ_of

    return undress(request, environ_of(request), side.make_response(result))


def answer_by_kind(request: RequestContext, error: Any) -> Pair:
    """The answer to an HTTPException of either kind that nobody handles."""
    from carboy.flask.answers import undress
    from carboy.flask.serving import environ_of

    if is_flask(error) and error.response is not None:
        return undress(request, environ_of(request), error.get_response())
    if not request.target.route.extras.get("pages"):
        return typed.http_exception(request, as_typed(error) if is_flask(error) else error)
    page = (error if is_flask(error) else as_flask(error)).get_response(environ_of(request))
    return undress(request, environ_of(request), page)


# -- in a Flask view ----------------------------------------------------------------------------


def answer_in_flask(side: Side, error: Exception, flask: Callable[[Exception], Any]) -> Any:
    """What a Flask view's exception becomes: Flask's handlers (`flask`), then the App's."""
    if isinstance(error, TypedException):
        handler = side._find_error_handler(error, _blueprints())
        if handler is not None:
            return side.ensure_sync(handler)(error)
        return flask(as_flask(error))
    if isinstance(error, RequestValidationError):
        return _invalid_in_flask(side, error)
    try:
        return flask(error)
    except Exception as raised:
        if raised is not error:
            raise
        handling = side.owner.declared.handlers.registered(error)  # type: ignore[attr-defined]
        if handling is None:
            raise
        return _response(side, handling, error)


def _invalid_in_flask(side: Side, error: RequestValidationError) -> Any:
    """422: Flask's handler for that class or status, the App's, else FastAPI's answer."""
    from werkzeug.exceptions import UnprocessableEntity

    told = UnprocessableEntity()
    for one in (error, told):
        handler = side._find_error_handler(one, _blueprints())
        if handler is not None and not _is_too_wide(side, error, handler):
            return side.ensure_sync(handler)(one)
    handlers: Any = side.owner.declared.handlers
    handling = handlers.registered(error) or Handling(typed.validation_error, None)
    return _response(side, handling, error)


def http_error_in_flask(side: Side, error: Any, flask: Callable[[Any], Any]) -> Any:
    """What Werkzeug's exception becomes: Flask's handlers (`flask`), the App's, then by kind."""
    from werkzeug.routing import RoutingException

    answer = flask(error)
    is_settled = answer is not error or error.code is None or error.response is not None
    if is_settled or isinstance(error, RoutingException):
        return answer
    handling = side.owner.declared.handlers.registered(error)  # type: ignore[attr-defined]
    if handling is not None:
        return _response(side, handling, error)
    from carboy.flask.globals import request

    if _is_api(request) if request.url_rule is not None else _wants_json(request):
        return _response(side, Handling(typed.http_exception, None), as_typed(error))
    return answer


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
