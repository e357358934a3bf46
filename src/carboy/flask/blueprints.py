"""Blueprints: declarations that are recorded, and made when an application registers them.

A blueprint's tables are merged into the application's under its dotted name. Nested ones register
themselves after their parent, with its prefix, subdomain and name in front of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import update_wrapper
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeVar

from carboy.flask import reexports
from carboy.flask import typing as ft
from carboy.flask.cli import AppGroup
from carboy.flask.files import Files
from carboy.flask.scaffold import Scaffold, _endpoint_from_view_func, _sentinel, setupmethod

if TYPE_CHECKING:
    from carboy.flask.app import Flask
    from carboy.flask.declaring import Adder, Decorator

if not TYPE_CHECKING:  # type checkers see what is ours
    __getattr__ = reexports.lookup(__name__)

F = TypeVar("F", bound=Callable[..., Any])
DeferredSetupFunction = Callable[["BlueprintSetupState"], None]


class BlueprintSetupState:
    """One registration of a blueprint: with what prefix, subdomain, name and defaults."""

    def __init__(
        self, blueprint: Blueprint, app: Flask, options: Any, first_registration: bool
    ) -> None:
        self.app = app
        self.blueprint = blueprint
        self.options = options
        self.first_registration = first_registration
        subdomain = options.get("subdomain")
        self.subdomain: str | None = blueprint.subdomain if subdomain is None else subdomain
        prefix = options.get("url_prefix")
        self.url_prefix: str | None = blueprint.url_prefix if prefix is None else prefix
        self.name: str = options.get("name", blueprint.name)
        self.name_prefix: str = options.get("name_prefix", "")
        self.url_defaults = {**blueprint.url_values_defaults, **(options.get("url_defaults") or {})}

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        **options: Any,
    ) -> None:
        """`Flask.add_url_rule`, under this registration's prefix and name."""
        if self.url_prefix is not None:
            joined = "/".join((self.url_prefix.rstrip("/"), rule.lstrip("/")))
            rule = joined if rule else self.url_prefix
        options.setdefault("subdomain", self.subdomain)
        if endpoint is None:
            endpoint = _endpoint_from_view_func(view_func)
        defaults = {**self.url_defaults, **(options.pop("defaults", None) or {})}
        name = f"{self.name_prefix}.{self.name}.{endpoint}".lstrip(".")
        self.app.add_url_rule(rule, name, view_func, defaults=defaults, **options)


class Blueprint(Files, Scaffold):
    """A part of an application, to be registered on one or more."""

    _got_registered_once = False
    app_template_filter: Decorator
    app_template_test: Decorator
    app_template_global: Decorator
    add_app_template_filter: Adder
    add_app_template_test: Adder
    add_app_template_global: Adder

    def __init__(
        self,
        name: str,
        import_name: str,
        static_folder: str | PathLike[str] | None = None,
        static_url_path: str | None = None,
        template_folder: str | PathLike[str] | None = None,
        url_prefix: str | None = None,
        subdomain: str | None = None,
        url_defaults: dict[str, Any] | None = None,
        root_path: str | None = None,
        cli_group: str | None = _sentinel,
    ) -> None:
        super().__init__(import_name, static_folder, static_url_path, template_folder, root_path)
        if not name:
            raise ValueError("'name' may not be empty.")
        if "." in name:
            raise ValueError("'name' may not contain a dot '.' character.")
        self.name = name
        self.url_prefix = url_prefix
        self.subdomain = subdomain
        self.url_values_defaults = {} if url_defaults is None else url_defaults
        self.cli_group = cli_group
        self.cli = AppGroup(name)
        self.deferred_functions: list[DeferredSetupFunction] = []
        self._blueprints: list[tuple[Blueprint, dict[str, Any]]] = []

    def _check_setup_finished(self, f_name: str) -> None:
        if self._got_registered_once:
            raise AssertionError(
                f"The setup method '{f_name}' can no longer be called on the blueprint "
                f"'{self.name}': it has been registered, and what is declared now would be missing "
                "there. Declare everything before registering it."
            )

    # -- registration ---------------------------------------------------------------------------

    @setupmethod
    def record(self, func: DeferredSetupFunction) -> None:
        """Have ``func(state)`` called at each registration."""
        self.deferred_functions.append(func)

    @setupmethod
    def record_once(self, func: DeferredSetupFunction) -> None:
        """Have ``func(state)`` called at the first registration only."""

        def once(state: BlueprintSetupState) -> None:
            if state.first_registration:
                func(state)

        self.record(update_wrapper(once, func))

    def make_setup_state(
        self, app: Flask, options: dict[str, Any], first_registration: bool = False
    ) -> BlueprintSetupState:
        """The state that recorded functions are called with."""
        return BlueprintSetupState(self, app, options, first_registration)

    @setupmethod
    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Nest `blueprint` in this one."""
        if blueprint is self:
            raise ValueError("Cannot register a blueprint on itself")
        self._blueprints.append((blueprint, options))

    def register(self, app: Flask, options: dict[str, Any]) -> None:
        """Make everything recorded on `app`. Called by `app.register_blueprint`."""
        own = options.get("name", self.name)
        name = f"{options.get('name_prefix', '')}.{own}".lstrip(".")
        if name in app.blueprints:
            which = "this" if app.blueprints[name] is self else "a different"
            where = f" '{name}'" if own != name else ""
            raise ValueError(
                f"The name '{own}' is already registered for {which} blueprint{where}. Pass "
                "'name=' to register it under another."
            )
        first = not any(one is self for one in app.blueprints.values())
        app.blueprints[name] = self
        self._got_registered_once = True
        state = self.make_setup_state(app, options, first)
        if self.has_static_folder:
            state.add_url_rule(
                f"{self.static_url_path}/<path:filename>",
                view_func=self.send_static_file,
                endpoint="static",
            )
        self._merge_blueprint_funcs(app, name)
        for deferred in self.deferred_functions:
            deferred(state)
        self._register_commands(app, name, options.get("cli_group", self.cli_group))
        for blueprint, nested in self._blueprints:
            blueprint.register(app, _under(state, name, blueprint, nested))

    def _register_commands(self, app: Flask, name: str, group: str | None) -> None:
        if not self.cli.commands:
            return
        if group is None:
            app.cli.commands.update(self.cli.commands)
        else:
            self.cli.name = name if group is _sentinel else group
            app.cli.add_command(self.cli)

    def _merge_blueprint_funcs(self, app: Flask, name: str) -> None:
        def key(inner: str | None) -> str:
            return name if inner is None else f"{name}.{inner}"

        for place, handlers in self.error_handler_spec.items():
            copied = {code: dict(by_class) for code, by_class in handlers.items()}
            app.error_handler_spec[key(place)] = defaultdict(dict, copied)
        app.view_functions.update(self.view_functions)
        for table in _TABLES:
            theirs = getattr(app, table)
            for place, functions in getattr(self, table).items():
                theirs[key(place)].extend(functions)

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: ft.RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        if endpoint and "." in endpoint:
            raise ValueError("'endpoint' may not contain a dot '.' character.")
        if view_func and "." in getattr(view_func, "__name__", ""):
            raise ValueError("'view_func' name may not contain a dot '.' character.")
        options["provide_automatic_options"] = provide_automatic_options
        self.record(lambda state: state.add_url_rule(rule, endpoint, view_func, **options))

    # -- declarations for the whole application --------------------------------------------------

    def _for_app(self, declare: Callable[[Flask], Any]) -> None:
        self.record_once(lambda state: declare(state.app))

    @setupmethod
    def before_app_request(self, f: F) -> F:
        """`before_request` for every request."""
        self._for_app(lambda app: app.before_request_funcs.setdefault(None, []).append(f))
        return f

    @setupmethod
    def after_app_request(self, f: F) -> F:
        """`after_request` for every request."""
        self._for_app(lambda app: app.after_request_funcs.setdefault(None, []).append(f))
        return f

    @setupmethod
    def teardown_app_request(self, f: F) -> F:
        """`teardown_request` for every request."""
        self._for_app(lambda app: app.teardown_request_funcs.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_context_processor(self, f: F) -> F:
        """`context_processor` for every template."""
        self._for_app(lambda app: app.template_context_processors.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_errorhandler(self, code: type[Exception] | int) -> Callable[[F], F]:
        """`errorhandler` for every request."""

        def decorate(f: F) -> F:
            self._for_app(lambda app: app.errorhandler(code)(f))
            return f

        return decorate

    @setupmethod
    def app_url_value_preprocessor(self, f: F) -> F:
        """`url_value_preprocessor` for every request."""
        self._for_app(lambda app: app.url_value_preprocessors.setdefault(None, []).append(f))
        return f

    @setupmethod
    def app_url_defaults(self, f: F) -> F:
        """`url_defaults` for every URL."""
        self._for_app(lambda app: app.url_default_functions.setdefault(None, []).append(f))
        return f


def _template_declarations(table: str) -> tuple[Any, Any]:
    """``app_template_filter(name)`` and ``add_app_template_filter(f, name)`` for one table."""

    def add(self: Blueprint, f: Callable[..., Any], name: str | None = None) -> None:
        self._for_app(lambda app: getattr(app.jinja_env, table).update({name or f.__name__: f}))

    def decorator(self: Blueprint, name: str | None = None) -> Callable[[F], F]:
        def decorate(f: F) -> F:
            add(self, f, name)
            return f

        return decorate

    kind = table.removesuffix("s")
    add.__name__, decorator.__name__ = f"add_app_template_{kind}", f"app_template_{kind}"
    return setupmethod(decorator), setupmethod(add)


for _table in ("filters", "tests", "globals"):
    for _method in _template_declarations(_table):
        setattr(Blueprint, _method.__name__, _method)

#: Tables of lists that are merged by name.
_TABLES = (
    "before_request_funcs",
    "after_request_funcs",
    "teardown_request_funcs",
    "url_default_functions",
    "url_value_preprocessors",
    "template_context_processors",
)


def _under(
    state: BlueprintSetupState, name: str, blueprint: Blueprint, given: dict[str, Any]
) -> dict[str, Any]:
    """The options of a nested registration: the parent's prefix and subdomain joined to its own."""
    options = dict(given)
    subdomain = options.get("subdomain")
    if subdomain is None:
        subdomain = blueprint.subdomain
    domains = [one for one in (subdomain, state.subdomain) if one is not None]
    if domains:
        options["subdomain"] = ".".join(domains)
    prefix = options.get("url_prefix")
    if prefix is None:
        prefix = blueprint.url_prefix
    if state.url_prefix is not None and prefix is not None:
        options["url_prefix"] = f"{state.url_prefix.rstrip('/')}/{prefix.lstrip('/')}"
    elif prefix is not None or state.url_prefix is not None:
        options["url_prefix"] = state.url_prefix if prefix is None else prefix
    options["name_prefix"] = name
    return options
