"""How a handler's result becomes an answer: response models, response classes, plain values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, get_origin

from carboy.core.answer import JSON, Body, Head
from carboy.core.context import RequestContext
from carboy.core.encode import PLAIN, Encode, encoder
from carboy.core.route import Output
from carboy.fastapi.datastructures import DefaultPlaceholder
from carboy.fastapi.dress import amend, is_response, undress
from carboy.fastapi.structs.kinds import has_libraries, is_struct

if TYPE_CHECKING:
    from carboy.fastapi.route_state import RouteState

Pair = tuple[Head, Body]


def _fallback(value: Any) -> Any:
    from carboy.fastapi.encoders import jsonable_encoder

    return jsonable_encoder(value)


#: Undeclared results as JSON bytes, as FastAPI writes them.
encode_plain: Encode = encoder(_fallback)


def dump_options(state: RouteState) -> dict[str, Any]:
    """What pydantic's serializer is told; only what differs from its defaults, but by_alias."""
    given = {
        "include": state.response_model_include,
        "exclude": state.response_model_exclude,
        "exclude_unset": state.response_model_exclude_unset,
        "exclude_defaults": state.response_model_exclude_defaults,
        "exclude_none": state.response_model_exclude_none,
    }
    chosen = {name: value for name, value in given.items() if value not in (None, False)}
    if has_libraries():
        # A Struct may stand where anything may.
        chosen["fallback"] = write_unknown
    return {"by_alias": state.response_model_by_alias, **chosen}


def write_unknown(value: Any) -> Any:
    """What pydantic's serializers do not know: Structs and attrs objects, and nothing else."""
    if is_struct(type(value)):
        return _fallback(value)
    from pydantic_core import PydanticSerializationError

    raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")


def output_for(state: RouteState) -> Output:
    """How results of this path operation are written."""
    status = state.status_code or 200
    by_default = isinstance(state.response_class, DefaultPlaceholder)
    response_class = state.response_class.value if by_default else state.response_class
    head = Head(status if by_default else 200, [JSON])
    if state.is_sse_stream or state.is_json_stream or _streams(state):
        from carboy.fastapi.streaming import stream_output

        return stream_output(state, response_class)
    field = state.response_field
    if field is None:
        encode, exact = encode_plain, None
    else:
        encode, exact = _field_encoder(state, field)
    is_direct = by_default and response_class.__name__ == "JSONResponse"
    respond = _Respond(state, head, encode, None if is_direct else response_class)
    direct = is_direct and (field is None or exact is not None or state.response_model is Any)
    return Output(respond, encode, amend, head, exact, direct)


def _streams(state: RouteState) -> bool:
    from carboy.core.voice import kind_of

    return kind_of(state.endpoint).is_generator


def _field_encoder(state: RouteState, field: Any) -> tuple[Encode, type | None]:
    """How results of a declared type are written, and the type whose instances need no check."""
    from carboy.fastapi._compat import lenient_issubclass

    options = dump_options(state)
    model = state.response_model
    if model is Any:
        return partial(field.serializer.to_json, **options), None
    if field.codec is not None:
        field.check_options(options)
        encode, exact = field.writer(_checked(state, field, options))
        return encode, exact
    from pydantic import BaseModel

    if lenient_issubclass(model, BaseModel) and model.__pydantic_complete__:
        if model.model_config.get("revalidate_instances", "never") == "never":
            # SAFETY: only the declared type itself; a subclass could show more than was declared.
            return partial(model.__pydantic_serializer__.to_json, **options), model
        return _checked(state, field, options), None
    kind = get_origin(model) or model
    return _checked(state, field, options), kind if kind in PLAIN else None


def _checked(state: RouteState, field: Any, options: dict[str, Any]) -> Encode:
    def encode(result: Any) -> bytes:
        return field.serialize_json(validated(state, field, result), **options)  # type: ignore[no-any-return]

    return encode


def validated(state: RouteState, field: Any, result: Any, request: Any = None) -> Any:
    """`result` as its declared type; ResponseValidationError says what does not fit."""
    value, errors = field.validate(result, {}, loc=("response",))
    if errors:
        from carboy.fastapi.exceptions import ResponseValidationError

        raise ResponseValidationError(
            errors=errors,
            body=result,
            endpoint_ctx=response_context(state, request),
        )
    return value


def response_context(state: RouteState, request: RequestContext | None = None) -> Any:
    """Where the endpoint stands, for messages about what it returned."""
    from carboy.fastapi.body import endpoint_context, endpoint_place

    return endpoint_place(state) if request is None else endpoint_context(state, request)


class _Respond:
    """The slow lane: responses made by hand, results that need checking, other response classes."""

    def __init__(
        self, state: RouteState, head: Head, encode: Encode, response_class: type | None
    ) -> None:
        self.state = state
        self.head = head
        self.encode = encode
        self.response_class = response_class
        self.options = dump_options(state)

    def __call__(self, request: RequestContext, result: Any, response: Any) -> Pair:
        if is_response(result):
            return undress(request, result)
        if self.response_class is not None:
            return self._by_class(request, result, response)
        head = self.head if response is None else amend(self.head, response)
        field = self.state.response_field
        if field is None:
            body = self.encode(result)
        else:
            value = validated(self.state, field, result, request)
            body = field.serialize_json(value, **self.options)
        return head, b"" if head.bodiless else body

    def _by_class(self, request: RequestContext, result: Any, response: Any) -> Pair:
        state = self.state
        field = state.response_field
        if field is None:
            content = _fallback(result)
        elif isinstance(state.response_class, DefaultPlaceholder):
            # COMPAT: a router's default class is asked to render only what has no model.
            return self._written(request, result, response)
        else:
            content = field.serialize(validated(state, field, result, request), **self.options)
        made = self._make(content, response)
        head, body = undress(request, made)
        return head, b"" if head.bodiless else body

    def _written(self, request: RequestContext, result: Any, response: Any) -> Pair:
        head = self.head if response is None else amend(self.head, response)
        field: Any = self.state.response_field
        value = validated(self.state, field, result, request)
        body = field.serialize_json(value, **self.options)
        return head, b"" if head.bodiless else body

    def _make(self, content: Any, response: Any) -> Any:
        status = self.state.status_code
        if response is not None and response.status_code:
            status = response.status_code
        build: Callable[..., Any] = self.response_class  # type: ignore[assignment]
        made = build(content) if status is None else build(content, status_code=status)
        if response is not None:
            made.raw_headers.extend(response.raw_headers)
        return made
