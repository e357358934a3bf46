"""What a view goes through to become a typed one.

`draft_view` runs every step, also after the first reason to keep the view: a report names all of
them. Libraries come first, since they know decorators and objects that would be unknown to the
rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from carboy.migrate.convert import functions
from carboy.migrate.convert.answers import ABORTS, Answers, makes_response
from carboy.migrate.convert.contexts import TABLES
from carboy.migrate.convert.decorators import look_at_decorators
from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.fastapi import views as fastapi
from carboy.migrate.convert.found import Found, View
from carboy.migrate.convert.libraries import libraries_of
from carboy.migrate.convert.libraries.restx.drafting import ResourceAnswers
from carboy.migrate.convert.reading import read_parameters
from carboy.migrate.convert.responses import need_flask
from carboy.migrate.convert.rewriting import Rewriter
from carboy.migrate.convert.routes import dress, read_rules
from carboy.migrate.convert.sides import on_side
from carboy.migrate.convert.text import own_nodes, walk


def draft_view(found: Found, view: View, *, target: str = "app", indent: int = 0) -> Draft:
    """The view as it would be; where `reasons` say why not, its function means nothing."""
    draft = Draft(found, view, target)
    draft.indent = indent
    read_rules(draft)
    if target == "fastapi":
        fastapi.look_at_view(draft)
    else:
        for library in libraries_of(view.source):
            library.view(draft)
    look_at_decorators(draft)
    read_parameters(draft)
    draft.has_flask_responses = need_flask(draft)
    if draft.has_flask_responses and target == "fastapi":
        draft.keep("it hands a response on, or uses what only Flask's have")
    answers = Answers(draft) if view.owner.resources is None else ResourceAnswers(draft)
    draft.replace(lambda: _Body(draft, answers))
    draft.replace(lambda: _Cleaner())
    if draft.looked_at and draft.parameters:
        draft.note(f"{draft.looked_at} looks at the arguments, of which there are more now")
    _look_at_errors(draft, answers)
    _look_at_catches(draft)
    _look_at_callers(draft)
    if not draft.reasons:
        dress(draft)
    return draft


class _Body(Rewriter):
    """The rewriter of expressions, and statements that change as a whole."""

    def __init__(self, draft: Draft, answers: Answers | ResourceAnswers) -> None:
        super().__init__(draft, TABLES if draft.target == "app" else fastapi.TABLES)
        self._answers = answers
        self._statements: set[cst.CSTNode] = set()

    def on_visit(self, node: cst.CSTNode) -> bool:
        call = node.value if isinstance(node, cst.Expr) else None
        if isinstance(call, cst.Call):
            is_abort = (self.draft.meaning(call.func) or "") in ABORTS
            if is_abort or call in self.draft.aborts:
                self._statements.add(call)
                self._skipped.add(call.func)
        if node in self._statements:
            return True
        if isinstance(node, cst.Attribute) and makes_response(self.draft, node):
            new = functions.made(self.draft, "make_response")
            if new is not None:
                self.draft.replacements[node] = new
        side = on_side(self.draft, node)
        if side is not None:
            self.draft.replacements[node] = side
        below = super().on_visit(node)
        if below and self.draft.target == "fastapi":
            return not fastapi.look_at_name(self.draft, node)
        return below

    def on_leave(self, original: cst.CSTNode, updated: cst.CSTNode) -> cst.CSTNode:  # type: ignore[override]
        new: cst.CSTNode = super().on_leave(original, updated)
        if isinstance(original, cst.Return) and isinstance(new, cst.Return):
            return self._answers.leave_return(original, new)
        if isinstance(original, cst.Expr) and original.value in self._statements:
            assert isinstance(original.value, cst.Call) and isinstance(updated, cst.Expr)
            assert isinstance(updated.value, cst.Call)
            return functions.raised(self.draft, original.value, updated.value) or new
        return new


class _Cleaner(cst.CSTTransformer):
    """Takes `q = q` away, which is what is left of `q = request.args.get("q")`; comments stay."""

    def leave_IndentedBlock(
        self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
    ) -> cst.IndentedBlock:
        kept: list[cst.BaseStatement] = []
        pending: list[cst.EmptyLine] = []
        for one in updated_node.body:
            if _is_idle(one):
                assert isinstance(one, cst.SimpleStatementLine)
                pending += [line for line in one.leading_lines if line.comment or kept]
                comment = one.trailing_whitespace.comment
                pending += [cst.EmptyLine(comment=comment)] if comment is not None else []
                continue
            lines = getattr(one, "leading_lines", None)
            if pending and lines is not None:
                one = one.with_changes(leading_lines=[*pending, *lines])
                pending = []
            kept.append(one)
        if not kept:
            return updated_node
        return updated_node.with_changes(body=kept)


def _is_idle(statement: cst.BaseStatement) -> bool:
    if not (isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1):
        return False
    small = statement.body[0]
    return (
        isinstance(small, cst.Assign)
        and len(small.targets) == 1
        and isinstance(small.targets[0].target, cst.Name)
        and isinstance(small.value, cst.Name)
        and small.targets[0].target.value == small.value.value
    )


#: Calls that can't fail for what a client sends.
_SAFE = {"str", "len", "dict", "list", "repr", "bool"}
_DIVISIONS = cst.Divide | cst.FloorDivide | cst.Modulo


def _look_at_catches(draft: Draft) -> None:
    """What a typed view raises is none of Werkzeug's exceptions."""
    for node in own_nodes(draft.view.function.body):
        if not isinstance(node, cst.Try):
            continue
        caught = [part for one in node.handlers if one.type is not None for part in walk(one.type)]
        names = [draft.meaning(one) or "" for one in caught]
        theirs = [one for one in names if one.startswith("werkzeug.exceptions.")]
        if theirs and any(_is_rewritten(draft, one) for one in walk(node.body)):
            draft.keep(f"it catches Werkzeug's {theirs[0].rpartition('.')[2]}")


def _is_rewritten(draft: Draft, node: cst.CSTNode) -> bool:
    meaning = draft.meaning(node) or "" if isinstance(node, cst.Name | cst.Attribute) else ""
    return meaning in ABORTS or meaning.startswith("flask.request")


def _look_at_errors(draft: Draft, answers: Answers | ResourceAnswers) -> None:
    """Errors of Flask's views are pages; a typed route whose answers are no pages says JSON."""
    if draft.target != "app" or "response_class" in draft.options:
        return
    if draft.view.owner.resources is not None:
        return  # their Api tells them
    routes = {id(rule.decorator) for rule in draft.view.rules}
    done = {*routes, *map(id, draft.dropped_decorators)}
    is_decorated = any(id(one) not in done for one in draft.view.function.decorators)
    # What checks a path's values answers 404 itself, where the text alone fits.
    is_checked = any(one.startswith("Annotated[") for one in draft.path_types.values())
    may_fail = any(_may_fail(draft, node) for node in own_nodes(draft.view.function.body))
    is_sure = isinstance(answers, ResourceAnswers) or answers.are_known
    if is_decorated or is_checked or may_fail or not is_sure:
        draft.options["error_pages"] = "True"
        draft.note("errors are answered with Flask's pages (error_pages=True)")


def _may_fail(draft: Draft, node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Raise | cst.Subscript | cst.Assert | _DIVISIONS):
        return True
    if not isinstance(node, cst.Call):
        return False
    if isinstance(node.func, cst.Name) and node.func.value in _SAFE:
        return False
    meaning = draft.meaning(node.func) or ""
    return meaning not in ("flask.jsonify", "flask.redirect", "flask.url_for", "flask.flash")


def _look_at_callers(draft: Draft) -> None:
    """Code that calls the view itself would not give it the new parameters."""
    if draft.view.cls is not None or not (draft.parameters or any(_constants(draft))):
        return
    name = draft.view.name
    for source in draft.found.project.sources.values():
        # PERF: a module that does not call it is not parsed.
        if f"{name}(" not in source.text:
            continue
        for func in source.called.get(name, ()):
            place = draft.found.project.owner(source.meaning(func) or "")
            if place == (draft.source, name):
                draft.keep("other code calls it, and would not give it what it now asks for")
                return


def _constants(draft: Draft) -> Iterator[str]:
    params = draft.view.function.params
    for one in (*params.params, *params.kwonly_params):
        if one.name.value not in draft.path_types:
            yield one.name.value
