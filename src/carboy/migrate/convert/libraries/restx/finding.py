"""Apis, Namespaces and Resources of a project.

A Namespace is an Owner whose outer one is what its Api stands on, an application or a blueprint;
`@api.route` is the Api's own, without a path. What can't be followed is the owner's `reason`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import libcst as cst

from carboy.migrate.convert.called import methods_of
from carboy.migrate.convert.found import Found, Owner, Registration, Rule, View, read_rule
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import Arguments, code, dotted, text_of, walk

_API, _NAMESPACE = "flask_restx.Api", "flask_restx.Namespace"
#: Options of an Api that say how things are described, not what is answered.
_WORDS = {"version", "title", "description", "terms_url", "license", "license_url", "contact"}
_WORDS |= {"contact_url", "contact_email", "authorizations", "security", "doc", "tags", "prefix"}
_WORDS |= {"default_label", "default_swagger_filename", "catch_all_404s", "format_checker"}
_HANDLERS = ("errorhandler", "app_errorhandler", "register_error_handler")
_NAMED = {"description", "path", "authorizations", "name"}


@dataclass(eq=False)
class Api:
    """`api = Api(app or blueprint, ...)`."""

    source: Source
    name: str
    call: cst.Call
    #: What it stands on, as its module writes that, and what that is.
    on: cst.BaseExpression | None
    outer: Owner | None
    prefix: str = ""
    reason: str | None = None


class Resources:
    """All of a project's."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self.apis: dict[tuple[str, str], Api] = {}
        self.namespaces: dict[tuple[str, str], Owner] = {}
        #: Models that converted methods answer with.
        self.wanted: list[Any] = []
        used = [one for one in found.project.relevant if "flask_restx" in one.text]
        for source in used:
            for name, call in _made(source):
                if source.meaning(call.func) == _API:
                    self.apis[source.name, name] = self._api(source, name, call)
        for source in used:
            for name, call in _made(source):
                self._namespace(source, name, call)
        for source in used if self.namespaces else ():
            self._registrations(source)
        for owner in self.namespaces.values():
            if not owner.registrations and owner.reason is None:
                owner.reason = "no Api that its Namespace is added to was found"
        #: Exceptions that the application has handlers for, and no Api.
        self.handled = sorted(
            {name for one in found.project.relevant for name in self._handled(one)}
        )
        self.views = [one for source in used for one in self._views(source)]

    def owner(self, source: Source, node: cst.CSTNode) -> Owner | None:
        """The Namespace (or Api, as one) that an expression is."""
        place = self.found.project.owner(source.meaning(node) or "")
        return None if place is None else self.namespaces.get((place[0].name, place[1]))

    def _api(self, source: Source, name: str, call: cst.Call) -> Api:
        given = Arguments(call.args)
        on = given.get(0, "app")
        if isinstance(on, cst.Attribute) and on.attr.value == "flask":
            on = on.value  # the Flask side of an App, which it was bound to by us
        outer = None if on is None else self.found.owner(source, on)
        if on is None:
            on, outer = self._bound(source, name, call)
        prefix = text_of(given.named.get("prefix"))
        api = Api(source, name, call, on, outer, prefix or "")
        odd = sorted(set(given.named) - _WORDS - {"app"})
        if outer is None:
            api.reason = "what its Api is bound to can't be seen"
        elif odd or not given.is_plain or ("prefix" in given.named and prefix is None):
            api.reason = f"its Api has options that can't be moved: {', '.join(odd) or 'prefix'}"
        for node in source.nodes:
            used = _attribute_of(node, name)
            if used in ("representation", "errorhandler", "make_response"):
                api.reason = f"its Api has {used}s of its own"
        return api

    def _bound(
        self, source: Source, name: str, made: cst.Call
    ) -> tuple[cst.BaseExpression | None, Owner | None]:
        """What `api.init_app(...)` binds it to: written as where the Api is made, and the owner."""
        calls = [
            (place, node)
            for place in self.found.project.relevant
            for node in place.nodes
            if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)
            if node.func.attr.value == "init_app"
            if self.found.project.owner(place.meaning(node.func.value) or "") == (source, name)
        ]
        if len(calls) != 1 or len(calls[0][1].args) != 1:
            return None, None
        place, call = calls[0]
        given = call.args[0].value
        if isinstance(given, cst.Attribute) and given.attr.value == "flask":
            given = given.value
        owner = self.found.owner(place, given)
        if owner is None or (place is source and _at_top(source, call)):
            return given, owner
        if owner.blueprint is not None:
            return None, None
        later = Owner(source, name, made, bound=given)
        later.registrations.append(Registration(place, call, None))
        return cst.Name(name), later

    def _namespace(self, source: Source, name: str, call: cst.Call) -> None:
        given = Arguments(call.args)
        known = self.apis.get((source.name, name))
        if known is not None and known.call is call:
            owner = self._owner(source, name, call, known, "")
            owner.registrations.append(Registration(source, call, known.prefix))
            return
        api = None
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == "namespace":
            api = self._api_of(source, call.func.value)
        if api is None and source.meaning(call.func) != _NAMESPACE:
            return
        called = text_of(given.get(0, "name"))
        path = text_of(given.get(2, "path")) if given.get(2, "path") is not None else f"/{called}"
        owner = self._owner(source, name, call, api, f"{called}_")
        owner.prefix = (path or "").rstrip("/")
        if called is None or path is None or set(given.named) - _NAMED or not given.is_plain:
            owner.reason = "its Namespace has options that can't be moved"
        if api is not None:
            owner.registrations.append(Registration(source, call, api.prefix + owner.prefix))

    def _owner(
        self, source: Source, name: str, call: cst.Call, api: Api | None, before: str
    ) -> Owner:
        owner = Owner(source, name, call, resources=before)
        self.namespaces[source.name, name] = owner
        if api is not None:
            self._within(owner, api)
        for node in source.nodes:
            if _attribute_of(node, name) == "errorhandler":
                owner.reason = "its Namespace has error handlers of its own"
        return owner

    def _within(self, owner: Owner, api: Api) -> None:
        owner.outer, owner.on = api.outer, api.on
        owner.blueprint = api.outer.blueprint if api.outer is not None else None
        owner.api = api.name
        reason = api.reason or (api.outer.reason if api.outer is not None else None)
        owner.reason = owner.reason or reason

    def _api_of(self, source: Source, node: cst.CSTNode) -> Api | None:
        place = self.found.project.owner(source.meaning(node) or "")
        return None if place is None else self.apis.get((place[0].name, place[1]))

    def _registrations(self, source: Source) -> None:
        for node in source.nodes:
            if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
                continue
            api = self._api_of(source, node.func.value)
            if node.func.attr.value != "add_namespace" or api is None:
                continue
            given = Arguments(node.args)
            namespace = given.get(0, "ns")
            owner = None if namespace is None else self.owner(source, namespace)
            if owner is None:
                continue
            path = given.get(1, "path")
            prefix = owner.prefix if path is None else text_of(path)
            self._within(owner, api)
            if prefix is None:
                owner.reason = "the path that its Namespace is added with can't be seen"
            if source is not api.source or owner.registrations:
                owner.reason = "its Namespace is added several times, or far from its Api"
            owner.registrations.append(Registration(source, node, api.prefix + (prefix or "")))

    def _handled(self, source: Source) -> Iterator[str]:
        if not self.namespaces or "error" not in source.text:
            return
        for node in source.nodes:
            if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
                continue
            if node.func.attr.value not in _HANDLERS or not node.args:
                continue
            owner, asked = self.found.owner(source, node.func.value), node.args[0].value
            is_page = (source.meaning(asked) or "").startswith("werkzeug.exceptions.")
            is_inner = owner is not None and owner.blueprint and "app_" not in node.func.attr.value
            if owner is not None and dotted(asked) and not is_page and not is_inner:
                yield code(asked)

    def _views(self, source: Source) -> Iterator[View]:
        for node in source.tree.body:
            if not isinstance(node, cst.ClassDef):
                continue
            rules = [one for one in map(self._rule(source), node.decorators) if one is not None]
            if not rules:
                continue
            owner = rules[0][0]
            called = (owner.resources or "") + _dashed(node.name.value)
            problem = _why_not(source, node, [rule for _, rule in rules])
            for method in methods_of(node):
                verb = [method.name.value.upper()]
                own = [replace(rule, methods=verb) for _, rule in rules]
                for rule in own:
                    rule.problem = rule.problem or problem
                yield View(source, owner, method, own, node, called)

    def _rule(self, source: Source) -> Callable[[cst.Decorator], tuple[Owner, Rule] | None]:
        def read(decorator: cst.Decorator) -> tuple[Owner, Rule] | None:
            call = decorator.decorator
            if not (isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)):
                return None
            owner = self.owner(source, call.func.value)
            if call.func.attr.value != "route" or owner is None:
                return None
            given = Arguments(call.args)
            rule = read_rule(call, given)
            rule.source, rule.decorator = source, None
            if len(given.positional) > 1:
                rule.problem = "several rules lead to the class"
            return owner, rule

        return read


def _at_top(source: Source, call: cst.Call) -> bool:
    """Whether a call is made when the module is imported."""
    lines = [one for one in source.tree.body if isinstance(one, cst.SimpleStatementLine)]
    return any(node is call for line in lines for node in walk(line))


def _attribute_of(node: cst.CSTNode, name: str) -> str | None:
    """`errorhandler` for `name.errorhandler`."""
    is_it = isinstance(node, cst.Attribute) and dotted(node.value) == name
    return node.attr.value if is_it and isinstance(node, cst.Attribute) else None


def _why_not(source: Source, node: cst.ClassDef, rules: list[Rule]) -> str | None:
    if [source.meaning(one.value) for one in node.bases] != ["flask_restx.Resource"]:
        return "the class has other bases than Resource"
    if len(rules) > 1:
        return "several rules lead to the class"
    if any(rule.methods is not None for rule in rules):
        return "its rule says which methods it has"
    for one in node.body.body:
        name = one.name.value if isinstance(one, cst.FunctionDef) else ""
        if name in ("__init__", "dispatch_request"):
            return f"the class has {name}"
        if isinstance(one, cst.SimpleStatementLine) and isinstance(one.body[0], cst.Assign):
            target = dotted(one.body[0].targets[0].target)
            value = one.body[0].value
            if target in ("decorators", "methods", "representations", "provide_automatic_options"):
                return f"the class has {target}"
            if target == "method_decorators" and not isinstance(value, cst.List | cst.Tuple):
                return "its method_decorators can't be seen"
    text = code(node)
    if "self.api" in text:
        return "it uses self.api"
    return None


def _dashed(name: str) -> str:
    """`BookList` as `book_list`, as Flask-RESTX names endpoints."""
    first = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", first).lower()


def _made(source: Source) -> Iterator[tuple[str, cst.Call]]:
    """Names at the top of a module, and the calls they are given."""
    for line in source.tree.body:
        if not isinstance(line, cst.SimpleStatementLine):
            continue
        for node in line.body:
            if isinstance(node, cst.Assign) and isinstance(node.value, cst.Call):
                name = dotted(node.targets[0].target)
                if name is not None:
                    yield name, node.value
