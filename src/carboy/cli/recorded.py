"""The application that `carboy migrate record` serves: the user's, with a recorder around it.

Named to the server like any other, so that every worker makes its own; what it is made from stands
in the environment.
"""

from __future__ import annotations

import json
import os
from typing import Any

from carboy.cli.loading import load_app

#: In the environment: the application's name and the recorder's settings, as JSON.
RECORD = "CARBOY_RECORD"


def make() -> Any:
    """The application named by CARBOY_RECORD, recorded."""
    from carboy.migrate.proof.recorder import Recorder

    settings = json.loads(os.environ[RECORD])
    app = load_app(settings.pop("app"))
    Recorder(**settings).install(app)
    return app


def __getattr__(name: str) -> Any:
    if name != "app" or RECORD not in os.environ:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("app", make())
