"""Exception handlers: the application's, and FastAPI's own for what nobody else handles."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from carboy.core.answer import JSON, Body, Head
from carboy.core.context import RequestContext
from carboy.core.errors import BodyTooLarge, Handlers, Handling, Overloaded
from carboy.core.voice import kind_of
from carboy.fastapi.dress import make_request, undress
from carboy.fastapi.output import encode_plain

Pair = tuple[Head, Body]


def status_of(error: BaseException) -> int | None:
    """The HTTP status that `error` stands for, if it is an HTTPException."""
    module = sys.modules.get("starlette.exceptions")
    if module is not None and isinstance(error, module.HTTPException):
        return int(error.status_code)
    return None


def adapt(handler: Callable[..., Any]) -> Handling:
    """An application's ``handler(request, exc) -> Response`` for the engine."""
    is_async = kind_of(handler).is_async

    if is_async:

        async def handle_async(request: RequestContext, error: BaseException) -> Pair:
            return undress(request, await handler(make_request(request), error))

        return Handling(handle_async, True)

    def handle(request: RequestContext, error: BaseException) -> Pair:
        return undress(request, handler(make_request(request), error))

    return Handling(handle, False)


def http_exception(request: RequestContext, error: Any) -> Pair:
    """``{"detail": ...}`` with the exception's status and headers."""
    given = (error.headers or {}).items()
    headers = [(k.encode("latin-1"), str(v).encode("latin-1")) for k, v in given]
    if error.status_code < 200 or error.status_code in (204, 205, 304):
        return Head(error.status_code, headers), b""
    return Head(error.status_code, [*headers, JSON]), encode_plain({"detail": error.detail})


def validation_error(request: RequestContext, error: Any) -> Pair:
    """422 with every error."""
    from carboy.fastapi.encoders import jsonable_encoder

    detail = {"detail": jsonable_encoder(error.errors())}
    return Head(422, [JSON]), encode_plain(detail)


def overloaded(request: RequestContext, error: BaseException) -> Pair:
    """503: no thread was free in time."""
    head = Head(503, [JSON, (b"retry-after", b"1")])
    return head, encode_plain({"detail": "Service Unavailable"})


class AppHandlers(Handlers):
    """The application's handlers first, then the built-in ones. Changed live."""

    def __init__(self) -> None:
        self.by_type: dict[type[BaseException], Handling] = {}
        self.by_status: dict[int, Handling] = {}
        #: What answers an error that nobody handled.
        self.outer: Handling | None = None
        super().__init__(self.by_type, self.by_status, status_of)

    def add(self, key: int | type[BaseException], handler: Callable[..., Any]) -> None:
        """`handler` answers exceptions of this type, or HTTP exceptions with this status.

        COMPAT: Exception and 500 are the outer ring's, an HTTPException(500) is not.
        """
        if key == 500 or key is Exception:
            self.outer = adapt(handler)
        elif isinstance(key, int):
            self.by_status[key] = adapt(handler)
        else:
            self.by_type[key] = adapt(handler)

    def find(self, error: BaseException) -> Handling | None:
        handling = super().find(error)
        if handling is not None:
            return handling
        if status_of(error) is not None:
            return _HTTP
        if isinstance(error, Overloaded):
            return _OVERLOADED
        if isinstance(error, BodyTooLarge):
            return _LARGE
        module = sys.modules.get("carboy.fastapi.exceptions")
        if module is not None and isinstance(error, module.RequestValidationError):
            return _INVALID
        return None


def too_large(request: RequestContext, error: BaseException) -> Pair:
    """413: the body is over the limit."""
    return Head(413, [JSON]), encode_plain({"detail": "Content Too Large"})


_LARGE = Handling(too_large, None)
_HTTP = Handling(http_exception, None)
_INVALID = Handling(validation_error, None)
_OVERLOADED = Handling(overloaded, None)
