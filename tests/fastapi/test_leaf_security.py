"""What security schemes find, and how they refuse."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection

from carboy.fastapi.exceptions import HTTPException
from carboy.fastapi.openapi.models import SecurityScheme
from carboy.fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
    SecurityScopes,
)
from carboy.fastapi.security.http import HTTPBase

QUERY, HEADER, COOKIE = APIKeyQuery(name="k"), APIKeyHeader(name="X-K"), APIKeyCookie(name="k")
CODE = OAuth2AuthorizationCodeBearer(authorizationUrl="/auth", tokenUrl="/token")


def ask(scheme: Any, query: str = "", **headers: str) -> Any:
    """What `scheme` returns for a connection with these headers (`x_k` is X-K)."""
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    scope = {"type": "http", "headers": raw, "query_string": query.encode()}
    return asyncio.run(scheme(HTTPConnection(scope)))


def refusal(scheme: Any, **headers: str) -> tuple[int, Any, Any]:
    with pytest.raises(StarletteHTTPException) as caught:
        ask(scheme, **headers)
    return caught.value.status_code, caught.value.detail, caught.value.headers


@pytest.mark.parametrize(
    ("scheme", "challenge"),
    [
        (QUERY, "APIKey"),
        (HEADER, "APIKey"),
        (COOKIE, "APIKey"),
        (HTTPBase(scheme="my own"), "My Own"),
        (HTTPBasic(), "Basic"),
        (HTTPBasic(realm="cellar"), 'Basic realm="cellar"'),
        (HTTPBearer(), "Bearer"),
        (HTTPDigest(), "Digest"),
        (OAuth2(), "Bearer"),
        (OAuth2PasswordBearer("/token"), "Bearer"),
        (CODE, "Bearer"),
        (OpenIdConnect(openIdConnectUrl="/openid"), "Bearer"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_without_credentials(scheme: Any, challenge: str) -> None:
    assert refusal(scheme) == (401, "Not authenticated", {"WWW-Authenticate": challenge})
    scheme.auto_error = False
    try:
        assert ask(scheme) is None
    finally:
        scheme.auto_error = True


def test_keys_are_found_where_they_are_said_to_be() -> None:
    assert ask(QUERY, "k=1") == ask(HEADER, x_k="1") == ask(COOKIE, cookie="k=1") == "1"
    assert refusal(QUERY, k="1")[0] == refusal(COOKIE, x_k="1")[0] == 401
    assert refusal(HEADER, x_k="")[0] == 401


@pytest.mark.parametrize("scheme", [HTTPBearer(), HTTPDigest(), OAuth2PasswordBearer("/t"), CODE])
def test_another_scheme_is_no_credentials(scheme: Any) -> None:
    assert refusal(scheme, authorization="Negotiate abc")[0] == 401


def test_the_scheme_is_read_in_any_case() -> None:
    found = ask(HTTPBearer(), authorization="bEaReR  a b ")
    assert (found.scheme, found.credentials) == ("bEaReR", "a b")
    assert ask(CODE, authorization="BEARER abc") == "abc"
    assert refusal(HTTPBearer(), authorization="Bearer")[0] == 401
    assert ask(HTTPBase(scheme="x"), authorization="Any thing").scheme == "Any"


def test_the_whole_header_where_the_flow_is_unknown() -> None:
    for scheme in (OAuth2(), OpenIdConnect(openIdConnectUrl="/openid")):
        assert ask(scheme, authorization="Some thing") == "Some thing"


def test_basic_credentials() -> None:
    found = ask(HTTPBasic(), authorization="basic dTpwOnc=")  # u:p:w
    assert (found.username, found.password) == ("u", "p:w")


@pytest.mark.parametrize(
    "encoded", ["", "dQ==", "###", "dTrDqQ=="], ids=["nothing", "no colon", "noise", "not ASCII"]
)
def test_basic_credentials_that_cannot_be_read_are_refused_in_any_case(encoded: str) -> None:
    scheme = HTTPBasic(auto_error=False)
    assert refusal(scheme, authorization=f"Basic {encoded}")[0] == 401
    assert ask(scheme, authorization="Other abc") is None


def test_a_scheme_of_ones_own_says_how_it_refuses() -> None:
    class Forbidding(HTTPBearer):
        def make_not_authenticated_error(self) -> HTTPException:
            return HTTPException(403, "Go away")

    assert refusal(Forbidding(), authorization="Other abc") == (403, "Go away", None)
    assert Forbidding().scheme_name == "Forbidding"


def test_descriptions_are_security_schemes_of_the_document() -> None:
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(SecurityScheme)
    for scheme in (
        QUERY,
        HTTPBearer(bearerFormat="JWT"),
        CODE,
        OpenIdConnect(openIdConnectUrl="/"),
    ):
        dumped = scheme.model.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert type(adapter.validate_python(dumped)) in (type(scheme.model), scheme.model.__class__)
    flow = OAuth2PasswordBearer("/t", scopes={"read": "Read"}).model.model_dump(exclude_none=True)
    assert flow["flows"] == {"password": {"tokenUrl": "/t", "scopes": {"read": "Read"}}}


def test_scopes() -> None:
    assert SecurityScopes().scopes == []
    assert SecurityScopes(["a", "b"]).scope_str == "a b"
