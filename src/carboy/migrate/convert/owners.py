"""Blueprints get a router, and registrations include it.

A blueprint stays, registered beside its router, as long as anything but its views needs it: hooks,
error handlers, templates, a view that is not converted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import libcst as cst

from carboy.migrate.convert.draft import Draft, names_in
from carboy.migrate.convert.found import Found, Owner, View
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import Arguments, children, code, dotted, walk

_ROUTERS = ("carboy.APIRouter", "fastapi.APIRouter")


def _move_up(edits: Edits, begin: str, place: cst.CSTNode) -> None:
    """Have the statement that begins so in `place`'s place, without the comment above it."""
    for node in edits.source.nodes:
        if isinstance(node, cst.SimpleStatementLine):
            text = code(node.body[0])
            if text.startswith(begin):
                edits.removed.add(node.body[0])
                edits.after.setdefault(place, []).append(text)
                return


class Routers:
    """What converted views of blueprints are declared on."""

    def __init__(self, found: Found) -> None:
        self.found = found
        self._names: dict[Owner, str] = {}
        modules = Counter(one.source.name for one in found.owners.values() if one.blueprint)
        for owner in found.owners.values():
            if owner.blueprint is not None:
                self._names[owner] = _router_name(owner, modules[owner.source.name] == 1)
                if not owner.registrations and owner.reason is None:
                    owner.reason = "nothing that registers its blueprint was found"
        for owner in found.resources.namespaces.values():
            outer = owner.outer
            if outer is not None and outer.bound is not None:
                self._names[outer] = f"{outer.name}_router"
        for owner in found.resources.namespaces.values():
            taken = {name for one, name in self._names.items() if one.source is owner.source}
            self._names[owner] = _resources_router(owner, taken)

    def name(self, view: View) -> None:
        """Say how each rule's module calls what the typed route is declared on."""
        for rule in view.rules:
            if view.owner.resources is None and view.owner.blueprint is None:
                rule.router = code(rule.on)
            else:
                assert rule.source is not None
                rule.router = self._renamed(view.owner, rule.on, rule.source)

    def _renamed(self, owner: Owner, node: cst.BaseExpression, source: Source) -> str:
        """`auth.bp` -> `auth.router`, `auth_bp` -> `auth_router`, as `source` calls it."""
        router = self._names[owner]
        if isinstance(node, cst.Attribute):
            return f"{code(node.value)}.{router}"
        local = dotted(node) or owner.name
        if local == owner.name:
            return router if self._is_free(owner, router, source) else f"{local}_router"
        parts = [router if part == owner.name else part for part in local.split("_")]
        if router in parts:
            return "_".join(parts)
        if owner.name in local and owner.resources is None:
            return local.replace(owner.name, router)
        return f"{local}_{router}"

    def _is_free(self, owner: Owner, router: str, source: Source) -> bool:
        """Whether the router may have its own name in a module that imports it."""
        if source is owner.source or owner.resources is not None:
            return True
        if router in source.bound:
            return source.imports.get(router) == f"{owner.source.name}.{router}"
        imported = (self.found.project.owner(one) for one in source.imports.values())
        places = {(place[0].name, place[1]) for place in imported if place is not None}
        owners = {one for one in map(self.found.owners.get, places) if one is not None}
        names = [self._names[one] for one in owners if one in self._names]
        return names.count(router) <= 1

    def declare(self, drafts: Iterable[Draft], edits: dict[str, Edits]) -> None:
        """Routers for the blueprints of `drafts`, and their inclusion where these are
        registered.
        """
        by_owner: dict[Owner, list[Draft]] = {}
        for draft in drafts:
            owner = draft.view.owner
            if owner.blueprint is not None or owner.resources is not None:
                by_owner.setdefault(owner, []).append(draft)
            if owner.outer is not None and owner.outer in self._names:
                by_owner.setdefault(owner.outer, [])
        for owner, some in by_owner.items():
            stays = self._stays(owner, some)
            self._router(owner, edits[owner.source.name], stays)
            rules = [rule for draft in some for rule in draft.view.rules]
            for source in {rule.source for rule in rules if rule.source} - {owner.source}:
                self._import(owner, edits[source.name])
            last = [draft.view.cls for draft in some if draft.source is owner.source][-1:]
            self._include(owner, edits, stays, last[0] if last else None)

    def _stays(self, owner: Owner, drafts: list[Draft]) -> bool:
        """Whether the blueprint is needed for more than what was converted."""
        assert owner.call is not None
        given = Arguments(owner.call.args)
        is_other = owner.resources is not None or owner.bound is not None
        if is_other or set(given.named) - {"url_prefix", "name", "import_name"}:
            return True
        routes = {id(rule.call) for draft in drafts for rule in draft.view.rules}
        registered = {id(one.call) for one in owner.registrations}
        return any(
            self._is_needed(owner, source, source.tree, routes, registered)
            for source in self.found.project.sources.values()
            if source is owner.source or self._is_reached(owner, source)
        )

    def _is_reached(self, owner: Owner, source: Source) -> bool:
        """Whether a module imports the blueprint, or a module by way of which it may be named."""
        project, asked = self.found.project, (owner.source, owner.name)
        is_named = owner.name in source.text
        if not is_named and not source.is_relevant:
            return False
        return any(
            project.owner(meaning) == asked or (is_named and project.find(meaning) is not None)
            for meaning in source.imports.values()
        )

    def _is_needed(
        self, owner: Owner, source: Source, node: cst.CSTNode, routes: set[int], calls: set[int]
    ) -> bool:
        if id(node) in routes or id(node) in calls or node is owner.call:
            return False
        if isinstance(node, cst.Import | cst.ImportFrom | cst.AssignTarget):
            return False
        if isinstance(node, cst.Name | cst.Attribute) and self.found.owner(source, node) is owner:
            return True
        if isinstance(node, cst.Attribute):
            return self._is_needed(owner, source, node.value, routes, calls)
        return any(self._is_needed(owner, source, one, routes, calls) for one in children(node))

    def _router(self, owner: Owner, edits: Edits, stays: bool) -> None:
        """`router = APIRouter(prefix=...)` below the blueprint, or in its place."""
        assert owner.call is not None
        name = self._names[owner]
        told = (
            f"# Hooks and error handlers of {owner.name} hold for routes called "
            f'"{owner.blueprint}. ...", so for these.\n'
        )
        if name in owner.source.bound:
            if not stays:  # the last of its views has been converted
                edits.removed.add(owner.call)
                edits.unneeded |= names_in(owner.call.func)
                _move_up(edits, f"{name} = ", owner.call)
            return
        if owner.resources is not None:
            tags = f'tags=["{owner.resources[:-1]}"], ' if owner.resources else ""
            handlers = f"{edits.need('carboy', 'resources')}.errors_of({owner.name})"
            text = f"{edits.need('carboy', 'APIRouter')}({tags}exception_handlers={handlers})"
            edits.after.setdefault(owner.call, []).append(f"{name} = {text}")
            return
        given_elsewhere = any(one.prefix is not None for one in owner.registrations)
        within = "" if given_elsewhere else (owner.prefix or "").rstrip("/")
        prefix = f'prefix="{within}"' if within else ""
        text = f"{name} = {edits.need(edits.face, 'APIRouter')}({prefix})"
        if stays and edits.target == "app":
            text = told + text
        edits.after.setdefault(owner.call, []).append(text)
        if not stays:
            edits.removed.add(owner.call)
            edits.unneeded |= names_in(owner.call.func)

    def _include(
        self, owner: Owner, edits: dict[str, Edits], stays: bool, last: cst.ClassDef | None
    ) -> None:
        for registration in owner.registrations:
            call = registration.call
            own = edits[registration.source.name]
            if owner.resources is not None:
                self._include_resources(owner, own, call, last)
                continue
            if owner.bound is not None:
                self._include_bound(owner, own, call)
                continue
            assert isinstance(call.func, cst.Attribute)
            given = Arguments(call.args).positional[0]
            router = self._renamed(owner, given, registration.source)
            app = code(call.func.value)
            within = (registration.prefix or "").rstrip("/")
            prefix = f', prefix="{within}"' if within else ""
            text = f"{app}.include_router({router}{prefix})"
            if f"{app}.include_router({router}" in registration.source.text:
                if not stays:
                    own.removed.add(call)
                    _move_up(own, f"{app}.include_router({router}", call)
                    if isinstance(given, cst.Name):
                        own.unneeded.add(given.value)
                continue
            if isinstance(given, cst.Name) and registration.source is not owner.source:
                self._import(owner, own)
                if not stays:
                    own.unneeded.add(given.value)
            own.after.setdefault(call, []).append(text)
            if not stays:
                own.removed.add(call)

    def _include_resources(
        self, owner: Owner, edits: Edits, call: cst.Call, last: cst.ClassDef | None
    ) -> None:
        """A Namespace's router beside it, and its errors told by the Api; below the `last` of
        its resources where all of that is in one module.
        """
        assert owner.on is not None and owner.outer is not None
        is_added = isinstance(call.func, cst.Attribute) and call.func.attr.value == "add_namespace"
        namespace = Arguments(call.args).get(0, "ns") if is_added else cst.Name(owner.name)
        assert namespace is not None
        router = self._renamed(owner, namespace, edits.source)
        outer = code(owner.on)
        if owner.outer.bound is not None:
            outer = self._names[owner.outer]
        elif owner.outer.blueprint is not None:
            outer = self._renamed(owner.outer, owner.on, edits.source)
            if edits.source is not owner.outer.source:
                self._import(owner.outer, edits)
        if f"{outer}.include_router({router}" in edits.source.text:
            return
        if isinstance(namespace, cst.Name) and edits.source is not owner.source:
            self._import(owner, edits)
        prefix = owner.registrations[0].prefix
        options = f', prefix="{prefix}"' if prefix else ""
        resources = edits.need("carboy", "resources")
        is_below = last is not None and edits.source is owner.source
        is_below = is_below and _stands_below(edits.source, call, last)
        after = edits.after.setdefault(last if is_below and last is not None else call, [])
        blank = "\n\n" if is_below and not after else ""
        after.append(f"{blank}{outer}.include_router({router}{options})")
        after.append(f"{resources}.own({owner.api}, {router})")

    def _include_bound(self, owner: Owner, edits: Edits, call: cst.Call) -> None:
        """The router of an Api where that is bound to the application."""
        assert owner.bound is not None
        name = self._names[owner]
        text = f"{code(owner.bound)}.include_router({name})"
        if text in edits.source.text:
            return
        after = edits.after.setdefault(call, [])
        if edits.source is not owner.source:
            if _is_imported(edits.source, call):
                name = edits.need(owner.source.name, name)
            else:  # within a function, as the Api is: it may need this module
                after.append(f"from {owner.source.name} import {name}")
        after.append(f"{code(owner.bound)}.include_router({name})")

    def _import(self, owner: Owner, edits: Edits) -> None:
        """Import the router wherever the blueprint is imported by name."""
        router = self._names[owner]
        for node in edits.source.nodes:
            if not isinstance(node, cst.ImportFrom) or isinstance(node.names, cst.ImportStar):
                continue
            for alias in node.names:
                local = alias.asname.name if alias.asname is not None else alias.name
                place = self.found.owner(edits.source, local)
                place = place or self.found.resources.owner(edits.source, local)
                if place is not owner or dotted(alias.name) != owner.name:
                    continue
                called = self._renamed(owner, cst.Name(dotted(local) or ""), edits.source)
                if called in edits.source.imports:
                    return
                name = cst.Name(router)
                asname = None if called == router else cst.AsName(name=cst.Name(called))
                new = cst.ImportAlias(name=name, asname=asname)
                if asname is not None:
                    new = new.with_changes(asname=_spaced(asname))
                known = cst.ensure_type(edits.replaced.get(node, node), cst.ImportFrom)
                edits.replaced[node] = _with_alias(known, new)
                edits.unneeded.add(dotted(local) or "")
                return


def _spaced(asname: cst.AsName) -> cst.AsName:
    space = cst.SimpleWhitespace(" ")
    return asname.with_changes(whitespace_before_as=space, whitespace_after_as=space)


def _with_alias(node: cst.ImportFrom, new: cst.ImportAlias) -> cst.ImportFrom:
    assert not isinstance(node.names, cst.ImportStar)
    *before, last = node.names
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return node.with_changes(
        names=[*before, last.with_changes(comma=comma), new.with_changes(comma=last.comma)]
    )


def _router_name(owner: Owner, is_only: bool) -> str:
    """`router`; one for each where a module has several blueprints."""
    for wanted in ("router", f"{owner.name}_router")[0 if is_only else 1 :]:
        if wanted not in owner.source.bound or _is_router(owner, wanted):
            return wanted
    return f"{owner.name}_routes"


def _is_imported(source: Source, call: cst.Call) -> bool:
    """Whether whose method is called is imported at the top of the module."""
    name = (dotted(call.func) or "").partition(".")[0]
    lines = [one for one in source.tree.body if isinstance(one, cst.SimpleStatementLine)]
    return any(
        name in (alias.evaluated_alias or alias.evaluated_name)
        for line in lines
        for node in line.body
        if isinstance(node, cst.Import | cst.ImportFrom)
        for alias in (() if isinstance(node.names, cst.ImportStar) else node.names)
    )


def _stands_below(source: Source, call: cst.Call, cls: cst.ClassDef | None) -> bool:
    """Whether a class stands below the statement of a call."""
    for statement in source.tree.body:
        if statement is cls:
            return False
        if any(node is call for node in walk(statement)):
            return True
    return False


def _resources_router(owner: Owner, taken: set[str]) -> str:
    """The name of a Namespace's router: the one that asks it for errors, or a free one."""
    for node in owner.source.nodes:
        if isinstance(node, cst.Assign) and f"errors_of({owner.name})" in code(node.value):
            return dotted(node.targets[0].target) or "router"
    names = ("router", f"{owner.name}_router", f"{owner.name}_routes")
    return next(one for one in names if one not in owner.source.bound and one not in taken)


def _is_router(owner: Owner, name: str) -> bool:
    """Whether the name is that of a router which was put below the blueprint."""
    for node in owner.source.nodes:
        if not isinstance(node, cst.Module | cst.IndentedBlock):
            continue
        for above, below in pairwise(node.body):
            if not isinstance(below, cst.SimpleStatementLine) or owner.call is None:
                continue
            made = below.body[0]
            if not isinstance(made, cst.Assign) or dotted(made.targets[0].target) != name:
                continue
            meaning = owner.source.meaning(getattr(made.value, "func", made.value))
            return meaning in _ROUTERS and any(one is owner.call for one in walk(above))
    return False
