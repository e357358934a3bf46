"""Views that are typed already: Flask's functions in them, and options of their routes that only
Carboy knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from carboy.migrate.convert.draft import Draft, Parameter
from carboy.migrate.convert.fastapi.views import Names, ask_application
from carboy.migrate.convert.found import Found, Owner, TypedRoute, View
from carboy.migrate.convert.text import code

#: Options of routes, routers and applications that FastAPI has not.
OPTIONS = {"error_pages"}


def typed_view(found: Found, route: TypedRoute, owner: Owner) -> Draft:
    """The view as it is outside Carboy; `reasons` say why it can't be."""
    function = route.function
    assert isinstance(function, cst.FunctionDef)
    draft = Draft(found, View(route.source, owner, function, []), "fastapi")
    for param in function.params.params:
        meaning = param.annotation and route.source.meaning(param.annotation.annotation)
        if meaning == "fastapi.Request" and param.annotation is not None:
            local = code(param.annotation.annotation)
            draft.imports["fastapi", "Request"] = local
            draft.parameters[param.name.value] = Parameter(local)
    own = dict(draft.parameters)
    ask_application(draft)
    draft.replace(lambda: Names(draft))
    new = {name: one for name, one in draft.parameters.items() if name not in own}
    made = draft.function.with_changes(
        params=_with(draft.function.params, new),
        decorators=[_without_options(one) for one in draft.function.decorators],
    )
    draft.function = function if code(made) == code(function) else made
    return draft


def _with(params: cst.Parameters, new: dict[str, Parameter]) -> cst.Parameters:
    text = [
        f"{name}: {one.annotation}" + (f" = {one.default}" if one.default is not None else "")
        for name, one in new.items()
    ]
    if not text:
        return params
    first = [one for one, it in zip(text, new.values(), strict=True) if it.default is None]
    last = [one for one in text if one not in first]
    return params.with_changes(params=[*_parsed(first), *params.params, *_parsed(last)])


def _parsed(texts: list[str]) -> Sequence[cst.Param]:
    made = cst.parse_statement(f"def f({', '.join(texts)}): pass\n")
    assert isinstance(made, cst.FunctionDef)
    bare = cst.MaybeSentinel.DEFAULT  # a comma wherever one is needed
    return [one.with_changes(comma=bare) for one in made.params.params]


def _without_options(decorator: cst.Decorator) -> cst.Decorator:
    call = decorator.decorator
    if not isinstance(call, cst.Call):
        return decorator
    return decorator.with_changes(decorator=without_options(call))


def without_options(call: cst.Call) -> cst.Call:
    """A call that says no options which FastAPI has not."""
    args = [one for one in call.args if one.keyword is None or one.keyword.value not in OPTIONS]
    if len(args) == len(call.args):
        return call
    args[-1:] = [one.with_changes(comma=call.args[-1].comma) for one in args[-1:]]
    return call.with_changes(args=args)
