"""Whether the responses that a view makes have to be Flask's own objects.

`kept`'s have what views mostly do with a response. Where a view uses anything else of one
(`response.cache_control`), or hands one to other code, which may ask whatever it likes, the objects
stay Flask's, and become an answer when they are returned.
"""

from __future__ import annotations

import libcst as cst

from carboy import kept
from carboy.migrate.convert.answers import makes_response
from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.functions import KEPT
from carboy.migrate.convert.text import walk

_KNOWN = frozenset(dir(kept.Response()))


def need_flask(draft: Draft) -> bool:
    """Whether other code than `kept` is asked for something by a response of the view."""
    body = draft.view.function.body
    names = {
        target.target.value
        for node in walk(body)
        if isinstance(node, cst.Assign) and _is_made(draft, node.value, set())
        for target in node.targets
        if isinstance(target.target, cst.Name)
    }
    return any(_is_asked(draft, node, names) for node in walk(body))


def _is_asked(draft: Draft, node: cst.CSTNode, names: set[str]) -> bool:
    if isinstance(node, cst.Attribute):
        return node.attr.value not in _KNOWN and _is_made(draft, node.value, names)
    if not isinstance(node, cst.Call) or _makes(draft, node):
        return False
    return any(_is_made(draft, one, names) for arg in node.args for one in _parts(arg.value))


def _parts(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    if isinstance(node, cst.Tuple | cst.List):
        return [one.value for one in node.elements]
    return [node]


def _is_made(draft: Draft, node: cst.CSTNode, names: set[str]) -> bool:
    if isinstance(node, cst.Name):
        return node.value in names
    return isinstance(node, cst.Call) and _makes(draft, node)


def _makes(draft: Draft, call: cst.Call) -> bool:
    return draft.meaning(call.func) in KEPT or makes_response(draft, call.func)
