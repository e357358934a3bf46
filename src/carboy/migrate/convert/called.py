"""`add_url_rule(...)` calls: rules of functions and of class views that no decorator declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import libcst as cst

from carboy.migrate.convert.text import Arguments, code, dotted, text_of, walk

if TYPE_CHECKING:
    from carboy.migrate.convert.found import Found, Owner, Rule
    from carboy.migrate.convert.project import Project, Source

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


@dataclass(eq=False)
class Called:
    """One such call, and what it leads to."""

    owner: Owner
    rule: Rule
    #: Where the function or class is defined.
    source: Source
    function: cst.FunctionDef | None
    cls: cst.ClassDef | None
    #: What Flask calls a class view.
    name: str | None
    #: The function or class as the call's module writes it.
    written: str

    @property
    def is_direct(self) -> bool:
        """Whether the call itself says `Cls.as_view("name")`, and no more."""
        view = Arguments(self.rule.call.args).get(2, "view_func")
        return isinstance(view, cst.Call) and len(view.args) == 1

    def takes(self, verb: str) -> bool:
        """Whether the rule leads requests of that method to a class view."""
        return self.rule.methods is None or verb in self.rule.methods

    def method_rule(self, verb: str) -> Rule:
        """The rule as that of one method."""
        return replace(self.rule, methods=[verb])


def calls_of(found: Found, source: Source) -> Iterator[Called]:
    """The calls in a module whose view is a function or a class of the project."""
    from carboy.migrate.convert.found import read_rule

    for node in source.nodes:
        if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
            continue
        owner = found.owner(source, node.func.value)
        if node.func.attr.value != "add_url_rule" or owner is None:
            continue
        given = Arguments(node.args)
        view = given.get(2, "view_func")
        if view is None:
            continue
        rule = read_rule(node, _without_view(given))
        rule.source = source
        endpoint = given.get(1, "endpoint")
        rule.endpoint = text_of(endpoint)
        if endpoint is not None and rule.endpoint is None:
            rule.problem = "the endpoint is no literal text"
        made = _made(found, source, view)
        if made is not None:
            cls, name, place = made
            yield Called(owner, rule, place, None, cls, name, code(cls.name))
            continue
        place_of = found.project.owner(source.meaning(view) or "")
        function = place_of[0].functions.get(place_of[1]) if place_of else None
        if place_of is not None and function is not None:
            yield Called(owner, rule, place_of[0], function, None, None, code(view))


def _without_view(given: Arguments) -> Arguments:
    rest = Arguments([])
    rest.positional, rest.is_plain = given.positional[:1], given.is_plain
    rest.named = {key: value for key, value in given.named.items() if key != "view_func"}
    return rest


def _made(
    found: Found, source: Source, view: cst.BaseExpression
) -> tuple[cst.ClassDef, str, Source] | None:
    """(class, name, its module) of `Cls.as_view("name")`, or of a name that was given to that."""
    if isinstance(view, cst.Name):
        given = [
            node.value
            for node in source.nodes
            if isinstance(node, cst.Assign) and dotted(node.targets[0].target) == view.value
        ]
        return _made(found, source, given[0]) if len(given) == 1 and _is_as_view(given[0]) else None
    if not _is_as_view(view):
        return None
    assert isinstance(view, cst.Call) and isinstance(view.func, cst.Attribute)
    place = found.project.owner(source.meaning(view.func.value) or "")
    if place is None:
        return None
    name = text_of(Arguments(view.args).get(0, "name"))
    for one in place[0].tree.body:
        if isinstance(one, cst.ClassDef) and one.name.value == place[1] and name is not None:
            return one, name, place[0]
    return None


def _is_as_view(node: cst.BaseExpression) -> bool:
    return (
        isinstance(node, cst.Call)
        and isinstance(node.func, cst.Attribute)
        and node.func.attr.value == "as_view"
    )


def declarations(
    project: Project, source: Source
) -> Iterator[tuple[cst.Call, cst.FunctionDef | cst.ClassDef]]:
    """Calls in a module that functions and classes are decorated with, or that are called with
    one: `app.get("/x")(view)`.
    """
    for node in source.nodes:
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            for decorator in node.decorators:
                if isinstance(decorator.decorator, cst.Call):
                    yield decorator.decorator, node
        elif isinstance(node, cst.Call) and isinstance(node.func, cst.Call) and node.args:
            place = project.owner(source.meaning(node.args[0].value) or "")
            if place is None:
                continue
            for one in place[0].tree.body:
                if isinstance(one, cst.FunctionDef | cst.ClassDef) and one.name.value == place[1]:
                    yield node.func, one


def methods_of(cls: cst.ClassDef) -> list[cst.FunctionDef]:
    """Methods that answer requests."""
    return [
        one
        for one in cls.body.body
        if isinstance(one, cst.FunctionDef) and one.name.value in METHODS
    ]


def why_not(called: list[Called], cls: cst.ClassDef, target: str) -> str | None:
    """Why a class view can't be one of Carboy's, if so."""
    bases = [code(one.value) for one in cls.bases]
    if [base.rpartition(".")[2] for base in bases] != ["MethodView"]:
        return "the class has other bases than MethodView"
    if target != "app":
        return "plain FastAPI has no class views"
    if len(called) != 1:
        return "several rules lead to the class"
    if not called[0].is_direct:
        return "what as_view() makes is put into a variable, or given arguments"
    if any(not called[0].takes(one.name.value.upper()) for one in methods_of(cls)):
        return "its rule leaves out methods that the class has"
    for one in cls.body.body:
        name = one.name.value if isinstance(one, cst.FunctionDef) else ""
        if name in ("__init__", "dispatch_request"):
            return f"the class has {name}"
        if isinstance(one, cst.SimpleStatementLine) and isinstance(one.body[0], cst.Assign):
            target_name = dotted(one.body[0].targets[0].target)
            if target_name in ("decorators", "methods", "provide_automatic_options"):
                return f"the class has {target_name}"
            if target_name == "init_every_request" and _keeps_state(cls):
                return "one instance of the class keeps values from request to request"
    return None


def other_use(found: Found, place: Source, cls: cst.ClassDef) -> str | None:
    """Why a class has to stay what it is: another derives from it, or makes a view of it."""
    made = 0
    for source in found.project.sources.values():
        if cls.name.value not in source.text or cls.name.value not in source.names:
            continue
        for node in source.nodes:
            if isinstance(node, cst.ClassDef):
                bases = [source.meaning(one.value) for one in node.bases]
                places = [found.project.owner(one) for one in bases if one]
                if (place, cls.name.value) in places:
                    return f"{node.name.value} derives from the class"
            elif isinstance(node, cst.Attribute) and node.attr.value == "as_view":
                meaning = source.meaning(node.value) or ""
                made += found.project.owner(meaning) == (place, cls.name.value)
    return "several views are made of the class" if made > 1 else None


def _keeps_state(cls: cst.ClassDef) -> bool:
    return any(
        isinstance(node, cst.AssignTarget) and code(node.target).startswith("self.")
        for node in walk(cls)
    )
