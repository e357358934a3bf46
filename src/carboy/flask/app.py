"""Flask: the application, and its engine.

Declarations stand in declaring.py, the steps of a request in dispatch.py, URLs in urls.py; here
they become one object that servers call. A request comes in by one of two doors. `serve` is the
endpoint of every Route: the engine has matched, whatever the transport. `wsgi_app` is what WSGI
servers and Werkzeug's test client call, and what middleware may be wrapped around.
"""

from __future__ import annotations

import inspect
import logging
import os
import weakref
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import ImmutableDict
from werkzeug.exceptions import Aborter
from werkzeug.utils import cached_property
from werkzeug.utils import redirect as _redirect
from werkzeug.wrappers import Response as BaseResponse
from werkzeug.wsgi import get_host

from carboy.core.engine import Engine, Target
from carboy.core.errors import Handling
from carboy.core.pattern import Pattern
from carboy.core.plugin import Plugin
from carboy.core.route import Lane, Route
from carboy.core.router import Router
from carboy.core.signature import Function
from carboy.core.voice import AWAITED, Unstarted
from carboy.flask import cli, reexports
from carboy.flask.adapter import MapAdapter
from carboy.flask.config import ConfigAttribute
from carboy.flask.ctx import AppContext, RequestContext, _AppCtxGlobals
from carboy.flask.declaring import Declaring
from carboy.flask.dispatch import Dispatch
from carboy.flask.files import Files
from carboy.flask.globals import _cv_request
from carboy.flask.json.provider import DefaultJSONProvider, JSONProvider
from carboy.flask.logging import create_logger
from carboy.flask.scaffold import setupmethod
from carboy.flask.serving import STEPS, views_on_loop
from carboy.flask.sessions import SecureCookieSessionInterface, SessionInterface
from carboy.flask.typing import StartResponse, WSGIEnvironment
from carboy.flask.url_map import ENGINE_KEY, UrlMap, ours
from carboy.flask.urls import Urls
from carboy.flask.wrappers import Request, Response
from carboy.server.entry import Entry

if TYPE_CHECKING:
    from carboy.flask.testing import FlaskClient
else:  # type checkers see what is ours
    __getattr__ = reexports.lookup(__name__)
#: What routes are compiled with: setting one has them compiled anew.
_COMPILED = STEPS | {
    *("__class__", "request_class", "session_interface", "subdomain_matching", "url_map")
}


def _lifetime(value: timedelta | int) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


class Flask(Dispatch, Declaring, Urls, Files, Entry):
    """A WSGI-style application on Carboy's engine; arguments and attributes are Flask 3.1's.

    `import_name` is usually ``__name__``: where templates, static files and resources are looked
    for. `app.engine` is the engine that every server of Carboy's talks to.
    """

    request_class: type[Request] = Request
    response_class: type[Response] = Response
    aborter_class = Aborter
    app_ctx_globals_class = _AppCtxGlobals
    json_provider_class: type[JSONProvider] = DefaultJSONProvider
    url_map_class = UrlMap
    session_interface: SessionInterface = SecureCookieSessionInterface()
    test_client_class: type[Any] | None = None
    test_cli_runner_class: type[Any] | None = None

    testing = ConfigAttribute[bool]("TESTING")
    secret_key = ConfigAttribute["str | bytes | None"]("SECRET_KEY")
    permanent_session_lifetime = ConfigAttribute("PERMANENT_SESSION_LIFETIME", _lifetime)

    #: Whether the engine knows routes of another kind too, as that of an `App` does.
    shares_engine = False

    default_config: Any = ImmutableDict(
        {
            "APPLICATION_ROOT": "/",
            "DEBUG": None,
            "EXPLAIN_TEMPLATE_LOADING": False,
            "MAX_CONTENT_LENGTH": None,
            "MAX_COOKIE_SIZE": 4093,
            "MAX_FORM_MEMORY_SIZE": 500_000,
            "MAX_FORM_PARTS": 1_000,
            "PERMANENT_SESSION_LIFETIME": timedelta(days=31),
            "PREFERRED_URL_SCHEME": "http",
            "PROPAGATE_EXCEPTIONS": None,
            "PROVIDE_AUTOMATIC_OPTIONS": True,
            "SECRET_KEY": None,
            "SECRET_KEY_FALLBACKS": None,
            "SEND_FILE_MAX_AGE_DEFAULT": None,
            "SERVER_NAME": None,
            "SESSION_COOKIE_DOMAIN": None,
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_NAME": "session",
            "SESSION_COOKIE_PARTITIONED": False,
            "SESSION_COOKIE_PATH": None,
            "SESSION_COOKIE_SAMESITE": None,
            "SESSION_COOKIE_SECURE": False,
            "SESSION_REFRESH_EACH_REQUEST": True,
            "TEMPLATES_AUTO_RELOAD": None,
            "TESTING": False,
            "TRAP_BAD_REQUEST_ERRORS": None,
            "TRAP_HTTP_EXCEPTIONS": False,
            "TRUSTED_HOSTS": None,
            "USE_X_SENDFILE": False,
        }
    )

    def __init__(
        self,
        import_name: str,
        static_url_path: str | None = None,
        static_folder: str | os.PathLike[str] | None = "static",
        static_host: str | None = None,
        host_matching: bool = False,
        subdomain_matching: bool = False,
        template_folder: str | os.PathLike[str] | None = "templates",
        instance_path: str | None = None,
        instance_relative_config: bool = False,
        root_path: str | None = None,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if instance_path is None:
            instance_path = self.auto_find_instance_path()
        elif not os.path.isabs(instance_path):  # noqa: PTH117 - text, as it was given
            raise ValueError(f"the instance path {instance_path!r} must be absolute")
        self.instance_path = instance_path
        self.config = self.make_config(instance_relative_config)
        self.aborter = self.make_aborter()
        self.json: JSONProvider = self.json_provider_class(self)
        self.url_build_error_handlers = []
        self.teardown_appcontext_funcs = []
        self.shell_context_processors = []
        self.blueprints = {}
        self.extensions: dict[str, Any] = {}
        self.subdomain_matching = subdomain_matching
        self.cli = cli.AppGroup()
        self.cli.name = self.name
        self._got_first_request = False
        #: What stands around requests, see `add_plugin`.
        self.plugins: tuple[Plugin, ...] = ()
        # An application may come and go, in tests for example: nothing here refers back to it.
        self.engine = Engine(weakref.proxy(self))
        #: Hosts that this application has taken (lean.py).
        self._hosts: set[bytes | None] = set()
        #: Lines for WSGI's door (straight.py).
        self._door_lines: dict[Route, Any] = {}
        self._make_lane = _lanes(weakref.ref(self))
        self.url_map = self.url_map_class(host_matching=host_matching)
        self._missing = Route(Pattern("", ()), None, "missing", make_lane=self._make_lane)
        self._serve_everywhere()
        self._add_static_rule(static_host, host_matching)

    def _add_static_rule(self, static_host: str | None, host_matching: bool) -> None:
        if not self.has_static_folder:
            return
        if bool(static_host) != host_matching:
            raise AssertionError("static_host and host_matching go together: give both or neither")
        app = weakref.ref(self)
        self.add_url_rule(
            f"{self.static_url_path}/<path:filename>",
            endpoint="static",
            host=static_host,
            view_func=lambda **kwargs: app().send_static_file(**kwargs),  # type: ignore[union-attr]
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "url_map":
            value = self._wired(ours(value))
        super().__setattr__(name, value)
        if name in _COMPILED and "_make_lane" in self.__dict__:
            # What the straight lines were made from is another one now.
            self._renew()

    def _wired(self, url_map: UrlMap) -> UrlMap:
        """Have the engine know of what changes in `url_map`, and the map of the engine's router."""
        url_map.changed = _renewing(weakref.ref(self))
        url_map.router = router_of(self.engine)
        return url_map

    def _renew(self) -> None:
        """Have every route compiled anew when it is next asked for."""
        self._door_lines.clear()
        self.engine.invalidate(recompile=True)

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_first_request:
            raise AssertionError(
                f"The setup method '{f_name}' was called after the application '{self.name}' has "
                "answered its first request: what it declares would count for some requests and "
                "not for others. Declare everything when modules are imported or in the factory."
            )

    @cached_property
    def logger(self) -> logging.Logger:
        """The application's logger, named like it."""
        return create_logger(self)

    @setupmethod
    def add_plugin(self, plugin: Plugin) -> None:
        """Have a plugin of Carboy's stand around all requests; the first is the outermost."""
        from carboy.flask.plugged import Plugged

        one, at = Plugged(self, plugin), len(self.plugins)
        self.before_request_funcs.setdefault(None, []).insert(at, one.before)
        # Both are called from the last to the first.
        self.after_request_funcs.setdefault(None, []).insert(at, one.after)
        self.teardown_request_funcs.setdefault(None, []).insert(at, one.teardown)
        self.plugins = (*self.plugins, plugin)

    def make_aborter(self) -> Aborter:
        """What `abort` calls."""
        return self.aborter_class()

    def redirect(self, location: str, code: int = 302) -> BaseResponse:
        """A response that sends the client elsewhere."""
        return _redirect(location, code=code, Response=self.response_class)

    # -- contexts -------------------------------------------------------------------------------

    def app_context(self) -> AppContext:
        """To be pushed by ``with``: makes this application the current one."""
        return AppContext(self)

    def request_context(self, environ: WSGIEnvironment) -> RequestContext:
        """To be pushed by ``with``: makes the request of a WSGI environ the current one."""
        return RequestContext(self, environ)

    def test_request_context(self, *args: Any, **kwargs: Any) -> RequestContext:
        """`request_context` for a request described as to the test client."""
        from carboy.flask.testing import EnvironBuilder

        builder = EnvironBuilder(self, *args, **kwargs)
        try:
            return self.request_context(builder.get_environ())
        finally:
            builder.close()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """The URL map as seen by a request, or from SERVER_NAME; None without either."""
        config = self.config
        if request is None:
            if config["SERVER_NAME"] is None:
                return None
            return self.url_map.bind(
                config["SERVER_NAME"],
                script_name=config["APPLICATION_ROOT"],
                url_scheme=config["PREFERRED_URL_SCHEME"],
            )
        if (trusted := config["TRUSTED_HOSTS"]) is not None:
            request.trusted_hosts = trusted
        # SAFETY: raises for a Host that is not trusted; the request is answered 400.
        request.host = get_host(request.environ, request.trusted_hosts)
        subdomain, server_name = None, config["SERVER_NAME"]
        if self.url_map.host_matching:
            server_name = None
        elif not self.subdomain_matching:
            subdomain = self.url_map.default_subdomain or ""
        return self.url_map.bind_to_environ(
            request.environ, server_name=server_name, subdomain=subdomain
        )

    # -- both doors -----------------------------------------------------------------------------

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application for WSGI; ``app.wsgi_app = middleware(app.wsgi_app)`` goes around it."""
        from carboy.flask.door import serve_wsgi

        return serve_wsgi(self, environ, start_response)

    def __call__(self, *args: Any) -> Any:
        """WSGI with two arguments, through `wsgi_app` and what is around it; ASGI with three."""
        if len(args) == 2:
            return self.wsgi_app(*args)
        return super().__call__(*args)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """`func` itself, or for an ``async def`` one a function that runs it and waits."""
        # COMPAT: not asked for what it wraps; a `def` around an `async def` runs it itself.
        return self.async_to_sync(func) if inspect.iscoroutinefunction(func) else func

    def async_to_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """A function that runs the coroutine function `func` on the server's loop and waits.

        With CARBOY_ASYNC_VIEWS = "thread" it runs on a loop of its own, in the calling thread.
        """

        def run(*args: Any, **kwargs: Any) -> Any:
            if AWAITED.get() is func:
                return Unstarted(lambda: func(*args, **kwargs))
            if not views_on_loop(self):
                import asyncio

                return asyncio.run(func(*args, **kwargs))
            from carboy.server.portal import portal_of

            context = _cv_request.get(None)
            served = None if context is None else context.request.environ.get(ENGINE_KEY)
            portal = portal_of(self.engine).call if served is None else served.portal
            return portal(func(*args, **kwargs))

        return run

    # -- what the engine asks -------------------------------------------------------------------

    def routes_in_rank(self) -> Iterable[Route]:
        """Flask's rank is how specific a rule is."""
        return self.url_map.routes_in_rank(self._make_lane)

    def miss(self, method: str, path: str, found: list[Route], router: Router[Target]) -> Route:
        """Hooks and error handlers see 404 and 405 as well: the same endpoint answers them."""
        return self._missing

    def override(self, function: Function) -> Function:
        """Nothing is overridden here."""
        return function

    def outer(self, error: BaseException) -> Handling | None:
        """`handle_exception` has had its say already."""
        return None

    def lifespan(self) -> AbstractAsyncContextManager[dict[str, Any] | None]:
        """Flask has none."""
        return nullcontext()

    # -- tests and development ------------------------------------------------------------------

    def test_client(self, use_cookies: bool = True, **kwargs: Any) -> FlaskClient:
        """A client that calls this application in the same thread."""
        from carboy.flask.testing import FlaskClient

        made = self.test_client_class or FlaskClient
        return made(self, self.response_class, use_cookies=use_cookies, **kwargs)

    def test_cli_runner(self, **kwargs: Any) -> Any:
        """A runner for this application's commands."""
        from carboy.flask.testing import FlaskCliRunner

        return (self.test_cli_runner_class or FlaskCliRunner)(self, **kwargs)

    def run(
        self,
        host: str | None = None,
        port: int | None = None,
        debug: bool | None = None,
        load_dotenv: bool = True,
        **options: Any,
    ) -> None:
        """Serve on this machine with Werkzeug's development server, its reloader and debugger.

        In production: ``carboy run module:app``.
        """
        from carboy.flask.serving import run

        run(self, host, port, debug, load_dotenv, options)


def _lanes(app: weakref.ref[Flask]) -> Callable[[Route], Lane]:
    def make_lane(route: Route) -> Lane:
        from carboy.flask.straight import lane_for

        live = app()
        assert live is not None
        return lane_for(live, route)

    return make_lane


def _renewing(app: weakref.ref[Flask]) -> Callable[[], None]:
    def changed() -> None:
        if (live := app()) is not None:
            live._renew()

    return changed


def router_of(engine: Engine) -> Callable[[], Any]:
    return lambda: engine.router
