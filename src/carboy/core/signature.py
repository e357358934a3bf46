"""What a function asks of a request, as data: parameters, dependencies, special objects.

Dialects read callables into `Function`; the compiler writes them out, OpenAPI will describe them.
A `Parameter` has two validators: `check`, one C call, decides whether the raw value is valid;
`explain` says why not. `explain_function` is the slow path: it extracts and validates every
parameter of one function again and returns values and errors in FastAPI's shape.
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Callable, Hashable
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from carboy.core.context import RequestContext
from carboy.core.decode import (
    UNSET,
    header_lists,
    header_map,
    parse_cookies,
    parse_query,
    parse_query_lists,
)
from carboy.core.voice import Kind

Errors = list[dict[str, Any]]


class Source(Enum):
    """Where a parameter comes from; the value is the first part of `loc` in errors."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    COOKIE = "cookie"
    BODY = "body"


@dataclass(slots=True, eq=False, repr=False)
class Parameter:
    """One value that a function takes from the request."""

    name: str
    source: Source
    alias: str
    annotation: Any
    required: bool
    default: Any = None
    default_factory: Callable[[], Any] | None = None
    #: Returns the value or raises ValidationError; None where every raw value is valid.
    check: Callable[[Any], Any] | None = None
    #: (raw, loc) -> (value, errors).
    explain: Callable[[Any, tuple[str, ...]], tuple[Any, Errors]] | None = None
    #: A list of values is wanted, where the source has several.
    many: bool = False
    #: BODY: one key of the body, even where it is the only parameter.
    embed: bool = False
    #: BODY: the whole body is the value, not one key of it.
    whole: bool = False
    validate_default: bool = False
    #: BODY: the value from the body's bytes, where nothing else wants the body.
    decode: Callable[[bytes], Any] | None = None

    @property
    def key(self) -> str:
        """The name to look the value up by: headers are kept in lower case."""
        return self.alias.lower() if self.source is Source.HEADER else self.alias

    @property
    def loc(self) -> tuple[str, ...]:
        """Where errors say the value was."""
        return ("body",) if self.whole else (self.source.value, self.alias)

    def make_default(self) -> Any:
        """A fresh default value."""
        if self.default_factory is not None:
            return self.default_factory()
        return deepcopy(self.default)


class Part(Enum):
    """Objects of the request itself that a function may ask for."""

    REQUEST = "request"
    RESPONSE = "response"
    BACKGROUND = "background"
    #: `make` is the object itself.
    CONSTANT = "constant"


@dataclass(slots=True, eq=False, repr=False)
class Special:
    """A parameter filled with an object that the dialect makes from the request."""

    name: str
    part: Part
    make: Callable[[RequestContext], Any]


@dataclass(slots=True, eq=False, repr=False)
class Use:
    """A function depending on another. `name` is None where only the effect is wanted."""

    name: str | None
    function: Function
    key: Hashable
    cached: bool = True
    #: Ends before the answer leaves (FastAPI's scope "function").
    early: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Function:
    """A callable and everything it asks for."""

    call: Callable[..., Any]
    kind: Kind
    parameters: tuple[Parameter, ...] = ()
    uses: tuple[Use, ...] = ()
    specials: tuple[Special, ...] = ()
    #: Names of the path's variables, in order, to find PATH parameters in `request.params`.
    path_names: tuple[str, ...] = field(default=())
    #: The dialect's own way from request and body to (values by name, errors): explains why input
    #: is invalid, and where `binds` is set fills all parameters itself.
    bind: Callable[[RequestContext, Any], Any] | None = None
    binds: bool = False
    #: `bind` is awaited.
    bind_is_async: bool = False
    #: The body is wanted though no parameter here is a BODY one.
    binds_body: bool = False
    #: Calling neither waits nor blocks: a generator function's first step.
    inline: bool = False
    #: What the dialect made this from, and whether body parameters are keys of the body.
    source: Any = None
    embeds: bool = False
    #: Where a value is that outlives requests: `is_made`, `value`, and `make(request)` to await.
    shared: Any = None

    def walk(self) -> list[Function]:
        """This function and all it depends on, dependencies first."""
        return [one for use in self.uses for one in use.function.walk()] + [self]

    @property
    def wants_body(self) -> bool:
        return any(one.uses_body for one in self.walk())

    @property
    def uses_body(self) -> bool:
        """Whether this function itself, dependencies aside, takes something from the body."""
        return self.binds_body or any(p.source is Source.BODY for p in self.parameters)

    @property
    def is_async(self) -> bool:
        """Whether an endpoint with this function speaks in the async voice."""
        return (self.kind.is_async and not self.inline) or (self.binds and self.bind_is_async)


def annotated_signature(call: Callable[..., Any]) -> inspect.Signature:
    """The signature with annotations evaluated; the one place that reads annotations.

    Names that exist only for type checkers stay unevaluated instead of failing.
    """
    if sys.version_info >= (3, 14):  # pragma: no cover - no 3.14 at hand
        from annotationlib import Format

        try:
            return inspect.signature(call, eval_str=True)
        except NameError:
            return inspect.signature(call, annotation_format=Format.FORWARDREF)
    try:
        return inspect.signature(call, eval_str=True)
    except NameError:
        return _evaluated(inspect.signature(call), call)


def _evaluated(signature: inspect.Signature, call: Callable[..., Any]) -> inspect.Signature:
    names = getattr(inspect.unwrap(call), "__globals__", {})

    def evaluate(annotation: Any) -> Any:
        if not isinstance(annotation, str):
            return annotation
        try:
            return eval(annotation, names)
        except NameError:
            return typing.ForwardRef(annotation)

    parameters = [
        parameter.replace(annotation=evaluate(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    return signature.replace(
        parameters=parameters, return_annotation=evaluate(signature.return_annotation)
    )


def raw_value(parameter: Parameter, function: Function, request: RequestContext, body: Any) -> Any:
    """The unvalidated value of `parameter`, or UNSET."""
    source, alias = parameter.source, parameter.key
    if source is Source.PATH:
        return request.params[function.path_names.index(alias)]
    if source is Source.BODY:
        if parameter.whole:
            return body
        return body.get(alias, UNSET) if isinstance(body, dict) else UNSET
    if source is Source.QUERY:
        values: Any = (parse_query_lists if parameter.many else parse_query)(request.query)
    elif source is Source.HEADER:
        values = (header_lists if parameter.many else header_map)(request.headers)
    else:
        values = parse_cookies(request.headers)
    return values.get(alias, UNSET)


def explain_function(
    function: Function, request: RequestContext, body: Any = UNSET
) -> tuple[list[Any], Errors]:
    """Values of all parameters in order, and what is wrong with those that are wrong."""
    values: list[Any] = []
    errors: Errors = []
    for parameter in function.parameters:
        if _has_no_keys(parameter, body):
            value, wrong = None, [_missing(parameter)]
        else:
            raw = raw_value(parameter, function, request, body)
            value, wrong = explain_parameter(parameter, raw)
        values.append(value)
        errors.extend(wrong)
    return values, errors


def _has_no_keys(parameter: Parameter, body: Any) -> bool:
    """Whether `parameter` is a key of a body that is a JSON list, scalar or null.

    COMPAT: such a body is refused even where the key has a default; no body at all, or one that is
    not JSON, is not.
    """
    if parameter.source is not Source.BODY or parameter.whole or body is UNSET:
        return False
    return not isinstance(body, dict | bytes)


def _missing(parameter: Parameter) -> dict[str, Any]:
    return {"type": "missing", "loc": parameter.loc, "msg": "Field required", "input": None}


def explain_parameter(parameter: Parameter, raw: Any) -> tuple[Any, Errors]:
    """The value for `raw`, or why there is none. Source of the shape: FastAPI's 422."""
    if raw is UNSET:
        if parameter.required:
            return None, [_missing(parameter)]
        raw = parameter.make_default()
        if not parameter.validate_default:
            return raw, []
    if parameter.explain is None:
        return raw, []
    return parameter.explain(raw, parameter.loc)
