"""Which protocol an application speaks, told by looking at it: nothing is called.

What is known by name (frameworks whose objects are neither) is a table; the rest is told by how
many arguments the object takes. Whose kind can't be told is to be said: ``kind="wsgi"``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, Literal

from carboy.server.entry import Entry

#: ASGI 3, ASGI 2 (called twice), WSGI.
Kind = Literal["asgi", "asgi2", "wsgi"]
KINDS: tuple[Kind, ...] = ("asgi", "asgi2", "wsgi")

#: Objects of frameworks that nobody can be called with, by module and class: what to do instead.
_NEITHER = {
    ("tornado.web", "Application"): (
        "Tornado's Application speaks neither ASGI nor WSGI: only Tornado's own HTTP server can "
        "call it. Let it run there, on a port of its own, and have a proxy send it its paths; or "
        "mount the WSGI application that its FallbackHandler holds, if it holds one"
    ),
    ("flask.blueprints", "Blueprint"): (
        "a Blueprint is part of an application: register it with a Flask, and mount that"
    ),
    ("carboy.flask.blueprints", "Blueprint"): (
        "a Blueprint is part of an application: app.register_blueprint takes it"
    ),
}
#: Frameworks that take a whole path for theirs, whatever ``root_path`` says: they get the rest.
_BLIND = frozenset({"falcon", "sanic"})


def _lineage(application: Any) -> list[tuple[str, str]]:
    return [(cls.__module__, cls.__qualname__) for cls in type(application).__mro__]


def is_blind(application: Any) -> bool:
    """Whether `application` is known to look at the whole path, where ASGI has ``root_path``."""
    return any(module.partition(".")[0] in _BLIND for module, _ in _lineage(application))


def unpacked(application: Any) -> Any:
    """What is to be called: Tornado's WSGIContainer holds a WSGI application for Tornado."""
    if ("tornado.wsgi", "WSGIContainer") in _lineage(application):
        return application.wsgi_application
    return application


def kind_of(application: Any, said: str | None = None) -> Kind:
    """The protocol of `application`. TypeError: it can't be told, or it is no application."""
    if said is not None:
        if said not in KINDS:
            raise ValueError(f'kind is "asgi", "asgi2" or "wsgi", not {said!r}')
        return said
    for ancestor in _lineage(application):
        if ancestor in _NEITHER:
            raise TypeError(f"{application!r} can't be mounted: {_NEITHER[ancestor]}.")
    if isinstance(application, Entry):
        return "asgi"
    if isinstance(application, ModuleType):
        raise TypeError(
            f"{application!r} is a module: mount the application in it, such as "
            f"{application.__name__.rpartition('.')[2]}.app"
        )
    if not callable(application):
        raise TypeError(
            f"{application!r} is no application: an ASGI one is called with (scope, receive, "
            "send), a WSGI one with (environ, start_response)."
        )
    kind = _of_class(application) if inspect.isclass(application) else _of_object(application)
    if kind is None:
        raise TypeError(
            f"{application!r} does not say whether it is an ASGI or a WSGI application. Say it: "
            'kind="wsgi" where it is called with (environ, start_response), kind="asgi" where it '
            "is called with (scope, receive, send)."
        )
    return kind


def _names(call: Callable[..., Any]) -> list[str] | None:
    """The positional parameters without a default; None where nobody can know."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in parameters if one.kind in positional and one.default is one.empty]


def _of_object(application: Any) -> Kind | None:
    is_async = _is_async(application)
    names = _names(application)
    if names is None:
        return "asgi" if is_async else None
    if len(names) == 3:
        return "asgi"
    if len(names) == 2 and not is_async:
        return "wsgi"
    if names == ["scope"] and not is_async:
        return "asgi2"
    return None


def _of_class(application: type[Any]) -> Kind | None:
    """Classes whose objects are one request each: PEP 3333 and ASGI 2 began with those."""
    names = _names(application)
    if names is None:
        return None
    if len(names) == 3 and hasattr(application, "__await__"):
        return "asgi"
    if len(names) == 2 and hasattr(application, "__iter__"):
        return "wsgi"
    inner = _names(application.__call__)
    if len(names) == 1 and inner is not None and len(inner) == 3:  # self, receive, send
        return "asgi2"
    return None


def _is_async(application: Any) -> bool:
    call = getattr(application, "__call__", None)  # noqa: B004 - its own, to be looked at
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(call)
