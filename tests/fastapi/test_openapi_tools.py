"""What tools that describe dependencies of their own ask of the document's maker (titiler does)."""

import importlib
from typing import Annotated, Any

import pytest


def described(package: str) -> Any:
    """Parameters and security of a dependency, through the functions that such tools call."""
    api = importlib.import_module(package)
    compat = importlib.import_module(f"{package}._compat")
    dependencies = importlib.import_module(f"{package}.dependencies.utils")
    document = importlib.import_module(f"{package}.openapi.utils")
    security = importlib.import_module(f"{package}.security")

    def below(
        token: Annotated[str, api.Security(security.OAuth2PasswordBearer("t"), scopes=["a"])],
        key: Annotated[str, api.Security(security.APIKeyHeader(name="key"))],
        sizes: Annotated[list[int], api.Query(description="in cells")] = (1,),  # type: ignore[assignment]
    ) -> None: ...

    def wanted(
        width: Annotated[int, api.Query(gt=0)],
        agent: Annotated[str, api.Header()],
        crumb: Annotated[str | None, api.Cookie()] = None,
        _: None = api.Depends(below),
    ) -> None: ...

    dependant = dependencies.get_dependant(path="", call=wanted)
    data = document._get_openapi_dependency_data(dependant)
    fields = dependencies.get_flat_params(dependant)
    names = compat.get_model_name_map(compat.get_flat_models_from_fields(fields, set()))
    mapping, _ = compat.get_definitions(fields=fields, model_name_map=names)
    parameters = document._get_openapi_operation_parameters(
        dependency_data=data, model_name_map=names, field_mapping=mapping
    )
    schemes = document._get_openapi_security_definitions(data.security_dependencies)
    return parameters, schemes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_parameters_and_security_of_a_dependency() -> None:
    ours = described("carboy.fastapi")
    assert [one["name"] for one in ours[0]] == ["width", "sizes", "agent", "crumb"]
    assert set(ours[1][0]) == {"OAuth2PasswordBearer", "APIKeyHeader"}
    assert ours == described("fastapi")
