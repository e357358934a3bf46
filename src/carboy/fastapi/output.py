"""How a handler's result becomes an answer: response models, response classes, plain values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_origin

from carboy.core.answer import JSON, Body, Head
from carboy.core.context import RequestContext
from carboy.core.encode import PLAIN, Encode, encoder
from carboy.core.route import Output
from carboy.fastapi.analysis import is_model
from carboy.fastapi.dress import amend, is_response, undress

Pair = tuple[Head, Body]


def _fallback(value: Any) -> Any:
    from carboy.fastapi.encoders import jsonable_encoder

    return jsonable_encoder(value)


#: Undeclared results as JSON bytes, as FastAPI writes them.
encode_plain: Encode = encoder(_fallback)


def output_for(
    model: Any, status_code: int, response_class: type | None, dump_options: dict[str, Any]
) -> Output:
    """`model` is None where nothing is declared; `response_class` None for JSON."""
    head = Head(status_code, [JSON])
    if model is None:
        encode, exact = encode_plain, None
    else:
        encode, exact = _model_encoder(model, dump_options)
    respond = _Respond(head, encode, response_class, model, dump_options)
    if response_class is not None:
        direct = False
    else:
        direct = model is None or exact is not None
    return Output(respond, encode, amend, head, exact, direct)


def _model_encoder(model: Any, options: dict[str, Any]) -> tuple[Encode, type | None]:
    """How results of a declared type are written, and the type whose instances need no check."""
    if is_model(model) and model.__pydantic_complete__:
        validator: Any = model.__pydantic_validator__
        dump = partial(model.__pydantic_serializer__.to_json, **options)
        if model.model_config.get("revalidate_instances", "never") == "never":
            # SAFETY: only the declared type itself; a subclass could show more than was declared.
            return dump, model
        return _checked(validator, dump), None
    from pydantic import TypeAdapter

    adapter = TypeAdapter(model)
    dump = partial(adapter.serializer.to_json, **options)
    kind = get_origin(model) or model
    return _checked(adapter.validator, dump), kind if kind in PLAIN else None


def _checked(validator: Any, dump: Callable[[Any], bytes]) -> Encode:
    from pydantic_core import ValidationError

    validate = partial(validator.validate_python, from_attributes=True)

    def encode(result: Any) -> bytes:
        try:
            value = validate(result)
        except ValidationError as error:
            raise _response_invalid(error, result) from error
        return dump(value)

    return encode


def _response_invalid(error: Any, result: Any) -> Exception:
    from carboy.fastapi.exceptions import ResponseValidationError

    errors = [{**one, "loc": ("response", *one["loc"])} for one in error.errors(include_url=False)]
    return ResponseValidationError(errors, body=result)


class _Respond:
    """The slow lane: responses made by hand, results that need checking, other response classes."""

    def __init__(
        self,
        head: Head,
        encode: Encode,
        response_class: type | None,
        model: Any,
        options: dict[str, Any],
    ) -> None:
        self.head = head
        self.encode = encode
        self.response_class = response_class
        self.model = model
        self.options = options
        self._validator: Any = None
        self._serializer: Any = None

    def __call__(self, request: RequestContext, result: Any, response: Any) -> Pair:
        if is_response(result):
            return undress(request, result)
        if self.response_class is not None:
            return self._by_class(request, result, response)
        head = self.head if response is None else amend(self.head, response)
        encode = self.encode if self.model is None else self._encode_checked
        body = encode(result)
        return head, b"" if head.bodiless else body

    def _load(self) -> None:
        if self._validator is None:
            from pydantic import TypeAdapter

            adapter = TypeAdapter(self.model)
            self._validator, self._serializer = adapter.validator, adapter.serializer

    def _validated(self, result: Any) -> Any:
        from pydantic_core import ValidationError

        self._load()
        try:
            return self._validator.validate_python(result, from_attributes=True)
        except ValidationError as error:
            raise _response_invalid(error, result) from error

    def _encode_checked(self, result: Any) -> bytes:
        value = self._validated(result)
        return self._serializer.to_json(value, **self.options)  # type: ignore[no-any-return]

    def _by_class(self, request: RequestContext, result: Any, response: Any) -> Pair:
        if self.model is None:
            content = _fallback(result)
        else:
            value = self._validated(result)
            content = self._serializer.to_python(value, mode="json", **self.options)
        assert self.response_class is not None
        made = self.response_class(content, status_code=self.head.status)
        if response is not None:
            made.status_code = response.status_code or made.status_code
            made.raw_headers.extend(response.raw_headers)
        head, body = undress(request, made)
        return head, b"" if head.bodiless else body
