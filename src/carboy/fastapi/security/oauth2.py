"""OAuth2: bearer tokens whose flows are described, the form that asks for one, and scopes."""
# ruff: noqa: N803  # names as the specification writes them

from typing import Annotated, Any

from starlette.requests import HTTPConnection

from carboy.fastapi.openapi.schemes import OAuth2 as OAuth2Model
from carboy.fastapi.openapi.schemes import OAuthFlows as OAuthFlowsModel
from carboy.fastapi.param_functions import Form
from carboy.fastapi.security.base import Scheme
from carboy.fastapi.security.utils import get_authorization_scheme_param

_PASSWORD = {"format": "password"}


class OAuth2PasswordRequestForm:
    """The form of the password grant (RFC 6749, 4.3.2), as a dependency.

    `scopes` is a list, though the form has one field `scope` with spaces in it. `grant_type` may be
    missing: many clients leave it out.
    """

    def __init__(
        self,
        *,
        grant_type: Annotated[str | None, Form(pattern="^password$")] = None,
        username: Annotated[str, Form()],
        password: Annotated[str, Form(json_schema_extra=_PASSWORD)],
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form(json_schema_extra=_PASSWORD)] = None,
    ) -> None:
        self.grant_type = grant_type
        self.username = username
        self.password = password
        self.scopes = scope.split()
        self.client_id = client_id
        self.client_secret = client_secret


class OAuth2PasswordRequestFormStrict(OAuth2PasswordRequestForm):
    """The same, with `grant_type` as the specification wants it."""

    def __init__(
        self,
        grant_type: Annotated[str, Form(pattern="^password$")],
        username: Annotated[str, Form()],
        password: Annotated[str, Form()],
        scope: Annotated[str, Form()] = "",
        client_id: Annotated[str | None, Form()] = None,
        client_secret: Annotated[str | None, Form()] = None,
    ) -> None:
        super().__init__(
            grant_type=grant_type,
            username=username,
            password=password,
            scope=scope,
            client_id=client_id,
            client_secret=client_secret,
        )


class OAuth2(Scheme):
    """The whole Authorization header, under any `flows`. The ones below take the token out."""

    def __init__(
        self,
        *,
        flows: OAuthFlowsModel | dict[str, dict[str, Any]] | None = None,
        scheme_name: str | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        given: Any = OAuthFlowsModel() if flows is None else flows
        model = OAuth2Model(flows=given, description=description)
        super().__init__(model, scheme_name, auto_error)

    async def __call__(self, request: HTTPConnection) -> str | None:
        """The header."""
        return request.headers.get("Authorization") or self._refuse()


class _Bearer(OAuth2):
    async def __call__(self, request: HTTPConnection) -> str | None:
        """The token. COMPAT: an empty one passes, as upstream's does."""
        header = request.headers.get("Authorization")
        scheme, token = get_authorization_scheme_param(header)
        return token if scheme.lower() == "bearer" else self._refuse()


class OAuth2PasswordBearer(_Bearer):
    """A token got for a name and a password at `tokenUrl`; `scopes` maps names to explanations."""

    def __init__(
        self,
        tokenUrl: str,
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
        refreshUrl: str | None = None,
    ) -> None:
        flow = {"tokenUrl": tokenUrl, "refreshUrl": refreshUrl, "scopes": scopes or {}}
        super().__init__(
            flows={"password": flow},
            scheme_name=scheme_name,
            description=description,
            auto_error=auto_error,
        )


class OAuth2AuthorizationCodeBearer(_Bearer):
    """A token got at `tokenUrl` for a code from `authorizationUrl`."""

    def __init__(
        self,
        authorizationUrl: str,
        tokenUrl: str,
        refreshUrl: str | None = None,
        scheme_name: str | None = None,
        scopes: dict[str, str] | None = None,
        description: str | None = None,
        auto_error: bool = True,
    ) -> None:
        flow = {
            "authorizationUrl": authorizationUrl,
            "tokenUrl": tokenUrl,
            "refreshUrl": refreshUrl,
            "scopes": scopes or {},
        }
        super().__init__(
            flows={"authorizationCode": flow},
            scheme_name=scheme_name,
            description=description,
            auto_error=auto_error,
        )


class SecurityScopes:
    """As a parameter: the scopes asked for on the way to it, by it and by all that depend on it."""

    def __init__(self, scopes: list[str] | None = None) -> None:
        self.scopes: list[str] = scopes or []
        self.scope_str: str = " ".join(self.scopes)


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
