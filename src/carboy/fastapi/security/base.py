"""What all security schemes have: a name and a description for the document, and how they refuse.

A scheme is a dependency: called with the connection, it returns credentials, or refuses (401), or,
without `auto_error`, returns None. Signatures of schemes are read through instances, where
annotations kept as text could not be resolved: so none of their modules postpones annotations.
"""

from __future__ import annotations

from typing import Any, ClassVar

from starlette.exceptions import HTTPException as StarletteHTTPException

from carboy.fastapi.exceptions import HTTPException
from carboy.fastapi.openapi.schemes import SecurityBase as SecurityBaseModel


class SecurityBase:
    """Anything with these two attributes that is used as a dependency appears in the document."""

    model: SecurityBaseModel
    scheme_name: str


class Scheme(SecurityBase):
    """A scheme that refuses with a challenge."""

    _exception: ClassVar[type[StarletteHTTPException]] = HTTPException

    def __init__(self, model: SecurityBaseModel, scheme_name: str | None, auto_error: bool) -> None:
        self.model = model
        self.scheme_name = scheme_name or type(self).__name__
        self.auto_error = auto_error

    def make_authenticate_headers(self) -> dict[str, str]:
        """The challenge (RFC 9110, 11.6.1), which every 401 must have."""
        return {"WWW-Authenticate": "Bearer"}

    def make_not_authenticated_error(self) -> StarletteHTTPException:
        """What is raised instead of going on. Made to be overridden."""
        return self._exception(401, "Not authenticated", self.make_authenticate_headers())

    def _refuse(self) -> Any:
        """Raises or, without `auto_error`, returns None."""
        if self.auto_error:
            raise self.make_not_authenticated_error()
        return None
