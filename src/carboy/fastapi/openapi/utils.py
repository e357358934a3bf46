"""The OpenAPI document of an application, made of its routes.

What a route asks for is described by asked.py, what it answers by answered.py. COMPAT: the module
and its functions are called as FastAPI calls them, because applications extend the document.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, cast

from carboy.fastapi import routing
from carboy.fastapi._compat import (
    ModelField,
    get_definitions,
    get_flat_models_from_fields,
    get_model_name_map,
)
from carboy.fastapi._compat.schemas import FieldMapping, ModelNameMap
from carboy.fastapi.dependencies.utils import get_flat_params
from carboy.fastapi.exceptions import FastAPIDeprecationWarning
from carboy.fastapi.openapi.answered import describe_responses, response_class_of
from carboy.fastapi.openapi.answered import status_code_ranges as status_code_ranges
from carboy.fastapi.openapi.asked import (
    Schemas,
    asking,
    declared_parameters,
    describe_body,
    describe_parameters,
    describe_security,
)
from carboy.fastapi.openapi.asked import (
    _get_openapi_dependency_data as _get_openapi_dependency_data,
)
from carboy.fastapi.openapi.asked import (
    _get_openapi_operation_parameters as _get_openapi_operation_parameters,
)
from carboy.fastapi.openapi.asked import (
    _get_openapi_security_definitions as _get_openapi_security_definitions,
)
from carboy.fastapi.openapi.asked import (
    _OpenAPIDependencyData as _OpenAPIDependencyData,
)
from carboy.fastapi.openapi.constants import METHODS_WITH_BODY, REF_PREFIX
from carboy.fastapi.openapi.models import OpenAPI
from carboy.fastapi.openapi.refused import refused_by
from carboy.fastapi.utils import deep_dict_update, generate_operation_id_for_path

#: The shape of an answer to invalid input, for `components`.
validation_error_definition = {
    "title": "ValidationError",
    "type": "object",
    "properties": {
        "loc": {
            "title": "Location",
            "type": "array",
            "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
        "msg": {"title": "Message", "type": "string"},
        "type": {"title": "Error Type", "type": "string"},
        "input": {"title": "Input"},
        "ctx": {"title": "Context", "type": "object"},
    },
    "required": ["loc", "msg", "type"],
}
validation_error_response_definition = {
    "title": "HTTPValidationError",
    "type": "object",
    "properties": {
        "detail": {
            "title": "Detail",
            "type": "array",
            "items": {"$ref": REF_PREFIX + "ValidationError"},
        }
    },
}
_INVALID_INPUT = {"422", "4XX", "default"}


def generate_operation_id(*, route: Any, method: str) -> str:
    """Deprecated: an operation's id is `route.operation_id or route.unique_id`."""
    warnings.warn(
        message="fastapi.openapi.utils.generate_operation_id() was deprecated, "
        "it is not used internally, and will be removed soon",
        category=FastAPIDeprecationWarning,
        stacklevel=2,
    )
    if route.operation_id:
        return str(route.operation_id)
    return generate_operation_id_for_path(name=route.name, path=route.path_format, method=method)


def generate_operation_summary(*, route: Any, method: str) -> str:
    """The summary, or else the name in words."""
    return str(route.summary or route.name.replace("_", " ").title())


def get_openapi_operation_metadata(
    *, route: Any, method: str, operation_ids: set[str]
) -> dict[str, Any]:
    """How an operation is called and what is said of it; its id is added to those taken."""
    operation: dict[str, Any] = {"tags": route.tags} if route.tags else {}
    operation["summary"] = generate_operation_summary(route=route, method=method)
    if route.description:
        operation["description"] = route.description
    operation_id = route.operation_id or route.unique_id
    if operation_id in operation_ids:
        endpoint = route.endpoint
        name = getattr(endpoint, "__name__", "<unnamed_endpoint>")
        message = f"Duplicate Operation ID {operation_id} for function {name}"
        if file := getattr(endpoint, "__globals__", {}).get("__file__"):
            message += f" at {file}"
        warnings.warn(message, stacklevel=1)
    operation_ids.add(operation_id)
    operation["operationId"] = operation_id
    if route.deprecated:
        operation["deprecated"] = route.deprecated
    return operation


def get_openapi_operation_request_body(
    *,
    body_field: ModelField | None,
    model_name_map: ModelNameMap,
    field_mapping: FieldMapping,
    separate_input_output_schemas: bool = True,
) -> dict[str, Any] | None:
    """The body a field describes."""
    if body_field is None:
        return None
    schemas = Schemas(field_mapping, model_name_map, separate_input_output_schemas)
    return describe_body(body_field, schemas)


def get_openapi_path(
    *,
    route: Any,
    operation_ids: set[str],
    model_name_map: ModelNameMap,
    field_mapping: FieldMapping,
    separate_input_output_schemas: bool = True,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Operations by method, the security schemes they use, and definitions they refer to."""
    schemas = Schemas(field_mapping, model_name_map, separate_input_output_schemas)
    return _describe_route(route, operation_ids, schemas)


def _describe_route(
    route: Any, operation_ids: set[str], schemas: Schemas
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    path: dict[str, Any] = {}
    schemes: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    assert route.methods is not None, "Methods must be a list"
    response_class_of(route)
    if not route.include_in_schema:
        return path, schemes, definitions
    asked = asking(route.dependant)
    declared = declared_parameters(asked)
    for method in route.methods:
        operation = get_openapi_operation_metadata(
            route=route, method=method, operation_ids=operation_ids
        )
        found, security = describe_security(asked, schemas)
        if security:
            operation["security"] = security
        schemes.update(found)
        if parameters := describe_parameters(declared, schemas):
            operation["parameters"] = parameters
        if method in METHODS_WITH_BODY and route.body_field:
            operation["requestBody"] = describe_body(route.body_field, schemas)
        if route.callbacks:
            operation["callbacks"] = _describe_callbacks(route.callbacks, operation_ids, schemas)
        responses = operation["responses"] = describe_responses(route, schemas)
        if (declared or route.body_field) and _INVALID_INPUT.isdisjoint(responses):
            responses["422"] = _invalid_input_response()
            definitions["ValidationError"] = validation_error_definition
            definitions["HTTPValidationError"] = validation_error_response_definition
        if route.openapi_extra:
            deep_dict_update(operation, route.openapi_extra)
        path[method.lower()] = operation
    return path, schemes, definitions


def _invalid_input_response() -> dict[str, Any]:
    schema = {"$ref": REF_PREFIX + "HTTPValidationError"}
    return {"description": "Validation Error", "content": {"application/json": {"schema": schema}}}


def _describe_callbacks(
    callbacks: Iterable[Any], operation_ids: set[str], schemas: Schemas
) -> dict[str, Any]:
    """Requests that the application makes itself, as those it calls should understand them."""
    return {
        callback.name: {callback.path: _describe_route(callback, operation_ids, schemas)[0]}
        for callback in callbacks
        if isinstance(callback, routing.APIRoute)
    }


def _api_routes(routes: Iterable[Any]) -> list[Any]:
    """Those that are described: APIRoutes, where they are effective."""
    contexts = routing.iter_route_contexts(cast(Any, routes))
    return [one for one in contexts if isinstance(one.original_route, routing.APIRoute)]


def get_fields_from_routes(routes: Sequence[Any]) -> list[ModelField]:
    """All fields whose schemas the description of these routes shows."""
    return _fields_of(_api_routes(routes))


def _fields_of(routes: Iterable[Any]) -> list[ModelField]:
    below: list[ModelField] = []
    bodies: list[ModelField] = []
    answers: list[ModelField] = []
    parameters: list[ModelField] = []
    for route in routes:
        if not route.include_in_schema:
            continue
        if route.body_field:
            assert isinstance(route.body_field, ModelField), (
                "A request body must be a Pydantic Field"
            )
            bodies.append(route.body_field)
        fields = (route.response_field, *route.response_fields.values(), route.stream_item_field)
        answers.extend(field for field in fields if field)
        answers.extend(one.field for one in refused_by(route).values())
        if route.callbacks:
            below.extend(get_fields_from_routes(route.callbacks))
        parameters.extend(get_flat_params(route.dependant))
    return [*below, *bodies, *answers, *parameters]


def get_openapi(
    *,
    title: str,
    version: str,
    openapi_version: str = "3.1.0",
    summary: str | None = None,
    description: str | None = None,
    routes: Sequence[Any],
    webhooks: Sequence[Any] | None = None,
    tags: list[dict[str, Any]] | None = None,
    servers: list[dict[str, str | Any]] | None = None,
    terms_of_service: str | None = None,
    contact: dict[str, str | Any] | None = None,
    license_info: dict[str, str | Any] | None = None,
    separate_input_output_schemas: bool = True,
    external_docs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The document as plain data, ready for JSON."""
    said = {
        "summary": summary,
        "description": description,
        "termsOfService": terms_of_service,
        "contact": contact,
        "license": license_info,
    }
    info = {"title": title, "version": version, **{k: v for k, v in said.items() if v}}
    described, hooks = _api_routes(routes), _api_routes(webhooks or ())
    fields = _fields_of([*described, *hooks])
    names = get_model_name_map(get_flat_models_from_fields(fields, set()))
    mapping, definitions = get_definitions(
        fields=fields,
        model_name_map=names,
        separate_input_output_schemas=separate_input_output_schemas,
    )
    schemas = Schemas(mapping, names, separate_input_output_schemas)
    operation_ids: set[str] = set()
    schemes: dict[str, Any] = {}
    paths = _describe_all(described, operation_ids, schemas, schemes, definitions)
    webhook_paths = _describe_all(hooks, operation_ids, schemas, schemes, definitions)
    components: dict[str, Any] = {
        "securitySchemes": schemes,
        "schemas": {name: definitions[name] for name in sorted(definitions)},
    }
    document: dict[str, Any] = {
        "servers": servers,
        "components": {name: found for name, found in components.items() if found},
        "webhooks": webhook_paths,
        "tags": tags,
        "externalDocs": external_docs,
    }
    document = {name: part for name, part in document.items() if part}
    return _plain(OpenAPI(openapi=openapi_version, info=info, paths=paths, **document))  # type: ignore[arg-type]


def _describe_all(
    routes: Iterable[Any],
    operation_ids: set[str],
    schemas: Schemas,
    schemes: dict[str, Any],
    definitions: dict[str, Any],
) -> dict[str, Any]:
    """Path -> operations; adds the schemes and definitions they need."""
    paths: dict[str, Any] = {}
    for route in routes:
        path, found, needed = _describe_route(route, operation_ids, schemas)
        if path:
            paths.setdefault(route.path_format, {}).update(path)
        schemes.update(found)
        definitions.update(needed)
    return paths


def _plain(document: OpenAPI) -> dict[str, Any]:
    # PERF: what pydantic dumps in JSON mode is plain already; jsonable_encoder took 60 % of the
    # time for a document of 1,000 routes to find that out.
    data = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    _prune(data)
    return data


def _prune(value: dict[str, Any] | list[Any]) -> None:
    """Removes what jsonable_encoder leaves out of dicts: None, and SQLAlchemy's private names."""
    if isinstance(value, list):
        for one in value:
            if type(one) is dict or type(one) is list:
                _prune(one)
        return
    dropped = []
    for key, one in value.items():
        if one is None or key.startswith("_sa"):
            dropped.append(key)
        elif type(one) is dict or type(one) is list:
            _prune(one)
    for key in dropped:
        del value[key]


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
