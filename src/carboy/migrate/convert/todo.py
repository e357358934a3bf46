"""`# TODO(carboy): <reason>` above a view that stays Flask's: once, and up to date."""

from __future__ import annotations

import libcst as cst

MARK = "# TODO(carboy):"


def marked(function: cst.FunctionDef, reasons: list[str]) -> cst.FunctionDef:
    """`function` with one line that says why a person is needed (none where there is no reason)."""
    lines = [line for line in function.leading_lines if not is_mark(line)]
    if reasons:
        comment = cst.Comment(f"{MARK} {'; '.join(reasons)}")
        lines.append(cst.EmptyLine(indent=True, comment=comment))
    return function.with_changes(leading_lines=lines)


def is_mark(line: cst.EmptyLine) -> bool:
    """Whether a line is such a note."""
    return line.comment is not None and line.comment.value.startswith(MARK)
