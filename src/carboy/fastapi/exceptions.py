"""FastAPI's exceptions, and how they look as answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException as StarletteHTTPException


class HTTPException(StarletteHTTPException):
    """Ends the request with `status_code` and ``{"detail": detail}``; `headers` are added."""

    def __init__(
        self, status_code: int, detail: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status_code=status_code, detail=detail, headers=headers)


class FastAPIError(RuntimeError):
    """Something is declared in a way that can't work."""


class ValidationException(Exception):
    """Data does not fit what was declared; `errors()` has pydantic's details."""

    def __init__(self, errors: Sequence[Any]) -> None:
        self._errors = errors

    def errors(self) -> Sequence[Any]:
        """One dict an error: type, loc, msg, input and where there is one ctx."""
        return self._errors


class RequestValidationError(ValidationException):
    """The request does not fit; answered 422. `body` is what was sent."""

    def __init__(self, errors: Sequence[Any], *, body: Any = None) -> None:
        super().__init__(errors)
        self.body = body


class ResponseValidationError(ValidationException):
    """The endpoint returned what its response model refuses; answered 500."""

    def __init__(self, errors: Sequence[Any], *, body: Any = None) -> None:
        super().__init__(errors)
        self.body = body

    def __str__(self) -> str:
        lines = [f"{len(self._errors)} validation errors in the response:"]
        lines += [f"  {error}" for error in self._errors]
        return "\n".join(lines)
