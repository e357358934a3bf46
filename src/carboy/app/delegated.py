"""Which of Flask's names an `App` has: those that FastAPI has not. A table, and what reads it.

Flask's steps are among them: extensions wrap one that they find on the application they are given
(``app.handle_exception = partial(mine, app.handle_exception)``), and tests call some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carboy.flask import Flask

#: Name -> what it is, in a word or two.
NAMES: dict[str, str] = {
    **dict.fromkeys(
        (
            "route",
            "add_url_rule",
            "endpoint",
            "register_blueprint",
            "iter_blueprints",
            "before_request",
            "after_request",
            "teardown_request",
            "teardown_appcontext",
            "errorhandler",
            "register_error_handler",
            "url_value_preprocessor",
            "url_defaults",
            "context_processor",
            "template_filter",
            "template_test",
            "template_global",
            "add_template_filter",
            "add_template_test",
            "add_template_global",
            "shell_context_processor",
        ),
        "declares",
    ),
    **dict.fromkeys(
        (
            "app_context",
            "request_context",
            "test_request_context",
            "test_client",
            "test_cli_runner",
            "url_for",
            "inject_url_defaults",
            "handle_url_build_error",
            "make_response",
            "redirect",
            "ensure_sync",
            "async_to_sync",
            "send_static_file",
            "get_send_file_max_age",
            "open_resource",
            "open_instance_resource",
            "make_shell_context",
            "update_template_context",
            "select_jinja_autoescape",
            "create_jinja_environment",
            "create_global_jinja_loader",
            "run",
        ),
        "does",
    ),
    **dict.fromkeys(
        (
            "preprocess_request",
            "full_dispatch_request",
            "dispatch_request",
            "finalize_request",
            "process_response",
            "make_default_options_response",
            "handle_exception",
            "handle_user_exception",
            "handle_http_exception",
            "trap_http_exception",
            "log_exception",
            "raise_routing_exception",
            "should_ignore_error",
            "do_teardown_request",
            "do_teardown_appcontext",
            "create_url_adapter",
        ),
        "does for Flask's views",
    ),
    **dict.fromkeys(
        (
            "config",
            "secret_key",
            "testing",
            "session_interface",
            "permanent_session_lifetime",
            "name",
            "import_name",
            "instance_path",
            "static_folder",
            "static_url_path",
            "has_static_folder",
            "template_folder",
            "jinja_env",
            "jinja_environment",
            "jinja_loader",
            "jinja_options",
            "json",
            "json_provider_class",
            "logger",
            "aborter",
            "extensions",
            "blueprints",
            "cli",
            "url_map",
            "view_functions",
            "request_class",
            "response_class",
            "test_client_class",
            "test_cli_runner_class",
            "url_rule_class",
            "before_request_funcs",
            "after_request_funcs",
            "teardown_request_funcs",
            "teardown_appcontext_funcs",
            "error_handler_spec",
            "template_context_processors",
            "shell_context_processors",
            "url_value_preprocessors",
            "url_default_functions",
            "url_build_error_handlers",
        ),
        "holds",
    ),
    # Flask has no public name for it, so extensions ask for this one.
    "_got_first_request": "knows",
}


class Delegated:
    """An attribute of an `App` that is its Flask side's."""

    def __init__(self, name: str, shown: str) -> None:
        self.name = name
        self.__doc__ = f"What `App.flask.{name}` {shown}."

    def __get__(self, app: Any, kind: type[Any]) -> Any:
        # On the class: what Flask itself has there, for whoever looks at signatures.
        return self if app is None else getattr(app.flask, self.name)

    def __set__(self, app: Any, value: Any) -> None:
        setattr(app.flask, self.name, value)


class Refused:
    """A name of Flask's that an `App` can't have: saying so at once, with what to write."""

    def __init__(self, message: str) -> None:
        self.message = message

    def __get__(self, app: Any, kind: type[Any]) -> Any:
        if app is None:
            return self
        raise AttributeError(self.message)

    def __set__(self, app: Any, value: Any) -> None:
        raise AttributeError(self.message)


#: Name -> why not.
REFUSED = {
    "wsgi_app": (
        "an App has no wsgi_app: it is served as ASGI and as WSGI. What ProxyFix is for: "
        "`carboy run --forwarded-allow-ips ADDRESS` (docs/deployment.md). Middleware around all "
        "routes: app.add_middleware(...). Around Flask's views only: app.flask.wsgi_app."
    ),
}


class FlaskNames:
    """For type checkers: what `NAMES` are on an `App`, with the types that a Flask has."""

    if TYPE_CHECKING:
        # Never called. Attributes of an instance, since checkers take a class's for methods.

        def _declares(self, flask: Flask) -> None:
            self.route = flask.route
            self.add_url_rule = flask.add_url_rule
            self.endpoint = flask.endpoint
            self.register_blueprint = flask.register_blueprint
            self.iter_blueprints = flask.iter_blueprints
            self.before_request = flask.before_request
            self.after_request = flask.after_request
            self.teardown_request = flask.teardown_request
            self.teardown_appcontext = flask.teardown_appcontext
            self.errorhandler = flask.errorhandler
            self.register_error_handler = flask.register_error_handler
            self.url_value_preprocessor = flask.url_value_preprocessor
            self.url_defaults = flask.url_defaults
            self.context_processor = flask.context_processor
            self.template_filter = flask.template_filter
            self.template_test = flask.template_test
            self.template_global = flask.template_global
            self.add_template_filter = flask.add_template_filter
            self.add_template_test = flask.add_template_test
            self.add_template_global = flask.add_template_global
            self.shell_context_processor = flask.shell_context_processor

        def _does(self, flask: Flask) -> None:
            self.app_context = flask.app_context
            self.request_context = flask.request_context
            self.test_request_context = flask.test_request_context
            self.test_client = flask.test_client
            self.test_cli_runner = flask.test_cli_runner
            self.url_for = flask.url_for
            self.inject_url_defaults = flask.inject_url_defaults
            self.handle_url_build_error = flask.handle_url_build_error
            self.make_response = flask.make_response
            self.redirect = flask.redirect
            self.ensure_sync = flask.ensure_sync
            self.async_to_sync = flask.async_to_sync
            self.send_static_file = flask.send_static_file
            self.get_send_file_max_age = flask.get_send_file_max_age
            self.open_resource = flask.open_resource
            self.open_instance_resource = flask.open_instance_resource
            self.make_shell_context = flask.make_shell_context
            self.update_template_context = flask.update_template_context
            self.select_jinja_autoescape = flask.select_jinja_autoescape
            self.create_jinja_environment = flask.create_jinja_environment
            self.create_global_jinja_loader = flask.create_global_jinja_loader
            self.run = flask.run

        def _steps(self, flask: Flask) -> None:
            self.preprocess_request = flask.preprocess_request
            self.full_dispatch_request = flask.full_dispatch_request
            self.dispatch_request = flask.dispatch_request
            self.finalize_request = flask.finalize_request
            self.process_response = flask.process_response
            self.make_default_options_response = flask.make_default_options_response
            self.handle_exception = flask.handle_exception
            self.handle_user_exception = flask.handle_user_exception
            self.handle_http_exception = flask.handle_http_exception
            self.trap_http_exception = flask.trap_http_exception
            self.log_exception = flask.log_exception
            self.raise_routing_exception = flask.raise_routing_exception
            self.should_ignore_error = flask.should_ignore_error
            self.do_teardown_request = flask.do_teardown_request
            self.do_teardown_appcontext = flask.do_teardown_appcontext
            self.create_url_adapter = flask.create_url_adapter

        def _holds(self, flask: Flask) -> None:
            self.config = flask.config
            self.secret_key = flask.secret_key
            self.testing = flask.testing
            self.session_interface = flask.session_interface
            self.permanent_session_lifetime = flask.permanent_session_lifetime
            self.name = flask.name
            self.import_name = flask.import_name
            self.instance_path = flask.instance_path
            self.static_folder = flask.static_folder
            self.static_url_path = flask.static_url_path
            self.has_static_folder = flask.has_static_folder
            self.template_folder = flask.template_folder
            self.jinja_env = flask.jinja_env
            self.jinja_environment = flask.jinja_environment
            self.jinja_loader = flask.jinja_loader
            self.jinja_options = flask.jinja_options
            self.json = flask.json
            self.json_provider_class = flask.json_provider_class
            self.logger = flask.logger
            self.aborter = flask.aborter
            self.extensions = flask.extensions
            self.blueprints = flask.blueprints
            self.cli = flask.cli
            self.url_map = flask.url_map
            self.view_functions = flask.view_functions
            self.request_class = flask.request_class
            self.response_class = flask.response_class
            self.test_client_class = flask.test_client_class
            self.test_cli_runner_class = flask.test_cli_runner_class
            self.url_rule_class = flask.url_rule_class
            self.before_request_funcs = flask.before_request_funcs
            self.after_request_funcs = flask.after_request_funcs
            self.teardown_request_funcs = flask.teardown_request_funcs
            self.teardown_appcontext_funcs = flask.teardown_appcontext_funcs
            self.error_handler_spec = flask.error_handler_spec
            self.template_context_processors = flask.template_context_processors
            self.shell_context_processors = flask.shell_context_processors
            self.url_value_preprocessors = flask.url_value_preprocessors
            self.url_default_functions = flask.url_default_functions
            self.url_build_error_handlers = flask.url_build_error_handlers

        def _knows(self, flask: Flask) -> None:
            self._got_first_request = flask._got_first_request
