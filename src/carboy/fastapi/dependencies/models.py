"""Dependant: a callable, the fields it takes from a request, and the callables it depends on.

Plain data, and functions that answer questions about it each time anew: a Dependant may be changed
after it was made. Reading signatures is analysis.py's; calling is solve.py's and the engine's.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

from carboy.core.voice import Kind, kind_of

if TYPE_CHECKING:
    from carboy.fastapi._compat import ModelField
    from carboy.fastapi.concurrency import _DependencyConcurrency
    from carboy.fastapi.security.base import SecurityBase
    from carboy.fastapi.types import DependencyCacheKey

#: How long a result lasts; "app" is Carboy's own (lasting.py).
Scope = Literal["function", "request", "app"]


@dataclass(slots=True, eq=False, repr=False)
class Dependant:
    """What a callable asks for. The `*_param_name`s are parameters filled with special objects.

    `name` is the parameter of the parent that takes the result; None where only the effect counts.
    """

    path_params: list[ModelField] = field(default_factory=list)
    query_params: list[ModelField] = field(default_factory=list)
    header_params: list[ModelField] = field(default_factory=list)
    cookie_params: list[ModelField] = field(default_factory=list)
    body_params: list[ModelField] = field(default_factory=list)
    dependencies: list[Dependant] = field(default_factory=list)
    name: str | None = None
    call: Callable[..., Any] | None = None
    request_param_name: str | None = None
    websocket_param_name: str | None = None
    http_connection_param_name: str | None = None
    response_param_name: str | None = None
    background_tasks_param_name: str | None = None
    security_scopes_param_name: str | None = None
    own_oauth_scopes: list[str] | None = None
    parent_oauth_scopes: list[str] | None = None
    use_cache: bool = True
    path: str | None = None
    scope: Scope | None = None
    concurrency: _DependencyConcurrency | None = None


#: id -> (dependant, answer). It holds the dependant, so that no other can get the same id.
_UsesScopesCache = dict[int, tuple[Dependant, bool]]

_COLOURS_KEPT = 4096


class _CallIdentity:
    """A callable as a key: itself and nothing that is equal to it, hashable or not."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __hash__(self) -> int:
        return id(self.call)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _CallIdentity) and other.call is self.call


@lru_cache(maxsize=_COLOURS_KEPT)
def _is_gen_callable_cached(call_identity: _CallIdentity) -> bool:
    return kind_of(call_identity.call) is Kind.SYNC_GENERATOR


@lru_cache(maxsize=_COLOURS_KEPT)
def _is_async_gen_callable_cached(call_identity: _CallIdentity) -> bool:
    return kind_of(call_identity.call) is Kind.ASYNC_GENERATOR


@lru_cache(maxsize=_COLOURS_KEPT)
def _is_coroutine_callable_cached(call_identity: _CallIdentity) -> bool:
    return kind_of(call_identity.call) is Kind.ASYNC


def _is_gen_callable(call: Callable[..., Any] | None) -> bool:
    return call is not None and _is_gen_callable_cached(_CallIdentity(call))


def _is_async_gen_callable(call: Callable[..., Any] | None) -> bool:
    return call is not None and _is_async_gen_callable_cached(_CallIdentity(call))


def _is_coroutine_callable(call: Callable[..., Any] | None) -> bool:
    return call is not None and _is_coroutine_callable_cached(_CallIdentity(call))


def _get_computed_scope(*, dependant: Dependant) -> str | None:
    """The declared scope; generators that declare none live as long as the request."""
    if dependant.scope:
        return dependant.scope
    call = dependant.call
    return "request" if _is_gen_callable(call) or _is_async_gen_callable(call) else None


def _get_oauth_scopes(*, dependant: Dependant) -> list[str]:
    """The scopes from above, and then the own ones that are new."""
    scopes = list(dependant.parent_oauth_scopes or ())
    for scope in dependant.own_oauth_scopes or ():
        if scope not in scopes:
            scopes.append(scope)
    return scopes


def _get_cache_key(
    *, dependant: Dependant, uses_scopes_cache: _UsesScopesCache | None = None
) -> DependencyCacheKey:
    """What a result is remembered under: scopes count only where somebody looks at them."""
    scopes: tuple[str, ...] = ()
    if _uses_scopes(dependant=dependant, cache=uses_scopes_cache):
        scopes = tuple(sorted(set(_get_oauth_scopes(dependant=dependant))))
    return dependant.call, scopes, _get_computed_scope(dependant=dependant) or ""


def _uses_scopes(*, dependant: Dependant, cache: _UsesScopesCache | None = None) -> bool:
    """Whether OAuth2 scopes mean something to this callable or to one that it depends on."""
    known = {} if cache is None else cache
    entry = known.get(id(dependant))
    if entry is not None and entry[0] is dependant:
        return entry[1]
    answer = (
        bool(dependant.own_oauth_scopes)
        or dependant.security_scopes_param_name is not None
        or _is_security_scheme(dependant=dependant)
        or any(_uses_scopes(dependant=sub, cache=known) for sub in dependant.dependencies)
    )
    known[id(dependant)] = (dependant, answer)
    return answer


def _is_security_scheme(*, dependant: Dependant) -> bool:
    # PERF: where nobody has imported the module, nobody has made an instance.
    module = sys.modules.get("carboy.fastapi.security.base")
    return module is not None and isinstance(_innermost(dependant.call), module.SecurityBase)


def _get_security_scheme(*, dependant: Dependant) -> SecurityBase:
    from carboy.fastapi.security.base import SecurityBase

    scheme = _innermost(dependant.call)
    assert isinstance(scheme, SecurityBase)
    return scheme


def _innermost(call: Callable[..., Any] | None) -> Any:
    """The callable below partials and decorators."""
    while isinstance(call, partial):
        call = call.func
    return None if call is None else inspect.unwrap(call)


def __getattr__(name: str) -> Any:
    from carboy.fastapi.borrowed import lend

    return lend(__name__, name)
