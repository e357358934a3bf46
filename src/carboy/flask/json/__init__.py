"""`carboy.flask.json`: the current application's JSON, or plain JSON where there is none.

What is encoded how belongs to the provider (json/provider.py) that hangs on the application.
"""

from __future__ import annotations

import json as _json
from typing import IO, TYPE_CHECKING, Any

from carboy.flask.globals import current_app
from carboy.flask.json.provider import _default

if TYPE_CHECKING:
    from carboy.flask.wrappers import Response


def dumps(obj: Any, **kwargs: Any) -> str:
    """JSON text for `obj`."""
    if current_app:
        return current_app.json.dumps(obj, **kwargs)
    kwargs.setdefault("default", _default)
    return _json.dumps(obj, **kwargs)


def dump(obj: Any, fp: IO[str], **kwargs: Any) -> None:
    """Write JSON text for `obj` to a text file."""
    if current_app:
        current_app.json.dump(obj, fp, **kwargs)
    else:
        kwargs.setdefault("default", _default)
        _json.dump(obj, fp, **kwargs)


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """The value that JSON text stands for."""
    return current_app.json.loads(s, **kwargs) if current_app else _json.loads(s, **kwargs)


def load(fp: IO[Any], **kwargs: Any) -> Any:
    """The value that a file of JSON text stands for."""
    return current_app.json.load(fp, **kwargs) if current_app else _json.load(fp, **kwargs)


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """A response with one value, a list of several, or an object of keyword arguments."""
    return current_app.json.response(*args, **kwargs)
