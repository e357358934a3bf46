"""Whether typed routes use Flask's helpers, in an App whose Flask side nobody has named.

``@app.get("/")`` with ``render_template(...)`` in it needs Flask's contexts as much as a view does.
Looked for is what the functions themselves, and those of their modules that they call, refer to by
name: nothing is executed, and what a module imports for other ends does not count.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

from carboy.core.route import Route

_FACE = "carboy.flask"


def wants_flask(routes: Iterable[Route]) -> bool:
    """Whether a handler among these routes, or one of its dependencies, calls Flask's helpers."""
    if _FACE not in sys.modules:
        return False
    seen: set[CodeType] = set()
    return any(
        _uses(one.call, seen)
        for route in routes
        if route.function is not None
        for one in route.function.walk()
    )


def _uses(call: Callable[..., Any], seen: set[CodeType]) -> bool:
    plain = inspect.unwrap(call)
    plain = getattr(plain, "__func__", plain)
    if not isinstance(plain, FunctionType) or plain.__code__ in seen:
        return False
    seen.add(plain.__code__)
    names = plain.__globals__
    for name in _names(plain.__code__):
        if name == _FACE:  # imported inside
            return True
        value = names.get(name)
        if _is_helper(value):
            return True
        is_own = isinstance(value, FunctionType) and value.__globals__ is names
        if is_own and _uses(value, seen):  # type: ignore[arg-type]
            return True
    return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _names(one)


def _is_helper(value: Any) -> bool:
    # Of its class alone: a proxy that is asked for anything looks for a request.
    kind = type(value)
    if kind is FunctionType:
        return bool(value.__module__ == _FACE or value.__module__.startswith(_FACE + "."))
    return kind.__module__ == f"{_FACE}.globals"
