"""What an application declares besides what it shares with blueprints: rules, blueprints,
template functions, commands' contexts, teardown.

Everything here fills tables; nothing here is called while a request is answered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from jinja2 import BaseLoader
from werkzeug.routing import Rule
from werkzeug.utils import cached_property

from carboy.flask import typing as ft
from carboy.flask.config import Config
from carboy.flask.helpers import get_debug_flag
from carboy.flask.places import instance_path_for
from carboy.flask.scaffold import Scaffold, _endpoint_from_view_func, setupmethod
from carboy.flask.templating import DispatchingJinjaLoader, Environment
from carboy.server.traces import is_dev

if TYPE_CHECKING:
    from carboy.flask.blueprints import Blueprint
    from carboy.flask.url_map import UrlMap

F = TypeVar("F", bound=Callable[..., Any])


class Decorator(Protocol):
    """What type checkers know of ``@template_filter("name")``, with and without parentheses."""

    @overload
    def __call__(self, name: F) -> F: ...
    @overload
    def __call__(self, name: str | None = None) -> Callable[[F], F]: ...


class Adder(Protocol):
    """What they know of ``add_template_filter(f, "name")``."""

    def __call__(self, f: Callable[..., Any], name: str | None = None) -> None: ...


def _template_declarations(table: str) -> tuple[Any, Any]:
    """``template_filter(name)`` and ``add_template_filter(f, name)`` for one table."""

    def add(self: Declaring, f: Callable[..., Any], name: str | None = None) -> None:
        getattr(self.jinja_env, table)[name or f.__name__] = f

    def decorator(self: Declaring, name: Any = None) -> Any:
        if callable(name):  # used without parentheses
            add(self, name)
            return name

        def decorate(f: F) -> F:
            add(self, f, name)
            return f

        return decorate

    kind = table.removesuffix("s")
    add.__name__, decorator.__name__ = f"add_template_{kind}", f"template_{kind}"
    add.__doc__ = f"Give templates `f` as a {kind}, under `name` or its own."
    decorator.__doc__ = f"The decorated function is a {kind} of templates."
    return setupmethod(decorator), setupmethod(add)


class Declaring(Scaffold):
    """The declarations of an application. Mixed into `Flask`."""

    config: Config
    url_map: UrlMap
    url_rule_class: type[Rule] = Rule
    jinja_environment: type[Environment] = Environment
    jinja_options: dict[str, Any] = {}  # noqa: RUF012 - COMPAT: a class attribute to be replaced
    blueprints: dict[str, Blueprint]
    config_class: type[Config] = Config
    default_config: Any
    instance_path: str

    template_filter: Decorator
    template_test: Decorator
    template_global: Decorator
    add_template_filter: Adder
    add_template_test: Adder
    add_template_global: Adder
    template_filter, add_template_filter = _template_declarations("filters")
    template_test, add_template_test = _template_declarations("tests")
    template_global, add_template_global = _template_declarations("globals")

    # -- folders and settings -------------------------------------------------------------------

    @cached_property
    def name(self) -> str:
        """The import name; the file's for a script that is run."""
        if self.import_name != "__main__":
            return self.import_name
        file = getattr(sys.modules["__main__"], "__file__", None)
        return "__main__" if file is None else Path(file).stem

    @property
    def debug(self) -> bool:
        """Debug mode: readable errors for developers. Never on the internet."""
        return self.config["DEBUG"]  # type: ignore[no-any-return]

    @debug.setter
    def debug(self, value: bool) -> None:
        self.config["DEBUG"] = value
        if self.config["TEMPLATES_AUTO_RELOAD"] is None:
            self.jinja_env.auto_reload = value

    def make_config(self, instance_relative: bool = False) -> Config:
        """The config with its defaults; relative file names start in the instance folder or not."""
        root_path = self.instance_path if instance_relative else self.root_path
        return self.config_class(root_path, {**self.default_config, "DEBUG": get_debug_flag()})

    def auto_find_instance_path(self) -> str:
        """``instance`` beside the code, or below ``var`` where the code is installed."""
        return instance_path_for(self.import_name, self.name)

    def open_instance_resource(
        self, resource: str, mode: str = "rb", encoding: str | None = "utf-8"
    ) -> Any:
        """A file of the instance folder, opened."""
        path = Path(self.instance_path, resource)
        return path.open(mode) if "b" in mode else path.open(mode, encoding=encoding)

    # -- rules ----------------------------------------------------------------------------------

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        endpoint = _endpoint_from_view_func(view_func) if endpoint is None else endpoint
        methods = options.pop("methods", None)
        if methods is None:
            methods = getattr(view_func, "methods", None) or ("GET",)
        if isinstance(methods, str):
            raise TypeError(
                f"methods={methods!r} is one text; write a list, as in methods=[{methods!r}]."
            )
        wanted = {method.upper() for method in methods}
        if provide_automatic_options is None:
            provide_automatic_options = getattr(view_func, "provide_automatic_options", None)
        if provide_automatic_options is None:
            provide_automatic_options = (
                "OPTIONS" not in wanted and self.config["PROVIDE_AUTOMATIC_OPTIONS"]
            )
            if provide_automatic_options:
                wanted.add("OPTIONS")
        wanted |= set(getattr(view_func, "required_methods", ()))
        made: Any = self.url_rule_class(rule, endpoint=endpoint, methods=wanted, **options)
        made.provide_automatic_options = provide_automatic_options
        self.url_map.add(made)
        if view_func is None:
            return
        before = dict.get(self.view_functions, endpoint)
        if before is not None and before != view_func:
            raise AssertionError(
                f"the endpoint {endpoint!r} has another view already: {before!r}. Name one of "
                "them with endpoint=."
            )
        self.view_functions[endpoint] = view_func

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Make what `blueprint` declares; options: url_prefix, name, subdomain, url_defaults."""
        blueprint.register(self, options)  # type: ignore[arg-type]

    def iter_blueprints(self) -> Iterable[Blueprint]:
        """Every registered blueprint, in the order of registration."""
        return self.blueprints.values()

    # -- templates ------------------------------------------------------------------------------

    @cached_property
    def jinja_env(self) -> Environment:
        """Jinja's environment; made at first use, so that options may be set before."""
        return self.create_jinja_environment()

    def create_jinja_environment(self) -> Environment:
        """An environment with Flask's globals."""
        from carboy.flask.globals import g, request, session
        from carboy.flask.helpers import get_flashed_messages

        options = dict(self.jinja_options)
        options.setdefault("autoescape", self.select_jinja_autoescape)
        if "auto_reload" not in options:
            reload = self.config["TEMPLATES_AUTO_RELOAD"]
            # Under `carboy dev` a template that was saved shows, as code that was saved does.
            options["auto_reload"] = (self.debug or is_dev()) if reload is None else reload
        environment = self.jinja_environment(self, **options)  # type: ignore[arg-type]
        environment.globals.update(
            url_for=self.url_for,  # type: ignore[attr-defined]
            get_flashed_messages=get_flashed_messages,
            config=self.config,
            request=request,
            session=session,
            g=g,
        )
        environment.policies["json.dumps_function"] = self.json.dumps  # type: ignore[attr-defined]
        return environment

    def create_global_jinja_loader(self) -> BaseLoader:
        """A loader over the application's templates and its blueprints'."""
        return DispatchingJinjaLoader(self)  # type: ignore[arg-type]

    def select_jinja_autoescape(self, filename: str | None) -> bool:
        """Whether a template escapes what it prints: those for HTML, XML and SVG, and text."""
        return filename is None or filename.endswith((".html", ".htm", ".xml", ".xhtml", ".svg"))

    def update_template_context(self, context: dict[str, Any]) -> None:
        """Add what context processors give; what `context` has already wins."""
        from carboy.flask.globals import _cv_request

        names: Iterator[str | None] = iter((None,))
        if (current := _cv_request.get(None)) is not None:
            names = iter((None, *reversed(current.request.blueprints)))
        given = dict(context)
        for name in names:
            for processor in self.template_context_processors.get(name, ()):
                context.update(self.ensure_sync(processor)())  # type: ignore[attr-defined]
        context.update(given)

    # -- other hooks ----------------------------------------------------------------------------

    teardown_appcontext_funcs: list[ft.TeardownCallable]
    shell_context_processors: list[ft.ShellContextProcessorCallable]

    @setupmethod
    def teardown_appcontext(self, f: F) -> F:
        """``f(exception or None)`` runs when an application context ends."""
        self.teardown_appcontext_funcs.append(f)
        return f

    @setupmethod
    def shell_context_processor(self, f: F) -> F:
        """``f()`` returns names for the shell."""
        self.shell_context_processors.append(f)
        return f

    def make_shell_context(self) -> dict[str, Any]:
        """The names that a shell starts with."""
        names: dict[str, Any] = {"app": self}
        from carboy.flask.globals import g

        names["g"] = g
        for processor in self.shell_context_processors:
            names.update(processor())
        return names
