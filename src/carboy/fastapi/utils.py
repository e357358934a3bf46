"""Small questions about paths, statuses, settings and fields, under the names FastAPI gives them.

COMPAT: the module is called as upstream calls it. Pydantic is loaded only by `create_model_field`.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any, Literal

from carboy.fastapi.datastructures import DefaultPlaceholder, DefaultType

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from carboy.fastapi._compat import ModelField
    from carboy.fastapi.routing import APIRoute

_STATUS_RANGES = frozenset({"default", "1XX", "2XX", "3XX", "4XX", "5XX"})
_NO_DEFAULT: Any = object()


def is_body_allowed_for_status_code(status_code: int | str | None) -> bool:
    """Whether an answer with this status may have a body; of ranges and unknown ones, yes."""
    if status_code is None or status_code in _STATUS_RANGES:
        return True
    status = int(status_code)
    return status >= 200 and status not in (204, 205, 304)


def get_path_param_names(path: str) -> set[str]:
    """What stands in the braces of `path`, converters included."""
    return set(re.findall(r"\{(.*?)\}", path))


def create_model_field(
    name: str,
    type_: Any,
    default: Any | None = _NO_DEFAULT,
    field_info: FieldInfo | None = None,
    alias: str | None = None,
    mode: Literal["validation", "serialization"] = "validation",
) -> ModelField:
    """`type_` as a field, or an error that says why it can't be one."""
    from pydantic.fields import FieldInfo

    from carboy.fastapi._compat import (
        ModelField,
        PydanticSchemaGenerationError,
        Undefined,
        annotation_is_pydantic_v1,
    )
    from carboy.fastapi.exceptions import (
        FastAPIError,
        PydanticV1NotSupportedError,
        UnreadableTypeError,
    )

    if annotation_is_pydantic_v1(type_):
        raise PydanticV1NotSupportedError(
            f"pydantic.v1 models are not supported: make {type_!r} a model of pydantic 2."
        )
    if field_info is None:
        default = Undefined if default is _NO_DEFAULT else default
        field_info = FieldInfo(annotation=type_, default=default, alias=alias)
    try:
        return ModelField(mode=mode, name=name, field_info=field_info)
    except PydanticSchemaGenerationError as refused:
        from carboy.fastapi.structs.kinds import advice

        if (hint := advice(type_)) is not None:
            raise FastAPIError(f"Invalid args for response field! {hint}") from refused
        raise UnreadableTypeError(
            f"Invalid args for response field! {type_!r} is not a valid Pydantic field type. If it "
            "is a return annotation, the decorator's parameter response_model=None keeps it from "
            "being made a response model."
        ) from None


def generate_operation_id_for_path(*, name: str, path: str, method: str) -> str:
    """An operation's id as it was made long ago. Deprecated; nothing here asks for it."""
    from carboy.fastapi.exceptions import FastAPIDeprecationWarning

    warnings.warn(
        "fastapi.utils.generate_operation_id_for_path() is deprecated and will be removed",
        category=FastAPIDeprecationWarning,
        stacklevel=2,
    )
    return _operation_id(name + path, method)


def generate_unique_id(route: APIRoute) -> str:
    """An operation's id unless another function is given: name, path and a method of `route`."""
    assert route.methods, "a route without methods has no operation"
    return _operation_id(f"{route.name}{route.path_format}", next(iter(route.methods)))


def _operation_id(words: str, method: str) -> str:
    return re.sub(r"\W", "_", words) + "_" + method.lower()


def deep_dict_update(main_dict: dict[Any, Any], update_dict: dict[Any, Any]) -> None:
    """Lays `update_dict` over `main_dict`: dicts are joined, lists are strung together."""
    for key, value in update_dict.items():
        old = main_dict.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            deep_dict_update(old, value)
        elif isinstance(old, list) and isinstance(value, list):
            main_dict[key] = old + value
        else:
            main_dict[key] = value


def get_value_or_default(
    first_item: DefaultPlaceholder | DefaultType, *extra_items: DefaultPlaceholder | DefaultType
) -> DefaultPlaceholder | DefaultType:
    """The first that somebody chose, else the first. Give the nearest level's setting first."""
    for item in (first_item, *extra_items):
        if not isinstance(item, DefaultPlaceholder):
            return item
    return first_item


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
