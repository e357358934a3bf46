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
#: What names of packages that import flask have in them: flask_login, webargs.flaskparser.
_WORDS = ("flask", "flasgger")
_OURS = ("flask", "carboy")


def is_needed(project: Project) -> bool:
    """Whether the project uses an extension, and nobody has seen to what it imports."""
    if any("carboy.dropin" in source.text for source in project.relevant):
        return False
    named = {one for source in project.relevant for one in source.imports.values()}
    return any(_extends(project, one) for one in named)


def _extends(project: Project, name: str) -> bool:
    """Whether an imported name is a foreign package's, for Flask."""
    top = name.partition(".")[0]
    if top in _OURS or not any(word in name.lower() for word in _WORDS):
        return False
    return project.find(top) is None


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
