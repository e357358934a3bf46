"""From a pushed context to a finished response, in Flask's documented order.

Every step is a method, because applications override them: URL preprocessors and before hooks,
the view, error handlers, making the response, after hooks, saving the session; `handle_exception`
for what nobody handled. Tables are read anew for every request, so that what changes them while
serving takes effect.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from werkzeug.exceptions import (
    BadRequest,
    BadRequestKeyError,
    HTTPException,
    InternalServerError,
)
from werkzeug.routing import RequestRedirect, RoutingException

from carboy.flask.answers import response_for
from carboy.flask.finishing import late, save_session
from carboy.flask.globals import _cv_request, request_ctx
from carboy.flask.scaffold import Scaffold, _sentinel
from carboy.flask.signals import (
    appcontext_tearing_down,
    got_request_exception,
    request_finished,
    request_started,
    request_tearing_down,
)
from carboy.server.traces import is_dev

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.config import Config
    from carboy.flask.sessions import SessionInterface
    from carboy.flask.wrappers import Request, Response

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Redirects after which a browser sends the form again.
_KEEP_BODY = frozenset({307, 308})


class Dispatch(Scaffold):
    """The steps of a request. Mixed into `Flask`."""

    debug: bool
    testing: bool
    config: Config
    logger: logging.Logger
    session_interface: SessionInterface
    teardown_appcontext_funcs: list[Callable[..., Any]]
    ensure_sync: Callable[[Callable[..., Any]], Callable[..., Any]]
    _got_first_request: bool

    def full_dispatch_request(self) -> Response:
        """Hooks, view and error handlers; what is raised has found no handler."""
        self._got_first_request = True
        try:
            request_started.send(self, _async_wrapper=self.ensure_sync)
            value = self.preprocess_request()
            if value is None:
                value = self.dispatch_request()
        except Exception as error:
            value = self.handle_user_exception(error)
        return self.finalize_request(value)

    def preprocess_request(self) -> Any:
        """URL value preprocessors, then before hooks; a hook's value other than None answers."""
        request = request_ctx.request
        names = (None, *reversed(request.blueprints))
        for name in names:
            for preprocess in self.url_value_preprocessors.get(name, ()):
                preprocess(request.endpoint, request.view_args)
        for name in names:
            for hook in self.before_request_funcs.get(name, ()):
                value = self.ensure_sync(hook)()
                if value is not None:
                    return value
        return None

    def dispatch_request(self) -> Any:
        """What the view returns."""
        request = request_ctx.request
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        rule: Any = request.url_rule
        if getattr(rule, "provide_automatic_options", False) and request.method == "OPTIONS":
            return self.make_default_options_response()
        view = self.view_functions[rule.endpoint]
        return self.ensure_sync(view)(**(request.view_args or {}))

    def finalize_request(self, rv: Any, from_error_handler: bool = False) -> Response:
        """The response for what a view or an error handler returned, with after hooks run."""
        response = self.make_response(rv)
        try:
            response = self.process_response(response)
            request_finished.send(self, _async_wrapper=self.ensure_sync, response=response)
        except Exception:
            if not from_error_handler:
                raise
            self.logger.exception("Request finalizing failed with an error while handling an error")
        return response

    def make_response(self, rv: Any) -> Response:
        """The response that a value stands for."""
        context = _cv_request.get(None)
        endpoint = context.request.endpoint if context is not None else None
        return response_for(cast("Flask", self), endpoint, rv)

    def process_response(self, response: Response) -> Response:
        """After hooks, the innermost blueprint's first; then the session is saved."""
        context = _cv_request.get()
        response = late(context, response)
        for after in self._hooks(self.after_request_funcs, context.request.blueprints):
            response = self.ensure_sync(after)(response)
        save_session(context, response)
        return response

    @staticmethod
    def _hooks(
        table: dict[str | None, list[Callable[..., Any]]], blueprints: Iterable[str]
    ) -> Iterator[Callable[..., Any]]:
        """Hooks that run on the way out: inner blueprints first, of each the last added first."""
        for name in chain(blueprints, (None,)):
            yield from reversed(table.get(name, ()))

    def make_default_options_response(self) -> Response:
        """The answer to OPTIONS where no view wants to give it."""
        adapter = request_ctx.url_adapter
        response: Response = self.response_class()  # type: ignore[attr-defined]
        response.allow.update(adapter.allowed_methods() if adapter is not None else ())
        return response

    # -- errors ---------------------------------------------------------------------------------

    def raise_routing_exception(self, request: Request) -> None:
        """Raise what routing found; in debug mode, refuse redirects that would lose a form."""
        error = request.routing_exception
        assert error is not None
        moved = isinstance(error, RequestRedirect) and error.code not in _KEEP_BODY
        if moved and self.debug and request.method not in _SAFE:
            from carboy.flask.debughelpers import FormDataRoutingRedirect

            raise FormDataRoutingRedirect(request)
        raise error

    def _find_error_handler(self, e: Exception, blueprints: list[str]) -> Any:
        """The handler for `e`: by status before by class, inner blueprints before the application.

        COMPAT: for each of status and no status, every scope is asked before the next is tried.
        """
        exc_class, code = self._get_exc_class_and_code(type(e))
        for key in (code, None) if code is not None else (None,):
            for name in (*blueprints, None):
                spec = self.error_handler_spec.get(name)
                handlers = spec.get(key) if spec else None
                if not handlers:
                    continue
                for ancestor in exc_class.__mro__:
                    handler = handlers.get(ancestor)
                    if handler is not None:
                        return handler
        return None

    def trap_http_exception(self, e: Exception) -> bool:
        """Whether an HTTP exception is treated as any other exception."""
        if self.config["TRAP_HTTP_EXCEPTIONS"]:
            return True
        trap = self.config["TRAP_BAD_REQUEST_ERRORS"]
        if trap is None and self.debug and isinstance(e, BadRequestKeyError):
            return True
        return bool(trap) and isinstance(e, BadRequest)

    def should_ignore_error(self, error: BaseException | None) -> bool:
        """Whether teardown is not to hear of `error`. To be overridden."""
        return False

    def handle_http_exception(self, e: HTTPException) -> Any:
        """The answer to an HTTP exception: its handler's, else the exception itself."""
        # COMPAT: proxies without a code and routing's own are answers as they are.
        if e.code is None or isinstance(e, RoutingException):
            return e
        handler = self._find_error_handler(e, request_ctx.request.blueprints)
        return e if handler is None else self.ensure_sync(handler)(e)

    def handle_user_exception(self, e: Exception) -> Any:
        """The answer to whatever a view raised, if there is a handler; else it is raised again."""
        if isinstance(e, BadRequestKeyError) and (
            self.debug or self.config["TRAP_BAD_REQUEST_ERRORS"]
        ):
            e.show_exception = True
        if isinstance(e, HTTPException) and not self.trap_http_exception(e):
            return self.handle_http_exception(e)
        handler = self._find_error_handler(e, request_ctx.request.blueprints)
        if handler is None:
            raise e
        return self.ensure_sync(handler)(e)

    def handle_exception(self, e: Exception) -> Response:
        """The answer to what nobody handled: 500, or raised for debuggers and tests."""
        got_request_exception.send(self, _async_wrapper=self.ensure_sync, exception=e)
        exc_info = sys.exc_info()
        # `carboy dev` shows what went wrong, as Flask's debugger does.
        if self.propagates or (self.config["PROPAGATE_EXCEPTIONS"] is None and is_dev()):
            if exc_info[1] is e:
                raise
            raise e
        self.log_exception(exc_info)
        answer: Any = InternalServerError(original_exception=e)
        return self.finalize_request(self.answer_unhandled(answer), from_error_handler=True)

    @property
    def propagates(self) -> bool:
        """Whether what nobody handled is raised, by the configuration."""
        propagate = self.config["PROPAGATE_EXCEPTIONS"]
        return bool(self.testing or self.debug if propagate is None else propagate)

    def answer_unhandled(self, e: InternalServerError) -> Any:
        """The answer to what nobody handled: the handler's for 500, else the exception itself."""
        handler = self._find_error_handler(e, request_ctx.request.blueprints)
        return e if handler is None else self.ensure_sync(handler)(e)

    def log_exception(self, exc_info: Any) -> None:
        """Log what nobody handled."""
        request = request_ctx.request
        self.logger.error("Exception on %s [%s]", request.path, request.method, exc_info=exc_info)

    # -- the end --------------------------------------------------------------------------------

    def do_teardown_request(self, exc: BaseException | None = _sentinel) -> None:
        """Teardown hooks of the request; called as its context is popped."""
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        request = request_ctx.request
        for hook in self._hooks(self.teardown_request_funcs, request.blueprints):
            self.ensure_sync(hook)(exc)
        request_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)

    def do_teardown_appcontext(self, exc: BaseException | None = _sentinel) -> None:
        """Teardown hooks of the application context; called as it is popped."""
        if exc is _sentinel:
            exc = sys.exc_info()[1]
        for hook in reversed(self.teardown_appcontext_funcs):
            self.ensure_sync(hook)(exc)
        appcontext_tearing_down.send(self, _async_wrapper=self.ensure_sync, exc=exc)
