"""What a whole file declares: imports, applications and blueprints, rules, hooks, classes, calls.

For files that are not imported, because they can't be or should not be. Factories are read too:
imports and objects of a function count inside of it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carboy.sources.facts import MISSING, View
from carboy.sources.imports import Imported, imports_of
from carboy.sources.modules import FunctionNode, Module, Place, first_line, imported, parse
from carboy.sources.reading import read
from carboy.sources.values import literal, text_of

VERBS = frozenset(("get", "post", "put", "patch", "delete", "head", "options", "websocket"))
#: Decorators of applications, blueprints and routers that are hooks.
HOOKS = frozenset(
    {
        "before_request",
        "after_request",
        "teardown_request",
        "teardown_appcontext",
        "before_app_request",
        "after_app_request",
        "teardown_app_request",
        "errorhandler",
        "app_errorhandler",
        "context_processor",
        "app_context_processor",
        "template_filter",
        "app_template_filter",
        "template_global",
        "template_test",
        "url_value_preprocessor",
        "url_defaults",
        "app_url_value_preprocessor",
        "app_url_defaults",
        "on_event",
        "shell_context_processor",
        "before_first_request",
        "before_app_first_request",
        "user_loader",
        "request_loader",
        "exception_handler",
        "middleware",
    }
)
_OWNERS = ("Flask()", "Blueprint()", "FastAPI()", "APIRouter()", "App()", "APIFlask()")


@dataclass(frozen=True)
class Named:
    """A dotted name that is used, from an import on: ``flask.json.dumps``."""

    name: str
    line: int


@dataclass(frozen=True)
class Call:
    """A call of a dotted name, with the arguments that are literals."""

    name: str
    line: int
    positional: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """A variable that a call was assigned to: ``bp = Blueprint("auth", __name__)``."""

    variable: str
    call: Call


@dataclass(frozen=True)
class Rule:
    """A route: who owns it, its text, methods (empty: not said), and the view that answers."""

    owner: str
    maker: str
    verb: str
    text: str | None
    methods: tuple[str, ...]
    endpoint: str | None
    view: View


@dataclass(frozen=True)
class Hook:
    """A function that is registered with a decorator such as ``@app.before_request``."""

    owner: str
    kind: str
    function: str
    line: int
    is_async: bool


@dataclass(frozen=True)
class Class:
    """A class: its bases by name, its methods and attributes by line.

    `texts` are the first literal arguments of its decorators: ``@ns.route("/books")``.
    """

    name: str
    bases: tuple[str, ...]
    members: Mapping[str, int]
    line: int
    end: int = 0
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModuleFacts:
    """What one file declares; `error` where it can't be read."""

    file: str
    error: str = ""
    imports: tuple[Imported, ...] = ()
    names: tuple[Named, ...] = ()
    calls: tuple[Call, ...] = ()
    made: tuple[Made, ...] = ()
    rules: tuple[Rule, ...] = ()
    hooks: tuple[Hook, ...] = ()
    classes: tuple[Class, ...] = ()
    #: Attributes that are assigned: ``app.wsgi_app = ...``; ``?.name`` of what is not known.
    assigned: tuple[Named, ...] = ()


def read_module(file: str | Path, text: str | None = None) -> ModuleFacts:
    """Read a file, or `text` in its place."""
    file = str(file)
    try:
        source = Path(file).read_text(encoding="utf-8-sig") if text is None else text
        module = parse(source, file)
        reader = _File(module)
        reader.block(module.tree.body, {}, ())
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        return ModuleFacts(file, f"{type(error).__name__}: {error}")
    return ModuleFacts(
        file,
        imports=tuple(imports_of(module.tree.body)),
        names=tuple(reader.names),
        calls=tuple(reader.calls),
        made=tuple(reader.made),
        rules=tuple(reader.rules),
        hooks=tuple(reader.hooks),
        classes=tuple(reader.classes),
        assigned=tuple(reader.assigned),
    )


class _File:
    """A walk through a file, with the names of the functions around."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names: list[Named] = []
        self.calls: list[Call] = []
        self.made: list[Made] = []
        self.rules: list[Rule] = []
        self.hooks: list[Hook] = []
        self.classes: list[Class] = []
        self.assigned: list[Named] = []

    def block(self, body: list[ast.stmt], local: dict[str, str], outer: tuple[Any, ...]) -> None:
        for statement in body:
            local.update(imported(statement))
            if isinstance(statement, FunctionNode):
                self._function(statement, local, outer)
            elif isinstance(statement, ast.ClassDef):
                self._class(statement, local, outer)
            else:
                self._statement(statement, local, outer)

    def _statement(
        self, statement: ast.stmt, local: dict[str, str], outer: tuple[Any, ...]
    ) -> None:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(
            statement.value, ast.Call
        ):
            self._assigned(statement, statement.value, local)
        if isinstance(statement, ast.Expr):
            self._called_with(statement.value, local, outer)
        for target in _targets(statement):
            if isinstance(target, ast.Attribute):
                owner = self.module.dotted(target.value, local) or "?"
                self.assigned.append(Named(f"{owner}.{target.attr}", target.lineno))
        for _, part in ast.iter_fields(statement):
            for one in part if isinstance(part, list) else [part]:
                if isinstance(one, ast.stmt):
                    self.block([one], local, outer)
                elif isinstance(one, ast.ExceptHandler | ast.match_case):
                    self.block(one.body, local, outer)
                elif isinstance(one, ast.AST):
                    self._expressions(one, local)

    def _assigned(
        self, statement: ast.Assign | ast.AnnAssign, call: ast.Call, local: dict[str, str]
    ) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        made = self.module.dotted(call, local)
        for target in targets:
            if isinstance(target, ast.Name) and made is not None:
                local[target.id] = made
                self.made.append(Made(target.id, self._call(call, made.removesuffix("()"))))

    def _function(self, node: FunctionNode, local: dict[str, str], outer: tuple[Any, ...]) -> None:
        for decorator in node.decorator_list:
            self._decorator(decorator, node, local, outer)
            self._expressions(decorator, local)
        for part in (node.args, node.returns):
            if part is not None:
                self._expressions(part, local)
        self.block(node.body, dict(local), (*outer, node))

    def _class(self, node: ast.ClassDef, local: dict[str, str], outer: tuple[Any, ...]) -> None:
        for one in (*node.decorator_list, *node.bases, *(word.value for word in node.keywords)):
            self._expressions(one, local)
        members: dict[str, int] = {}
        for statement in node.body:
            if isinstance(statement, FunctionNode):
                members[statement.name] = statement.lineno
            elif isinstance(statement, ast.Assign):
                members |= {
                    one.id: one.lineno for one in statement.targets if isinstance(one, ast.Name)
                }
        bases = tuple(self.module.dotted(one, local) or ast.unparse(one) for one in node.bases)
        calls = [one for one in node.decorator_list if isinstance(one, ast.Call) and one.args]
        texts = tuple(text for one in calls if (text := text_of(one.args[0])) is not None)
        end = node.end_lineno or node.lineno
        self.classes.append(Class(node.name, bases, members, node.lineno, end, texts))
        for one in calls:
            self._class_view(one, node, local, outer)
        self.block(node.body, dict(local), outer)

    def _class_view(
        self, call: ast.Call, node: ast.ClassDef, local: dict[str, str], outer: tuple[Any, ...]
    ) -> None:
        """``@app.view("/books")``: methods that are called as verbs are operations."""
        func = call.func
        if not (isinstance(func, ast.Attribute) and func.attr == "view"):
            return
        maker = self.module.dotted(func.value, local) or ast.unparse(func.value)
        for one in node.body:
            is_marked = any(_is_mark(mark) for mark in getattr(one, "decorator_list", ()))
            if isinstance(one, FunctionNode) and one.name in VERBS and not is_marked:
                view = read(self.module, self._place(one, outer))
                text, name = text_of(call.args[0]), f"{node.name}.{one.name}"
                rule = Rule(ast.unparse(func.value), maker, one.name, text, (), name, view)
                self.rules.append(rule)

    def _called_with(self, node: ast.expr, local: dict[str, str], outer: tuple[Any, ...]) -> None:
        """``app.get("/x")(view)`` and ``app.view("/x")(Cls)`` for a view of this file."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and node.args):
            return
        view = node.args[0]
        for one in self.module.tree.body if isinstance(view, ast.Name) else ():
            if isinstance(one, FunctionNode) and one.name == ast.unparse(view):
                self._decorator(node.func, one, local, outer)
            elif isinstance(one, ast.ClassDef) and one.name == ast.unparse(view):
                self._class_view(node.func, one, local, outer)

    def _decorator(
        self, node: ast.expr, function: FunctionNode, local: dict[str, str], outer: tuple[Any, ...]
    ) -> None:
        called = node.func if isinstance(node, ast.Call) else node
        if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
            return
        owner, verb = called.value.id, called.attr
        maker = self.module.dotted(called.value, local) or owner
        is_async = isinstance(function, ast.AsyncFunctionDef)
        if verb in HOOKS:
            self.hooks.append(Hook(owner, verb, function.name, node.lineno, is_async))
            return
        if not isinstance(node, ast.Call) or not (verb in VERBS or verb in ("route", "api_route")):
            return
        text = text_of(node.args[0]) if node.args else None
        known = maker.endswith(_OWNERS) or _is_mark(node)
        if not known and not (text or "").startswith("/"):
            return  # @cache.get("key"), and whatever else has such a method
        given = {one.arg: literal(one.value) for one in node.keywords if one.arg}
        said = given.get("methods")
        methods = tuple(said) if isinstance(said, tuple | list | set) else ()
        if verb in VERBS:
            methods = (verb.upper(),)
        view = read(self.module, self._place(function, outer))
        endpoint = given.get("endpoint", given.get("name", function.name))
        self.rules.append(Rule(owner, maker, verb, text, methods, endpoint, view))

    def _place(self, node: FunctionNode, outer: tuple[Any, ...]) -> Place:
        return self.module.places.get((node.name, first_line(node))) or Place(node, None, outer)

    def _expressions(self, node: ast.AST, local: Mapping[str, str]) -> None:
        """Calls and dotted names of an expression, the longest of each."""
        if isinstance(node, ast.Call):
            name = self.module.dotted(node.func, local) or _method_of(node.func)
            if name is not None:
                self.calls.append(self._call(node, name))
        elif isinstance(node, ast.Attribute | ast.Name):
            name = self.module.dotted(node, local)
            if name is not None:
                self.names.append(Named(name, node.lineno))
                if "()" not in name:
                    return
        for child in ast.iter_child_nodes(node):
            self._expressions(child, local)

    def _call(self, node: ast.Call, name: str) -> Call:
        return Call(
            name,
            node.lineno,
            tuple(literal(one) for one in node.args),
            {one.arg: literal(one.value) for one in node.keywords if one.arg},
        )


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign | ast.AugAssign) else []


def _is_mark(node: ast.expr) -> bool:
    """``@view.get("/path")`` on a method of a class view."""
    called = node.func if isinstance(node, ast.Call) else node
    return isinstance(called, ast.Attribute) and ast.unparse(called.value) == "view"


def _method_of(func: ast.expr) -> str | None:
    """``?.app.run`` of a method of a variable of which nothing is known."""
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
        return f"?.{func.value.id}.{func.attr}"
    return None


def given(call: Call, name: str, position: int | None = None) -> Any:
    """A literal argument of a call; None where it is not given or no literal."""
    found = call.keywords.get(name, MISSING)
    if found is MISSING and position is not None and position < len(call.positional):
        found = call.positional[position]
    return None if found is MISSING else found
