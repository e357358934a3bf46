"""Which annotations are msgspec's business: asked of every field, so it has to be cheap.

Nothing is imported here that an application has not imported itself. COMPAT: what pydantic can
read by itself (a class with a schema of its own, a validator in Annotated) stays pydantic's.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, get_args, get_origin

from pydantic import PydanticSchemaGenerationError, TypeAdapter


def is_struct(cls: Any) -> bool:
    """Whether this is a class of msgspec's or attrs's making, a generic one's alias included."""
    cls = get_origin(cls) or cls
    return isinstance(cls, type) and (
        hasattr(cls, "__struct_fields__") or hasattr(cls, "__attrs_attrs__")
    )


def has_libraries() -> bool:
    """Whether one of the libraries is loaded; who has not loaded them has no class of theirs."""
    return "msgspec" in sys.modules or "attr" in sys.modules


def has_struct(annotation: Any) -> bool:
    """Whether such a class stands anywhere in an annotation."""
    if not has_libraries():
        return False
    return is_struct(annotation) or any(map(has_struct, get_args(annotation)))


def is_struct_value(value: Any) -> bool:
    """Whether this is an instance of one, or a list or a dict that holds one."""
    if isinstance(value, dict):
        return any(map(is_struct_value, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(is_struct_value, value))
    return has_struct(type(value))


def is_for_msgspec(annotation: Any, metadata: Any = ()) -> bool:
    """Whether such a class stands in an annotation that pydantic can't read."""
    if not has_struct(annotation):
        return False
    whole: Any = Annotated[(annotation, *metadata)] if metadata else annotation
    try:
        TypeAdapter(whole)
    except PydanticSchemaGenerationError:
        _require_msgspec(annotation)
        return True
    except Exception:
        # Pydantic's own complaints (unknown names, say) are better heard from the field itself.
        return False
    return False


def told(annotation: Any) -> Any:
    """An annotation that is for msgspec, as pydantic can read it."""
    from carboy.fastapi.structs.codec import codec_of
    from carboy.fastapi.structs.schema import Told

    return Annotated[annotation, Told(codec_of(annotation))]


def _require_msgspec(annotation: Any) -> None:
    try:
        import msgspec  # noqa: F401
    except ImportError:
        from carboy.fastapi.exceptions import FastAPIError

        raise FastAPIError(
            f"{annotation!r} is or holds an attrs class, which is read and written by msgspec, and "
            "that is not installed: pip install msgspec"
        ) from None


def advice(annotation: Any) -> str | None:
    """What to do about an annotation that pydantic refuses because of a class of this kind in it.

    None where it is not to blame: a dataclass, say, whose field is a Struct.
    """
    import dataclasses
    from typing import get_type_hints

    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        for name, hint in get_type_hints(annotation).items():
            if has_struct(hint):
                return (
                    f"{annotation.__name__}.{name} is a msgspec Struct or an attrs class, which "
                    f"pydantic can't read as a part of a dataclass: make {annotation.__name__} a "
                    "msgspec.Struct too"
                )
    return None
