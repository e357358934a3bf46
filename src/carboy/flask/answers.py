"""What a view returned becomes a response, and a response becomes what transports write.

`response_for` knows every kind of value a view may return; `undress` opens up a finished Werkzeug
response for the engine, whole where its body is in memory, else chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import copy_context
from inspect import iscoroutine, unwrap
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers
from werkzeug.exceptions import BadRequestKeyError
from werkzeug.wrappers import Response as BaseResponse

from carboy.core.answer import Body, Head
from carboy.core.closing import Opened

if TYPE_CHECKING:
    from carboy.core.context import RequestContext
    from carboy.flask.app import Flask
    from carboy.flask.typing import WSGIEnvironment
    from carboy.flask.wrappers import Response

_KINDS = (
    "text, bytes, a dict, a list, an iterator, a Response or WSGI application, or a tuple of one "
    "of them with a status and headers"
)


def _opened(value: Any) -> tuple[Any, Any, Any]:
    """(body, status, headers) of what a view returned; None for what was not said."""
    if not isinstance(value, tuple):
        return value, None, None
    if len(value) == 3:
        return value
    if len(value) == 2:
        body, second = value
        if isinstance(second, Headers | Mapping | tuple | list):
            return body, None, second
        return body, second, None
    raise TypeError(
        f"A view returned a tuple of {len(value)}. Such a tuple must have the form (body, status, "
        "headers), (body, status) or (body, headers)."
    )


def response_for(app: Flask, endpoint: str | None, value: Any) -> Response:
    """The response that `value` stands for; TypeError says what a view may return."""
    body, status, headers = _opened(value)
    if body is None:
        raise TypeError(
            f"The view of {endpoint!r}{_place(app, endpoint)} returned None, or ended without a "
            "return: it has to return an answer."
        )
    response: Any = body
    if not isinstance(body, app.response_class):
        if isinstance(body, (str, bytes, bytearray, Iterator)):
            # Status and headers go in at once: the class may care.
            response = app.response_class(body, status=status, headers=headers)  # type: ignore[arg-type]
            status = headers = None
        elif isinstance(body, dict | list):
            response = app.json.response(body)
        elif isinstance(body, BaseResponse) or callable(body):
            response = _forced(app, body)
        else:
            raise TypeError(
                f"A view returns {_KINDS}; that of {endpoint!r}{_place(app, endpoint)} returned "
                f"{_told(body)}."
            )
    if status is not None:
        if isinstance(status, str | bytes | bytearray):
            response.status = status
        else:
            response.status_code = status
    if headers:
        response.headers.update(headers)
    return response  # type: ignore[no-any-return]


def _place(app: Flask, endpoint: str | None) -> str:
    view = unwrap(app.view_functions.get(endpoint or "") or _opened)
    code = getattr(view, "__code__", None)
    if view is _opened or code is None:
        return ""
    return f" ({code.co_filename}:{code.co_firstlineno})"


def _told(body: Any) -> str:
    if iscoroutine(body):
        name = body.__name__
        return f"a coroutine: write `await {name}(...)`, in an `async def`, for its result"
    if isinstance(body, (int, float)):
        kind = type(body).__name__  # COMPAT: upstream's tests look for "it was a"
        return f"{body!r}, it was a {kind}: str() makes text of it, jsonify() JSON"
    return f"an object of the class {type(body).__name__}"


def _forced(app: Flask, body: Any) -> Any:
    from carboy.flask.globals import request

    try:
        return app.response_class.force_type(body, request.environ)
    except BadRequestKeyError:
        raise
    except TypeError as error:
        raise TypeError(f"{error}\nA view returns {_KINDS}; it was {_told(body)}.") from error


def undress(
    request: RequestContext, environ: WSGIEnvironment, response: BaseResponse
) -> tuple[Head, Body]:
    """The pair for a response whose hooks have all run; its close() comes after the last byte."""
    pieces, status, fields = response.get_wsgi_response(environ)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
    head = Head(int(status[:3]), headers)
    if not response.is_sequence:
        return head, Stream(pieces)
    if response._on_close or hasattr(response.response, "close"):
        remember(request, response)
    return head, b"".join(pieces)


def remember(request: RequestContext, response: BaseResponse) -> None:
    """Close `response` after its last byte."""

    def steps() -> Iterator[None]:
        yield
        response.close()

    closing = steps()
    next(closing)
    opened = Opened(closing, False, False)
    request.opened = [*(request.opened or ()), opened]


class Stream:
    """Chunks made in the context of the view, whichever thread asks for the next one.

    `stream_with_context` pushes in the first chunk and pops in the last: both have to happen in
    one `contextvars.Context`.
    """

    def __init__(self, pieces: Any) -> None:
        self._pieces = iter(pieces)
        self._close = getattr(pieces, "close", None)
        self._context = copy_context()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> bytes:
        piece: bytes = self._context.run(next, self._pieces)
        return piece

    def close(self) -> None:
        """What the response registered to be called at its end."""
        if self._close is not None:
            self._context.run(self._close)
