"""FastAPI's exceptions: what ends a request, what does not fit, what is declared wrongly.

Only the classes and their texts. Answers to them are made in exception_handlers.py. Nothing here
may load pydantic, except what asks for the two error models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypedDict

from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.exceptions import WebSocketException as StarletteWebSocketException

from carboy.core import errors

if TYPE_CHECKING:
    from pydantic import BaseModel

    RequestErrorModel: type[BaseModel]
    WebSocketErrorModel: type[BaseModel]


class EndpointContext(TypedDict, total=False):
    """Where the endpoint stands: its name, "GET /path", and the place in the source."""

    function: str
    path: str
    file: str
    line: int


class HTTPException(StarletteHTTPException):
    """Ends the request with `status_code` and ``{"detail": detail}``; `headers` are added."""

    def __init__(
        self, status_code: int, detail: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        if type(status_code) is not int:
            _check_status(status_code)
        super().__init__(status_code=status_code, detail=detail, headers=headers)


def _check_status(given: Any) -> None:
    # COMPAT: a number as text ends up as a number.
    with suppress(ValueError, TypeError):
        int(given)
        return
    raise ValueError(
        f"a status is a number, and {given!r} is none: the status comes first, as in "
        f"HTTPException(404, {given!r})"
    )


class WebSocketException(StarletteWebSocketException):
    """Closes the WebSocket with `code` (RFC 6455, 7.4.1); the client may see `reason`."""

    def __init__(self, code: int, reason: str | None = None) -> None:
        super().__init__(code=code, reason=reason)


class FastAPIError(RuntimeError):
    """Something is declared in a way that can't work."""


class SwallowedError(FastAPIError, errors.SwallowedError):
    """The core's, under the name that code for FastAPI looks for."""

    says = (
        "no answer to send: the endpoint was raising an exception and a dependency with yield "
        "caught it without raising one. Raise at the end of its except block (or raise an "
        "HTTPException there)."
    )


class DependencyScopeError(FastAPIError):
    """A dependency uses one that would be closed before it."""


class UnreadableTypeError(FastAPIError):
    """An annotation that pydantic can make nothing of."""


class PydanticV1NotSupportedError(FastAPIError):
    """A model of `pydantic.v1`, which nothing here can read."""


class FastAPIDeprecationWarning(UserWarning):
    """Something will go. COMPAT: a UserWarning, so that Python shows it without being asked."""


class ValidationException(Exception):
    """Data does not fit what was declared; `errors()` has pydantic's details."""

    def __init__(
        self, errors: Sequence[Any], *, endpoint_ctx: EndpointContext | None = None
    ) -> None:
        self._errors = errors
        self.endpoint_ctx = endpoint_ctx
        place: EndpointContext = endpoint_ctx or {}
        self.endpoint_function = place.get("function")
        self.endpoint_path = place.get("path")
        self.endpoint_file = place.get("file")
        self.endpoint_line = place.get("line")

    def errors(self) -> Sequence[Any]:
        """One dict an error: type, loc, msg, input and where there is one ctx."""
        return self._errors

    def _place(self) -> list[str]:
        """The endpoint, written like an entry of a traceback, so that editors can open it."""
        file, line, function = self.endpoint_file, self.endpoint_line, self.endpoint_function
        path = self.endpoint_path
        if file and line and function:
            return [f'  File "{file}", line {line}, in {function}'] + [f"    {path}"] * bool(path)
        return [f"  Endpoint: {path}"] if path else []

    def __str__(self) -> str:
        count = len(self._errors)
        lines = [f"{count} validation error{'' if count == 1 else 's'}:"]
        lines += [f"  {error}" for error in self._errors]
        if place := self._place():
            lines += ["", *place]
        return "\n".join(lines)


class _WithBody(ValidationException):
    def __init__(
        self,
        errors: Sequence[Any],
        *,
        body: Any = None,
        endpoint_ctx: EndpointContext | None = None,
    ) -> None:
        super().__init__(errors, endpoint_ctx=endpoint_ctx)
        self.body = body


class RequestValidationError(_WithBody):
    """The request does not fit; answered 422. `body` is what was sent."""


class WebSocketRequestValidationError(ValidationException):
    """The request for a WebSocket does not fit; it is closed with 1008."""


class ResponseValidationError(_WithBody):
    """The endpoint returned what its response model refuses; answered 500. `body` is that."""


#: Models without fields, which stand for the errors above in signatures.
_MODELS = {"RequestErrorModel": "Request", "WebSocketErrorModel": "WebSocket"}


def __getattr__(name: str) -> Any:
    if name not in _MODELS:
        from carboy.fastapi.borrowed import lend

        return lend(__name__, name)
    from pydantic import create_model

    model = globals()[name] = create_model(_MODELS[name])
    return model
