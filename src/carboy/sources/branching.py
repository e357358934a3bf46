"""Tests of `request.method`: which methods reach which branch."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from carboy.sources.expressions import SUBMITTED, methods_in
from carboy.sources.facts import Guard

if TYPE_CHECKING:
    from carboy.sources.expressions import Expressions


def told(reader: Expressions, test: ast.expr) -> tuple[Guard, Guard]:
    """The guards of what follows ``if test``: where it holds, and where it does not."""
    guard = reader.guard
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        then, otherwise = told(reader, test.operand)
        return otherwise, then
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _compared(reader, test)
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for one in test.values:
            then = told(reader, one)[0]
            if then != guard:
                return then, guard
    asked = test.func if isinstance(test, ast.Call) else None
    if getattr(asked, "attr", "") in ("validate_on_submit", "is_submitted"):
        return guard.and_only(SUBMITTED), guard
    return guard, guard


def _compared(reader: Expressions, test: ast.Compare) -> tuple[Guard, Guard]:
    guard = reader.guard
    if not isinstance(test.left, ast.Name | ast.Attribute):
        return guard, guard
    methods = methods_in(test.comparators[0])
    if reader.look(test.left).tag != "flask.request.method" or not methods:
        return guard, guard
    those, others = guard.and_only(methods), guard.and_never(methods)
    negative = isinstance(test.ops[0], ast.NotEq | ast.NotIn)
    return (others, those) if negative else (those, others)


def methods_of_pattern(pattern: ast.pattern) -> frozenset[str]:
    """The methods that a `case` names."""
    if isinstance(pattern, ast.MatchValue):
        return methods_in(pattern.value)
    if isinstance(pattern, ast.MatchOr):
        return frozenset[str]().union(*(methods_of_pattern(one) for one in pattern.patterns))
    return frozenset()


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether what comes after a block is not reached through it."""
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and leaves(last.body) and leaves(last.orelse)
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):
        func = last.value.func
        return "abort" in (getattr(func, "id", ""), getattr(func, "attr", ""))
    return isinstance(last, ast.Return | ast.Raise | ast.Continue | ast.Break)
