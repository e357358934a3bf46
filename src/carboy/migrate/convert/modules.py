"""One module while it is rewritten: functions that are replaced, statements beside them, imports.

Edits are collected by the identity of nodes in the module's own tree and done in one walk, so that
their order does not matter. Whatever nobody mentions keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from carboy.migrate.convert import standin
from carboy.migrate.convert.draft import Draft, free_import, names_in
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.imports import tidy
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import walk

_BOM = "\ufeff"


@dataclass
class Edits:
    """What changes in one module."""

    found: Found
    source: Source
    target: str = "app"
    drafts: list[Draft] = field(default_factory=list)
    #: Expression (or decorator) -> its new self.
    replaced: dict[cst.CSTNode, cst.CSTNode] = field(default_factory=dict)
    #: Function -> what stands in its place.
    functions: dict[cst.CSTNode, cst.FunctionDef] = field(default_factory=dict)
    #: Class or function -> what it becomes, given what its body has become.
    changes: dict[cst.CSTNode, Callable[[Any], Any]] = field(default_factory=dict)
    #: Node -> source of statements before or after the statement (or definition) it stands in.
    before: dict[cst.CSTNode, list[str]] = field(default_factory=dict)
    after: dict[cst.CSTNode, list[str]] = field(default_factory=dict)
    #: Nodes whose whole statement goes.
    removed: set[cst.CSTNode] = field(default_factory=set)
    #: (function, function) at the top of the module: the first is to stand above the second.
    moved: list[tuple[cst.FunctionDef, cst.FunctionDef]] = field(default_factory=list)
    needs: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Local names of imports that may go, if nothing asks for them any more.
    unneeded: set[str] = field(default_factory=set)
    #: Whether Flask's names are to come from Carboy's face.
    changes_face: bool = False
    #: Whether extensions get Carboy's face from here on (standin.py).
    stands_in: bool = False

    @property
    def face(self) -> str:
        """Where typed names are imported from."""
        return "carboy" if self.target == "app" else "fastapi"

    def need(self, module: str, name: str) -> str:
        """Import `name` from `module`; what to call it here."""
        known = self.needs.get((module, name))
        if known is None:
            known = self.needs[module, name] = free_import(self.source, module, name)
        return known

    def convert(self, draft: Draft) -> None:
        """Put a draft's function in place of the view, and take over what it needs."""
        self.functions[draft.view.function] = draft.function
        if draft.above:
            place = draft.view.cls or draft.view.function
            self.before.setdefault(place, []).extend(draft.above)
        imports = draft.imports
        if not draft.is_decorated and draft.view.cls is None:
            # Options of the route stand where that is declared.
            parts = [draft.function, *map(_parsed, draft.above)]
            used = set().union(*map(names_in, parts))
            imports = {need: local for need, local in imports.items() if local in used}
        self.needs.update(imports)
        self.found.resources.wanted += draft.models
        self.found.schemas += draft.schemas
        self.unneeded |= draft.all_names

    def _ordered(self) -> cst.Module:
        body = list(self.source.tree.body)
        for function, above in self.moved:
            if body.index(function) > body.index(above):
                body.remove(function)
                body.insert(body.index(above), function)
        return self.source.tree.with_changes(body=body) if self.moved else self.source.tree

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked for."""
        asked: Sequence[Any] = (
            self.replaced,
            self.functions,
            self.changes,
            self.before,
            self.after,
            self.removed,
        )
        changes_face = self.changes_face and "flask" in self.source.text
        return not any(asked) and not self.needs and not changes_face

    def text(self) -> str:
        """The whole new module."""
        if self.is_empty:
            return self.source.text
        tree = self._ordered().visit(_Editing(self))
        assert isinstance(tree, cst.Module)
        tree = tidy(self, tree)
        text = (standin.begin(tree) if self.stands_in else tree).code
        # LibCST leaves the mark out that some editors begin a file with.
        return _BOM + text if self.source.text.startswith(_BOM) else text


class _Editing(cst.CSTTransformer):
    """The walk that does the edits."""

    def __init__(self, edits: Edits) -> None:
        super().__init__()
        self.edits = edits
        self._moved = {id(node) for node in (*edits.before, *edits.after, *edits.removed)}

    def on_leave(self, original: Any, updated: Any) -> Any:
        """The new self of `original`, with what stands around it."""
        new: Any = super().on_leave(original, updated)
        if original in self.edits.replaced:
            new = self.edits.replaced[original]
        if original in self.edits.functions:
            new = self.edits.functions[original]
        if original in self.edits.changes:
            new = self.edits.changes[original](new)
        if isinstance(original, cst.SimpleStatementLine):
            return self._around(original, new, walk)
        if isinstance(original, cst.FunctionDef | cst.ClassDef):
            return self._around(original, new, lambda node: [node])
        return new

    def _around(self, original: cst.CSTNode, new: Any, parts: Callable[[cst.CSTNode], Any]) -> Any:
        if not self._moved:
            return new
        before: list[str] = []
        after: list[str] = []
        gone = False
        for part in parts(original):
            if id(part) not in self._moved:
                continue
            before += self.edits.before.get(part, [])
            after += self.edits.after.get(part, [])
            gone = gone or part in self.edits.removed
        if not (before or after or gone):
            return new
        body = [] if gone else [new]
        first = [_parsed(text) for text in before]
        if gone and not first and after:
            made = _parsed(after.pop(0))
            comments = [line for line in new.leading_lines if line.comment]
            lines = [*made.leading_lines, *comments] if made.leading_lines else new.leading_lines
            first = [made.with_changes(leading_lines=lines)]
        if first and body and hasattr(new, "leading_lines"):
            first[0] = first[0].with_changes(leading_lines=_blank_lines(new))
        return cst.FlattenSentinel([*first, *body, *(_parsed(text) for text in after)])


def _blank_lines(node: Any) -> list[cst.EmptyLine]:
    return [line for line in node.leading_lines if line.comment is None]


def _parsed(text: str) -> Any:
    lines = len(text) - len(text.lstrip("\n"))
    made = cst.parse_statement(text.lstrip("\n") + "\n")
    blank = [cst.EmptyLine(indent=False)] * lines
    return made.with_changes(leading_lines=blank) if lines else made
