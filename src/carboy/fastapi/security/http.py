"""The schemes of HTTP itself, read from the Authorization header (RFC 9110, 11.6.2)."""

from base64 import b64decode
from typing import Any, ClassVar

from pydantic import BaseModel
from starlette.requests import HTTPConnection

from carboy.fastapi.openapi.schemes import HTTPBase as HTTPBaseModel
from carboy.fastapi.openapi.schemes import HTTPBearer as HTTPBearerModel
from carboy.fastapi.security.base import Scheme
from carboy.fastapi.security.utils import get_authorization_scheme_param


class HTTPBasicCredentials(BaseModel):
    """Compare them with `secrets.compare_digest`, which takes as long for any answer."""

    username: str
    password: str


class HTTPAuthorizationCredentials(BaseModel):
    """The header in two parts; `scheme` is written as the client wrote it."""

    scheme: str
    credentials: str


class HTTPBase(Scheme):
    """Credentials of any scheme; `scheme` is only described."""

    #: The one scheme that is taken, in lower case; of other classes any.
    _only: ClassVar[str | None] = None
    model: HTTPBaseModel

    def __init__(
        self,
        *,
        scheme: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        model = HTTPBaseModel(scheme=scheme, description=description)
        super().__init__(model, scheme_name, auto_error)

    def make_authenticate_headers(self) -> dict[str, str]:
        """The challenge."""
        return {"WWW-Authenticate": self.model.scheme.title()}

    # Any: HTTPBasic returns credentials of another class.
    async def __call__(self, request: HTTPConnection) -> Any:
        """HTTPAuthorizationCredentials."""
        header = request.headers.get("Authorization")
        scheme, credentials = get_authorization_scheme_param(header)
        if not (scheme and credentials) or self._only not in (None, scheme.lower()):
            return self._refuse()
        return HTTPAuthorizationCredentials(scheme=scheme, credentials=credentials)


class HTTPBasic(HTTPBase):
    """A user name and a password, hardly hidden (RFC 7617). `realm` says what they are for."""

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        realm: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(
            scheme="basic",
            scheme_name=scheme_name,
            description=description,
            auto_error=auto_error,
        )
        self.realm = realm

    def make_authenticate_headers(self) -> dict[str, str]:
        """The challenge, which browsers answer by asking their user."""
        realm = f' realm="{self.realm}"' if self.realm else ""
        return {"WWW-Authenticate": f"Basic{realm}"}

    async def __call__(self, request: HTTPConnection) -> Any:
        """HTTPBasicCredentials. What can't be read is refused even without `auto_error`."""
        header = request.headers.get("Authorization")
        scheme, encoded = get_authorization_scheme_param(header)
        if scheme.lower() != "basic":
            return self._refuse()
        try:
            username, colon, password = b64decode(encoded).decode("ascii").partition(":")
        except ValueError as error:  # not base64, or not ASCII
            raise self.make_not_authenticated_error() from error
        if not colon:
            raise self.make_not_authenticated_error()
        return HTTPBasicCredentials(username=username, password=password)


class HTTPBearer(HTTPBase):
    """A token: whoever has it may (RFC 6750). `bearerFormat` is a hint for readers."""

    _only = "bearer"

    def __init__(
        self,
        *,
        bearerFormat: str | None = None,  # noqa: N803
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        model = HTTPBearerModel(bearerFormat=bearerFormat, description=description)
        Scheme.__init__(self, model, scheme_name, auto_error)


class HTTPDigest(HTTPBase):
    """Digest authentication (RFC 7616), of which only the header is read."""

    _only = "digest"

    def __init__(
        self,
        *,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(
            scheme="digest",
            scheme_name=scheme_name,
            description=description,
            auto_error=auto_error,
        )


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
