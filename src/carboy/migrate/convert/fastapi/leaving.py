"""The plan of a project that leaves: every view a FastAPI route, or nothing at all.

The steps are those of planning.py but for the libraries, which write code for Carboy.
"""

from __future__ import annotations

from collections.abc import Iterator

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.fastapi import provided
from carboy.migrate.convert.fastapi.applications import Applications
from carboy.migrate.convert.fastapi.departed import departed
from carboy.migrate.convert.fastapi.foreign import is_foreign
from carboy.migrate.convert.fastapi.obstacles import Obstacles, in_text, is_left_alone
from carboy.migrate.convert.planning import Planning
from carboy.migrate.convert.project import Project
from carboy.migrate.convert.ranks import settle
from carboy.migrate.report import Plan


class Leaving(Planning):
    """See the module."""

    def __init__(self, project: Project) -> None:
        self.originals = {name: one.text for name, one in project.sources.items()}
        super().__init__(departed(project), lambda view: True, "fastapi")
        self.found.kept = provided.kept_module(self.found)

    def done(self) -> Plan:
        """The plan; without files where something is in the way."""
        drafts = [self._drafted(view) for view in self.found.views]
        settle(drafts, self.edits, self.found.typed)
        converted = [one for one in drafts if not one.reasons]
        for draft in converted:
            self._put(draft)
        self.routers.declare(converted, self.edits)
        applications = Applications(self.found, self.edits, drafts)
        applications.change()
        obstacles = Obstacles(self.found, self.edits, drafts)
        obstacles.told += applications.obstacles
        for name, source in self.project.sources.items():
            obstacles.shifts[name] = source.text.count("\n") - self.originals[name].count("\n")
        obstacles.look()
        made = self._made(drafts)
        made.notes = [*applications.notes, *self._tests()]
        made.obstacles = obstacles.lines()
        if not made.obstacles and len(converted) == len(drafts):
            for name, text in self._texts(made):
                made.obstacles += in_text(self.project, name, text)
        if made.obstacles or len(converted) < len(drafts):
            made.files, made.old = {}, {}
        return made

    def _tests(self) -> Iterator[str]:
        for source in self.project.sources.values():
            if is_left_alone(source, self.project.root) and "test_client" in source.text:
                name = source.path.relative_to(self.project.root).as_posix()
                yield f"{name} stays as it is: its requests are to be made by fastapi.testclient"

    def _texts(self, made: Plan) -> Iterator[tuple[str, str]]:
        """What the project's modules will be, tests left out."""
        for source in self.project.sources.values():
            name = source.path.relative_to(self.project.root).as_posix()
            if not is_left_alone(source, self.project.root):
                yield name, made.files.get(name, source.text)

    def _made(self, drafts: list[Draft]) -> Plan:
        made = Plan(self.project.root)
        made.views = [draft.report(self._line(draft)) for draft in drafts]
        needs: set[tuple[str, str]] = set()
        for edits in self.edits.values():
            needs |= set(edits.needs)
            names = edits.source.imports.items()
            edits.unneeded |= {
                local for local, meaning in names if is_foreign(self.project, meaning)
            }
            text = edits.text()
            original = self.originals[edits.source.name]
            if text != original:
                name = edits.source.path.relative_to(self.project.root).as_posix()
                made.files[name], made.old[name] = text, original
        for path, text in provided.texts(self.found, needs).items():
            name = path.relative_to(self.project.root).as_posix()
            there = path.read_text(encoding="utf-8") if path.exists() else ""
            if there != text:
                made.files[name], made.old[name] = text, there
        return made
