"""Flask's names on Carboy's engine. Loaded one by one, when they are asked for.

COMPAT: the names and the modules they live in are Flask 3.1's, so that code and extensions find
them; Werkzeug, Jinja2, itsdangerous, click and blinker serve the objects that users touch.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carboy.flask import json as json
    from carboy.flask.app import Flask as Flask
    from carboy.flask.blueprints import Blueprint as Blueprint
    from carboy.flask.config import Config as Config
    from carboy.flask.ctx import after_this_request as after_this_request
    from carboy.flask.ctx import copy_current_request_context as copy_current_request_context
    from carboy.flask.ctx import has_app_context as has_app_context
    from carboy.flask.ctx import has_request_context as has_request_context
    from carboy.flask.globals import current_app as current_app
    from carboy.flask.globals import g as g
    from carboy.flask.globals import request as request
    from carboy.flask.globals import session as session
    from carboy.flask.helpers import abort as abort
    from carboy.flask.helpers import flash as flash
    from carboy.flask.helpers import get_flashed_messages as get_flashed_messages
    from carboy.flask.helpers import get_template_attribute as get_template_attribute
    from carboy.flask.helpers import make_response as make_response
    from carboy.flask.helpers import redirect as redirect
    from carboy.flask.helpers import send_file as send_file
    from carboy.flask.helpers import send_from_directory as send_from_directory
    from carboy.flask.helpers import stream_with_context as stream_with_context
    from carboy.flask.helpers import url_for as url_for
    from carboy.flask.json import jsonify as jsonify
    from carboy.flask.signals import appcontext_popped as appcontext_popped
    from carboy.flask.signals import appcontext_pushed as appcontext_pushed
    from carboy.flask.signals import appcontext_tearing_down as appcontext_tearing_down
    from carboy.flask.signals import before_render_template as before_render_template
    from carboy.flask.signals import got_request_exception as got_request_exception
    from carboy.flask.signals import message_flashed as message_flashed
    from carboy.flask.signals import request_finished as request_finished
    from carboy.flask.signals import request_started as request_started
    from carboy.flask.signals import request_tearing_down as request_tearing_down
    from carboy.flask.signals import template_rendered as template_rendered
    from carboy.flask.templating import render_template as render_template
    from carboy.flask.templating import render_template_string as render_template_string
    from carboy.flask.templating import stream_template as stream_template
    from carboy.flask.templating import stream_template_string as stream_template_string
    from carboy.flask.wrappers import Request as Request
    from carboy.flask.wrappers import Response as Response

#: The version whose behaviour this is.
VERSION = "3.1.3"

_MODULES = {
    "app": "Flask",
    "blueprints": "Blueprint",
    "config": "Config",
    "ctx": "after_this_request copy_current_request_context has_app_context has_request_context",
    "globals": "current_app g request session",
    "helpers": "abort flash get_flashed_messages get_template_attribute make_response redirect "
    "send_file send_from_directory stream_with_context url_for",
    "json": "jsonify",
    "signals": "appcontext_popped appcontext_pushed appcontext_tearing_down "
    "before_render_template got_request_exception message_flashed request_finished "
    "request_started request_tearing_down template_rendered",
    "templating": "render_template render_template_string stream_template stream_template_string",
    "wrappers": "Request Response",
}
NAMES = {
    name: f"carboy.flask.{module}" for module, names in _MODULES.items() for name in names.split()
}

__all__ = [*NAMES, "json"]


def __getattr__(name: str) -> Any:
    if name in NAMES:
        value = getattr(importlib.import_module(NAMES[name]), name)
        # Not globals(): the package has a module of that name.
        setattr(sys.modules[__name__], name, value)
        return value
    if name == "__version__":
        import warnings

        warnings.warn(
            "'__version__' is deprecated and goes away with Flask 3.2: ask "
            "'importlib.metadata.version(\"flask\")', or for a feature.",
            DeprecationWarning,
            stacklevel=2,
        )
        return VERSION
    if name == "json":
        return importlib.import_module("carboy.flask.json")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
