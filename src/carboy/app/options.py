"""`OPTIONS` of a typed route, where nobody declared it: Flask's hooks see the route's name.

The answer is the `App`'s (misses.py), unless a decorator of Flask's world wants to give it. It says
so as Flask's views do, by `required_methods` and `provide_automatic_options`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from carboy.app.crossing import responding
from carboy.app.order import typed_handler
from carboy.core.answer import Body, Head
from carboy.core.context import RequestContext
from carboy.core.route import Lane, Route

if TYPE_CHECKING:
    from carboy.app.declared import Both

#: Under which key a Route has the typed route in whose place it answers.
STANDS_FOR = "stands for"


def options_of(declared: Both, answer: Route, found: list[Route]) -> Route:
    """What answers for the first of `found` that is typed; `answer` where none is."""
    for one in found:
        typed = one.extras.get("inner", one)
        if "route" in typed.extras:
            made = replace(answer, extras={**answer.extras, STANDS_FOR: typed})
            function = typed_handler(typed)
            if _wants_options(function):
                made.lane = Lane(_decorated(declared, function), False)
            return made
    return answer


def _wants_options(function: Any) -> bool:
    """Whether a decorator answers without what it decorates, as Flask-CORS's `cross_origin`."""
    methods = getattr(function, "required_methods", ())
    automatic = getattr(function, "provide_automatic_options", None)
    return "OPTIONS" in methods and automatic is False and hasattr(function, "__wrapped__")


def _decorated(declared: Both, function: Callable[[], Any]) -> Callable[..., Any]:
    respond = responding(declared, lambda *_: None)

    def endpoint(request: RequestContext) -> tuple[Head, Body]:
        # Nothing is filled in: a preflight has no body and no credentials.
        side: Any = declared.side
        return respond(request, side.make_response(function()), None)  # type: ignore[no-any-return]

    return endpoint
