"""One view while it is rewritten.

A Draft holds the function as it is by now, and what the module needs beside it. Steps change
`function` and call the methods here; the first `keep(reason)` means that nothing will be changed,
and the remaining steps only add to the reasons. What a step may count on: names are resolved
through `meaning`, new parameters never shadow a name that the function uses, imports never collide.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import libcst as cst

from carboy.migrate.convert.assigned import first_assignments
from carboy.migrate.convert.found import Found, Rule, View
from carboy.migrate.convert.project import Source, canonical
from carboy.migrate.convert.rules import Path
from carboy.migrate.convert.text import children, walk
from carboy.migrate.report import ViewReport

Need = tuple[str, str]


@dataclass
class Parameter:
    """A parameter that the typed view has and Flask's had not (or had without a type)."""

    annotation: str
    default: str | None = None


@dataclass
class Draft:
    """See the module."""

    found: Found
    view: View
    target: str = "app"
    function: cst.FunctionDef = field(init=False)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    #: Options of the route, name -> source: `response_class`, `status_code`, `error_pages` ...
    options: dict[str, str] = field(default_factory=dict)
    #: Source of decorators that go directly below the routes.
    decorators: list[str] = field(default_factory=list)
    #: A decorator is handed what the view returns, so that this stays Flask's.
    is_wrapped: bool = False
    #: Decorators that look at what the view is called with.
    looked_at: str = ""
    #: Other code is handed responses that the view makes, so that these stay Flask's.
    has_flask_responses: bool = False
    #: Decorators of the original function that a library knows, and those of them that go.
    known_decorators: list[cst.Decorator] = field(default_factory=list)
    dropped_decorators: list[cst.Decorator] = field(default_factory=list)
    #: Returns of what a schema dumps -> whether that is many, and the schemas.
    dumped: dict[cst.Return, bool] = field(default_factory=dict)
    schemas: list[Any] = field(default_factory=list)
    #: Of a method of Flask-RESTX's: decorators that its class has for all, whether its answer is
    #: marshalled, what checks its body, and `abort`s that may be raised.
    class_decorators: list[cst.Decorator] = field(default_factory=list)
    marshals: bool = False
    expected: str | None = None
    models: list[Any] = field(default_factory=list)
    envelope: str | None = None
    aborts: set[cst.Call] = field(default_factory=set)
    #: Source of statements that go above the function, at the top of the module (models).
    above: list[str] = field(default_factory=list)
    imports: dict[Need, str] = field(default_factory=dict)
    #: What nodes of the original function become: by identity, decided by a step, done by the next.
    replacements: dict[cst.CSTNode, cst.BaseExpression] = field(default_factory=dict)
    #: Type of each variable of the path, and (rule, typed path) for every rule.
    path_types: dict[str, str] = field(default_factory=dict)
    paths: list[tuple[Rule, Path]] = field(default_factory=list)
    #: How far the function is indented.
    indent: int = 0
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.function = self.view.function

    @property
    def source(self) -> Source:
        return self.view.source

    @property
    def is_decorated(self) -> bool:
        """Whether decorators declare it: its place in the module is that of its routes."""
        return all(rule.decorator is not None for rule in self.view.rules)

    def keep(self, reason: str) -> None:
        """The view stays Flask's, since `reason` (a clause: "it reads request.environ")."""
        _add(self.reasons, reason)

    def note(self, text: str) -> None:
        """Something the reader should know: what was kept equal by unusual means, or is not
        equal.
        """
        _add(self.notes, text)

    def use(self, name: str) -> None:
        """Say that the view uses `name` of Flask or an extension."""
        _add(self.uses, name)

    def need(self, module: str, name: str) -> str:
        """Import `name` from `module`; what to call it here (another name where that is taken)."""
        known = self.imports.get((module, name))
        if known is None:
            known = self.imports[module, name] = free_import(self.source, module, name)
        return known

    def kept(self, name: str) -> str:
        """`kept.name`, imported: what behaves like Flask and needs nothing but the request."""
        return f"{self.need(*self.found.kept)}.{name}"

    def typed(self, name: str) -> str:
        """A name of the typed face: Query, Depends, Request ..."""
        return self.need("carboy" if self.target == "app" else "fastapi", name)

    def response(self, name: str) -> str:
        """A class of responses: JSONResponse, HTMLResponse ..."""
        face = "carboy.fastapi" if self.target == "app" else "fastapi"
        return self.need(f"{face}.responses", name)

    @cached_property
    def local_names(self) -> set[str]:
        """Names that the original function binds: parameters, targets, functions within it."""
        return bound_in(self.view.function)

    @cached_property
    def assigned(self) -> dict[cst.CSTNode, str]:
        """Value -> the name it is first put into; a parameter in its place may have that name."""
        return first_assignments(self.source, self.view.function)

    @cached_property
    def all_names(self) -> set[str]:
        """Every name in the original function that is one: no attribute, no keyword."""
        return names_in(self.view.function)

    def meaning(self, node: cst.CSTNode) -> str | None:
        """`flask.request.args` for `request.args`; None where the name is a local one."""
        root = node
        while isinstance(root, cst.Attribute):
            root = root.value
        if not isinstance(root, cst.Name) or root.value in self.local_names:
            return None
        return self.source.meaning(node)

    def parameter(
        self, wanted: str, annotation: str, default: str | None = None, *, own: bool = False
    ) -> str:
        """Add a parameter; its name is `wanted` where that is free (or `own`: known to be)."""
        name = wanted if own else identifier(wanted)
        if not own and self.is_taken(name):
            name = f"{name}_"
            while self.is_taken(name):
                name += "_"
        self.parameters[name] = Parameter(annotation, default)
        return name

    def is_taken(self, name: str) -> bool:
        """Whether a parameter of that name would get in somebody's way."""
        return name in self.all_names or name in self.parameters or name in self.source.bound

    def request(self) -> str:
        """The parameter that is the request, as `carboy.Request`."""
        for name, one in self.parameters.items():
            if one.annotation == self.imports.get((self._face, "Request")):
                return name
        annotation = self.typed("Request")
        if "request" in self.local_names:
            return self.parameter("flask_request", annotation)
        return self.parameter("request", annotation, own=True)

    @property
    def _face(self) -> str:
        return "carboy" if self.target == "app" else "fastapi"

    def depends(
        self, wanted: str, type_: str, provider: str, node: cst.CSTNode | None = None
    ) -> str:
        """A parameter filled by a dependency: `wanted: Annotated[type_, Depends(provider)]`.

        Where `node`, which it takes the place of, is put into a variable, it is called like that.
        """
        annotated = self.need("typing", "Annotated")
        annotation = f"{annotated}[{type_}, {self.typed('Depends')}({provider})]"
        for name, one in self.parameters.items():
            if one.annotation == annotation:
                return name
        own = self.assigned.get(node) if node is not None else None
        if own is not None and own not in self.parameters:
            return self.parameter(own, annotation, own=True)
        return self.parameter(wanted, annotation)

    def drop_decorator(self, decorator: cst.Decorator) -> None:
        """Leave `decorator` (of `view.function`) out: a parameter or an option does its work
        now.
        """
        self.known_decorators.append(decorator)
        self.dropped_decorators.append(decorator)

    def replace(self, change: Callable[[], cst.CSTTransformer]) -> None:
        """Run a transformer over the function as it is by now."""
        self.function = cst.ensure_type(self.function.visit(change()), cst.FunctionDef)

    def report(self, line: int) -> ViewReport:
        """What is said of the view."""
        view = self.view
        prefix = view.owner.full_prefix
        return ViewReport(
            module=view.source.name,
            line=line,
            endpoint=view.endpoint,
            blueprint=view.owner.blueprint,
            function=view.name,
            methods=view.methods,
            rules=[prefix + rule.path for rule in view.rules if rule.path is not None],
            uses=sorted(self.uses),
            converts=not self.reasons,
            reasons=list(self.reasons),
            notes=list(self.notes),
        )


def names_in(node: cst.CSTNode) -> set[str]:
    """Names that are looked up or bound in `node`, attributes and keywords left out."""
    found: set[str] = set()
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, cst.Name):
            found.add(one.value)
        elif isinstance(one, cst.Attribute | cst.Arg):
            pending.append(one.value)
        else:
            pending.extend(children(one))
    return found


def identifier(text: str) -> str:
    """A Python name that looks like `text`."""
    name = re.sub(r"\W", "_", text).lower().strip("_") or "value"
    if name[0].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


def free_import(source: Source, module: str, name: str) -> str:
    """What `name` of `module` can be called in `source`."""
    wanted = canonical(f"{module}.{name}" if module else name)
    for local, known in source.imports.items():
        if known == wanted and "." not in local:
            return local
    taken = source.bound | source.names if name in source.imports else source.bound
    if name not in taken:
        return name
    return f"{name}_"


_BINDERS = (
    cst.AssignTarget,
    cst.AnnAssign,
    cst.AugAssign,
    cst.NamedExpr,
    cst.For,
    cst.CompFor,
)


def bound_in(function: cst.FunctionDef) -> set[str]:
    """Names that `function` binds, those of functions within it left out."""
    found = {one.name.value for one in walk(function.params) if isinstance(one, cst.Param)}
    pending: list[cst.CSTNode] = [function.body]
    while pending:
        node = pending.pop()
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            found.add(node.name.value)
            continue
        if isinstance(node, _BINDERS):
            found.update(_targets(node.target))
        elif isinstance(node, cst.AsName):
            found.update(_targets(node.name))
        elif isinstance(node, cst.Import | cst.ImportFrom):
            continue
        pending.extend(children(node))
    return found


def _targets(node: cst.CSTNode) -> set[str]:
    if isinstance(node, cst.Name):
        return {node.value}
    if isinstance(node, cst.Tuple | cst.List):
        return {name for one in node.elements for name in _targets(one.value)}
    if isinstance(node, cst.StarredElement):
        return _targets(node.value)
    return set()


def _add(texts: list[str], text: str) -> None:
    if text not in texts:
        texts.append(text)
