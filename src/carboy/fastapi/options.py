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


class AppSettings(TypedDict, total=False):
    """How an application differs from FastAPI: `carboy.App`'s safe defaults."""

    strict_paths: bool
    max_body: int | None
    cancel_on_disconnect: bool
    answer_head: bool
    timeout: float
    #: Errors are told as RFC 9457 has it to clients that accept that.
    problem_details: bool
