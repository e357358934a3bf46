"""Names that FastAPI's modules have because they import them, and that other code takes from there.

COMPAT: fastapi-pagination takes `lenient_issubclass` from `fastapi.dependencies.utils`, others take
`run_in_threadpool` from `fastapi.routing`. They are looked up when somebody asks: a module's
``__getattr__`` asks `lend`. Nothing of Carboy's may take a name from here.
"""

from __future__ import annotations

import importlib
from typing import Any

#: Where the names are at home.
_HOMES = {
    "anyio": "CancelScope",
    "anyio.abc": "ObjectReceiveStream",
    "carboy.fastapi._body_limit": (
        "AppBodyLimitMiddleware get_body_limit_error get_body_size_limit validate_max_body_size "
        "wrap_app_with_body_limit"
    ),
    "carboy.fastapi._compat": "RequiredParam Undefined sequence_types",
    "carboy.fastapi._compat.shared": (
        "annotation_is_pydantic_v1 field_annotation_is_scalar field_annotation_is_scalar_sequence "
        "field_annotation_is_sequence is_bytes_or_nonable_bytes_annotation "
        "is_bytes_sequence_annotation is_pydantic_v1_model_instance "
        "is_uploadfile_or_nonable_uploadfile_annotation is_uploadfile_sequence_annotation "
        "lenient_issubclass value_is_sequence"
    ),
    "carboy.fastapi._compat.v2": (
        "ModelField copy_field_info create_body_model evaluate_forwardref get_cached_model_fields "
        "get_missing_field_error get_schema_from_model_field is_scalar_field "
        "serialize_sequence_value"
    ),
    "carboy.fastapi.background": "BackgroundTasks",
    "carboy.fastapi.concurrency": "contextmanager_in_threadpool",
    "carboy.fastapi.datastructures": "Default DefaultPlaceholder",
    "carboy.fastapi.dependencies.models": "Dependant",
    "carboy.fastapi.dependencies.utils": (
        "SolvedDependency get_dependant get_parameterless_sub_dependant get_stream_item_type "
        "get_typed_return_annotation"
    ),
    "carboy.fastapi.encoders": "jsonable_encoder",
    "carboy.fastapi.exceptions": (
        "DependencyScopeError EndpointContext FastAPIDeprecationWarning FastAPIError "
        "PydanticV1NotSupportedError RequestValidationError ResponseValidationError "
        "WebSocketRequestValidationError"
    ),
    "carboy.fastapi.middleware.asyncexitstack": "AsyncExitStackMiddleware",
    "carboy.fastapi.openapi.docs": (
        "get_redoc_html get_swagger_ui_html get_swagger_ui_oauth2_redirect_html"
    ),
    "carboy.fastapi.openapi.models": "Example",
    "carboy.fastapi.openapi.utils": "get_openapi",
    "carboy.fastapi.params": "Body ParamTypes",
    "carboy.fastapi.security.base": "SecurityBase",
    "carboy.fastapi.security.oauth2": "SecurityScopes",
    "carboy.fastapi.sse": "EventSourceResponse KEEPALIVE_COMMENT ServerSentEvent format_sse_event",
    "carboy.fastapi.telemetry._api": "get_telemetry_data",
    "carboy.fastapi.telemetry._asgi": "ExceptionTelemetryMiddleware NativeTelemetry",
    "carboy.fastapi.types": "DecoratedCallable",
    "carboy.fastapi.utils": (
        "create_model_field generate_unique_id get_path_param_names get_value_or_default "
        "is_body_allowed_for_status_code"
    ),
    "pydantic.aliases": "AliasChoices AliasPath",
    "pydantic.annotated_handlers": "GetJsonSchemaHandler",
    "pydantic.color": "Color",
    "pydantic.config": "ConfigDict",
    "pydantic.errors": "PydanticSchemaGenerationError",
    "pydantic.fields": "FieldInfo",
    "pydantic.functional_validators": "BeforeValidator",
    "pydantic.main": "BaseModel create_model",
    "pydantic.networks": "AnyUrl NameEmail",
    "pydantic.types": "Discriminator GetPydanticSchema Json SecretBytes SecretStr Tag",
    "pydantic_core.core_schema": "with_info_plain_validator_function",
    "starlette._exception_handler": "wrap_app_handling_exceptions",
    "starlette._utils": "get_route_path is_async_callable",
    "starlette.applications": "Starlette",
    "starlette.concurrency": "iterate_in_threadpool run_in_threadpool",
    "starlette.datastructures": (
        "FormData Headers ImmutableMultiDict QueryParams URL URLPath UploadFile"
    ),
    "starlette.exceptions": "HTTPException",
    "starlette.middleware": "Middleware",
    "starlette.middleware.base": "BaseHTTPMiddleware",
    "starlette.middleware.body_limit": "MAX_BODY_SIZE_SCOPE_KEY",
    "starlette.middleware.errors": "ServerErrorMiddleware",
    "starlette.middleware.exceptions": "ExceptionMiddleware",
    "starlette.requests": "HTTPConnection Request",
    "starlette.responses": (
        "HTMLResponse JSONResponse PlainTextResponse RedirectResponse Response StreamingResponse"
    ),
    "starlette.routing": "BaseRoute",
    "starlette.staticfiles": "StaticFiles",
    "starlette.status": "HTTP_401_UNAUTHORIZED",
    "starlette.types": "AppType",
    "starlette.websockets": "WebSocket",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

#: Module (below carboy.fastapi) -> what it lends.
_LOANS = {
    "applications": (
        "AppBodyLimitMiddleware AppType AsyncExitStackMiddleware BaseHTTPMiddleware "
        "DecoratedCallable Default DefaultPlaceholder ExceptionMiddleware "
        "ExceptionTelemetryMiddleware HTMLResponse JSONResponse NativeTelemetry Request "
        "ServerErrorMiddleware Starlette generate_unique_id get_openapi get_redoc_html "
        "get_swagger_ui_html get_swagger_ui_oauth2_redirect_html"
    ),
    "datastructures": "GetJsonSchemaHandler",
    "dependencies.models": "ModelField SecurityBase",
    "dependencies.utils": (
        "AliasChoices AliasPath BackgroundTasks BaseModel BeforeValidator CancelScope ConfigDict "
        "DependencyScopeError FieldInfo FormData GetJsonSchemaHandler GetPydanticSchema "
        "HTTPConnection Headers ImmutableMultiDict Json ModelField QueryParams Request "
        "RequiredParam Response SecurityScopes Tag Undefined UploadFile WebSocket "
        "contextmanager_in_threadpool copy_field_info create_body_model create_model_field "
        "evaluate_forwardref field_annotation_is_scalar field_annotation_is_scalar_sequence "
        "field_annotation_is_sequence get_cached_model_fields get_missing_field_error "
        "get_path_param_names is_bytes_or_nonable_bytes_annotation is_bytes_sequence_annotation "
        "is_scalar_field is_uploadfile_or_nonable_uploadfile_annotation "
        "is_uploadfile_sequence_annotation lenient_issubclass run_in_threadpool sequence_types "
        "serialize_sequence_value value_is_sequence"
    ),
    "encoders": (
        "AnyUrl Color NameEmail PydanticV1NotSupportedError SecretBytes SecretStr "
        "is_pydantic_v1_model_instance"
    ),
    "exception_handlers": (
        "HTTPException Request RequestValidationError WebSocket WebSocketRequestValidationError "
        "jsonable_encoder"
    ),
    "exceptions": "BaseModel create_model",
    "openapi.docs": "jsonable_encoder",
    "openapi.models": "with_info_plain_validator_function",
    "openapi.utils": (
        "BaseRoute Body DefaultPlaceholder Dependant JSONResponse ParamTypes Response "
        "get_schema_from_model_field is_body_allowed_for_status_code jsonable_encoder "
        "lenient_issubclass"
    ),
    "param_functions": "AliasChoices AliasPath Discriminator Example",
    "params": "Example",
    "routing": (
        "AppType DecoratedCallable Default DefaultPlaceholder Dependant EndpointContext "
        "EventSourceResponse FastAPIError HTTPException JSONResponse KEEPALIVE_COMMENT "
        "MAX_BODY_SIZE_SCOPE_KEY Middleware ModelField ObjectReceiveStream PlainTextResponse "
        "RedirectResponse RequestValidationError ResponseValidationError ServerSentEvent "
        "SolvedDependency StaticFiles StreamingResponse URL URLPath Undefined "
        "WebSocketRequestValidationError create_model_field format_sse_event generate_unique_id "
        "get_body_limit_error get_body_size_limit get_dependant get_parameterless_sub_dependant "
        "get_route_path get_stream_item_type get_telemetry_data get_typed_return_annotation "
        "get_value_or_default is_async_callable is_body_allowed_for_status_code "
        "iterate_in_threadpool jsonable_encoder lenient_issubclass run_in_threadpool "
        "validate_max_body_size wrap_app_handling_exceptions wrap_app_with_body_limit"
    ),
    "security.api_key": "HTTP_401_UNAUTHORIZED SecurityBase",
    "security.http": "HTTPException HTTP_401_UNAUTHORIZED SecurityBase",
    "security.oauth2": "HTTPException HTTP_401_UNAUTHORIZED SecurityBase",
    "security.open_id_connect_url": "HTTP_401_UNAUTHORIZED SecurityBase",
    "sse": "StreamingResponse",
    "types": "BaseModel",
    "utils": (
        "FastAPIDeprecationWarning FieldInfo ModelField PydanticSchemaGenerationError "
        "PydanticV1NotSupportedError Undefined annotation_is_pydantic_v1"
    ),
}
#: Where the same name means another thing.
_OTHER = {
    **{
        (f"security.{name}", "HTTPException"): "carboy.fastapi.exceptions"
        for name in ("api_key", "http", "oauth2", "open_id_connect_url")
    },
    ("dependencies.utils", "StarletteBackgroundTasks"): "starlette.background",
}
_REAL_NAMES = {"StarletteBackgroundTasks": "BackgroundTasks"}


def lend(module: str, name: str) -> Any:
    """The attribute `name` that `module` has in FastAPI. AttributeError if it has none there."""
    below = module.removeprefix("carboy.fastapi.")
    home = _OTHER.get((below, name))
    if home is None and name in _LOANS.get(below, "").split():
        home = _HOME[name]
    if home is None:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    return getattr(importlib.import_module(home), _REAL_NAMES.get(name, name))
