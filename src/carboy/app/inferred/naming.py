"""Summaries of typed routes that are named as Flask's endpoints are.

FastAPI makes a summary of a route's name. The name of a typed route in a blueprint is
``shop.put_away``, so that would read "Shop.Put Away"; an untouched view's reads "Put Away".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from carboy.fastapi.routing import APIRoute, iter_route_contexts


def with_own_names(document: dict[str, Any], routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """`document`, its summaries without blueprints where nobody has said a summary; a new one."""
    paths = dict(document.get("paths", {}))
    for route in iter_route_contexts(routes):
        name = str(getattr(route, "name", ""))
        if "." not in name or not isinstance(route.original_route, APIRoute):
            continue
        long, short = _words(name), _words(name.rpartition(".")[2])
        item = paths.get(route.path_format, {})
        for method in map(str.lower, () if route.summary else route.methods or ()):
            if item.get(method, {}).get("summary") == long:
                item = {**item, method: {**item[method], "summary": short}}
        if item:
            paths[route.path_format] = item
    return {**document, "paths": paths} if paths else document


def _words(name: str) -> str:
    return name.replace("_", " ").title()
