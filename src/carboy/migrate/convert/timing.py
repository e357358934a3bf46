"""Whether a value may be read before the view runs, although the view reads it later.

A dependency is resolved first. Where reading can fail, that is only the same if nothing that the
view does before could have answered, failed, or have been seen: no check that returns early, no
branch, no `try`, no decorator around the view. What is not known for certain counts as seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.text import children, dotted, walk

#: Calls that ask the request, and never fail.
_ASKING = ("flask.request.", "flask.session.get", "flask.g.get")
_LOGGERS = ("logger", "log", "logging", "_logger", "_log")
_LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_QUIET = cst.Assign | cst.AnnAssign | cst.Pass | cst.Import | cst.ImportFrom | cst.Global
#: Statement or expression -> the part of it that is evaluated in any case, and first.
_FIRST: dict[type[cst.CSTNode], str] = {
    cst.If: "test",
    cst.While: "test",
    cst.For: "iter",
    cst.IfExp: "test",
    cst.BooleanOperation: "left",
}
_NEVER = (
    cst.Try,
    cst.TryStar,
    cst.FunctionDef,
    cst.ClassDef,
    cst.Lambda,
    cst.BaseComp,
    cst.Match,
)


def is_first(draft: Draft, node: cst.CSTNode) -> bool:
    """Whether `node` of the view's function is evaluated before anything else is done."""
    routes = {id(rule.decorator) for rule in draft.view.rules}
    dropped = {id(one) for one in draft.dropped_decorators}
    around = [*draft.class_decorators, *draft.view.function.decorators]
    if any(id(one) not in routes | dropped for one in around):
        return False
    for statement in draft.view.function.body.body:
        path = _path(statement, node)
        if path is not None:
            return _is_certain(path) and not any(_may_matter(draft, one) for one in _before(path))
        if not _is_quiet(draft, statement):
            return False
    return False


def _path(top: cst.CSTNode, node: cst.CSTNode) -> list[cst.CSTNode] | None:
    """From `top` down to `node`."""
    if top is node:
        return [top]
    for child in children(top):
        below = _path(child, node)
        if below is not None:
            return [top, *below]
    return None


def _is_certain(path: list[cst.CSTNode]) -> bool:
    for outer, inner in pairwise(path):
        if isinstance(outer, _NEVER):
            return False
        part = _FIRST.get(type(outer))
        if part is not None and getattr(outer, part) is not inner:
            return False
    return True


def _before(path: list[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """What stands before the end of the path, in the order of the source."""
    for outer, inner in pairwise(path):
        for child in children(outer):
            if child is inner:
                break
            yield from walk(child)


def _is_quiet(draft: Draft, statement: cst.CSTNode) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    for one in statement.body:
        is_text = isinstance(one, cst.Expr) and isinstance(one.value, cst.SimpleString | cst.Call)
        if not is_text and not isinstance(one, _QUIET):
            return False
    return not any(_may_matter(draft, node) for node in walk(statement))


def _may_matter(draft: Draft, node: cst.CSTNode) -> bool:
    """Whether evaluating `node` may fail, answer, or be seen by somebody."""
    if isinstance(node, cst.Subscript | cst.Await | cst.Yield | cst.NamedExpr):
        return True
    if not isinstance(node, cst.Call):
        return False
    meaning = draft.meaning(node.func) or ""
    if meaning.startswith(_ASKING):
        return False
    owner, _, name = (dotted(node.func) or "").rpartition(".")
    is_logged = owner.lower().rpartition(".")[2] in _LOGGERS and name in _LEVELS
    return not (is_logged or (not owner and name == "print"))
