"""MethodView as Carboy's class view: all its methods, or none.

The methods are drafts like any other view's. Where all of them convert, the class loses its base,
and `app.add_url_rule("/x", view_func=Cls.as_view("x"))` becomes `app.view("/x", name="x")(Cls)`.
"""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from carboy.migrate.convert.called import Called, other_use, why_not
from carboy.migrate.convert.draft import Draft, names_in
from carboy.migrate.convert.found import Found, Rule, View
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.text import Arguments, code, expression
from carboy.migrate.convert.todo import mark_lines
from carboy.migrate.report import ViewReport


class ClassViews:
    """The class views of a project, as drafts of their methods."""

    def __init__(self, found: Found, drafts: list[Draft], target: str) -> None:
        self._drafts: dict[int, list[Draft]] = {}
        self._called: dict[int, list[Called]] = {}
        for one in found.calls:
            if one.cls is not None:
                self._called.setdefault(id(one.cls), []).append(one)
        for draft in drafts:
            if draft.view.cls is not None:
                self._drafts.setdefault(id(draft.view.cls), []).append(draft)
        for key, some in self._drafts.items():
            cls = some[0].view.cls
            assert cls is not None
            place = some[0].view.source
            if key not in self._called:
                reason = other_use(found, place, cls)
                some[0].keep(reason) if reason else None
                continue
            reason = why_not(self._called[key], cls, target) or other_use(found, place, cls)
            if reason is not None:
                some[0].keep(reason)
        self.share_reasons()

    def share_reasons(self) -> None:
        """What keeps one method keeps all of them."""
        for some in self._drafts.values():
            for reason in {reason: None for draft in some for reason in draft.reasons}:
                for draft in some:
                    draft.keep(reason)

    def put(self, edits: dict[str, Edits], wanted: Callable[[View], bool]) -> None:
        """Change the classes whose methods are converted, and what declares them."""
        for key, some in self._drafts.items():
            view = some[0].view
            if not wanted(view):
                continue
            own = edits[view.source.name]
            assert view.cls is not None
            own.changes[view.cls] = _change(some[0].reasons)
            if some[0].reasons:
                continue
            own.unneeded |= {name for base in view.cls.bases for name in names_in(base.value)}
            rule, path = some[0].paths[0]
            assert rule.source is not None
            text = f'{rule.router}.view("{path.text}", name="{view.endpoint}")'
            if key not in self._called:
                own.changes[view.cls] = _resource(rule, text)
            for called in self._called.get(key, ()):
                given = Arguments(called.rule.call.args).get(2, "view_func")
                assert isinstance(given, cst.Call) and isinstance(given.func, cst.Attribute)
                new = expression(f"{text}({code(given.func.value)})")
                edits[rule.source.name].replaced[called.rule.call] = new

    def reports(self, line: Callable[[Draft], int]) -> list[ViewReport]:
        """One report for each class."""
        made = []
        for some in self._drafts.values():
            report = some[0].report(line(some[0]))
            assert some[0].view.cls is not None
            report.function = some[0].view.cls.name.value
            report.methods = [one.view.name.upper() for one in some]
            for draft in some[1:]:
                report.uses = sorted({*report.uses, *draft.uses})
                report.notes += [note for note in draft.notes if note not in report.notes]
            made.append(report)
        return made


def _change(reasons: list[str]) -> Callable[[cst.ClassDef], cst.ClassDef]:
    """A class with its TODO, or without its base."""

    def change(node: cst.ClassDef) -> cst.ClassDef:
        node = node.with_changes(leading_lines=mark_lines(node.leading_lines, reasons))
        if reasons:
            return node
        return node.with_changes(
            bases=[], lpar=cst.MaybeSentinel.DEFAULT, rpar=cst.MaybeSentinel.DEFAULT
        )

    return change


def _resource(rule: Rule, text: str) -> Callable[[cst.ClassDef], cst.ClassDef]:
    """A Resource as a class view: one decorator, and none that its methods have now."""
    place = code(rule.call)

    def change(node: cst.ClassDef) -> cst.ClassDef:
        route = next(one for one in node.decorators if code(one.decorator) == place)
        lines = [line for one in node.decorators for line in one.leading_lines if line.comment]
        first = node.decorators[0]
        blank = [line for line in first.leading_lines if line.comment is None]
        new = route.with_changes(decorator=expression(text), leading_lines=[*blank, *lines])
        body = [one for one in node.body.body if not _is_for_all(one)]
        if len(body) < len(node.body.body) and body:
            kept = [line for line in getattr(body[0], "leading_lines", ()) if line.comment]
            body[0] = body[0].with_changes(leading_lines=kept)
        node = node.with_changes(decorators=[new], body=node.body.with_changes(body=body))
        return _change([])(node)

    return change


def _is_for_all(statement: cst.CSTNode) -> bool:
    """Whether it is `method_decorators = [...]`."""
    small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    return isinstance(small, cst.Assign) and code(small.targets[0].target) == "method_decorators"
