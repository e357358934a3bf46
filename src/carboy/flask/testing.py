"""`app.test_client()`: Werkzeug's client with the application's settings, contexts and sessions.

Requests go through `app(environ, start_response)` in the calling thread, so that a test sees what
was raised, and inside ``with client:`` the contexts of the last request.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from copy import copy
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import werkzeug.test
from click.testing import CliRunner, Result
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request as BaseRequest

from carboy.flask.door import TYPED_KEY
from carboy.flask.sessions import SessionMixin
from carboy.flask.typing import WSGIEnvironment

if TYPE_CHECKING:
    from carboy.flask.app import Flask


class EnvironBuilder(werkzeug.test.EnvironBuilder):
    """Builds environs whose host, root and scheme follow the application's config."""

    def __init__(
        self,
        app: Flask,
        path: str = "/",
        base_url: str | None = None,
        subdomain: str | None = None,
        url_scheme: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if base_url is not None and (subdomain or url_scheme):
            raise AssertionError('"base_url" leaves no room for "subdomain" or "url_scheme".')
        if base_url is None:
            host = app.config.get("SERVER_NAME") or "localhost"
            if subdomain:
                host = f"{subdomain}.{host}"
            url = urlsplit(path)
            scheme = url.scheme or url_scheme or app.config["PREFERRED_URL_SCHEME"]
            root = app.config["APPLICATION_ROOT"].lstrip("/")
            base_url = f"{scheme}://{url.netloc or host}/{root}"
            path = f"{url.path}?{url.query}" if url.query else url.path
        self.app = app
        super().__init__(path, base_url, *args, **kwargs)

    def json_dumps(self, obj: Any, **kwargs: Any) -> str:
        """The application's JSON."""
        return self.app.json.dumps(obj, **kwargs)


@cache
def _agent() -> str:
    return f"Werkzeug/{importlib.metadata.version('werkzeug')}"


class FlaskClient(Client):
    """A client for tests. ``with client:`` keeps the last request's contexts."""

    application: Flask

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preserve_context = False
        #: Whether a typed route of an App has answered (door.py).
        self._typed: list[bool] = []
        self._new_contexts: list[AbstractContextManager[Any]] = []
        self._context_stack = ExitStack()
        self.environ_base = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": _agent()}

    @contextmanager
    def session_transaction(self, *args: Any, **kwargs: Any) -> Iterator[SessionMixin]:
        """The session as this client's cookies have it, saved back at the end."""
        if self._cookies is None:
            raise TypeError("Cookies are disabled. Make the client with 'use_cookies=True'.")
        app = self.application
        context = app.test_request_context(*args, **kwargs)
        self._add_cookies_to_wsgi(context.request.environ)
        with context:
            session = app.session_interface.open_session(app, context.request)
        if session is None:
            raise RuntimeError("Session backend did not open a session: is there a secret key?")
        yield session
        if app.session_interface.is_null_session(session):
            return
        response = app.response_class()
        with context:
            app.session_interface.save_session(app, session, response)
        self._update_cookies_from_response(
            context.request.host.partition(":")[0],
            context.request.path,
            response.headers.getlist("Set-Cookie"),
        )

    def _copy_environ(self, other: WSGIEnvironment) -> WSGIEnvironment:
        merged = {**self.environ_base, **other}
        if self.preserve_context:
            merged["werkzeug.debug.preserve_context"] = self._new_contexts.append
        if hasattr(self.application, "owner"):
            merged[TYPED_KEY] = self._typed.append
        return merged

    def _request_from_builder_args(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> BaseRequest:
        # COMPAT: the name is known to the test clients of extensions.
        given: Any = args[0] if args else None
        if isinstance(given, werkzeug.test.EnvironBuilder):
            builder = copy(given)
            builder.environ_base = self._copy_environ(builder.environ_base or {})  # type: ignore[arg-type]
            return builder.get_request()
        if isinstance(given, dict):
            return EnvironBuilder.from_environ(
                given, app=self.application, environ_base=self._copy_environ({})
            ).get_request()
        if isinstance(given, BaseRequest):
            request = copy(given)
            request.environ = self._copy_environ(request.environ)
            return request
        kwargs["environ_base"] = self._copy_environ(kwargs.get("environ_base", {}))
        builder = EnvironBuilder(self.application, *args, **kwargs)
        try:
            return builder.get_request()
        finally:
            builder.close()

    def open(
        self,
        *args: Any,
        buffered: bool = False,
        follow_redirects: bool = False,
        **kwargs: Any,
    ) -> TestResponse:
        """Make a request; takes what EnvironBuilder takes, an environ, a builder or a request."""
        request = self._request_from_builder_args(args, kwargs)
        # What the request before left behind ends now.
        self._context_stack.close()
        self._typed.clear()
        response = super().open(request, buffered=buffered, follow_redirects=follow_redirects)
        if self._typed:
            # Typed routes of an App close what they opened, and their contexts, after the answer:
            # nobody would, since tests close no responses.
            try:
                response.make_sequence()
            finally:
                response.close()
        response.json_module = self.application.json  # type: ignore[assignment]
        while self._new_contexts:
            self._context_stack.enter_context(self._new_contexts.pop(0))
        return response

    def __enter__(self) -> FlaskClient:
        if self.preserve_context:
            raise RuntimeError("Cannot nest client invocations")
        self.preserve_context = True
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.preserve_context = False
        self._context_stack.close()


class FlaskCliRunner(CliRunner):
    """click's runner, with the application at hand."""

    def __init__(self, app: Flask, **kwargs: Any) -> None:
        self.app = app
        super().__init__(**kwargs)

    def invoke(self, cli: Any = None, args: Any = None, **kwargs: Any) -> Result:  # type: ignore[override]
        """Run a command, by default one of `app.cli`."""
        from carboy.flask.cli import ScriptInfo

        if "obj" not in kwargs:
            kwargs["obj"] = ScriptInfo(create_app=lambda: self.app)
        return super().invoke(self.app.cli if cli is None else cli, args, **kwargs)
