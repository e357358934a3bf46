"""A view's statements, read in order; what helpers of the same module say, one level deep.

Names are followed through assignments as they come: a view is short, and whoever rebinds a name in
a loop is read as if the loop ran once. Tests of `request.method` become Guards on what they lead
to, and on what comes after a branch that leaves.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from carboy.sources.answering import changed, tuple_answers, unknown
from carboy.sources.branching import leaves, methods_of_pattern, told
from carboy.sources.expressions import Expressions, parameters_of
from carboy.sources.facts import ALWAYS, Abort, Answer, Findings, Guard, Read, Use, View
from carboy.sources.modules import FunctionNode, Module, Place, imported, straight
from carboy.sources.values import NOTHING, RAISED, Value, json_type, text_of


def read(module: Module, place: Place) -> View:
    """What the function at `place` says."""
    node, findings = place.node, Findings()
    reader = Reader(module, findings, place)
    for outer in place.outer:
        reader.bring_in(outer)
    reader.enter(node)
    reader.block(node.body)
    for decorator in node.decorator_list:
        reader.decorated_by(decorator)
    findings.answers += reader.returns
    summary, description = _said(node)
    return View(
        name=node.name,
        file=module.file,
        line=node.lineno,
        end=node.end_lineno or node.lineno,
        is_async=isinstance(node, ast.AsyncFunctionDef),
        summary=summary,
        description=description,
        decorators=tuple(module.spoken(_called(one)) for one in node.decorator_list),
        parameters=tuple(parameters_of(node)),
        reads=tuple(Read(**one) for one in findings.reads),
        whole=tuple((name, line, guard) for (name, guard, _), line in findings.whole.items()),
        methods=frozenset(findings.methods),
        uses=tuple(Use(name, line, detail) for (name, detail, _), line in findings.uses.items()),
        answers=tuple(dict.fromkeys(findings.answers)),
        aborts=tuple(dict.fromkeys(findings.aborts)),
        helpers=tuple(findings.helpers),
        forms=tuple((name, guard) for name, guard in findings.forms),
    )


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _said(node: FunctionNode) -> tuple[str, str]:
    """The first line and the rest of a docstring, up to what is there for a tool (flasgger)."""
    said = inspect.cleandoc(ast.get_docstring(node) or "").partition("\n---")[0]
    summary, _, rest = said.partition("\n")
    return summary.strip(), rest.strip()


class Reader(Expressions):
    """One function being read."""

    def __init__(
        self, module: Module, found: Findings, place: Place, guard: Guard = ALWAYS, depth: int = 0
    ) -> None:
        super().__init__(module, found, guard)
        self.place = place
        self.depth = depth
        self.returns: list[Answer] = []
        #: What stands for the result, where all returns agree.
        self.results: list[Value] = []
        self.nested: dict[str, FunctionNode] = {}
        self._inside = 0
        #: Whether what functions inside return counts too: of decorators.
        self.wraps = False

    def bring_in(self, outer: FunctionNode) -> None:
        """Imports and helpers of a function around this one: an application factory."""
        for statement in straight(outer.body):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.local.update(imported(statement))
            elif isinstance(statement, FunctionNode) and statement is not self.place.node:
                self.nested[statement.name] = statement
            elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                made = self.module.dotted(statement.value, self.local)
                if made is not None:
                    self.local[statement.targets[0].id] = made

    def enter(self, node: FunctionNode) -> None:
        """Parameters hide what is outside."""
        for name in parameters_of(node):
            self.values[name] = NOTHING

    # -- statements -----------------------------------------------------------------------------

    def block(self, body: Sequence[ast.stmt]) -> None:
        """Statements in order; where a branch by method leaves, the rest is for the others."""
        kept = self.guard
        for statement in body:
            reader = self._STATEMENTS.get(type(statement))
            if reader is not None:
                reader(self, statement)
            else:
                self._others(statement)
        self.guard = kept

    def _others(self, statement: ast.AST) -> None:
        for name, part in ast.iter_fields(statement):
            for one in part if isinstance(part, list) else [part]:
                if isinstance(one, ast.expr):
                    self.consume(one)
                elif isinstance(one, ast.ExceptHandler):
                    self.block(one.body)
            if name in ("body", "orelse", "finalbody") and isinstance(part, list):
                self.block(part)

    def _import(self, node: Any) -> None:
        self.local.update(imported(node))

    def _expression(self, node: ast.Expr) -> None:
        self.consume(node.value)

    def _assign(self, node: Any) -> None:
        if node.value is None:
            return
        found = self.value(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            self._bind(target, found, node.value)

    def _bind(self, target: ast.expr, found: Value, given: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.values[target.id] = found
        elif isinstance(target, ast.Tuple | ast.List | ast.Starred):
            self.forget(target)
        elif isinstance(target, ast.Subscript):
            self._set_item(target, given)
        elif isinstance(target, ast.Attribute):
            self._set_attribute(target, given)

    def _set_item(self, target: ast.Subscript, given: ast.expr) -> None:
        base, key = self.value(target.value), text_of(target.slice)
        if base.place is not None and key is not None:
            self.take(base.place, key, target, written=True)
        elif getattr(target.value, "attr", "") == "headers" and key is not None:
            if key.lower() == "content-type" and isinstance(target.value, ast.Attribute):
                response = self.value(target.value.value)
                response.answers = changed(response.answers, "content_type", given)
        elif key is not None and isinstance(target.value, ast.Name) and base.answers:
            entry = (key, json_type(given))
            base.answers = tuple(
                replace(one, keys=(*one.keys, entry)) if one.kind == "json" else one
                for one in base.answers
            )
        else:
            self.consume(target.slice)

    def _set_attribute(self, target: ast.Attribute, given: ast.expr) -> None:
        base = self.value(target.value)
        if base.place == "g":
            self.take("g", target.attr, target, written=True)
        elif base.place == "session":
            self.use("session", target.attr, target)
        elif base.answers:
            base.answers = changed(base.answers, target.attr, given)

    def _augment(self, node: ast.AugAssign) -> None:
        self.consume(node.value)
        if isinstance(node.target, ast.Subscript):
            base, key = self.value(node.target.value), text_of(node.target.slice)
            if base.place is not None and key is not None:
                self.take(base.place, key, node, needed=True, written=True)

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self._set_item(target, ast.Constant(None))
            elif isinstance(target, ast.Attribute):
                self._set_attribute(target, ast.Constant(None))

    def _return(self, node: ast.Return) -> None:
        if node.value is None:
            return
        if self._inside and not self.wraps:
            self.consume(node.value)
            return
        if not isinstance(node.value, ast.Name | ast.Attribute):
            self._answer(node.value)
            return
        found = self.value(node.value)
        self.results.append(found)
        if found.place is not None and not self.depth:
            self.whole(found.place, node)
        self._keep(found.answers or (unknown(node),))

    def _answer(self, node: ast.expr) -> None:
        """An expression whose value is returned."""
        if isinstance(node, ast.Await):
            node = node.value
        if isinstance(node, ast.IfExp):
            self.value(node.test)
            self._answer(node.body)
            self._answer(node.orelse)
            return
        if isinstance(node, ast.Tuple) and node.elts:
            body = self.consume(node.elts[0])
            for one in node.elts[1:]:
                self.consume(one)
            self._keep(tuple_answers(node, body))
            return
        found = self.value(node)
        self.results.append(found)
        if found.place is not None and not self.depth:
            self.whole(found.place, node)
        if text_of(node) == "":
            found.answers = (Answer("empty", node.lineno),)
        aborts = self.found.aborts and self.found.aborts[-1].line == node.lineno
        self._keep(found.answers or (() if aborts else (unknown(node),)))

    def _keep(self, answers: Sequence[Answer]) -> None:
        self.returns += [replace(one, guard=self.guard) for one in answers]

    def _raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call):
            self.consume(node.exc)
        elif node.exc is not None:
            tag = self.value(node.exc).tag or ""
            package, _, name = tag.rpartition(".")
            if package == "werkzeug.exceptions" and name in RAISED:
                self.found.aborts.append(Abort(RAISED[name], node.lineno, self.guard))

    def _if(self, node: ast.If) -> None:
        self.value(node.test)
        kept = self.guard
        then, otherwise = told(self, node.test)
        for guard, body in ((then, node.body), (otherwise, node.orelse)):
            self.guard = guard
            self.block(body)
        self.guard = kept
        if leaves(node.body):
            self.guard = otherwise
        elif node.orelse and leaves(node.orelse):
            self.guard = then

    def _match(self, node: ast.Match) -> None:
        is_method = self.value(node.subject).tag == "flask.request.method"
        kept, seen = self.guard, frozenset[str]()
        for case in node.cases:
            methods = methods_of_pattern(case.pattern) if is_method else frozenset[str]()
            self.found.methods |= methods
            self.guard = kept.and_only(methods) if methods else kept.and_never(seen)
            seen |= methods
            if case.guard is not None:
                self.value(case.guard)
            self.block(case.body)
        self.guard = kept

    def _for(self, node: Any) -> None:
        self.consume(node.iter)
        self.forget(node.target)
        self.block(node.body)
        self.block(node.orelse)

    def _with(self, node: Any) -> None:
        for one in node.items:
            found = self.consume(one.context_expr)
            if one.optional_vars is not None:
                self._bind(one.optional_vars, found, one.context_expr)
        self.block(node.body)

    def _function(self, node: FunctionNode) -> None:
        """A function inside: its body is read where it stands, its results are its own."""
        self.nested[node.name] = node
        kept = dict(self.values)
        self.enter(node)
        self._inside += 1
        self.block(node.body)
        self._inside -= 1
        self.values = kept
        yields = any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(node))
        made = (Answer("stream", node.lineno),) if yields else ()
        # A generator is called where it is returned.
        self.values[node.name] = Value(f"{node.name}()" if yields else None, answers=made)

    # -- helpers --------------------------------------------------------------------------------

    def followed(self, node: ast.Call) -> Value | None:
        """Read a function of the module, or a method of the class, that is called."""
        target = self._helper(node.func)
        if target is None or self.depth:
            return None
        self.found.helpers[target.name] = None
        within = self.place.within if isinstance(node.func, ast.Attribute) else None
        below = Reader(
            self.module, self.found, Place(target, within, ()), self.guard, self.depth + 1
        )
        below.local.update(self.local)
        below.enter(target)
        names = parameters_of(target)
        if within is not None:
            names = names[1:]
        for name, given in zip(names, node.args, strict=False):
            below.values[name] = self._given(given)
        for word in node.keywords:
            found = self._given(word.value)
            if word.arg in names:
                below.values[word.arg or ""] = found
        below.block(target.body)
        tags = {one.tag for one in below.results}
        tag = tags.pop() if len(tags) == 1 else None
        return Value(tag, answers=tuple(below.returns))

    def _given(self, node: ast.expr) -> Value:
        found = self.value(node)
        return Value(found.tag, found.read) if found.tag or found.read else NOTHING

    def _helper(self, func: ast.expr) -> FunctionNode | None:
        if isinstance(func, ast.Name):
            if func.id in self.values or func.id in self.local:
                return None
            return self.nested.get(func.id) or self.module.functions.get(func.id)
        within = self.place.within
        owner = func.value if isinstance(func, ast.Attribute) else None
        if within is None or getattr(owner, "id", "") not in ("self", "cls"):
            return None
        methods = (one for one in within.body if isinstance(one, FunctionNode))
        return next((one for one in methods if one.name == getattr(func, "attr", "")), None)

    def decorated_by(self, decorator: ast.expr) -> None:
        """What a decorator of the same module does around the view: its wrapper is read."""
        target = self._helper(_called(decorator))
        if target is None:
            return
        self.found.helpers[target.name] = None
        below = Reader(self.module, self.found, Place(target, None, ()), ALWAYS, 1)
        below.local.update(self.local)
        below.enter(target)
        below.wraps = True
        below.block(target.body)
        # What the view answers itself is unknown here, and so is the wrapper.
        self.returns += [one for one in below.returns if one.kind != "unknown"]

    _STATEMENTS: ClassVar[dict[type[ast.stmt], Any]] = {
        ast.Import: _import,
        ast.ImportFrom: _import,
        ast.Expr: _expression,
        ast.Assign: _assign,
        ast.AnnAssign: _assign,
        ast.AugAssign: _augment,
        ast.Delete: _delete,
        ast.Return: _return,
        ast.Raise: _raise,
        ast.If: _if,
        ast.Match: _match,
        ast.For: _for,
        ast.AsyncFor: _for,
        ast.With: _with,
        ast.AsyncWith: _with,
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
    }
