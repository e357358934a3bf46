"""OpenID Connect: described by a URL; of the request only the header is read."""
# ruff: noqa: N803  # names as the specification writes them

from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from carboy.fastapi.openapi.schemes import OpenIdConnect as OpenIdConnectModel
from carboy.fastapi.security.base import Scheme


class OpenIdConnect(Scheme):
    """The whole Authorization header. A start for a class of your own that checks it."""

    _exception: ClassVar[type[HTTPException]] = HTTPException

    def __init__(
        self,
        *,
        openIdConnectUrl: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        model = OpenIdConnectModel(openIdConnectUrl=openIdConnectUrl, description=description)
        super().__init__(model, scheme_name, auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The header."""
        return request.headers.get("Authorization") or self._refuse()


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
