"""Names that Flask's modules have because they import them, found when they are asked for.

COMPAT: extensions take them from there (`from flask.app import Rule`); our modules need other
imports. Nothing here is loaded before somebody asks. Names of the typing kind are left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

_GLOBALS = "current_app g request session"
_SIGNALS = (
    "appcontext_tearing_down got_request_exception request_finished request_started "
    "request_tearing_down"
)
#: module of ours -> {where they are: names}
_TABLE: dict[str, dict[str, str]] = {
    "carboy.flask.app": {
        "werkzeug.routing": "BuildError RequestRedirect RoutingException Rule",
        "werkzeug.exceptions": "BadRequestKeyError HTTPException InternalServerError",
        "werkzeug.datastructures": "Headers",
        "werkzeug.serving": "is_running_from_reloader",
        "carboy.flask.globals": f"{_GLOBALS} _cv_app request_ctx",
        "carboy.flask.helpers": "get_debug_flag get_flashed_messages get_load_dotenv "
        "send_from_directory",
        "carboy.flask.sansio.app": "App",
        "carboy.flask.signals": _SIGNALS,
        "carboy.flask.templating": "Environment",
    },
    "carboy.flask.blueprints": {
        "carboy.flask.globals": "current_app",
        "carboy.flask.helpers": "send_from_directory",
    },
}


def lookup(module: str) -> Callable[[str], Any]:
    """The `__getattr__` of the module of this name."""
    places = {name: place for place, names in _TABLE[module].items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(importlib.import_module(places[name]), name)

    return get
