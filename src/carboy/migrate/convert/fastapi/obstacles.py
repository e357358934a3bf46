"""What keeps a project from leaving, beside its views: found by a walk over what was not rewritten.

Every name of Flask's (or an extension's) that would still be asked for, and every use of an
application or a blueprint that FastAPI has no equal for, with its place in the old source. Pages
are looked at for what only Flask gives them. Tests are the reader's: they are no part of what runs.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carboy import kept
from carboy.fastapi import FastAPI
from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.fastapi.applications import Told, beside_views
from carboy.migrate.convert.fastapi.foreign import is_foreign
from carboy.migrate.convert.fastapi.provided import kept_module, templates_of, templating, texts
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.project import Project, Source
from carboy.migrate.convert.text import children, code, dotted, walk

#: What a page has of Flask's and its extensions that Starlette's has not, or has otherwise.
_IN_PAGES = {
    "config",
    "csrf_token",
    "current_user",
    "g",
    "get_flashed_messages",
    "request",
    "session",
}
_RELATIVE = re.compile(r"url_for\(\s*['\"]\.")


class Obstacles:
    """See the module."""

    def __init__(self, found: Found, edits: dict[str, Edits], drafts: list[Draft]) -> None:
        self.found, self.edits = found, edits
        self.kept_views = {id(one.view.function) for one in drafts if one.reasons}
        #: Blueprints stand as long as a view of theirs does: that is told of the view.
        owners = {id(one.view.owner): one.view.owner for one in drafts if one.reasons}
        for owner in owners.values():
            if owner.blueprint is not None:
                self.kept_views |= {id(owner.call), *(id(one.call) for one in owner.registrations)}
        self.told: list[Told] = []
        #: By how many lines a module has grown before it was looked at.
        self.shifts: dict[str, int] = {}
        self._pages: list[str] = []

    def look(self) -> None:
        """Look at every module, and at pages where any is rendered."""
        for name, source in self.found.project.sources.items():
            if not is_left_alone(source, self.found.project.root):
                self._walk(self.edits[name], source.tree, frozenset())
        for path, text in texts(
            self.found, {kept_module(self.found), templating(self.found)}
        ).items():
            first = text.partition("\n")[0]
            if path.exists() and path.read_text(encoding="utf-8").partition("\n")[0] != first:
                self._pages.append(f"{path.name} is there already, and something else")
        if any(templating(self.found) in one.needs for one in self.edits.values()):
            self._look_at_pages()

    def lines(self) -> list[str]:
        """What was found, by place."""
        lines: dict[str, None] = {}
        for source in {id(one): one for one, _, _ in self.told}.values():
            wrapper = MetadataWrapper(source.tree, unsafe_skip_copy=True)
            positions = wrapper.resolve(PositionProvider)
            shift = self.shifts.get(source.name, 0)
            some = [
                (positions[node].start.line, what) for s, node, what in self.told if s is source
            ]
            for line, what in sorted(some):
                lines[f"{source.name or '__init__'}:{line - shift} {what}"] = None
        broken = self.found.project.broken.items()
        return [*lines, *self._pages, *(f"{name} can't be read: {why}" for name, why in broken)]

    def _walk(self, edits: Edits, node: cst.CSTNode, hidden: frozenset[str]) -> None:
        if isinstance(node, cst.Import | cst.ImportFrom) or id(node) in self.kept_views:
            return
        if node in edits.functions or node in edits.replaced or node in edits.removed:
            return
        if isinstance(node, cst.SimpleStatementLine) and not edits.removed.isdisjoint(walk(node)):
            return
        if isinstance(node, cst.FunctionDef | cst.Lambda):
            params = node.params
            every = [*params.params, *params.kwonly_params, *params.posonly_params]
            hidden = hidden | {one.name.value for one in every}
        if isinstance(node, cst.Param):
            for part in (node.annotation, node.default):
                if part is not None:
                    self._walk(edits, part, hidden)
            return
        if isinstance(node, cst.Arg):
            self._walk(edits, node.value, hidden)
            return
        if isinstance(node, cst.Name | cst.Attribute):
            self._name(edits, node, hidden)
            return
        if isinstance(node, cst.AnnAssign) and self._owner(edits.source, node.target, hidden):
            self._walk(edits, node.annotation, hidden)
            return
        if isinstance(node, cst.AssignTarget) and self._owner(edits.source, node.target, hidden):
            return
        returned = node.value if isinstance(node, cst.Return) else None
        if returned is not None and self._owner(edits.source, returned, hidden):
            return
        for child in children(node):
            self._walk(edits, child, hidden)

    def _owner(self, source: Source, node: cst.CSTNode, hidden: frozenset[str]) -> bool:
        root = (dotted(node) or "").partition(".")[0]
        owner = self.found.owner(source, node) if root and root not in hidden else None
        return owner is not None and not owner.is_router

    def _name(self, edits: Edits, node: cst.Name | cst.Attribute, hidden: frozenset[str]) -> None:
        source = edits.source
        root = dotted(node)
        if root is None:
            if isinstance(node, cst.Attribute):
                self._walk(edits, node.value, hidden)
            return
        first = root.partition(".")[0]
        if first in hidden:
            return
        meaning = source.meaning(node) or ""
        if is_foreign(self.found.project, meaning) and first in source.imports:
            if not beside_views(source, edits, self.found.kept, node):
                self.told.append((source, node, f"uses {meaning}"))
            return
        if isinstance(node, cst.Attribute) and self._owner(source, node.value, hidden):
            if node.attr.value == "route" or not hasattr(FastAPI, node.attr.value):
                self.told.append((source, node, f"uses {code(node)}, which FastAPI has not"))
            return
        if isinstance(node, cst.Name) and self._owner(source, node, hidden):
            self.told.append((source, node, f"hands {code(node)} on"))
            return
        if isinstance(node, cst.Attribute):
            self._walk(edits, node.value, hidden)

    def _look_at_pages(self) -> None:
        folder = templates_of(self.found)
        if folder is None or not folder.is_dir():
            self._pages.append("pages are rendered, and their folder was not found")
            return
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            try:
                text = file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            for what in _in_page(text):
                self._pages.append(f"{file.relative_to(self.found.project.root)} {what}")


def _in_page(text: str) -> list[str]:
    from jinja2 import Environment, TemplateSyntaxError
    from jinja2.meta import find_undeclared_variables

    env = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    try:
        names = find_undeclared_variables(env.parse(text)) & _IN_PAGES
    except TemplateSyntaxError as error:
        return [f"can't be read: {error.message}"]
    found = [f"uses {name}, as Flask's pages have it" for name in sorted(names)]
    return [*found, *(["calls url_for with a relative name"] if _RELATIVE.search(text) else [])]


def is_left_alone(source: Source, root: Path) -> bool:
    """Whether a module is of the project's tests, or `kept` itself: it is not looked at."""
    if kept.__doc__ is not None and source.tree.get_docstring() == inspect.cleandoc(kept.__doc__):
        return True
    parts = source.path.relative_to(root).parts
    name = parts[-1]
    return "tests" in parts[:-1] or name.startswith("test_") or name == "conftest.py"


def in_text(project: Project, name: str, text: str) -> list[str]:
    """The law, asked of what was written: imports of what has no place in it."""
    found = []
    for node in ast.walk(ast.parse(text)):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [f"{node.module}.{one.name}" for one in node.names]
        found += [f"{name} still imports {one}" for one in modules if is_foreign(project, one)]
    return found
