"""What is known of one path operation: everything OpenAPI and the translation to the engine read.

`RouteState` is filled once, from a path, an endpoint and options; `APIRoute` is one under its own
path, `EffectiveRoute` (including.py) the same declaration under a router's prefix. Attribute names
are upstream's, extensions read them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum, IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, compile_path, get_name

from carboy.core.voice import kind_of
from carboy.fastapi._body_limit import validate_max_body_size
from carboy.fastapi.datastructures import Default, DefaultPlaceholder
from carboy.fastapi.dependencies.analysis import get_dependant, get_parameterless_sub_dependant
from carboy.fastapi.dependencies.flat import _get_flat_body_params
from carboy.fastapi.dependencies.models import Dependant
from carboy.fastapi.dependencies.signatures import (
    get_stream_item_type,
    get_typed_return_annotation,
)
from carboy.fastapi.depends import Depends
from carboy.fastapi.patterns import convertors_of, pattern_of
from carboy.fastapi.policy import NOTHING, Policy
from carboy.fastapi.utils import (
    create_model_field,
    generate_unique_id,
    is_body_allowed_for_status_code,
)

if TYPE_CHECKING:
    from carboy.core.pattern import Pattern
    from carboy.core.route import Route
    from carboy.fastapi._compat import ModelField

DEFAULT_JSON: Any = Default(JSONResponse)
DEFAULT_ID: Any = Default(generate_unique_id)
DEFAULT_STRICT: Any = Default(True)
DEFAULT_MODEL: Any = Default(None)


def dependant_for(
    path: str, call: Callable[..., Any], dependencies: Sequence[Depends]
) -> tuple[Dependant, list[ModelField], bool]:
    """(what `call` asks for with `dependencies` before its own, its body fields, embedded?)."""
    dependant = get_dependant(path=path, call=call, scope="function")
    return with_dependencies(dependant, path, dependencies)


def with_dependencies(
    dependant: Dependant, path: str, dependencies: Sequence[Depends]
) -> tuple[Dependant, list[ModelField], bool]:
    """The same for a `dependant` that is known already; it stays as it is."""
    if dependencies:
        extra = [get_parameterless_sub_dependant(depends=one, path=path) for one in dependencies]
        dependant = replace(dependant, dependencies=[*extra, *dependant.dependencies])
    body_params = _get_flat_body_params(dependant)
    if not body_params:
        return dependant, [], False
    from carboy.fastapi.dependencies.body_field import _should_embed_body_fields

    return dependant, body_params, _should_embed_body_fields(body_params)


def no_special_object(endpoint: Callable[..., Any], name: str, kind: str) -> None:
    """The endpoint asks for what routes of this kind have not: an error, unless there is a default.

    COMPAT: only of the endpoint itself. Dependencies may serve both kinds, or be overridden.
    """
    from carboy.fastapi.mistakes import taken_by_nobody

    if (wrong := taken_by_nobody(endpoint, name, kind)) is not None:
        raise wrong


class RouteState:
    """A path operation. Errors of the declaration are raised as it is made."""

    path: str
    endpoint: Callable[..., Any]
    methods: set[str]
    name: str
    #: The engine's Route, once it has been translated.
    core: Route | None = None
    _pattern: Pattern | None = None
    #: What goes beyond FastAPI's options.
    policy: Policy = NOTHING

    def _populate(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        name: str | None = None,
        status_code: int | None = None,
        description: str | None = None,
        tags: list[str | Enum] | None = None,
        dependencies: Sequence[Depends] | None = None,
        responses: dict[int | str, dict[str, Any]] | None = None,
        response_model: Any = DEFAULT_MODEL,
        max_body_size: int | None = None,
        **options: Any,
    ) -> None:
        """Fill in everything; `options` are kept as attributes under their names."""
        validate_max_body_size(max_body_size)
        # PERF: what is as usual stays the class's; 1,000 routes in routers: 2 MB of 2.7 less.
        for option, value in options.items():
            if value is not _DEFAULTS[option]:
                setattr(self, option, value)
        assert callable(endpoint), "An endpoint must be a callable"
        self.path = path
        self.endpoint = endpoint
        self.max_body_size = max_body_size
        self.tags = tags or []
        self.responses = responses or {}
        self.dependencies = list(dependencies or ())
        self.name = get_name(endpoint) if name is None else name
        if isinstance(methods, str):
            from carboy.fastapi.mistakes import not_methods

            raise not_methods(methods)
        self.methods = {method.upper() for method in (("GET",) if methods is None else methods)}
        self.status_code = int(status_code) if isinstance(status_code, IntEnum) else status_code
        if not isinstance(status_code, int | None):
            from carboy.fastapi.mistakes import no_status

            raise no_status(status_code)
        about = description or inspect.cleandoc(endpoint.__doc__ or "")
        # COMPAT: a form feed ends what documentation shows.
        self.description = about.partition("\f")[0].strip()
        make_id: Any = self.generate_unique_id_function
        if isinstance(make_id, DefaultPlaceholder):
            make_id = make_id.value
        self.unique_id: str = self.operation_id or make_id(self)
        self._read_endpoint()
        self._read_responses(response_model)

    # What `_DEFAULTS` sets.
    summary: str | None
    response_description: str
    deprecated: bool | None
    operation_id: str | None
    response_model_include: Any
    response_model_exclude: Any
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    include_in_schema: bool
    response_class: Any
    dependency_overrides_provider: Any
    callbacks: list[BaseRoute] | None
    openapi_extra: dict[str, Any] | None
    generate_unique_id_function: Any
    strict_content_type: Any
    form_limits: Any
    stream_item_type: Any

    def _asked(self) -> tuple[Dependant, list[ModelField], bool]:
        return dependant_for(self.path_format, self.endpoint, self.dependencies)

    def _read_endpoint(self) -> None:
        self.dependant, body_params, self._embed_body_fields = self._asked()
        if self.dependant.websocket_param_name is not None:
            no_special_object(self.endpoint, self.dependant.websocket_param_name, "HTTP")
        self.body_field: ModelField | None = None
        if body_params:
            from carboy.fastapi.dependencies.body_field import _get_body_field

            self.body_field = _get_body_field(
                body_params=body_params,
                name=self.unique_id,
                embed_body_fields=self._embed_body_fields,
            )

    def _read_responses(self, response_model: Any) -> None:
        by_default = isinstance(self.response_class, DefaultPlaceholder)
        events = not by_default and _is_event_stream(self.response_class)
        streams = kind_of(self.endpoint).is_generator
        self.is_sse_stream = streams and events
        self.is_json_stream = streams and by_default
        if isinstance(response_model, DefaultPlaceholder):
            returned = get_typed_return_annotation(self.endpoint)
            item = get_stream_item_type(returned)
            if _is_subclass(returned, Response):
                response_model = None
            elif streams and item is not None:
                response_model = None
                if (by_default or events) and not _is_event(item):
                    self.stream_item_type = item
            else:
                response_model = returned
        self.response_model = response_model
        self.response_field = self._field("Response_", response_model, self.status_code)
        self.stream_item_field = self._field("StreamItem_", self.stream_item_type, None)
        self.response_fields: dict[int | str, ModelField] = {}
        for status, response in self.responses.items():
            assert isinstance(response, dict), "An additional response must be a dict"
            if model := response.get("model"):
                field = self._field(f"Response_{status}_", model, status)
                assert field is not None
                self.response_fields[status] = field

    def _field(self, prefix: str, model: Any, status: int | str | None) -> ModelField | None:
        if not model:
            return None
        assert is_body_allowed_for_status_code(status), (
            f"Status code {status} must not have a response body"
        )
        return create_model_field(name=prefix + self.unique_id, type_=model, mode="serialization")

    # -- the path, in the core's words and in Starlette's -----------------------------------------

    @property
    def pattern(self) -> Pattern:
        """The path in pieces."""
        if self._pattern is None:
            self._pattern = pattern_of(self.path)
        return self._pattern

    @property
    def path_format(self) -> str:
        """The path with bare ``{name}`` holes."""
        return self.pattern.format

    @cached_property
    def param_convertors(self) -> dict[str, Any]:
        """Starlette's convertors by name."""
        return convertors_of(self.pattern)

    @cached_property
    def path_regex(self) -> Any:
        """Starlette's regular expression. PERF: made for who asks; the engine does not."""
        return compile_path(self.path)[0]


def _is_event_stream(response_class: Any) -> bool:
    from carboy.fastapi.responses import EventSourceResponse

    return _is_subclass(response_class, EventSourceResponse)


def _is_event(item: Any) -> bool:
    from carboy.fastapi.sse import ServerSentEvent

    return _is_subclass(item, ServerSentEvent)


def _is_subclass(given: Any, cls: type) -> bool:
    return isinstance(given, type) and issubclass(given, cls)


_DEFAULTS: dict[str, Any] = {
    "summary": None,
    "response_description": "Successful Response",
    "deprecated": None,
    "operation_id": None,
    "response_model_include": None,
    "response_model_exclude": None,
    "response_model_by_alias": True,
    "response_model_exclude_unset": False,
    "response_model_exclude_defaults": False,
    "response_model_exclude_none": False,
    "include_in_schema": True,
    "response_class": DEFAULT_JSON,
    "dependency_overrides_provider": None,
    "callbacks": None,
    "openapi_extra": None,
    "generate_unique_id_function": DEFAULT_ID,
    "strict_content_type": DEFAULT_STRICT,
    "form_limits": None,
    "stream_item_type": None,
}

for _name, _value in _DEFAULTS.items():
    setattr(RouteState, _name, _value)

#: What a route may be told; anything else is a mistake.
OPTIONS = frozenset(_DEFAULTS) | {
    "response_model",
    "status_code",
    "tags",
    "dependencies",
    "description",
    "responses",
    "name",
    "methods",
    "max_body_size",
}
