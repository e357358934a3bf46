"""Expressions of a view: which values of the request they take, and what they stand for.

`look` follows names without noting them, `value` notes them, `consume` is for places where a
whole mapping that arrives is really used as a whole. Statements are reading.py's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, ClassVar

from carboy.sources.answering import answers_of_call, raised_by
from carboy.sources.facts import ALWAYS, MISSING, Abort, Answer, Findings, Guard
from carboy.sources.modules import FunctionNode, Module, canonical
from carboy.sources.values import (
    JSON,
    NOTHING,
    PLACES,
    RAISED,
    Value,
    json_type,
    literal,
    shape_of,
    text_of,
)

#: What converts a text, by its name.
_CONVERTERS = {"int": "int", "float": "float", "uuid.UUID": "UUID", "decimal.Decimal": "Decimal"}
_CONVERTERS |= {"datetime.date.fromisoformat": "date"}
_CONVERTERS |= {"datetime.datetime.fromisoformat": "datetime"}
#: Attributes of the session that are no keys of it, and methods of `g`.
_SESSION = frozenset(("modified", "permanent", "new", "accessed"))
_METHODS = frozenset(("get", "pop", "setdefault"))
_VALIDATES = frozenset(("validate", "validate_on_submit"))
#: Methods for which a WTForms form validates.
SUBMITTED = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_ALL = frozenset(("keys", "values", "items", "lists", "listvalues", "update", "clear"))
#: Packages whose use tells something; the last ones wait where they are called.
_TELLING = frozenset(("sqlalchemy", "wtforms", "marshmallow", "werkzeug"))
_TELLING |= {"requests", "time", "urllib"}


class Expressions:
    """One scope's state, and the reading of its expressions."""

    def __init__(self, module: Module, found: Findings, guard: Guard = ALWAYS) -> None:
        self.module = module
        self.found = found
        self.guard = guard
        #: 0 in the view, 1 in a helper that it calls.
        self.depth = 0
        #: Names of this scope: what they stand for, and those that imports of it brought.
        self.values: dict[str, Value] = {}
        self.local: dict[str, str] = {}

    # -- noting ---------------------------------------------------------------------------------

    def take(self, place: str, key: str, node: ast.AST, **more: Any) -> Value:
        """One value is taken out of a place."""
        read = {"place": place, "key": key, "line": getattr(node, "lineno", 0), **more}
        read["guard"] = self.guard
        self.found.reads.append(read)
        return Value(read=read)

    def whole(self, place: str, node: ast.AST) -> None:
        """A place is used as a whole, or with keys that can't be seen."""
        self.found.whole.setdefault((place, self.guard, self.depth), getattr(node, "lineno", 0))

    def use(self, name: str, detail: str | None, node: ast.AST) -> None:
        """A name of Flask or of an extension is used."""
        self.found.uses.setdefault((name, detail, self.depth), getattr(node, "lineno", 0))

    def note(self, tag: str, node: ast.AST) -> None:
        """Note the use of a dotted name, if it is one that tells something."""
        if tag in PLACES or tag.rpartition(".")[0] in PLACES:
            return
        head, _, rest = tag.partition(".")
        name, _, detail = rest.partition(".")
        if head == "flask":
            # What a function of Flask's gave is nothing to tell; an application is.
            if name and not (name.endswith("()") and name[0].islower()):
                self.use(name, detail or None, node)
        elif head.startswith("flask_") or head in _TELLING:
            self.use(f"{head}.{name}" if name else head, detail or None, node)
        elif ".db.session" in f".{tag}":
            self.use("db.session", None, node)
        elif ".query." in tag:
            self.use("query", tag.partition(".query.")[0].rpartition(".")[2], node)

    # -- reading --------------------------------------------------------------------------------

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for; the name it is, if it is one, is noted."""
        found = self.look(node)
        if found.tag and isinstance(node, ast.Name | ast.Attribute):
            self.note(found.tag, node)
        return found

    def consume(self, node: ast.expr | None) -> Value:
        """`value` of what goes somewhere that can't be followed."""
        if node is None:
            return NOTHING
        found = self.value(node)
        if found.place is not None:
            self.whole(found.place, node)
        return found

    def look(self, node: ast.expr) -> Value:
        """What an expression stands for."""
        reader = self._READERS.get(type(node))
        if reader is not None:
            return reader(self, node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.consume(child)
        return NOTHING

    def _name(self, node: ast.Name) -> Value:
        if node.id in self.values:
            return self.values[node.id]
        dotted = self.module.dotted(node, self.local)
        return NOTHING if dotted is None else Value(dotted)

    def _attribute(self, node: ast.Attribute) -> Value:
        base = self.look(node.value)
        if base.tag is None:
            return NOTHING
        if base.place == "g" and node.attr not in _METHODS:
            return self.take("g", node.attr, node)
        if base.place == "session" and node.attr in _SESSION:
            self.use("session", node.attr, node)
            return NOTHING
        return Value(canonical(f"{base.tag}.{node.attr}"))

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        key = text_of(node.slice)
        if base.place is None:
            self.consume(node.slice)
            return NOTHING
        if key is None:
            self.whole(base.place, node)
            self.consume(node.slice)
            return NOTHING
        return self.take(base.place, key, node, needed=True)

    def _call(self, node: ast.Call) -> Value:
        func = self.look(node.func)
        tag = func.tag or ""
        place, _, method = tag.rpartition(".")
        if place in PLACES:
            return self._call_on(place, method, node)
        if tag == "flask.request.get_json":
            self.use("request", "get_json", node)
            return Value(JSON)
        name = tag or self._bare(node.func)
        if (followed := self.followed(node)) is not None:
            return followed
        values = [self.value(one) for one in node.args]
        if name == "dict" and len(values) == 1 and values[0].place is not None:
            return Value(values[0].tag)
        for one, found in zip(node.args, values, strict=True):
            if found.place is not None:
                self.whole(found.place, one)
        values += [self.consume(one.value) for one in node.keywords]
        if values and values[0].read is not None and name in _CONVERTERS:
            values[0].read.setdefault("kind", _CONVERTERS[name])
        self._note_call(tag, node)
        if (status := raised_by(name, node, RAISED)) is not None:
            self.found.aborts.append(Abort(status, node.lineno, self.guard))
        if method in _VALIDATES and place.endswith("()"):
            self.found.forms.setdefault((place[:-2], self._submitted(method)))
        made = tag or (name if name in self.module.classes else "")
        answers = answers_of_call(name, node, values) or func.answers
        return Value(f"{made}()" if made else None, answers=answers)

    def _submitted(self, method: str) -> Guard:
        return self.guard.and_only(SUBMITTED) if method == "validate_on_submit" else self.guard

    def _note_call(self, tag: str, node: ast.Call) -> None:
        first = text_of(node.args[0]) if node.args else None
        told = ("render_template", "stream_template", "url_for")
        if tag.startswith("flask.") and tag.removeprefix("flask.") in told:
            self.use(tag.removeprefix("flask."), first, node)
        elif tag:
            self.note(tag, node)

    def _bare(self, func: ast.expr) -> str:
        """The name of a builtin or of a method of something unknown."""
        if isinstance(func, ast.Name):
            return "" if func.id in self.values else func.id
        return f"?.{func.attr}" if isinstance(func, ast.Attribute) else ""

    def _call_on(self, tag: str, method: str, node: ast.Call) -> Value:
        """A method of one of the places."""
        place = PLACES[tag]
        given = {one.arg: one.value for one in node.keywords if one.arg}
        key = text_of(node.args[0]) if node.args else text_of(given.get("key"))
        if method in ("to_dict", "copy"):
            return Value(tag)
        if method in (*_METHODS, "getlist", "get_all") and key is not None:
            many = method in ("getlist", "get_all")
            order = ("type",) if many else ("default", "type")
            said = dict(zip(order, node.args[1:], strict=False)) | given
            default, kind = said.get("default"), said.get("type")
            for one in (default, kind):
                self.consume(one)
            more: dict[str, Any] = {"many": many, "default": literal(default)}
            if kind is not None:
                more["kind"] = self.module.dotted(kind, self.local) or ast.unparse(kind)
            if method == "setdefault":
                more["written"] = True
            if method == "pop":
                more["needed"], more["written"] = default is None, True
            return self.take(place, key, node, **more)
        for one in (*node.args, *given.values()):
            self.consume(one)
        if place in ("session", "g"):
            self.use(place, method, node)
        elif method in _ALL or key is None:
            self.whole(place, node)
        return NOTHING

    def followed(self, node: ast.Call) -> Value | None:
        """What a helper function of the module gives; None for others."""
        raise NotImplementedError

    def _compare(self, node: ast.Compare) -> Value:
        sides = [self.value(one) for one in (node.left, *node.comparators)]
        if sides[0].tag == "flask.request.method":
            self.found.methods.update(methods_in(node.comparators[0]))
        elif isinstance(node.ops[0], ast.In | ast.NotIn) and (place := sides[1].place):
            key = text_of(node.left)
            if key is None:
                self.whole(place, node)
            else:
                self.take(place, key, node)
        return NOTHING

    def _merge(self, *nodes: ast.expr) -> Value:
        """What an expression stands for that is one of several."""
        found = [self.value(one) for one in nodes]
        tag = next((one.tag for one in found if one.place), None)
        read = next((one.read for one in found if one.read), None)
        answers = tuple(answer for one in found for answer in one.answers)
        if read is not None and len(nodes) > 1 and read.get("default", MISSING) is MISSING:
            read["default"] = literal(nodes[-1])  # request.args.get("q") or ""
        return Value(tag, read, answers)

    def _bool_op(self, node: ast.BoolOp) -> Value:
        if isinstance(node.op, ast.And):
            for one in node.values[:-1]:
                self.value(one)
            return self.value(node.values[-1])
        return self._merge(*node.values)

    def _if_exp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        found = [self.value(node.body), self.value(node.orelse)]
        tag = next((one.tag for one in found if one.place), None)
        return Value(tag, None, tuple(answer for one in found for answer in one.answers))

    def _dict(self, node: ast.Dict) -> Value:
        for one in (*node.keys, *node.values):
            self.consume(one)
        return Value(answers=(Answer("json", node.lineno, keys=shape_of(node)),))

    def _list(self, node: ast.List) -> Value:
        for one in node.elts:
            self.consume(one)
        return Value(answers=(Answer("json", node.lineno, is_list=True),))

    def _comprehension(self, node: Any) -> Value:
        kept = dict(self.values)
        for one in node.generators:
            self.consume(one.iter)
            self.forget(one.target)
            for test in one.ifs:
                self.value(test)
        for part in ("key", "value", "elt"):
            self.consume(getattr(node, part, None))
        self.values = kept
        if isinstance(node, ast.ListComp):
            return Value(answers=(Answer("json", node.lineno, is_list=True),))
        return Value(answers=(Answer("json", node.lineno),) if hasattr(node, "key") else ())

    def _text(self, node: ast.expr) -> Value:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.consume(child)
        is_text = json_type(node) == "string" or isinstance(getattr(node, "value", 0), bytes)
        if isinstance(node, ast.BinOp):
            is_text = "string" in (json_type(node.left), json_type(node.right))
        return Value(answers=(Answer("html", node.lineno),) if is_text else ())

    def _named(self, node: ast.NamedExpr) -> Value:
        self.values[node.target.id] = found = self.value(node.value)
        return found

    def _lambda(self, node: ast.Lambda) -> Value:
        kept = dict(self.values)
        for one in node.args.args:
            self.values[one.arg] = NOTHING
        self.consume(node.body)
        self.values = kept
        return NOTHING

    def _inner(self, node: Any) -> Value:
        return self.value(node.value)

    def _not(self, node: ast.UnaryOp) -> Value:
        self.value(node.operand)
        return NOTHING

    def forget(self, target: ast.expr) -> None:
        """Names that are bound to something that is not known."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                self.values[node.id] = NOTHING

    _READERS: ClassVar[dict[type[ast.expr], Callable[[Any, Any], Value]]] = {
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Subscript: _subscript,
        ast.Call: _call,
        ast.Compare: _compare,
        ast.BoolOp: _bool_op,
        ast.IfExp: _if_exp,
        ast.Dict: _dict,
        ast.List: _list,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.DictComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.JoinedStr: _text,
        ast.Constant: _text,
        ast.BinOp: _text,
        ast.NamedExpr: _named,
        ast.Lambda: _lambda,
        ast.Await: _inner,
        ast.UnaryOp: _not,
    }


def methods_in(node: ast.expr) -> frozenset[str]:
    """The methods that ``"POST"`` or ``("PUT", "PATCH")`` name."""
    found = literal(node)
    if isinstance(found, str):
        return frozenset((found.upper(),))
    if isinstance(found, tuple | list | set | frozenset):
        return frozenset(one.upper() for one in found if isinstance(one, str))
    return frozenset()


def parameters_of(node: FunctionNode) -> list[str]:
    """Names of all parameters, in order."""
    given = node.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return named + [one.arg for one in (given.vararg, given.kwarg) if one]
