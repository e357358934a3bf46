"""The two contexts: what is pushed while a request, or code that needs the application, runs.

A context may be pushed more than once (a copied request, a stream that keeps it); teardown runs
when its last push is popped. The match that the engine has already made comes in through the URL
adapter (adapter.py), after the session is open. COMPAT: upstream's order.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable, Iterator
from functools import cached_property, update_wrapper
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from werkzeug.exceptions import HTTPException

from carboy.flask.globals import _cv_app, _cv_request
from carboy.flask.signals import appcontext_popped, appcontext_pushed
from carboy.flask.typing import AfterRequestCallable, WSGIEnvironment
from carboy.flask.url_map import ENGINE_KEY

if TYPE_CHECKING:
    from carboy.flask.adapter import MapAdapter
    from carboy.flask.app import Flask
    from carboy.flask.sessions import SessionMixin
    from carboy.flask.wrappers import Request

F = TypeVar("F", bound=Callable[..., Any])
_sentinel: Any = object()


class _AppCtxGlobals:
    """`g`: any attribute, for as long as the application context lasts."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def get(self, name: str, default: Any = None) -> Any:
        """The attribute, or `default`."""
        return self.__dict__.get(name, default)

    def pop(self, name: str, default: Any = _sentinel) -> Any:
        """Take the attribute away; KeyError without it and without a `default`."""
        if default is _sentinel:
            return self.__dict__.pop(name)
        return self.__dict__.pop(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The attribute, set to `default` if it is missing."""
        return self.__dict__.setdefault(name, default)

    def __contains__(self, item: str) -> bool:
        return item in self.__dict__

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        context = _cv_app.get(None)
        if context is None:
            return object.__repr__(self)
        return f"<flask.g of '{context.app.name}'>"


def _current(wanted_by: str) -> RequestContext:
    context = _cv_request.get(None)
    if context is None:
        raise RuntimeError(
            f"{wanted_by!r} needs an active request context: call it while a request is being "
            "handled, in a view function for example."
        )
    return context


def after_this_request(f: AfterRequestCallable) -> AfterRequestCallable:
    """Have ``f(response)`` run after this request only; it returns the response."""
    _current("after_this_request")._after_request_functions.append(f)
    return f


def copy_current_request_context(f: F) -> F:
    """`f`, to be called later or elsewhere, with a copy of the current request's context."""
    context = _current("copy_current_request_context").copy()

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context:
            return context.app.ensure_sync(f)(*args, **kwargs)

    return update_wrapper(wrapper, f)  # type: ignore[return-value]


def has_request_context() -> bool:
    """Whether a request is current."""
    return _cv_request.get(None) is not None


def has_app_context() -> bool:
    """Whether an application is current."""
    return _cv_app.get(None) is not None


class AppContext:
    """Makes an application current, with a `g` of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        # Not later: it may raise, and what it is made from may change.
        self.url_adapter = app.create_url_adapter(None)
        self._cv_tokens: list[contextvars.Token[AppContext]] = []

    @cached_property
    def url_adapter(self) -> MapAdapter | None:
        """The map seen from SERVER_NAME; None without one."""
        return self.app.create_url_adapter(None)

    @cached_property
    def g(self) -> _AppCtxGlobals:
        """What `g` stands for."""
        return self.app.app_ctx_globals_class()

    def push(self) -> None:
        """Make it current."""
        self._cv_tokens.append(_cv_app.set(self))
        appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Make what was current before current again; the last pop tears down."""
        try:
            if len(self._cv_tokens) == 1:
                self.app.do_teardown_appcontext(sys.exc_info()[1] if exc is _sentinel else exc)
        finally:
            current = _cv_app.get()
            _cv_app.reset(self._cv_tokens.pop())
        if current is not self:
            raise AssertionError(f"the app context popped is {current!r}, not {self!r}")
        appcontext_popped.send(self.app, _async_wrapper=self.app.ensure_sync)

    def __enter__(self) -> AppContext:
        self.push()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)


class RequestContext:
    """Makes a request current, with its session; pushes its application if it has to."""

    #: Whether a lean request has sent a session's cookie (lean.py).
    has_cookie = False

    def __init__(
        self,
        app: Flask,
        environ: WSGIEnvironment,
        request: Request | None = None,
        session: SessionMixin | None = None,
    ) -> None:
        self.app = app
        if request is None:
            request = app.request_class(environ)
            request.json_module = app.json
        self.request: Request = request
        self.url_adapter = None
        try:
            self.url_adapter = app.create_url_adapter(self.request)
        except HTTPException as error:
            self.request.routing_exception = error
        self.flashes: list[tuple[str, str]] | None = None
        self._session: SessionMixin | None = session
        self._after_request_functions: list[AfterRequestCallable] = []
        self._cv_tokens: list[tuple[contextvars.Token[RequestContext], AppContext | None]] = []

    def copy(self) -> RequestContext:
        """Another context for the same request object and session."""
        if self._session is None and self._cv_tokens:
            self._open_session()
        return type(self)(
            self.app, environ=self.request.environ, request=self.request, session=self._session
        )

    def match_request(self) -> None:
        """Find the rule; an exception of routing is kept for the dispatch to raise."""
        assert self.url_adapter is not None
        try:
            found = self.url_adapter.match(return_rule=True)
        except HTTPException as error:
            self.request.routing_exception = error
        else:
            self.request.url_rule, self.request.view_args = found

    @cached_property
    def url_adapter(self) -> MapAdapter | None:
        """The map as this request sees it; None where its Host is refused."""
        return self.app.create_url_adapter(self.request)

    @property
    def session(self) -> SessionMixin:
        """The session, which now counts as looked at."""
        session = self._session
        if session is None:
            assert self._cv_tokens, "the session is opened when the context is pushed"
            session = self._open_session()
        session.accessed = True
        return session

    def _open_session(self) -> SessionMixin:
        interface = self.app.session_interface
        session: SessionMixin | None = interface.open_session(self.app, self.request)
        if session is None:
            session = interface.make_null_session(self.app)
        self._session = session
        return session

    def push(self) -> None:
        """Make it current: application, request, session, match."""
        app_ctx = _cv_app.get(None)
        pushed: AppContext | None = None
        if app_ctx is None or app_ctx.app is not self.app or self._finds_another():
            pushed = self.app.app_context()
            pushed.push()
        self._cv_tokens.append((_cv_request.set(self), pushed))
        if self._session is None:
            self._open_session()
        if self.url_adapter is not None:
            self.match_request()

    def _finds_another(self) -> bool:
        """Whether a server gave this request the context of another one (lean._is_left_over)."""
        current = _cv_request.get(None)
        if current is None or current.request is self.request:
            return False
        return ENGINE_KEY in self.request.environ

    def pop(self, exc: BaseException | None = _sentinel) -> None:
        """Undo one push; the last pop tears the request down."""
        last = len(self._cv_tokens) == 1
        try:
            if last:
                if exc is _sentinel:
                    exc = sys.exc_info()[1]
                self.app.do_teardown_request(exc)
                close = getattr(self.request, "close", None)
                if close is not None:
                    close()
        finally:
            current = _cv_request.get()
            token, app_ctx = self._cv_tokens.pop()
            _cv_request.reset(token)
            if last:
                # The environ refers to the request and the request to it.
                current.request.environ["werkzeug.request"] = None
            if app_ctx is not None:
                app_ctx.pop(exc)
            if current is not self:
                raise AssertionError(f"the request context popped is {current!r}, not {self!r}")

    def __enter__(self) -> RequestContext:
        self.push()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.pop(exc_value)

    def __repr__(self) -> str:
        request = self.request
        return f"<{type(self).__name__} {request.url!r} [{request.method}] of {self.app.name}>"
