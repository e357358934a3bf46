"""Between source text and LibCST's nodes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

import libcst as cst

_EMPTY = cst.Module([])


def code(node: cst.CSTNode) -> str:
    """The source of `node`."""
    return _EMPTY.code_for_node(node)


def expression(text: str) -> cst.BaseExpression:
    """The expression that `text` is."""
    return cst.parse_expression(text)


def statement(text: str) -> Any:
    """The statement that `text` is, without a line break at its end."""
    return cst.parse_statement(text + "\n")


def dotted(node: cst.CSTNode) -> str | None:
    """`a.b.c` as text where `node` is names and dots only, else None."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        base = dotted(node.value)
        return None if base is None else f"{base}.{node.attr.value}"
    return None


_NOTHING = object()


def literal(node: cst.CSTNode | None, default: Any = _NOTHING) -> Any:
    """The value of a literal (a constant, a list or dict of them); `default` for anything else."""
    if node is None:
        return default
    try:
        return ast.literal_eval(code(node).strip())
    except (ValueError, SyntaxError, MemoryError, TypeError):
        return default


def is_literal(node: cst.CSTNode) -> bool:
    """Whether `literal` would find a value."""
    return literal(node) is not _NOTHING


def text_of(node: cst.CSTNode | None) -> str | None:
    """The value of a literal that is text."""
    value = literal(node)
    return value if isinstance(value, str) else None


class Arguments:
    """The arguments of a call, by position and by name."""

    def __init__(self, args: Sequence[cst.Arg]) -> None:
        self.positional = [one.value for one in args if one.keyword is None and not one.star]
        self.named = {one.keyword.value: one.value for one in args if one.keyword is not None}
        #: Whether all of them can be seen.
        self.is_plain = not any(one.star for one in args)

    def get(self, position: int, name: str | None = None) -> cst.BaseExpression | None:
        """The argument that stands at `position` or is called `name`."""
        if position < len(self.positional):
            return self.positional[position]
        return None if name is None else self.named.get(name)

    @property
    def count(self) -> int:
        return len(self.positional) + len(self.named)


def index_of(node: cst.Subscript) -> cst.BaseExpression | None:
    """`k` of `x[k]`; None for slices and several."""
    if len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
        return node.slice[0].slice.value
    return None


def statements(body: cst.BaseSuite) -> Sequence[cst.BaseStatement | cst.BaseSmallStatement]:
    """What a suite holds."""
    return body.body


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`node` and everything below it, outermost first."""
    yield node
    for child in node.children:
        yield from walk(child)


def own_nodes(function: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Everything below `function` that is not of a function or class within it."""
    for child in function.children:
        yield child
        if not isinstance(child, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            yield from own_nodes(child)
