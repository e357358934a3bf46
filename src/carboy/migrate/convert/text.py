"""Between source text and LibCST's nodes."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import libcst as cst

_EMPTY = cst.Module([])


#: Calls above one another. LibCST takes eight for each level of an expression, and a text that is
#: put together from hundreds of parts is as deep.
_DEPTH = 50_000


@contextmanager
def deep() -> Iterator[None]:
    """Within it, and around functions as a decorator, trees may be deeper than Python's limit."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def code(node: cst.CSTNode) -> str:
    """The source of `node`."""
    return _EMPTY.code_for_node(node)


def parsed(text: str) -> ast.Module | None:
    """The module as `ast` has it; None where this Python can't parse it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what its author writes is not the matter here
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return None


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


#: Fields in the order of the source, where LibCST declares them in another one.
_ORDER: dict[type[cst.CSTNode], tuple[str, ...]] = {
    cst.Arg: ("keyword", "value"),
    cst.ClassDef: ("decorators", "name", "type_parameters", "bases", "keywords", "body"),
    cst.ExceptHandler: ("type", "name", "body"),
    cst.ExceptStarHandler: ("type", "name", "body"),
    cst.FunctionDef: ("decorators", "name", "type_parameters", "params", "returns", "body"),
    cst.IfExp: ("body", "test", "orelse"),
    cst.ImportFrom: ("module", "names"),
    cst.MatchCase: ("pattern", "guard", "body"),
    cst.Parameters: ("posonly_params", "params", "star_arg", "kwonly_params", "star_kwarg"),
    cst.TypeAlias: ("name", "type_parameters", "value"),
}
#: What holds only white space, comments and marks.
_MARKS = {
    "asynchronous", "colon", "comma", "dot", "equal", "first_colon", "footer", "header", "lbrace",
    "lbracket", "lines_after_decorators", "lines_after_module_docstring", "lpar", "posonly_ind",
    "rbrace", "rbracket", "rpar", "second_colon", "semicolon", "trailing_comma",
    "trailing_whitespace",
}  # fmt: skip
_FIELDS: dict[type[Any], tuple[str, ...]] = {str: (), bool: (), type(None): ()}
_FIELDS[cst.MaybeSentinel] = ()


def _fields(kind: type[Any]) -> tuple[str, ...]:
    ordered = _ORDER.get(kind)
    if ordered is None:
        names = [one.name for one in fields(kind)] if is_dataclass(kind) else []
        ordered = tuple(
            name
            for name in names
            if name not in _MARKS and not name.startswith(("whitespace", "leading_"))
        )
    _FIELDS[kind] = ordered
    return ordered


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """What is directly below `node`, in the order of the source; white space and marks left out.

    PERF: LibCST's own `children` makes a copy of `node` to find them.
    """
    found: list[Any] = []
    kind = node.__class__
    for name in _FIELDS[kind] if kind in _FIELDS else _fields(kind):
        value = getattr(node, name)
        kind = value.__class__
        if kind is tuple or kind is list:
            found += value
        elif kind not in _FIELDS or _FIELDS[kind] or isinstance(value, cst.CSTNode):
            found.append(value)
    return found


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """`node` and everything below it, outermost first."""
    pending = [node]
    while pending:
        one = pending.pop()
        yield one
        pending += reversed(children(one))


def own_nodes(function: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Everything below `function` that is not of a function or class within it."""
    pending = children(function)[::-1]
    while pending:
        one = pending.pop()
        yield one
        if not isinstance(one, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            pending += reversed(children(one))
