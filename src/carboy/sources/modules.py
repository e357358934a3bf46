"""A file as a syntax tree, with its imports and definitions by name.

Names are dotted and canonical: whatever way `request` came in (``import flask as f``, ``from
carboy.flask import request as req``, ``from flask.globals import request``), it is
``flask.request``. Names of relative imports keep their dots.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

#: Modules of Flask whose names are Flask's own too.
HOMES = frozenset(
    ("app", "blueprints", "config", "ctx", "globals", "helpers", "templating", "views", "wrappers")
)


def canonical(dotted: str) -> str:
    """The one name of what has several."""
    if dotted.startswith("carboy.flask"):
        dotted = dotted.removeprefix("carboy.")
    head, _, rest = dotted.partition(".")
    if head != "flask":
        return dotted
    module, _, name = rest.partition(".")
    if name and (module in HOMES or (module, name) == ("json", "jsonify")):
        return f"flask.{name}"
    return dotted


def imported(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """(name here, dotted name) of what an import statement brings."""
    if isinstance(statement, ast.Import):
        for one in statement.names:
            if one.asname:
                yield one.asname, canonical(one.name)
            else:
                head = one.name.partition(".")[0]
                # COMPAT: `import carboy.flask` binds carboy; its attributes are looked up below.
                yield head, head
    elif isinstance(statement, ast.ImportFrom):
        module = "." * statement.level + (statement.module or "")
        for one in statement.names:
            joined = f"{module}{one.name}" if module.endswith(".") else f"{module}.{one.name}"
            yield one.asname or one.name, canonical(joined)


class Place(NamedTuple):
    """Where a function is: its node, the class it is a method of, the functions it stands in."""

    node: FunctionNode
    within: ast.ClassDef | None = None
    outer: tuple[FunctionNode, ...] = ()


@dataclass
class Module:
    """One file's tree. `names` are the imports at module level and what stands for one.

    What is made by a call of an imported name is that name with (): ``db = SQLAlchemy()`` is
    ``flask_sqlalchemy.SQLAlchemy()``.
    """

    file: str
    tree: ast.Module
    names: dict[str, str] = field(default_factory=dict)
    functions: dict[str, FunctionNode] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    #: (name, first line, decorators included) -> the function there.
    places: dict[tuple[str, int], Place] = field(default_factory=dict)

    def dotted(self, node: ast.expr, local: Mapping[str, str] | None = None) -> str | None:
        """The canonical name of ``a.b.c``; None for any other expression or an unknown name."""
        if isinstance(node, ast.Name):
            return (local or {}).get(node.id) or self.names.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value, local)
            return None if base is None else canonical(f"{base}.{node.attr}")
        if isinstance(node, ast.Call):
            made = self.dotted(node.func, local)
            return None if made is None or made.startswith("flask.request") else f"{made}()"
        return None

    def spoken(self, node: ast.expr) -> str:
        """A name for people: the canonical one where there is one, else as it is written."""
        return self.dotted(node) or ast.unparse(node)


def first_line(node: FunctionNode | ast.ClassDef) -> int:
    """Where the definition begins, its decorators included."""
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def parse(text: str, file: str) -> Module:
    """Read a file's text. SyntaxError where it is no Python of this version."""
    module = Module(file, ast.parse(text, file))
    _names(module.tree.body, module)
    _places(module.tree.body, module)
    return module


def _names(body: list[ast.stmt], module: Module) -> None:
    """Imports of module level, and what is made of them or stands for them."""
    for statement in straight(body):
        for name, dotted in imported(statement):
            # The first counts: others are in an `except ImportError`.
            module.names.setdefault(name, dotted)
        if isinstance(statement, FunctionNode):
            module.functions[statement.name] = statement
        elif isinstance(statement, ast.ClassDef):
            module.classes[statement.name] = statement
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, found = statement.targets[0], module.dotted(statement.value)
            if isinstance(target, ast.Name) and found is not None:
                module.names[target.id] = found


def straight(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run where the block does, those in `if`, `try` and `with` among them."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from straight(statement.body)
            yield from straight(getattr(statement, "orelse", []))
            yield from straight(getattr(statement, "finalbody", []))
            for handler in getattr(statement, "handlers", ()):
                yield from straight(handler.body)


def _places(
    body: list[ast.stmt],
    module: Module,
    within: ast.ClassDef | None = None,
    outer: tuple[FunctionNode, ...] = (),
) -> None:
    for statement in body:
        if isinstance(statement, FunctionNode):
            module.places[statement.name, first_line(statement)] = Place(statement, within, outer)
            _places(statement.body, module, None, (*outer, statement))
        elif isinstance(statement, ast.ClassDef):
            _places(statement.body, module, statement, outer)
        else:
            for block in ("body", "orelse", "finalbody"):
                _places(getattr(statement, block, []), module, within, outer)
            for handler in getattr(statement, "handlers", ()):
                _places(handler.body, module, within, outer)


#: File -> (its lines when it was read, what was read out of it).
_READ: dict[str, tuple[list[str], Module | None]] = {}


def module_of(file: str) -> Module | None:
    """The file's module, read once as long as its text is the same; None where it can't be read.

    The text is linecache's, as tracebacks show it: also of a snippet that was put there.
    """
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    kept = _READ.get(file)
    if kept is not None and (kept[0] is lines or kept[0] == lines):
        return kept[1]
    module: Module | None = None
    if lines:
        try:
            module = parse("".join(lines), file)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            module = None
    _READ[file] = (lines, module)
    return module
