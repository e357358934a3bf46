"""Flask's HTTP exceptions as FastAPI's, and back: `abort(404)` and `HTTPException(404)`.

Whatever is turned there and back is the exception that was raised.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException as TypedException

if TYPE_CHECKING:
    from werkzeug.exceptions import HTTPException as FlaskException


#: What a description may be to be shown as it is.
_SHOWN = (str, int, float, dict, list, tuple, type(None))


def is_flask(error: BaseException) -> bool:
    """Whether `error` is Werkzeug's HTTPException with a status or a response."""
    from werkzeug.exceptions import HTTPException

    return isinstance(error, HTTPException)


def answers_itself(error: Any) -> bool:
    """Whether Werkzeug's exception came with a response, or its class makes one of its own."""
    from werkzeug.exceptions import HTTPException

    # COMPAT: people's subclasses need not have called `__init__`.
    came = getattr(error, "response", None)
    return came is not None or type(error).get_response is not HTTPException.get_response


def as_typed(error: Any) -> TypedException:
    """Werkzeug's exception as FastAPI's: the default description becomes the status's phrase."""
    from carboy.fastapi.exceptions import HTTPException

    if isinstance(error.__cause__, TypedException) and hasattr(error, "_more"):
        return error.__cause__  # it was made of that
    status = error.code or 500
    said = error.description
    if not isinstance(said, _SHOWN):
        said = str(said)  # as on Flask's pages: lazy texts, objects of an extension
    detail = said if said is not None and said != type(error).description else None
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    made = HTTPException(status, detail, headers or None)
    made.__cause__, made._was_flask = error, True  # type: ignore[attr-defined]
    return made


def as_flask(error: TypedException) -> FlaskException:
    """FastAPI's exception as Werkzeug's of the same status."""
    if getattr(error, "_was_flask", False):
        return error.__cause__  # type: ignore[return-value]
    made = _kind(error.status_code)()
    if error.detail != _phrase(error.status_code):
        made.description = error.detail if isinstance(error.detail, str) else str(error.detail)
    made._more = list((error.headers or {}).items())  # type: ignore[attr-defined]
    made.__cause__ = error
    return made


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_KINDS: dict[int, type[FlaskException]] = {}


def _kind(status: int) -> type[FlaskException]:
    """Werkzeug's class for `status`, which can carry headers."""
    if status not in _KINDS:
        from werkzeug.exceptions import HTTPException, default_exceptions

        base = default_exceptions.get(status, HTTPException)

        def get_headers(self: Any, *args: Any, **named: Any) -> Any:
            return [*base.get_headers(self, *args, **named), *getattr(self, "_more", ())]

        _KINDS[status] = type(
            base.__name__,
            (base,),
            {"code": status, "get_headers": get_headers, "__module__": base.__module__},
        )
    return _KINDS[status]
