"""Which variable a value is put into first: the name that a parameter for it may have."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import children, walk


def first_assignments(source: Source, function: cst.FunctionDef) -> dict[cst.CSTNode, str]:
    """Value -> name for `name = value` statements that are the first to bind that name.

    Where such a value becomes a parameter, the parameter may have that very name. In a loop it may
    not: another turn may have changed it.
    """
    found: dict[cst.CSTNode, str] = {}
    seen = {one.name.value for one in walk(function.params) if isinstance(one, cst.Param)}
    unsafe = seen | _rebound_outside(source, function)
    for node, in_loop in _simple(function.body, False):
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            target = node.targets[0].target
            if isinstance(target, cst.Name) and target.value not in unsafe and not in_loop:
                found[node.value] = target.value
        for one in walk(node):
            if isinstance(one, cst.Name):
                unsafe.add(one.value)
    return found


def _rebound_outside(source: Source, function: cst.FunctionDef) -> set[str]:
    """Names that are global, nonlocal or those of the module's own."""
    names = set(source.bound)
    for node in walk(function.body):
        if isinstance(node, cst.Global | cst.Nonlocal):
            names.update(one.name.value for one in node.names)
    return names


def _simple(node: cst.CSTNode, in_loop: bool) -> Iterator[tuple[cst.CSTNode, bool]]:
    """Small statements and headers of compound ones, in the order of the source."""
    if isinstance(node, cst.BaseSmallStatement | cst.BaseExpression):
        yield node, in_loop
        return
    if isinstance(node, cst.FunctionDef | cst.ClassDef):
        yield node, in_loop
        return
    inner = in_loop or isinstance(node, cst.For | cst.While)
    for child in children(node):
        yield from _simple(child, inner)
