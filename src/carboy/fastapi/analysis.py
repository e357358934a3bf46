"""From a Python signature to what the engine knows: FastAPI's rules for where values come from.

Path variables by name; models, dataclasses and containers from the body; everything else from the
query string; unless Path, Query, Header, Cookie, Body or Depends say otherwise.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from carboy.core.pattern import Pattern
from carboy.core.signature import (
    Errors,
    Function,
    Parameter,
    Part,
    Source,
    Special,
    Use,
    annotated_signature,
)
from carboy.core.voice import kind_of
from carboy.fastapi.depends import Depends
from carboy.fastapi.dress import make_background, make_request, make_response

Check = Callable[[Any], Any]
_EMPTY = inspect.Parameter.empty
_SEQUENCES = (list, set, frozenset, tuple, deque, Sequence)

_SOURCES = {
    "Path": Source.PATH,
    "Query": Source.QUERY,
    "Header": Source.HEADER,
    "Cookie": Source.COOKIE,
    "Body": Source.BODY,
}

# PERF: `from carboy import App` with one route took 190 ms with pydantic and takes 65 ms without
# (CPython 3.13). A class that nobody has imported stands in no signature: it is looked up.


def _loaded(module: str, name: str) -> type | tuple[()]:
    """A class for isinstance and issubclass: the real one, or none if its module isn't loaded."""
    return getattr(sys.modules.get(module), name, ())


def _is_field(value: Any) -> bool:
    return isinstance(value, _loaded("pydantic.fields", "FieldInfo"))


def _is_param(value: Any) -> bool:
    return isinstance(value, _loaded("carboy.fastapi.params", "Param"))


def is_model(kind: Any) -> bool:
    """Whether `kind` is a pydantic model."""
    return inspect.isclass(kind) and issubclass(kind, _loaded("pydantic.main", "BaseModel"))


#: Objects of the request: (module, class) -> how it is made.
_PARTS: tuple[tuple[str, str, Part, Callable[..., Any]], ...] = (
    ("starlette.requests", "HTTPConnection", Part.REQUEST, make_request),
    ("starlette.responses", "Response", Part.RESPONSE, make_response),
    ("starlette.background", "BackgroundTasks", Part.BACKGROUND, make_background),
)


def function_for(
    call: Callable[..., Any], pattern: Pattern, dependencies: Sequence[Depends] = ()
) -> Function:
    """What `call` asks for when it answers `pattern`; `dependencies` run before its own."""
    function = _read(call, pattern)
    extra = tuple(_use(None, depends, None, pattern) for depends in dependencies)
    function.uses = extra + function.uses
    _decide_bodies(function)
    return function


def _read(call: Callable[..., Any], pattern: Pattern) -> Function:
    parameters: list[Parameter] = []
    uses: list[Use] = []
    specials: list[Special] = []
    for argument in annotated_signature(call).parameters.values():
        annotation, metadata, marker = _split(argument)
        if isinstance(marker, Depends):
            uses.append(_use(argument.name, marker, annotation, pattern))
        elif marker is None and (special := _special(argument.name, annotation)) is not None:
            specials.append(special)
        else:
            parameters.append(_parameter(argument, annotation, metadata, marker, pattern))
    # FastAPI reports errors in this order of sources.
    parameters.sort(key=lambda one: _ORDER[one.source])
    return Function(
        call, kind_of(call), tuple(parameters), tuple(uses), tuple(specials), pattern.names
    )


_ORDER = {source: index for index, source in enumerate(Source)}


def _split(argument: inspect.Parameter) -> tuple[Any, tuple[Any, ...], Any]:
    """(type, other metadata, Depends or FieldInfo or None) of an argument."""
    annotation = argument.annotation
    if hasattr(annotation, "__value__"):  # PEP 695: type X = ...
        annotation = annotation.__value__
    metadata: tuple[Any, ...] = ()
    marker: Any = None
    if get_origin(annotation) is Annotated:
        annotation, *rest = get_args(annotation)
        markers = [one for one in rest if isinstance(one, Depends) or _is_param(one)]
        marker = markers[-1] if markers else None
        metadata = tuple(one for one in rest if one not in markers)
    default = argument.default
    if isinstance(default, Depends) or _is_field(default):
        if marker is not None:
            raise AssertionError(
                f"{argument.name!r} is declared twice, in Annotated and as a default value: "
                f"{marker!r} and {default!r}. Keep one of them."
            )
        marker = default
    elif _is_param(marker) and not _is_missing(marker.default):
        raise AssertionError(
            f"`{type(marker).__name__}` default value cannot be set in `Annotated` for "
            f"{argument.name!r}. Set the default value with `=` instead."
        )
    return (Any if annotation is _EMPTY else annotation), metadata, marker


def _use(name: str | None, depends: Depends, annotation: Any, pattern: Pattern) -> Use:
    call = depends.dependency or annotation
    if not callable(call):
        raise AssertionError(f"Depends({call!r}) for {name!r}: a dependency is a callable")
    function = _read(call, pattern)
    scopes = tuple(getattr(depends, "scopes", None) or ())
    early = depends.scope == "function"
    if function.kind.is_generator and not early and any(use.early for use in function.uses):
        from carboy.fastapi.exceptions import FastAPIError

        raise FastAPIError(
            f'The dependency "{getattr(call, "__name__", call)}" has a scope of "request", it '
            'cannot depend on dependencies with scope "function".'
        )
    key: Hashable = (call, scopes, early)
    return Use(name, function, key, depends.use_cache, early)


def _special(name: str, annotation: Any) -> Special | None:
    if not inspect.isclass(annotation):
        return None
    for module, cls, part, make in _PARTS:
        if issubclass(annotation, _loaded(module, cls)):
            return Special(name, part, make)
    return None


def _parameter(
    argument: inspect.Parameter,
    annotation: Any,
    metadata: tuple[Any, ...],
    marker: Any,
    pattern: Pattern,
) -> Parameter:
    name = argument.name
    in_path = name in pattern.names
    source = _source(name, annotation, marker, in_path)
    default: Any = argument.default
    if marker is not None and default is marker:
        default = marker.default
    factory = getattr(marker, "default_factory", None)
    required = (_is_missing(default) and factory is None) or source is Source.PATH
    alias = (marker.validation_alias or marker.alias) if marker is not None else None
    if not isinstance(alias, str):
        convert = source is Source.HEADER and getattr(marker, "convert_underscores", True)
        alias = name.replace("_", "-") if convert else name
    if source is Source.PATH and alias not in pattern.names:
        raise AssertionError(f"the path {pattern.source!r} has no variable {alias!r}")
    free = _is_free(source, annotation, metadata, marker, alias, pattern)
    check, explain = (None, None) if free else _validators(annotation, metadata, marker)
    return Parameter(
        name=name,
        source=source,
        alias=alias,
        annotation=annotation,
        required=required,
        default=None if required else default,
        default_factory=factory,
        check=check,
        explain=explain,
        many=source is not Source.PATH and source is not Source.BODY and is_sequence(annotation),
        embed=bool(getattr(marker, "embed", False)),
        validate_default=bool(getattr(marker, "validate_default", False)),
    )


def _is_missing(default: Any) -> bool:
    """No default: none written, an ellipsis, or pydantic's own mark."""
    if default is _EMPTY or default is ...:
        return True
    return (
        "pydantic_core" in sys.modules and default is sys.modules["pydantic_core"].PydanticUndefined
    )


def _source(name: str, annotation: Any, marker: Any, in_path: bool) -> Source:
    for kind, source in _SOURCES.items():
        if isinstance(marker, _loaded("carboy.fastapi.params", kind)):
            if in_path and source is not Source.PATH:
                raise AssertionError(
                    f"Cannot use `{type(marker).__name__}` for path param {name!r}"
                )
            return source
    if in_path:
        return Source.PATH
    return Source.QUERY if is_scalar(annotation) else Source.BODY


def _is_free(
    source: Source,
    annotation: Any,
    metadata: tuple[Any, ...],
    marker: Any,
    alias: str,
    pattern: Pattern,
) -> bool:
    """Whether every raw value is valid as it is, so that nothing needs checking."""
    if source is Source.BODY or metadata or (marker is not None and marker.metadata):
        return False
    if source is Source.PATH:
        variable = next(one for one in pattern.variables if one.name == alias)
        # A converter may have made something else than text.
        if variable.converter.to_python("0" * 32) != "0" * 32:
            return False
    members = set(get_args(annotation)) if is_union(annotation) else {annotation}
    return members <= {str, Any, type(None)}


def _validators(
    annotation: Any, metadata: tuple[Any, ...], marker: Any
) -> tuple[Check, Callable[[Any, tuple[str, ...]], tuple[Any, Errors]]]:
    if not metadata and (marker is None or not (marker.metadata or marker.discriminator)):
        validator = _plain_validator(annotation)
    else:
        hints = (*metadata, marker) if marker is not None else metadata
        validator = _adapter(Annotated[(annotation, *hints)]).validator
    return validator.validate_python, _explain(validator)


def _plain_validator(annotation: Any) -> Any:
    if is_model(annotation) and annotation.__pydantic_complete__:
        return annotation.__pydantic_validator__
    try:
        return _shared_validator(annotation)
    except TypeError:  # not hashable
        return _adapter(annotation).validator


@lru_cache(maxsize=512, typed=True)
def _shared_validator(annotation: Any) -> Any:
    return _adapter(annotation).validator


def _adapter(annotation: Any) -> Any:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    try:
        return TypeAdapter(annotation)
    except PydanticSchemaGenerationError as error:
        from carboy.fastapi.exceptions import FastAPIError

        raise FastAPIError(
            f"{annotation!r} is no type that pydantic can validate, so a request can't fill it. "
            "Annotate the parameter with another type, or take it from a dependency."
        ) from error


def _explain(validator: Any) -> Callable[[Any, tuple[str, ...]], tuple[Any, Errors]]:
    from pydantic_core import ValidationError

    def explain(raw: Any, loc: tuple[str, ...]) -> tuple[Any, Errors]:
        try:
            # COMPAT: from_attributes only changes the words: "model_attributes_type".
            return validator.validate_python(raw, from_attributes=True), []
        except ValidationError as error:
            return None, [
                {**one, "loc": loc + tuple(one["loc"])} for one in error.errors(include_url=False)
            ]

    return explain


def is_union(annotation: Any) -> bool:
    """``X | Y`` or ``Union[X, Y]``."""
    return get_origin(annotation) in (Union, types.UnionType)


def is_sequence(annotation: Any) -> bool:
    """A list, set, tuple or the like of values, or a union with one."""
    if is_union(annotation):
        return any(is_sequence(one) for one in get_args(annotation))
    if get_origin(annotation) is Annotated:
        return is_sequence(get_args(annotation)[0])
    kind = get_origin(annotation) or annotation
    if not inspect.isclass(kind) or issubclass(kind, str | bytes):
        return False
    return issubclass(kind, _SEQUENCES)


def is_scalar(annotation: Any) -> bool:
    """Whether one piece of text can stand for such a value."""
    if is_union(annotation):
        return all(is_scalar(one) for one in get_args(annotation))
    if get_origin(annotation) is Annotated:
        return is_scalar(get_args(annotation)[0])
    kind = get_origin(annotation) or annotation
    if not inspect.isclass(kind):
        return True
    if dataclasses.is_dataclass(kind) or is_model(kind) or issubclass(kind, Mapping):
        return False
    return not is_sequence(annotation)


def _decide_bodies(function: Function) -> None:
    """One body parameter takes the whole body; several, or `embed`, take a key each."""
    bodies = [
        parameter
        for one in function.walk()
        for parameter in one.parameters
        if parameter.source is Source.BODY
    ]
    if len({parameter.name for parameter in bodies}) != 1:
        return
    if any(parameter.embed for parameter in bodies):
        return
    for parameter in bodies:
        parameter.whole = True
