"""Annotations of a callable as objects: forward references resolved where they can be.

Evaluating is `carboy.core.signature`'s; here is what upstream makes of what that leaves open.
"""

from __future__ import annotations

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from typing import Any, ForwardRef, get_args, get_origin

from carboy.core.signature import annotated_signature
from carboy.fastapi._compat import evaluate_forwardref

_STREAMS = frozenset({AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator})


def get_typed_signature(call: Callable[..., Any]) -> inspect.Signature:
    """The parameters with evaluated annotations; no return annotation."""
    names = _globals_of(call)
    return inspect.Signature(
        [
            one.replace(annotation=get_typed_annotation(one.annotation, names))
            for one in annotated_signature(call).parameters.values()
        ]
    )


def get_typed_annotation(annotation: Any, globalns: dict[str, Any]) -> Any:
    """What a text or a reference names; a ForwardRef while that is not to be found."""
    if isinstance(annotation, str):
        annotation = ForwardRef(annotation)
    if isinstance(annotation, ForwardRef):
        annotation = evaluate_forwardref(annotation, globalns, globalns)
        if annotation is type(None):
            return None
    return annotation


def get_typed_return_annotation(call: Callable[..., Any]) -> Any:
    """The evaluated return annotation; None where there is none."""
    annotation = annotated_signature(call).return_annotation
    if annotation is inspect.Signature.empty:
        return None
    return get_typed_annotation(annotation, _globals_of(call))


def get_stream_item_type(annotation: Any) -> Any | None:
    """What an iterable annotation yields; Any where it does not say, None for anything else."""
    if get_origin(annotation) not in _STREAMS:
        return None
    return next(iter(get_args(annotation)), Any)


def _globals_of(call: Callable[..., Any]) -> dict[str, Any]:
    return getattr(inspect.unwrap(call), "__globals__", {})
