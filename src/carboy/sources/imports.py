"""The imports of a file, wherever they stand, with what surrounds them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Imported(NamedTuple):
    """``from module import name``, or ``import module`` where `name` is None.

    `is_typing`: for type checkers only. `is_optional`: the file does without, in a ``try``.
    """

    module: str
    name: str | None
    line: int
    is_typing: bool = False
    is_optional: bool = False


def imports_of(
    body: Sequence[ast.AST], is_typing: bool = False, is_optional: bool = False
) -> Iterator[Imported]:
    """All imports below these statements."""
    for node in body:
        if isinstance(node, ast.Import):
            for one in node.names:
                yield Imported(one.name, None, node.lineno, is_typing, is_optional)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for one in node.names:
                yield Imported(module, one.name, node.lineno, is_typing, is_optional)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imports_of(node.body, True, is_optional)
            yield from imports_of(node.orelse, is_typing, is_optional)
        elif isinstance(node, ast.Try):
            tried = any(_catches_import_errors(one) for one in node.handlers)
            yield from imports_of(node.body, is_typing, is_optional or tried)
            for handler in node.handlers:
                yield from imports_of(handler.body, is_typing, is_optional or tried)
            yield from imports_of([*node.orelse, *node.finalbody], is_typing, is_optional)
        elif isinstance(node, ast.stmt | ast.match_case | ast.ExceptHandler):
            below = [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr)]
            yield from imports_of(below, is_typing, is_optional)


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = ast.unparse(handler.type)
    return any(name in caught for name in ("ImportError", "ModuleNotFoundError", "Exception"))


def absolute(module: str, package: str) -> str:
    """The name that a relative import in `package` stands for; another stays as it is."""
    name = module.lstrip(".")
    dots = len(module) - len(name)
    if not dots:
        return module
    parts = package.split(".") if package else []
    base = parts[: len(parts) - (dots - 1)]
    return ".".join([*base, name] if name else base)
