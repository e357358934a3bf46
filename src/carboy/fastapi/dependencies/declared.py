"""One parameter of a signature -> what it asks for: a dependency, a special object or a field.

A declaration stands in Annotated or in the default, never in both; where there is none, the type
decides. Contradictions are reported here, where they were declared.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from typing_inspection.typing_objects import is_typealiastype

from carboy.fastapi import params
from carboy.fastapi._compat import (
    ModelField,
    RequiredParam,
    copy_field_info,
    field_annotation_is_scalar,
    field_annotation_is_scalar_sequence,
    is_scalar_field,
    is_uploadfile_or_nonable_uploadfile_annotation,
    is_uploadfile_sequence_annotation,
    lenient_issubclass,
)
from carboy.fastapi.dependencies.fields import _get_model_type
from carboy.fastapi.dependencies.form_models import (
    _add_form_union_validators,
    _get_form_union_models,
)
from carboy.fastapi.dependencies.models import Dependant
from carboy.fastapi.structs.kinds import is_for_msgspec
from carboy.fastapi.utils import create_model_field

_ABSENT: Any = inspect.Signature.empty

multipart_not_installed_error = (
    'Forms and files need the package "python-multipart". Install it with:\n\n'
    "pip install python-multipart\n"
)
multipart_incorrect_install_error = (
    'Forms and files need the package "python-multipart", but the package "multipart" is installed '
    "in its place. Exchange them with:\n\n"
    "pip uninstall multipart\n"
    "pip install python-multipart\n"
)


@dataclass(eq=False, repr=False)
class ParamDetails:
    """What a parameter is: at most one of `depends` and `field` is set, neither for specials."""

    type_annotation: Any
    depends: params.Depends | None
    field: ModelField | None


def analyze_param(
    *, param_name: str, annotation: Any, value: Any, path_param_names: set[str]
) -> ParamDetails:
    """What the parameter with this annotation and this default asks for."""
    is_path = param_name in path_param_names
    if is_typealiastype(annotation):
        annotation = annotation.__value__
    whole = Any if annotation is _ABSENT else annotation
    bare = get_args(whole)[0] if get_origin(whole) is Annotated else whole
    declared = _declaration(param_name, whole, value)
    if isinstance(declared, params.Depends):
        if declared.dependency is None:
            declared = dataclasses.replace(declared, dependency=bare)
        return ParamDetails(bare, declared, None)
    if lenient_issubclass(bare, _special_classes()):
        assert declared is None, f"Cannot specify FastAPI annotation for type {bare!r}"
        return ParamDetails(bare, None, None)
    if declared is None:
        info = _inferred(whole, bare, value, is_path)
    else:
        info = _with_default(declared, param_name, whole, bare, value, is_path)
    return ParamDetails(bare, None, _field(param_name, whole, info, path_param_names))


def _declaration(name: str, whole: Any, value: Any) -> FieldInfo | params.Depends | None:
    """What Annotated or the default says; of several marks, the last."""
    marks = get_args(whole)[1:] if get_origin(whole) is Annotated else ()
    kinds = (params.Param, params.Body, params.Depends)
    mark = next((one for one in reversed(marks) if isinstance(one, kinds)), None)
    if isinstance(value, params.Depends):
        assert not isinstance(mark, params.Depends), (
            f"Cannot specify `Depends` in `Annotated` and default value together for {name!r}"
        )
        assert mark is None, (
            "Cannot specify a FastAPI annotation in `Annotated` and `Depends` as a default value"
            f" together for {name!r}"
        )
    elif isinstance(value, FieldInfo):
        assert not isinstance(mark, FieldInfo), (
            "Cannot specify FastAPI annotations in `Annotated` and default value together for"
            f" {name!r}"
        )
    else:
        return mark
    chosen: FieldInfo | params.Depends = value if mark is None else mark
    return chosen


def _with_default(
    declared: FieldInfo, name: str, whole: Any, bare: Any, value: Any, is_path: bool
) -> FieldInfo:
    """A declaration, completed with the annotation and the default of its parameter."""
    if isinstance(value, FieldInfo):
        value.annotation = bare
        return value
    # The mark may stand in an alias that other parameters use too.
    info = copy_field_info(field_info=declared, annotation=whole)
    assert info.default is RequiredParam, (
        f"`{type(info).__name__}` default value cannot be set in `Annotated` for {name!r}."
        " Set the default value with `=` instead."
    )
    assert value is _ABSENT or not is_path, "Path parameters cannot have default values"
    info.default = RequiredParam if value is _ABSENT else value
    return info


def _inferred(whole: Any, bare: Any, value: Any, is_path: bool) -> FieldInfo:
    """Where an undeclared parameter comes from: its name in the path, or else its type, says so."""
    info: FieldInfo
    if is_path:
        # COMPAT: a default is left unused, so that a function may serve paths with and without.
        info = params.Path(annotation=whole)
    else:
        kind = params.Body if is_for_msgspec(whole) else _inferred_kind(bare)
        info = kind(annotation=whole, default=RequiredParam if value is _ABSENT else value)
    if get_origin(whole) is Annotated:
        default = info.default
        info = copy_field_info(field_info=info, annotation=whole)
        info.default = default
        if is_path:
            info.default_factory = None
    return info


def _inferred_kind(bare: Any) -> Any:
    if is_uploadfile_or_nonable_uploadfile_annotation(bare):
        return params.File
    if is_uploadfile_sequence_annotation(bare):
        return params.File
    return params.Query if field_annotation_is_scalar(bare) else params.Body


def _field(name: str, whole: Any, info: FieldInfo, path_names: set[str]) -> ModelField:
    is_path = name in path_names
    if is_path:
        assert isinstance(info, params.Path), (
            f"Cannot use `{type(info).__name__}` for path param {name!r}"
        )
    elif isinstance(info, params.Param) and getattr(info, "in_", None) is None:
        info.in_ = params.ParamTypes.query
    if isinstance(info, params.Form):
        ensure_multipart_is_installed()
        if _get_form_union_models(info.annotation):
            info.annotation = _add_form_union_validators(info.annotation)
    info = _with_path_name(info, path_names)
    if not info.alias and getattr(info, "convert_underscores", False):
        info.alias = name.replace("_", "-")
    info.alias = info.alias or name
    field = create_model_field(
        name=name, type_=whole, default=info.default, alias=info.alias, field_info=info
    )
    if is_path:
        assert is_scalar_field(field), (
            f"Path params must be of one of the supported types: {name!r} stands in the path, and "
            f"of one part of a path no {whole!r} can be made"
        )
    elif isinstance(info, params.Query):
        assert _fits_query(field), f"Query parameter {name!r} must be one of the supported types"
    return field


def _with_path_name(info: FieldInfo, path_names: set[str]) -> FieldInfo:
    """Of a path parameter's names, the one that this path has; a copy, for other paths differ."""
    choices = info.validation_alias
    if not isinstance(info, params.Path) or not isinstance(choices, AliasChoices):
        return info
    if all(isinstance(one, str) for one in choices.choices):
        for one in choices.choices:
            if one in path_names:
                info = copy(info)
                info.validation_alias = str(one)
                break
    return info


def _fits_query(field: ModelField) -> bool:
    annotation = field.field_info.annotation
    if field.codec is not None:
        return field.struct is not None
    return (
        is_scalar_field(field)
        or field_annotation_is_scalar_sequence(annotation)
        or _get_model_type(annotation) is not None
    )


def add_non_field_param_to_dependency(
    *, param_name: str, type_annotation: Any, dependant: Dependant
) -> bool | None:
    """Note the parameter in `dependant` if it takes a special object; None if it does not."""
    for kind, attribute in _specials():
        if lenient_issubclass(type_annotation, kind):
            setattr(dependant, attribute, param_name)
            return True
    return None


def _specials() -> list[tuple[type[Any], str]]:
    """(class, attribute of Dependant), subclasses first."""
    found: list[tuple[type[Any], str]] = [
        (Request, "request_param_name"),
        (WebSocket, "websocket_param_name"),
        (HTTPConnection, "http_connection_param_name"),
        (Response, "response_param_name"),
        (BackgroundTasks, "background_tasks_param_name"),
    ]
    # PERF: where nobody has imported the class, nobody has annotated a parameter with it.
    oauth2 = sys.modules.get("carboy.fastapi.security.oauth2")
    if scopes := getattr(oauth2, "SecurityScopes", None):
        found.append((scopes, "security_scopes_param_name"))
    return found


def _special_classes() -> tuple[type[Any], ...]:
    return tuple(kind for kind, _ in _specials())


def ensure_multipart_is_installed() -> None:
    """Raise where forms could not be read; two packages have had the same import name."""
    with suppress(ImportError):
        from python_multipart import __version__

        if __version__ > "0.0.12":
            return
    try:
        from multipart import __version__ as _  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        _refuse(multipart_not_installed_error)
    try:
        from multipart.multipart import (  # type: ignore[import-untyped]  # noqa: F401
            parse_options_header,
        )
    except ImportError:
        _refuse(multipart_incorrect_install_error)


def _refuse(message: str) -> NoReturn:
    from carboy.fastapi.logger import logger

    logger.error(message)
    raise RuntimeError(message) from None
