"""Routes that nothing reaches, since an earlier one has their path and method.

`carboy dev` tells of them. Both kinds take the first (or the more specific) and say nothing, and
applications that override a library's route want that: so it is no error.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import click

#: Methods that routes answer without having been declared for them.
_AUTOMATIC = {"HEAD", "OPTIONS"}


def doubles(app: Any) -> Iterator[str]:
    """What to tell of each route that is not reached by one of its methods."""
    first: dict[tuple[str, str], Any] = {}
    for target in app.engine.router.routes:
        route = target.route
        if route.methods is None or route.guard is not None or "foreign" in route.extras:
            continue
        # What a variable is called makes no difference.
        shape = re.sub(r"{\w*", "{", route.pattern.format)
        for method in sorted(route.methods - _AUTOMATIC):
            other = first.setdefault((shape, method), route)
            if other is not route:
                yield (
                    f"{method} {route.pattern.format} is declared twice: {_named(app, other)} "
                    f"answers, {_named(app, route)} is never called."
                )


def tell_of_doubles(app: Any) -> None:
    """Print them."""
    for one in doubles(app):
        click.secho("Warning: ", fg="yellow", bold=True, err=True, nl=False)
        click.echo(one, err=True)


def _named(app: Any, route: Any) -> str:
    state = route.extras.get("route")
    views = getattr(getattr(app, "_side", app), "view_functions", None) or {}
    function = getattr(state, "endpoint", None) or views.get(route.name)
    plain = inspect.unwrap(function) if function is not None else None
    code = getattr(plain, "__code__", None)
    return f"{route.name} ({code.co_filename}:{code.co_firstlineno})" if code else str(route.name)
