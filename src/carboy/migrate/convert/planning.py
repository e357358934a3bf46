"""plan(): a project's sources in, every changed file's new text out.

What belongs to more than one module is decided here: which views are asked for, when an application
becomes an App, when a blueprint becomes a router. Nothing is written.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from os.path import relpath
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from carboy.migrate.convert.becoming import change_applications, explicit_routes
from carboy.migrate.convert.classes import ClassViews
from carboy.migrate.convert.draft import Draft, names_in
from carboy.migrate.convert.found import Found, Rule, TypedRoute, View
from carboy.migrate.convert.libraries import libraries_of
from carboy.migrate.convert.libraries.providers import added, wanted_providers
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.owners import Routers
from carboy.migrate.convert.project import Project, Source
from carboy.migrate.convert.ranks import settle
from carboy.migrate.convert.routes import route_text
from carboy.migrate.convert.rules import Path as TypedPath
from carboy.migrate.convert.sides import change_sides
from carboy.migrate.convert.steps import draft_view
from carboy.migrate.convert.text import Arguments, code, deep, expression, parsed
from carboy.migrate.convert.todo import MARK, marked
from carboy.migrate.report import Plan, ViewReport


@deep()
def plan(
    path: str | Path,
    blueprint: str | None = None,
    view: str | None = None,
    target: str = "app",
) -> Plan:
    """What converting the project at `path` (a folder or one file) would do.

    `blueprint` (its name) and `view` (endpoint or function) say which views are to be converted;
    the others stay as they are, without a TODO. Files that can't be parsed are named in the notes.
    `target` is "app", or "fastapi" for whole projects: then nothing can be chosen, and where a view
    stays or the plan has `obstacles` it has no files. FileNotFoundError without such a path.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(path)
    if target == "fastapi":
        # It stands upon this module.
        from carboy.migrate.convert.fastapi.leaving import Leaving

        return Leaving(Project.read(path)).done()
    made = Planning(Project.read(path), _filter(blueprint, view), target).done()
    if blueprint is not None:
        made.views = [one for one in made.views if one.blueprint == blueprint]
    if view is not None:
        made.views = [one for one in made.views if view in (one.endpoint, one.function)]
    return made


def reports(project: Project) -> tuple[list[ViewReport], list[TypedRoute]]:
    """What `plan` would say of the views of a project that has been read, and what is typed."""
    planning = Planning(project, lambda view: True, "app")
    return planning.reports(), planning.found.typed


def _filter(blueprint: str | None, view: str | None) -> Callable[[View], bool]:
    def wanted(one: View) -> bool:
        if blueprint is not None and one.owner.blueprint != blueprint:
            return False
        name = one.name if one.cls is None else one.cls.name.value
        return view is None or view in (one.endpoint, name)

    return wanted


class Planning:
    """A plan while it is made."""

    def __init__(self, project: Project, wanted: Callable[[View], bool], target: str) -> None:
        self.project, self.wanted, self.target = project, wanted, target
        self.found = Found(project)
        self.routers = Routers(self.found)
        self.edits = {
            name: Edits(self.found, source, target) for name, source in project.sources.items()
        }
        self.lines = {name: _Lines(source) for name, source in project.sources.items()}

    def reports(self) -> list[ViewReport]:
        """What would become of the views; no text is made."""
        drafts, classes = self._drafts()
        return self._reports(drafts, classes)

    def done(self) -> Plan:
        """The whole plan."""
        drafts, classes = self._drafts()
        converted = [one for one in drafts if not one.reasons and self.wanted(one.view)]
        for draft in drafts:
            if self.wanted(draft.view):
                self._put(draft)
        classes.put(self.edits, self.wanted)
        is_app = any(owner.is_app_class for owner in self.found.owners.values())
        broken = self.project.broken.items()
        notes = [f"{name} can't be read, and stays as it is: {why}" for name, why in broken]
        if converted or is_app:
            notes += dict.fromkeys(change_sides(self.found, self.edits))
            change_applications(self.found, self.edits)
            self.routers.declare(converted, self.edits)
            for edits in self.edits.values():
                edits.changes_face = True
            explicit_routes(self.found, self.edits, {id(one.view) for one in converted})
        for edits in self.edits.values():
            if not edits.source.is_relevant:
                continue
            for library in libraries_of(edits.source):
                library.module(edits)
        made = self._plan(drafts, classes)
        made.notes += notes
        return made

    def _drafts(self) -> tuple[list[Draft], ClassViews]:
        drafts = [self._drafted(view) for view in self.found.views]
        classes = ClassViews(self.found, drafts, self.target)
        settle([one for one in drafts if self.wanted(one.view)], self.edits, self.found.typed)
        classes.share_reasons()
        return drafts, classes

    def _reports(self, drafts: list[Draft], classes: ClassViews) -> list[ViewReport]:
        own = [one.report(self._line(one)) for one in drafts if one.view.cls is None]
        return own + classes.reports(self._line)

    def _drafted(self, view: View) -> Draft:
        _, indent = self.lines[view.source.name].of(view.function)
        self.routers.name(view)
        return draft_view(self.found, view, target=self.target, indent=indent)

    def _put(self, draft: Draft) -> None:
        edits = self.edits[draft.view.source.name]
        edits.drafts.append(draft)
        function = draft.view.function
        if draft.reasons:
            if draft.view.cls is not None:
                return  # it is said once, above the class
            edits.changes[function] = partial(marked, reasons=draft.reasons)
            return
        draft.function = marked(draft.function, [])
        edits.convert(draft)
        for rule, path in draft.paths:
            if rule.decorator is None and draft.view.cls is None:
                assert rule.source is not None
                self._declare(draft, self.edits[rule.source.name], rule, path)

    def _line(self, draft: Draft) -> int:
        return self.lines[draft.view.source.name].of(draft.view.function)[0]

    def _declare(self, draft: Draft, edits: Edits, rule: Rule, path: TypedPath) -> None:
        """`app.get("/x")(view)` for `app.add_url_rule("/x", view_func=view)`."""
        view = Arguments(rule.call.args).get(2, "view_func")
        assert view is not None
        edits.replaced[rule.call] = expression(f"{route_text(draft, rule, path)}({code(view)})")
        options = {name for one in draft.options.values() for name in names_in(expression(one))}
        for (module, name), local in draft.imports.items():
            if local in options:
                edits.need(module, name)

    def _plan(self, drafts: list[Draft], classes: ClassViews) -> Plan:
        made = Plan(self.project.root, self._reports(drafts, classes))
        for edits in self.edits.values():
            text = edits.text()
            if text != edits.source.text:
                name = edits.source.path.relative_to(self.project.root).as_posix()
                made.files[name], made.old[name] = text, edits.source.text
        self._provide(made, [one for one in drafts if not one.reasons and self.wanted(one.view)])
        return made

    def _provide(self, made: Plan, converted: list[Draft]) -> None:
        """Write what converted views ask for by `Depends` into the project's dependencies.py."""
        for path, names in wanted_providers(converted).items():
            name = Path(relpath(path, self.project.root)).as_posix()
            there = path.read_text(encoding="utf-8") if path.exists() else ""
            text = added(made.files.get(name, there), names)
            if text != there:
                made.files[name], made.old[name] = text, there


class _Lines:
    """Where the functions of a module are."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def of(self, function: cst.FunctionDef) -> tuple[int, int]:
        """(line, indentation in columns) of `def`."""
        return self._known[function]

    @cached_property
    def _known(self) -> dict[cst.FunctionDef, tuple[int, int]]:
        functions = [one for one in self._source.nodes if isinstance(one, cst.FunctionDef)]
        tree = parsed(self._source.text)
        places = [] if tree is None else list(_places(tree))
        if len(places) == len(functions):
            return dict(zip(functions, places, strict=True))
        # PERF: this takes half a second for a long module.
        positions = MetadataWrapper(self._source.tree, unsafe_skip_copy=True).resolve(
            PositionProvider
        )
        starts = ((one, positions[one].start) for one in functions)
        return {one: (start.line, start.column) for one, start in starts}


def _places(node: ast.AST) -> Iterator[tuple[int, int]]:
    """(line, column) of each function below, outermost first."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child.lineno, child.col_offset
        yield from _places(child)


__all__ = ["MARK", "plan", "reports"]
