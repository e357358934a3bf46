"""A Dependant and all it depends on, as flat lists of fields: what OpenAPI and a body are made of.

Read only when a route is declared or described; no request comes by here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from carboy.fastapi._compat import ModelField, get_cached_model_fields
from carboy.fastapi.dependencies.fields import _get_param_model
from carboy.fastapi.dependencies.models import Dependant, _get_cache_key, _UsesScopesCache

if TYPE_CHECKING:
    from carboy.fastapi.types import DependencyCacheKey


def _get_flat_body_params(dependant: Dependant) -> list[ModelField]:
    """Body fields, the dependant's own first; declared several times, there several times."""
    below = map(_get_flat_body_params, dependant.dependencies)
    return [*dependant.body_params, *chain.from_iterable(below)]


def get_flat_params(dependant: Dependant) -> list[ModelField]:
    """Path, query, header and cookie parameters, in this order, models taken apart.

    A dependency counts where it is first met, and what is below it too.
    """
    walked = list(_walk_once(dependant, [], {}))
    return _get_flat_fields_from_params(
        [
            *chain.from_iterable(one.path_params for one in walked),
            *chain.from_iterable(one.query_params for one in walked),
            *chain.from_iterable(one.header_params for one in walked),
            *chain.from_iterable(one.cookie_params for one in walked),
        ]
    )


def _walk_once(
    dependant: Dependant, seen: list[DependencyCacheKey], scopes: _UsesScopesCache
) -> Iterator[Dependant]:
    key = _get_cache_key(dependant=dependant, uses_scopes_cache=scopes)
    if key in seen:  # a list: callables need not be hashable
        return
    seen.append(key)
    yield dependant
    for sub in dependant.dependencies:
        yield from _walk_once(sub, seen, scopes)


def _get_flat_fields_from_params(fields: Sequence[ModelField]) -> list[ModelField]:
    """The fields, with those of its model for each that is a parameter model."""
    flat: list[ModelField] = []
    for field in fields:
        model = _get_param_model(field)
        flat += [field] if model is None else get_cached_model_fields(model)
    return flat
