"""Questions about annotations: is it one value or many, text or bytes or a file, pydantic's old v1?

Each looks through unions, and where upstream does through Annotated. Nothing here builds a schema.
"""

from __future__ import annotations

import sys
import types
import typing
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Annotated, Any, TypeGuard, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.version import VERSION
from starlette.datastructures import UploadFile

_T = TypeVar("_T")

PYDANTIC_VERSION_MINOR_TUPLE = tuple(int(part) for part in VERSION.split(".")[:2])

#: Classes that stand for "something with parameters" and so are no argument for issubclass.
WithArgsTypes: tuple[Any, ...] = (
    typing._GenericAlias,  # type: ignore[attr-defined]
    types.GenericAlias,
    types.UnionType,
)

#: An annotation's container -> what a sequence of raw values is made to.
sequence_annotation_to_type: dict[Any, Callable[[Any], Any]] = {
    Sequence: list,
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    deque: deque,
}
sequence_types: tuple[type[Any], ...] = tuple(sequence_annotation_to_type)


def lenient_issubclass(
    cls: Any, class_or_tuple: type[_T] | tuple[type[_T], ...] | None
) -> TypeGuard[type[_T]]:
    """issubclass for whatever stands in an annotation; what is no class is a subclass of none."""
    if type(cls) is type(BaseModel):
        # PERF: an ABC remembers every class it was ever asked about, 2 KB for each model.
        wanted = class_or_tuple if isinstance(class_or_tuple, tuple) else (class_or_tuple,)
        return any(one in cls.__mro__ for one in wanted)
    try:
        return isinstance(cls, type) and issubclass(cls, class_or_tuple)  # type: ignore[arg-type]
    except TypeError:
        if isinstance(cls, WithArgsTypes):
            return False
        raise


def union_members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union; none for everything else."""
    origin = get_origin(annotation)
    return get_args(annotation) if origin is Union or origin is types.UnionType else ()


def _without_metadata(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_sequence_class(annotation: Any) -> bool:
    return lenient_issubclass(annotation, sequence_types) and not lenient_issubclass(
        annotation, (str, bytes)
    )


def field_annotation_is_sequence(annotation: Any) -> bool:
    """Whether many values may stand for one such field."""
    annotation = _without_metadata(annotation)
    if members := union_members(annotation):
        return any(map(field_annotation_is_sequence, members))
    return _is_sequence_class(annotation) or _is_sequence_class(get_origin(annotation))


def value_is_sequence(value: Any) -> bool:
    """Whether a value holds many; text and bytes count as one."""
    return isinstance(value, sequence_types) and not isinstance(value, (str, bytes))


def _is_complex_class(annotation: Any) -> bool:
    return (
        lenient_issubclass(annotation, (BaseModel, Mapping, UploadFile))
        or _is_sequence_class(annotation)
        or is_dataclass(annotation)
    )


def field_annotation_is_complex(annotation: Any) -> bool:
    """Whether one piece of text is not enough for such a value."""
    annotation = _without_metadata(annotation)
    if members := union_members(annotation):
        return any(map(field_annotation_is_complex, members))
    origin = get_origin(annotation)
    return (
        _is_complex_class(annotation)
        or _is_complex_class(origin)
        or hasattr(origin, "__pydantic_core_schema__")
        or hasattr(origin, "__get_pydantic_core_schema__")
    )


def field_annotation_is_scalar(annotation: Any) -> bool:
    """Whether one piece of text can stand for such a value; an ellipsis (any length) is one too."""
    return annotation is ... or not field_annotation_is_complex(annotation)


def field_annotation_is_scalar_sequence(annotation: Any) -> bool:
    """Whether pieces of text can stand for such a sequence, or for each alternative of a union."""
    annotation = _without_metadata(annotation)
    if members := union_members(annotation):
        sequences = [field_annotation_is_scalar_sequence(member) for member in members]
        return any(sequences) and all(
            is_sequence or field_annotation_is_scalar(member)
            for member, is_sequence in zip(members, sequences, strict=True)
        )
    return field_annotation_is_sequence(annotation) and all(
        map(field_annotation_is_scalar, get_args(annotation))
    )


def _is_or_may_be(annotation: Any, cls: type[Any]) -> bool:
    return lenient_issubclass(annotation, cls) or any(
        lenient_issubclass(member, cls) for member in union_members(annotation)
    )


def _is_sequence_of(annotation: Any, cls: type[Any]) -> bool:
    if members := union_members(annotation):
        return any(_is_sequence_of(member, cls) for member in members)
    return field_annotation_is_sequence(annotation) and all(
        _is_or_may_be(item, cls) for item in get_args(annotation)
    )


def is_bytes_or_nonable_bytes_annotation(annotation: Any) -> bool:
    """bytes, or a union with bytes."""
    return _is_or_may_be(annotation, bytes)


def is_bytes_sequence_annotation(annotation: Any) -> bool:
    """A sequence of bytes, or a union with one."""
    return _is_sequence_of(annotation, bytes)


def is_uploadfile_or_nonable_uploadfile_annotation(annotation: Any) -> bool:
    """UploadFile, or a union with it."""
    return _is_or_may_be(annotation, UploadFile)


def is_uploadfile_sequence_annotation(annotation: Any) -> bool:
    """A sequence of UploadFiles, or a union with one."""
    return _is_sequence_of(annotation, UploadFile)


def _v1_base() -> type[Any] | None:
    # PERF: pydantic.v1 takes 60 ms to import, and warns on 3.14. If nobody has imported it, there
    # is neither a class nor an instance of it to be asked about.
    return getattr(sys.modules.get("pydantic.v1.main"), "BaseModel", None)


def is_pydantic_v1_model_instance(obj: Any) -> bool:
    """Whether this is an instance of a model of pydantic's version 1."""
    base = _v1_base()
    return base is not None and isinstance(obj, base)


def is_pydantic_v1_model_class(cls: Any) -> bool:
    """Whether this is a model of pydantic's version 1."""
    base = _v1_base()
    return base is not None and lenient_issubclass(cls, base)


def annotation_is_pydantic_v1(annotation: Any) -> bool:
    """Whether a v1 model stands in an annotation: by itself, in a union, in a sequence."""
    if _v1_base() is None:
        return False
    if is_pydantic_v1_model_class(annotation):
        return True
    if any(map(is_pydantic_v1_model_class, union_members(annotation))):
        return True
    return field_annotation_is_sequence(annotation) and any(
        map(annotation_is_pydantic_v1, get_args(annotation))
    )
