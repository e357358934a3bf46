"""What routes, routers and applications take as keyword arguments, written once.

The verbs of routers and applications share `RouteOptions`; meanings and defaults are FastAPI's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypedDict

from carboy.fastapi.depends import Depends

if TYPE_CHECKING:
    from starlette.middleware import Middleware
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from carboy.core.plugin import Plugin
    from carboy.fastapi.router import APIRouter
    from carboy.fastapi.telemetry._api import TelemetryConfig

Responses = dict[int | str, dict[str, Any]]


class PolicyOptions(TypedDict, total=False):
    """What goes beyond FastAPI, at an application, a router, an inclusion and a route (policy.py).

    `timeout` is in seconds, `limit` and `queue` in requests, `max_body` in bytes; None switches off
    what holds further out.
    """

    timeout: float | None
    limit: int | None
    queue: int | None
    max_body: int | None
    cancel_on_disconnect: bool
    raises: Sequence[type[Any]]
    #: Errors are HTML pages (True) or JSON (False), in an `App` with a Flask side.
    error_pages: bool


class RingOptions(PolicyOptions, total=False):
    """The same for what an application has under names of its own."""

    plugins: Sequence[Plugin]
    middleware: Sequence[Middleware]
    exception_handlers: Mapping[Any, Callable[..., Any]]


class RouteOptions(RingOptions, total=False):
    """What every verb takes beside the path."""

    response_model: Any
    status_code: int | None
    tags: list[str | Enum] | None
    dependencies: Sequence[Depends] | None
    summary: str | None
    description: str | None
    response_description: str
    responses: Responses | None
    deprecated: bool | None
    operation_id: str | None
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    include_in_schema: bool
    response_class: type[Response]
    name: str | None
    callbacks: list[BaseRoute] | None
    openapi_extra: dict[str, Any] | None
    generate_unique_id_function: Callable[[Any], str]
    max_body_size: int | None
    form_limits: Any


class APIRouteOptions(RouteOptions, total=False):
    """`RouteOptions`, and what only `add_api_route` takes."""

    methods: set[str] | list[str] | None
    route_class_override: type[Any] | None
    strict_content_type: Any


class IncludeOptions(RingOptions, total=False):
    """What `include_router` takes beside the router."""

    prefix: str
    tags: list[str | Enum] | None
    dependencies: Sequence[Depends] | None
    responses: Responses | None
    deprecated: bool | None
    include_in_schema: bool
    default_response_class: type[Response]
    callbacks: list[BaseRoute] | None
    generate_unique_id_function: Callable[[Any], str]
    max_body_size: int | None
    form_limits: Any


class AppOptions(PolicyOptions, total=False):
    """What `FastAPI` takes; a test compares this with its signature."""

    debug: bool
    routes: list[BaseRoute] | None
    title: str
    summary: str | None
    description: str
    version: str
    openapi_url: str | None
    openapi_tags: list[dict[str, Any]] | None
    servers: list[dict[str, Any]] | None
    dependencies: Sequence[Depends] | None
    default_response_class: type[Response]
    redirect_slashes: bool
    docs_url: str | None
    redoc_url: str | None
    swagger_ui_oauth2_redirect_url: str | None
    swagger_ui_init_oauth: dict[str, Any] | None
    middleware: Sequence[Middleware] | None
    exception_handlers: dict[Any, Callable[..., Any]] | None
    on_startup: Sequence[Callable[[], Any]] | None
    on_shutdown: Sequence[Callable[[], Any]] | None
    lifespan: Any
    terms_of_service: str | None
    contact: dict[str, Any] | None
    license_info: dict[str, Any] | None
    root_path: str
    root_path_in_servers: bool
    responses: Responses | None
    callbacks: list[BaseRoute] | None
    webhooks: APIRouter | None
    deprecated: bool | None
    include_in_schema: bool
    swagger_ui_parameters: dict[str, Any] | None
    generate_unique_id_function: Callable[[Any], str]
    separate_input_output_schemas: bool
    openapi_external_docs: dict[str, Any] | None
    strict_content_type: bool
    max_body_size: int | None
    form_limits: Any
    telemetry: TelemetryConfig | None
    plugins: Sequence[Plugin]
    problem_details: bool | None


class AppSettings(TypedDict, total=False):
    """How an application differs from FastAPI: `carboy.App`'s safe defaults."""

    strict_paths: bool
    max_body: int | None
    cancel_on_disconnect: bool
    answer_head: bool
    timeout: float
    #: Errors are told as RFC 9457 has it to clients that accept that.
    problem_details: bool
