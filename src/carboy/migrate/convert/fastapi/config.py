"""Flask's configuration as a dict, `app.state.config`, and its logger as the standard library's.

Only keys that can be seen and that mean nothing to Flask itself: what else is asked of a
configuration (files, objects, keys that Flask obeys) stays, and is in the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import libcst as cst

from carboy.migrate.convert.text import Arguments, code, expression, index_of, text_of, walk

#: Keys that Flask obeys, of which FastAPI knows nothing.
_FLASK = {
    "APPLICATION_ROOT",
    "MAX_CONTENT_LENGTH",
    "MAX_COOKIE_SIZE",
    "MAX_FORM_MEMORY_SIZE",
    "MAX_FORM_PARTS",
    "PERMANENT_SESSION_LIFETIME",
    "PREFERRED_URL_SCHEME",
    "PROPAGATE_EXCEPTIONS",
    "PROVIDE_AUTOMATIC_OPTIONS",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "SEND_FILE_MAX_AGE_DEFAULT",
    "SERVER_NAME",
    "TRAP_BAD_REQUEST_ERRORS",
    "TRAP_HTTP_EXCEPTIONS",
    "TRUSTED_HOSTS",
    "USE_X_SENDFILE",
}
#: What a new configuration has that code may ask for.
START = '{"DEBUG": False, "TESTING": False}'
_ONE = ("get", "setdefault", "pop")
_MANY = {"update": "update", "from_mapping": "update"}
Is = Callable[[cst.BaseExpression], bool]


def settings(node: cst.CSTNode, is_app: Is) -> Iterator[tuple[cst.CSTNode, cst.BaseExpression]]:
    """Every use of a configuration below `node` that a dict is enough for, and what it becomes.

    `is_app` says whether an expression is the application.
    """
    for one in walk(node):
        base: cst.BaseExpression | None = None
        keys: set[str | None] = set()
        method = ""
        if isinstance(one, cst.Subscript):
            base, keys = one.value, {_text(index_of(one))}
            changed: cst.CSTNode = one.value
        elif isinstance(one, cst.Call) and isinstance(one.func, cst.Attribute):
            given, called = Arguments(one.args), one.func.attr.value
            base, changed, method = one.func.value, one.func, f".{_MANY.get(called, called)}"
            if called in _ONE:
                keys = {_text(given.get(0, "key"))}
            elif called in _MANY and given.is_plain and not given.positional:
                keys = {key for key in given.named if key != "SECRET_KEY"}
            else:
                continue
        if not isinstance(base, cst.Attribute) or base.attr.value != "config":
            continue
        if is_app(base.value) and not _obeyed(keys):
            yield changed, expression(f"{code(base.value)}.state.config{method}")


def _text(node: cst.BaseExpression | None) -> str | None:
    return None if node is None else text_of(node)


def _obeyed(keys: set[str | None]) -> bool:
    return any(one is None or one in _FLASK or one.startswith("SESSION_") for one in keys)


def loggers(node: cst.CSTNode, is_app: Is) -> Iterator[cst.Attribute]:
    """Every `app.logger` below `node`."""
    for one in walk(node):
        if isinstance(one, cst.Attribute) and one.attr.value == "logger" and is_app(one.value):
            yield one
