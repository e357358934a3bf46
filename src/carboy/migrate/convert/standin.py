"""`import carboy.dropin` at the top of the module that makes the App, where extensions are used.

They say ``from flask import ...``, and have to find Carboy's face there, whoever imports the
application: a server, its own tests, a shell. Without the line only ``--drop-in`` would do.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from carboy.migrate.convert.project import Project
from carboy.migrate.convert.text import dotted

LINE = "import carboy.dropin  # noqa: F401  (extensions import flask: they get Carboy's)\n"
#: Top-level names of packages that import flask.
_PREFIX, _OTHERS = "flask_", frozenset({"flasgger"})


def is_needed(project: Project) -> bool:
    """Whether the project uses an extension, and nobody has seen to what it imports."""
    sources = project.sources.values()
    if any("carboy.dropin" in source.text for source in sources):
        return False
    named = {one for source in sources for one in source.imports.values()}
    tops = {one.partition(".")[0] for one in named}
    return any(one.startswith(_PREFIX) or one in _OTHERS for one in tops)


def begin(tree: cst.Module) -> cst.Module:
    """`tree` with the line before its other imports, after the docstring and `__future__`."""
    body: list[Any] = list(tree.body)
    at = next((n for n, one in enumerate(body) if not _stands_first(one)), len(body))
    line: Any = cst.parse_statement(LINE)
    if at < len(body):
        line = line.with_changes(leading_lines=body[at].leading_lines)
        body[at] = body[at].with_changes(leading_lines=[cst.EmptyLine()])
    body.insert(at, line)
    return tree.with_changes(body=body)


def _stands_first(statement: cst.CSTNode) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    first = statement.body[0]
    if isinstance(first, cst.Expr):
        return isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)
    return isinstance(first, cst.ImportFrom) and dotted(first.module or first) == "__future__"
