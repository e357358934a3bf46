"""API keys in the query, a header or a cookie. An empty key is no key."""

from typing import Any, ClassVar

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from carboy.fastapi.openapi.schemes import APIKey, APIKeyIn
from carboy.fastapi.security.base import Scheme


class APIKeyBase(Scheme):
    """A key called `name`, wherever it is."""

    _exception: ClassVar[type[HTTPException]] = HTTPException
    model: APIKey

    def __init__(
        self,
        location: APIKeyIn,
        name: str,
        description: str | None,
        scheme_name: str | None,
        auto_error: bool,
    ) -> None:
        model = APIKey.model_validate({"in": location, "name": name, "description": description})
        super().__init__(model, scheme_name, auto_error)

    def make_authenticate_headers(self) -> dict[str, str]:
        """COMPAT: no registered scheme, but a 401 needs one; upstream's word for it."""
        return {"WWW-Authenticate": "APIKey"}

    def check_api_key(self, api_key: str | None) -> str | None:
        """`api_key`, if there is one."""
        return api_key or self._refuse()


class _Located(APIKeyBase):
    _location: ClassVar[APIKeyIn]

    def __init__(
        self,
        *,
        name: str,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        super().__init__(self._location, name, description, scheme_name, auto_error)


class APIKeyQuery(_Located):
    """The key is the query parameter `name`. It will be in logs and histories."""

    _location = APIKeyIn.query

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The key."""
        return self.check_api_key(request.query_params.get(self.model.name))


class APIKeyHeader(_Located):
    """The key is the header `name`."""

    _location = APIKeyIn.header

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The key."""
        return self.check_api_key(request.headers.get(self.model.name))


class APIKeyCookie(_Located):
    """The key is the cookie `name`."""

    _location = APIKeyIn.cookie

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The key."""
        return self.check_api_key(request.cookies.get(self.model.name))


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
