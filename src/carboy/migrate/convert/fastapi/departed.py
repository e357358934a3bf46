"""A project that is on an App already: its typed names come from FastAPI, before all else.

`from carboy import Query, kept` is `from fastapi import Query` and `from shop import kept`; what
FastAPI has not (`App`, class views, `resources`) keeps its import, for the others to change or to
find in the way.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from carboy.migrate.convert.fastapi.provided import kept_module
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.project import Project, Source
from carboy.migrate.convert.text import dotted

#: Names and modules that go beyond FastAPI's.
_OWN = {"App", "Problem", "documented", "raises", "resources", "schemas", "view"}
_OWN_MODULES = {"carboy.fastapi.problems", "carboy.fastapi.views"}


def departed(project: Project) -> Project:
    """The project with such imports changed; the very same where there are none."""
    some = [one for one in project.sources.values() if "carboy" in one.text]
    if not some:
        return project
    kept = kept_module(Found(project))
    sources = dict(project.sources)
    for source in some:
        tree = source.tree.visit(_Imports(kept[0]))
        assert isinstance(tree, cst.Module)
        sources[source.name] = Source(source.path, source.name, tree.code)
    return Project(project.root, sources, project.broken)


class _Imports(cst.CSTTransformer):
    def __init__(self, package: str) -> None:
        super().__init__()
        self.package = package

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        node = updated_node.body[0]
        if len(updated_node.body) > 1 or not isinstance(node, cst.ImportFrom):
            return updated_node
        module = dotted(node.module) if node.module is not None and not node.relative else ""
        if isinstance(node.names, cst.ImportStar) or not module:
            return updated_node
        if module.startswith("carboy.fastapi") and module not in _OWN_MODULES:
            face = cst.parse_expression(module.removeprefix("carboy."))
            assert isinstance(face, cst.Name | cst.Attribute)
            return updated_node.with_changes(body=[node.with_changes(module=face)])
        if module != "carboy":
            return updated_node
        made = [cst.parse_statement(line) for line in self._lines(node.names)]
        first = made[0].with_changes(leading_lines=updated_node.leading_lines)
        return cst.FlattenSentinel([first, *made[1:]])

    def _lines(self, names: Any) -> list[str]:
        groups: dict[str, list[str]] = {}
        for alias in names:
            text = alias.evaluated_name
            place = "carboy" if text in _OWN else "fastapi"
            place = self.package if text == "kept" else place
            local = alias.evaluated_alias
            groups.setdefault(place, []).append(f"{text} as {local}" if local else text)
        return [
            f"from {place} import {', '.join(some)}\n" if place else f"import {some[0]}\n"
            for place, some in sorted(groups.items())
        ]
