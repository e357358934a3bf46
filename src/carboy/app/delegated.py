"""Which of Flask's names an `App` has: those that FastAPI has not. A table, and what reads it.

Left out: what Flask's own machinery is made of (its steps), which nobody calls on an application
but the application. A test compares this with both faces.
"""

from __future__ import annotations

from typing import Any

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
