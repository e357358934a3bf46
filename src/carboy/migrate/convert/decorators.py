"""Decorators of the application's own between a route and its view.

One that only lets the view run or not (`login_required`) does not see what it returns: the view is
converted freely, and where the decorator answers by itself, `@kept.answers` stands around it. One
that works on what the view returns keeps getting Flask's objects. Either has to carry the view's
signature over, or the typed route would not know its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.text import code, own_nodes, walk


@dataclass
class Wrapper:
    """What a decorator's source shows of the function that it puts around views."""

    #: It returns what the view returned, untouched.
    is_guard: bool
    #: It returns something of its own, too.
    answers: bool
    #: It has the signature of the view, by functools.wraps.
    has_signature: bool
    #: It takes whatever the view takes.
    takes_all: bool
    #: It does more with the keyword arguments than to hand them on.
    looks: bool


def look_at_decorators(draft: Draft) -> None:
    """Say what stands around the view, or why it can't."""
    routes = {id(rule.decorator) for rule in draft.view.rules if rule.decorator}
    others = [
        one
        for one in [*draft.class_decorators, *draft.view.function.decorators]
        if id(one) not in routes and one not in draft.known_decorators
    ]
    if not others:
        return
    kinds = [id(one) in routes for one in draft.view.function.decorators]
    if False in kinds and True in kinds[kinds.index(False) :]:
        draft.keep(f"{_names(others)} stands above a route")
    wrappers = [(one, _wrapper(draft, one)) for one in others]
    for decorator, wrapper in wrappers:
        if wrapper is not None and not (wrapper.has_signature and wrapper.takes_all):
            draft.keep(f"{_names([decorator])} does not carry the view's signature over")
    looking = [one for one, wrapper in wrappers if wrapper is not None and wrapper.looks]
    draft.looked_at = _names(looking)
    seeing = [one for one, wrapper in wrappers if wrapper is None or not wrapper.is_guard]
    if seeing:
        draft.is_wrapped = True
        draft.note(f"{_names(seeing)} still sees what Flask's views return")
    if seeing or any(wrapper is not None and wrapper.answers for _, wrapper in wrappers):
        draft.decorators.append(draft.kept("answers"))


def _names(decorators: list[cst.Decorator]) -> str:
    return ", ".join("@" + code(one.decorator).partition("(")[0] for one in decorators)


def _wrapper(draft: Draft, decorator: cst.Decorator) -> Wrapper | None:
    """The function that a decorator of the project puts around a view; None where there is none."""
    node = decorator.decorator
    func = node.func if isinstance(node, cst.Call) else node
    meaning = draft.meaning(func)
    place = draft.found.project.owner(meaning) if meaning else None
    function = place[0].functions.get(place[1]) if place else None
    return None if function is None else _inner(function, set())


def _inner(function: cst.FunctionDef, outer: set[str]) -> Wrapper | None:
    """The nested function that calls a parameter of one around it."""
    names = outer | {one.name.value for one in function.params.params}
    for node in own_nodes(function.body):
        if not isinstance(node, cst.FunctionDef):
            continue
        called = _calls(node, names)
        if called:
            return _described(node, called)
        found = _inner(node, names)
        if found is not None:
            return found
    return None


def _calls(function: cst.FunctionDef, names: set[str]) -> list[cst.Call]:
    """Calls of one of `names` in the function's own body, `current_app.ensure_sync(view)()` too."""
    found = []
    for node in own_nodes(function.body):
        if not isinstance(node, cst.Call):
            continue
        func = node.func
        if isinstance(func, cst.Call) and code(func.func).endswith("ensure_sync") and func.args:
            func = func.args[0].value
        if isinstance(func, cst.Name) and func.value in names:
            found.append(node)
    return found


def _described(function: cst.FunctionDef, calls: list[cst.Call]) -> Wrapper:
    returns = [one for one in own_nodes(function.body) if isinstance(one, cst.Return)]
    handed_on = [one for one in returns if _bare(one.value) in calls]
    others = [one for one in returns if one not in handed_on]
    wraps = any("wraps(" in code(one.decorator) for one in function.decorators)
    params = function.params
    return Wrapper(
        is_guard=len(handed_on) == len(calls),
        answers=bool(others),
        has_signature=wraps,
        takes_all=params.star_kwarg is not None,
        looks=params.star_kwarg is not None and _looks(function, params.star_kwarg.name, calls),
    )


def _looks(function: cst.FunctionDef, kwargs: cst.Name, calls: list[cst.Call]) -> bool:
    handed_on = {id(one.value) for call in calls for one in call.args if one.star == "**"}
    return any(
        isinstance(node, cst.Name) and node.value == kwargs.value and id(node) not in handed_on
        for node in walk(function.body)
    )


def _bare(node: cst.BaseExpression | None) -> cst.BaseExpression | None:
    return node.expression if isinstance(node, cst.Await) else node
