"""What an application and a blueprint have in common: decorators that fill tables.

Tables are keyed by blueprint name, None for the application, and are read anew for every request:
what is added later counts from then on, whether through a decorator or by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import update_wrapper
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jinja2 import BaseLoader, FileSystemLoader
from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.utils import cached_property

from carboy.flask import typing as ft
from carboy.flask.helpers import get_root_path
from carboy.flask.templating import _default_template_ctx_processor

if TYPE_CHECKING:
    from carboy.flask.cli import AppGroup

_sentinel: Any = object()
F = TypeVar("F", bound=Callable[..., Any])


def setupmethod(f: F) -> F:
    """A method that declares something: refused once declarations are closed."""
    name = f.__name__

    def checked(self: Scaffold, *args: Any, **kwargs: Any) -> Any:
        self._check_setup_finished(name)
        return f(self, *args, **kwargs)

    return cast(F, update_wrapper(checked, f))


class Scaffold:
    """Tables of views, hooks and handlers, and the folders beside the code."""

    name: str
    cli: AppGroup
    _static_folder: str | None = None
    _static_url_path: str | None = None

    def __init__(
        self,
        import_name: str,
        static_folder: str | PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | PathLike[str] | None = None,
        root_path: str | None = None,
    ) -> None:
        self.import_name = import_name
        self.static_folder = static_folder
        self.static_url_path = static_url_path
        self.template_folder = template_folder
        self.root_path = get_root_path(import_name) if root_path is None else root_path
        self.view_functions: dict[str, ft.RouteCallable] = {}
        #: Blueprint name -> status (None for other exceptions) -> exception class -> handler.
        self.error_handler_spec: dict[str | None, dict[int | None, dict[type[Exception], Any]]] = (
            defaultdict(lambda: defaultdict(dict))
        )
        self.before_request_funcs: dict[str | None, list[Any]] = defaultdict(list)
        self.after_request_funcs: dict[str | None, list[Any]] = defaultdict(list)
        self.teardown_request_funcs: dict[str | None, list[Any]] = defaultdict(list)
        self.template_context_processors: dict[str | None, list[Any]] = defaultdict(
            list, {None: [_default_template_ctx_processor]}
        )
        self.url_value_preprocessors: dict[str | None, list[Any]] = defaultdict(list)
        self.url_default_functions: dict[str | None, list[Any]] = defaultdict(list)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _check_setup_finished(self, f_name: str) -> None:
        raise NotImplementedError

    # -- folders --------------------------------------------------------------------------------

    @property
    def static_folder(self) -> str | None:
        """The folder of static files, absolute; None for none."""
        if self._static_folder is None:
            return None
        return str(Path(self.root_path) / self._static_folder)

    @static_folder.setter
    def static_folder(self, value: str | PathLike[str] | None) -> None:
        self._static_folder = None if value is None else fspath(value).rstrip(r"\/")

    @property
    def has_static_folder(self) -> bool:
        return self.static_folder is not None

    @property
    def static_url_path(self) -> str | None:
        """Where static files are in URLs: the folder's name unless it was said."""
        if self._static_url_path is not None:
            return self._static_url_path
        if self._static_folder is None:
            return None
        # COMPAT: the name of the folder as joined; "" gives the root.
        name = self._static_folder.replace("\\", "/").rpartition("/")[2]
        return f"/{name}".rstrip("/")

    @static_url_path.setter
    def static_url_path(self, value: str | None) -> None:
        self._static_url_path = None if value is None else value.rstrip("/")

    @cached_property
    def jinja_loader(self) -> BaseLoader | None:
        """Loads from the template folder; None without one."""
        if self.template_folder is None:
            return None
        return FileSystemLoader(str(Path(self.root_path) / self.template_folder))

    # -- routes ---------------------------------------------------------------------------------

    def _method_route(self, method: str, rule: str, options: dict[str, Any]) -> Callable[[F], F]:
        if "methods" in options:
            raise TypeError("'methods' is an argument of the 'route' decorator only.")
        return self.route(rule, methods=[method], **options)

    @setupmethod
    def get(self, rule: str, **options: Any) -> Callable[[F], F]:
        """`route` for GET."""
        return self._method_route("GET", rule, options)

    @setupmethod
    def post(self, rule: str, **options: Any) -> Callable[[F], F]:
        """`route` for POST."""
        return self._method_route("POST", rule, options)

    @setupmethod
    def put(self, rule: str, **options: Any) -> Callable[[F], F]:
        """`route` for PUT."""
        return self._method_route("PUT", rule, options)

    @setupmethod
    def delete(self, rule: str, **options: Any) -> Callable[[F], F]:
        """`route` for DELETE."""
        return self._method_route("DELETE", rule, options)

    @setupmethod
    def patch(self, rule: str, **options: Any) -> Callable[[F], F]:
        """`route` for PATCH."""
        return self._method_route("PATCH", rule, options)

    @setupmethod
    def route(self, rule: str, **options: Any) -> Callable[[F], F]:
        """The decorated function answers `rule`. Options: see `add_url_rule`."""
        if callable(rule):
            name = getattr(rule, "__name__", repr(rule))
            raise TypeError(
                "a rule is a text that begins with a slash; it got the function "
                f'{name}: write @app.route("/path"), with parentheses.'
            )

        def decorate(f: F) -> F:
            endpoint = options.pop("endpoint", None)
            self.add_url_rule(rule, endpoint, f, **options)
            return f

        return decorate

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """Have `rule` lead to `endpoint`, by default the name of `view_func`.

        `options` are those of werkzeug.routing.Rule: methods, defaults, subdomain, host,
        strict_slashes, redirect_to, alias, build_only.
        """
        raise NotImplementedError

    @setupmethod
    def endpoint(self, endpoint: str) -> Callable[[F], F]:
        """The decorated function answers `endpoint`, whose rules are added elsewhere."""

        def decorate(f: F) -> F:
            self.view_functions[endpoint] = f
            return f

        return decorate

    # -- hooks ----------------------------------------------------------------------------------

    @setupmethod
    def before_request(self, f: F) -> F:
        """``f()`` runs before each view; a value that is not None is the answer."""
        self.before_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def after_request(self, f: F) -> F:
        """``f(response)`` runs after each view and returns the response; last added first."""
        self.after_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def teardown_request(self, f: F) -> F:
        """``f(exception or None)`` runs when the request is over, whatever happened."""
        self.teardown_request_funcs.setdefault(None, []).append(f)
        return f

    @setupmethod
    def context_processor(self, f: F) -> F:
        """``f()`` returns a dict of names for templates."""
        self.template_context_processors[None].append(f)
        return f

    @setupmethod
    def url_value_preprocessor(self, f: F) -> F:
        """``f(endpoint, values)`` may change the values before the view gets them."""
        self.url_value_preprocessors[None].append(f)
        return f

    @setupmethod
    def url_defaults(self, f: F) -> F:
        """``f(endpoint, values)`` may add values when a URL is built."""
        self.url_default_functions[None].append(f)
        return f

    # -- errors ---------------------------------------------------------------------------------

    @setupmethod
    def errorhandler(self, code_or_exception: type[Exception] | int) -> Callable[[F], F]:
        """The decorated ``f(error)`` answers this status or exception class."""

        def decorate(f: F) -> F:
            self.register_error_handler(code_or_exception, f)
            return f

        return decorate

    @setupmethod
    def register_error_handler(
        self, code_or_exception: type[Exception] | int, f: ft.ErrorHandlerCallable
    ) -> None:
        """`errorhandler` as a call."""
        exc_class, code = self._get_exc_class_and_code(code_or_exception)
        self.error_handler_spec[None][code][exc_class] = f

    @staticmethod
    def _get_exc_class_and_code(
        exc_class_or_code: type[Exception] | int,
    ) -> tuple[type[Exception], int | None]:
        given: Any = exc_class_or_code
        if isinstance(given, int):
            if given not in default_exceptions:
                raise ValueError(
                    f"'{given}' is not a recognized HTTP error code. Use a subclass of "
                    "HTTPException with this code as the key."
                )
            given = default_exceptions[given]
        if isinstance(given, Exception):
            raise TypeError(
                f"{given!r} is an instance, not a class. Handlers are registered for exception "
                "classes and HTTP error codes."
            )
        if not issubclass(given, Exception):
            raise ValueError(
                f"'{given.__name__}' is not a subclass of Exception. Handlers are registered for "
                "exception classes and HTTP error codes."
            )
        return given, given.code if issubclass(given, HTTPException) else None


def _endpoint_from_view_func(view_func: ft.RouteCallable | None) -> str:
    assert view_func is not None, "a rule without an endpoint needs a view function to name it"
    return view_func.__name__
