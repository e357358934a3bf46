"""Applications, blueprints and views, as a project's sources declare them.

Nothing is imported and nothing run: an owner is a name that `Flask(...)` or `Blueprint(...)` is
assigned to, a view a function with an owner's route decorators. What was declared in a way that
can't be seen here stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from carboy.migrate.convert.called import Called, calls_of, declarations, methods_of
from carboy.migrate.convert.project import Project, Source
from carboy.migrate.convert.text import Arguments, dotted, literal, text_of

VERBS = ("get", "post", "put", "patch", "delete")
APPS = {"flask.Flask": False, "carboy.App": True, "carboy.app.App": True}
_ROUTE_OPTIONS = {"methods", "endpoint", "defaults", "strict_slashes", "provide_automatic_options"}


@dataclass(eq=False)
class Owner:
    """What views are declared on."""

    source: Source
    name: str
    call: cst.Call | None
    #: The blueprint's name; None for an application.
    blueprint: str | None = None
    prefix: str | None = None
    #: An App already: its `get`, `post` ... are typed.
    is_app_class: bool = False
    #: An APIRouter.
    is_router: bool = False
    registrations: list[Registration] = field(default_factory=list)
    #: Why none of its views can be moved, if so.
    reason: str | None = None
    #: What names of endpoints begin with, for a Namespace of Flask-RESTX: what its Api stands on
    #: is the outer owner, `on` as the Api's module writes it.
    resources: str | None = None
    outer: Owner | None = None
    on: cst.BaseExpression | None = None
    api: str = ""
    #: For an Api that is bound later: the application that init_app() is given, there.
    bound: cst.BaseExpression | None = None

    @property
    def is_application(self) -> bool:
        """A Flask or an App, and none of what is declared on one."""
        return self.blueprint is None and self.resources is None and not self.is_router

    @property
    def is_flask(self) -> bool:
        """An application that is no App yet."""
        return self.is_application and not self.is_app_class

    @property
    def full_prefix(self) -> str:
        """The prefix as requests see it. A blueprint's registration says it anew."""
        if self.resources is not None:
            within = self.registrations[0].prefix if self.registrations else None
            return (self.outer.full_prefix if self.outer else "") + (within or "")
        if self.is_router:
            outer = self.registrations[0].prefix if self.registrations else None
            return (outer or "") + (self.prefix or "")
        return self.given_prefix.rstrip("/")

    @property
    def given_prefix(self) -> str:
        """A blueprint's prefix as it is written."""
        if self.registrations and self.registrations[0].prefix is not None:
            return self.registrations[0].prefix
        return self.prefix or ""

    def joined(self, path: str) -> str:
        """A rule below the prefix, which Flask adds with one slash between them."""
        if self.blueprint is None or self.resources is not None or not self.given_prefix:
            return path
        if path or self.given_prefix.endswith("/"):
            return "/" + path.lstrip("/")
        return path


@dataclass(eq=False)
class Registration:
    """One `app.register_blueprint(bp, ...)`."""

    source: Source
    call: cst.Call
    prefix: str | None


@dataclass(eq=False)
class TypedRoute:
    """A route that is typed already."""

    source: Source
    function: cst.FunctionDef | cst.ClassDef
    path: str
    methods: set[str]


@dataclass
class Rule:
    """One rule of a view. `methods` is None where Flask's default (GET) applies."""

    path: str | None
    methods: list[str] | None
    endpoint: str | None
    defaults: dict[str, object]
    #: `@app.route(...)`, or `app.add_url_rule(...)` where there is no decorator.
    call: cst.Call
    decorator: cst.Decorator | None = None
    problem: str | None = None
    #: Where the call stands, and what the typed route is declared on there.
    source: Source | None = None
    router: str = "app"

    @property
    def on(self) -> cst.BaseExpression:
        """What the rule is declared on."""
        assert isinstance(self.call.func, cst.Attribute)
        return self.call.func.value


@dataclass(eq=False)
class View:
    """A function and the rules that lead to it."""

    source: Source
    owner: Owner
    function: cst.FunctionDef
    rules: list[Rule]
    #: The class that the function is a method of (`get`, `post`), and what Flask calls the view.
    cls: cst.ClassDef | None = None
    called: str | None = None

    @property
    def name(self) -> str:
        return self.function.name.value

    @property
    def endpoint(self) -> str:
        own = next((rule.endpoint for rule in self.rules if rule.endpoint), None)
        own = own or self.called or self.name
        return f"{self.owner.blueprint}.{own}" if self.owner.blueprint else own

    @property
    def methods(self) -> list[str]:
        found: list[str] = []
        for rule in self.rules:
            found += [one for one in rule.methods or ["GET"] if one not in found]
        return found


class Found:
    """Everything that was found in a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        #: Schemas of marshmallow's that converted views dump.
        self.schemas: list[Any] = []
        #: Where `kept` is imported from: (module, name).
        self.kept = ("carboy", "kept")
        self.owners: dict[tuple[str, str], Owner] = {}
        for source in project.relevant:
            for owner in _owners(source):
                self.owners.setdefault((source.name, owner.name), owner)
        for source in project.relevant:
            self._read_registrations(source)
        self.calls = [one for source in project.relevant for one in calls_of(self, source)]
        # A library's package, which imports this module.
        from carboy.migrate.convert.libraries.restx.finding import Resources

        self.resources = Resources(self)
        self.typed = [one for source in project.relevant for one in self._typed(source)]
        # A view that is declared elsewhere may stand in any module.
        places = dict.fromkeys((*project.relevant, *(one.source for one in self.calls)))
        self.views = [view for source in places for view in self._views(source)]
        self.views += self.resources.views

    def owner(self, source: Source, node: cst.CSTNode) -> Owner | None:
        """The application or blueprint that an expression in `source` is."""
        meaning = source.meaning(node)
        if meaning is None:
            return None
        place = self.project.owner(meaning)
        return None if place is None else self.owners.get((place[0].name, place[1]))

    def _read_registrations(self, source: Source) -> None:
        for node in source.nodes:
            if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
                continue
            if node.func.attr.value not in ("register_blueprint", "include_router"):
                continue
            given = Arguments(node.args)
            owner = self.owner(source, given.positional[0]) if given.positional else None
            if owner is None:
                continue
            if owner.is_router:
                prefix = text_of(given.named.get("prefix"))
                owner.registrations.append(Registration(source, node, prefix))
                continue
            extra = set(given.named) - {"url_prefix"}
            prefix = text_of(given.named.get("url_prefix"))
            if extra or not given.is_plain or ("url_prefix" in given.named and prefix is None):
                owner.reason = "its blueprint is registered with options that can't be moved"
            above = self.owner(source, node.func.value)
            if above is not None and above.blueprint is not None:
                owner.reason = "its blueprint is nested in another one"
            owner.registrations.append(Registration(source, node, prefix))
            if len(owner.registrations) > 1:
                owner.reason = "its blueprint is registered more than once"

    def _views(self, source: Source) -> Iterator[View]:
        for node in source.nodes:
            if not isinstance(node, cst.FunctionDef):
                continue
            rules: list[Rule] = []
            owner: Owner | None = None
            for decorator in node.decorators:
                found = self.rule_of(source, decorator)
                if found is not None:
                    owner, rule = found
                    rules.append(rule)
            called = [one for one in self.calls if one.function is node and one.cls is None]
            for one in called:
                if owner is not None and one.owner is not owner:
                    one.rule.problem = "it is declared on several applications or blueprints"
                owner = owner or one.owner
                rules.append(one.rule)
            if owner is not None:
                yield View(source, owner, node, _joined(owner, rules))
        yield from self._methods(source)

    def _methods(self, source: Source) -> Iterator[View]:
        """The methods of class views of this module."""
        classes: dict[int, list[Called]] = {}
        for one in self.calls:
            if one.cls is not None and one.source is source:
                classes.setdefault(id(one.cls), []).append(one)
        for some in classes.values():
            cls = some[0].cls
            assert cls is not None
            for method in methods_of(cls):
                verb = method.name.value.upper()
                rules = [one.method_rule(verb) for one in some if one.takes(verb)]
                if rules:
                    owner = some[0].owner
                    yield View(source, owner, method, _joined(owner, rules), cls, some[0].name)

    def _typed(self, source: Source) -> Iterator[TypedRoute]:
        """Routes that are typed already."""
        for call, node in declarations(self.project, source):
            if not isinstance(call.func, cst.Attribute):
                continue
            verb, owner = call.func.attr.value, self.owner(source, call.func.value)
            given = Arguments(call.args)
            path = text_of(given.get(0, "path"))
            is_typed = owner is not None and (owner.is_router or owner.is_app_class)
            if not is_typed or path is None or verb not in (*VERBS, "api_route", "view"):
                continue
            assert owner is not None
            methods = literal(given.named.get("methods"), [verb.upper()])
            if isinstance(node, cst.ClassDef):
                methods = [one.name.value.upper() for one in methods_of(node)]
            yield TypedRoute(source, node, owner.full_prefix + path, set(methods))

    def rule_of(self, source: Source, decorator: cst.Decorator) -> tuple[Owner, Rule] | None:
        """The rule that a decorator declares, if it is a route of Flask's."""
        call = decorator.decorator
        if not (isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)):
            return None
        verb = call.func.attr.value
        if verb != "route" and verb not in VERBS:
            return None
        owner = self.owner(source, call.func.value)
        if owner is None or owner.is_router or (owner.is_app_class and verb != "route"):
            return None
        rule = read_rule(call, Arguments(call.args), verb)
        rule.decorator, rule.source = decorator, source
        return owner, rule


def _joined(owner: Owner, rules: list[Rule]) -> list[Rule]:
    for rule in rules:
        rule.path = None if rule.path is None else owner.joined(rule.path)
    return rules


def read_rule(call: cst.Call, given: Arguments, verb: str = "route") -> Rule:
    """What the arguments of `route` or `add_url_rule` say."""
    path = text_of(given.get(0, "rule"))
    problem = None if path is not None else "the rule is no literal text"
    methods = [verb.upper()] if verb in VERBS else None
    if "methods" in given.named:
        value = literal(given.named["methods"], None)
        if isinstance(value, list | tuple | set) and all(isinstance(one, str) for one in value):
            methods = [one.upper() for one in value]
            if isinstance(value, set):
                methods.sort()
        else:
            problem = "the methods of the rule can't be seen"
    defaults = literal(given.named.get("defaults"), {})
    if not isinstance(defaults, dict) or ("defaults" in given.named and not defaults):
        defaults, problem = {}, "the defaults of the rule can't be seen"
    unknown = set(given.named) - _ROUTE_OPTIONS - {"rule"}
    if unknown or not given.is_plain:
        problem = f"the route has options that can't be moved: {', '.join(sorted(unknown)) or '*'}"
    if "strict_slashes" in given.named or "provide_automatic_options" in given.named:
        problem = "the route says how slashes or OPTIONS are treated"
    return Rule(
        path, methods, text_of(given.named.get("endpoint")), defaults, call, problem=problem
    )


def _owners(source: Source) -> Iterator[Owner]:
    for node in source.nodes:
        if isinstance(node, cst.Assign) and len(node.targets) == 1:
            target, value = node.targets[0].target, node.value
        elif isinstance(node, cst.AnnAssign) and node.value is not None:
            target, value = node.target, node.value
        else:
            continue
        name = dotted(target)
        if name is None or not isinstance(value, cst.Call):
            continue
        meaning = source.meaning(value.func)
        if meaning in APPS:
            yield Owner(source, name, value, is_app_class=APPS[meaning])
        elif meaning in ("carboy.APIRouter", "fastapi.APIRouter"):
            prefix = text_of(Arguments(value.args).named.get("prefix"))
            yield Owner(source, name, value, prefix=prefix, is_router=True)
        elif meaning == "flask.Blueprint":
            yield _blueprint(source, name, value)


def _blueprint(source: Source, name: str, call: cst.Call) -> Owner:
    given = Arguments(call.args)
    called = text_of(given.get(0, "name"))
    prefix = text_of(given.named.get("url_prefix"))
    owner = Owner(source, name, call, blueprint=called or name, prefix=prefix)
    if called is None or ("url_prefix" in given.named and prefix is None):
        owner.reason = "name or prefix of its blueprint can't be seen"
    if {"subdomain", "url_defaults"} & set(given.named) or len(given.positional) > 2:
        owner.reason = "its blueprint has a subdomain or defaults for URLs"
    return owner
