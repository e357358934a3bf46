"""The ``fastapi`` entry of a scope: what routing says to the routes further in.

Its keys are upstream's: `effective_route_context` (the route as the inclusion makes it),
`included_router`, `form_limits`, `frontend_path`. The entry is replaced, never changed: copies of a
scope share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from starlette.types import Scope

KEY = "fastapi"
EFFECTIVE = "effective_route_context"
INCLUDED = "included_router"
FORM_LIMITS = "form_limits"
FRONTEND_PATH = "frontend_path"
_MISSING = object()

#: The effective route for which `get_route_handler` of the original is being called.
_effective_route_context_var: ContextVar[Any | None] = ContextVar(EFFECTIVE, default=None)


class Limits(NamedTuple):
    """What the routers around a route limit."""

    max_body_size: int | None = None
    form_limits: Mapping[str, Any] = {}


def said(scope: Scope) -> dict[str, Any]:
    """The entry, empty where there is none."""
    entry = scope.get(KEY)
    return entry if isinstance(entry, dict) else {}


def say(scope: Scope, key: str, value: Any) -> None:
    """Set one key of the entry."""
    scope[KEY] = {**said(scope), key: value}


def _restore_fastapi_scope_key(scope: Scope, key: str, previous: Any) -> None:
    if not isinstance(scope.get(KEY), dict):
        return
    entry = {name: value for name, value in scope[KEY].items() if name != key}
    scope[KEY] = entry if previous is _MISSING else {**entry, key: previous}


@contextmanager
def saying(scope: Scope, key: str, value: Any) -> Iterator[None]:
    """Set one key for as long as a route is asked whether it matches."""
    previous = said(scope).get(key, _MISSING)
    say(scope, key, value)
    try:
        yield
    finally:
        _restore_fastapi_scope_key(scope, key, previous)


def update_scope(scope: Scope, child_scope: Scope) -> None:
    """`scope` with what a route's `matches` returned; the entries are merged."""
    entry = {**said(scope), **said(child_scope)}
    scope.update(child_scope)
    if entry:
        scope[KEY] = entry


def effective(scope: Scope, route: Any) -> Any:
    """`route` as the inclusion makes it that routing came through; else itself."""
    known = said(scope).get(EFFECTIVE)
    return route if known is None or known.original_route is not route else known


def form_limits(scope: Scope, nearer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The limits of whatever this is mounted in, with `nearer` ones before them."""
    inherited: Mapping[str, Any] = said(scope).get(FORM_LIMITS) or {}
    return {**inherited, **nearer} if inherited else nearer


def inherit_form_limits(scope: Scope, limits: Mapping[str, Any]) -> None:
    """Have routes further in start from `limits`."""
    if limits and scope["type"] == "http":
        say(scope, FORM_LIMITS, form_limits(scope, limits))
