"""`# TODO(carboy): <reason>` above a view that stays Flask's: once, and up to date."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

MARK = "# TODO(carboy):"


def marked(function: cst.FunctionDef, reasons: list[str]) -> cst.FunctionDef:
    """`function` with one line that says why a person is needed (none where there is no reason)."""
    return function.with_changes(leading_lines=mark_lines(function.leading_lines, reasons))


def mark_lines(lines: Sequence[cst.EmptyLine], reasons: list[str]) -> list[cst.EmptyLine]:
    """The lines above a definition with that line, or without."""
    kept = [line for line in lines if not is_mark(line)]
    if reasons:
        comment = cst.Comment(f"{MARK} {'; '.join(reasons)}")
        kept.append(cst.EmptyLine(indent=True, comment=comment))
    return kept


def is_mark(line: cst.EmptyLine) -> bool:
    """Whether a line is such a note."""
    return line.comment is not None and line.comment.value.startswith(MARK)
