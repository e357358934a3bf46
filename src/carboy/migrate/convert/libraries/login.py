"""Flask-Login: `current_user` and `@login_required` are a parameter, filled by a dependency.

Who may not come in is answered by the login manager, as before: a redirect with its message, or
401. `login_user` and `logout_user` are functions that stay; whoever reads `current_user` after
calling them would see somebody else in a parameter, and stays Flask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.libraries.objects import objects_of
from carboy.migrate.convert.libraries.providers import provide
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import own_nodes, walk

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits

_CURRENT = {"flask_login.current_user", "flask_login.utils.current_user"}
#: Decorator -> who provides the user then.
_REQUIRED = {
    "flask_login.login_required": "require_user",
    "flask_login.utils.login_required": "require_user",
    "flask_login.fresh_login_required": "require_fresh_user",
    "flask_login.utils.fresh_login_required": "require_fresh_user",
}
_CHANGES = {"login_user", "logout_user", "confirm_login"}


class Login:
    """See the module."""

    packages = frozenset({"flask_login"})

    def view(self, draft: Draft) -> None:
        """Parameters for what the view asks of the library."""
        provider = _required(draft)
        reads = [
            node
            for node in walk(draft.view.function.body)
            if isinstance(node, cst.Name | cst.Attribute) and draft.meaning(node) in _CURRENT
        ]
        if draft.target != "app" and (provider or reads):
            draft.keep("it uses Flask-Login, which needs Flask")
            return
        if reads:
            _replace(draft, reads, provider or "get_user")
        elif provider:
            depends = f"{draft.typed('Depends')}({provide(draft, provider)})"
            draft.options["dependencies"] = f"[{depends}]"

    def module(self, edits: Edits) -> None:
        """Nothing: what is beside the views stays."""


def _required(draft: Draft) -> str | None:
    """The provider that takes the place of a decorator, which is dropped."""
    routes = {id(rule.decorator) for rule in draft.view.rules}
    provider, is_below = None, False
    for decorator in draft.view.function.decorators:
        if id(decorator) in routes:
            if provider:
                draft.keep("login_required stands above a route, which does not ask for it")
            continue
        meaning = draft.meaning(decorator.decorator) or ""
        if meaning not in _REQUIRED:
            is_below = True
            continue
        draft.use(meaning.replace(".utils.", "."))
        draft.drop_decorator(decorator)
        provider = _REQUIRED[meaning]
        if is_below:
            draft.note("who is logged in is asked for before its other decorators run, not after")
    return provider


def _replace(draft: Draft, reads: list[cst.Name | cst.Attribute], provider: str) -> None:
    draft.use("flask_login.current_user")
    inner = {id(one.value) for one in reads if isinstance(one, cst.Attribute)}
    _look_at_changes(draft, reads)
    annotated, depends = draft.need("typing", "Annotated"), draft.typed("Depends")
    # Who is not known is the login manager's anonymous user.
    typed = draft.need("typing", "Any") if provider == "get_user" else _type(draft)
    annotation = f"{annotated}[{typed}, {depends}({provide(draft, provider)})]"
    name = draft.parameter("user", annotation)
    for read in reads:
        if id(read) not in inner:
            draft.replacements[read] = cst.Name(name)
    for node in walk(draft.view.function.body):
        # A proxy is unwrapped by hand where the real object is wanted: it is that already.
        called = node.func if isinstance(node, cst.Call) else None
        unwraps = isinstance(called, cst.Attribute) and called.attr.value == "_get_current_object"
        if unwraps and isinstance(called, cst.Attribute) and called.value in reads:
            draft.replacements[node] = cst.Name(name)


def _look_at_changes(draft: Draft, reads: list[cst.Name | cst.Attribute]) -> None:
    """Whether the user is read after the view has changed who it is."""
    known = set(map(id, reads))
    changed = False
    for node in own_nodes(draft.view.function.body):
        if isinstance(node, cst.Call):
            meaning = draft.meaning(node.func) or ""
            if meaning.startswith("flask_login.") and meaning.rpartition(".")[2] in _CHANGES:
                changed = True
        elif changed and id(node) in known:
            draft.keep("it reads current_user after logging somebody in or out")


def _type(draft: Draft) -> str:
    """The class of users, if the project has one that can be imported."""
    users = objects_of(draft.found).classes("flask_login.User")
    if len(users) != 1:
        return draft.need("typing", "Any")
    source, node = users[0]
    if source is draft.source:
        return node.name.value
    if _imports(source, draft):
        return draft.need("typing", "Any")
    return draft.need(source.name, node.name.value)


def _imports(source: Source, draft: Draft) -> bool:
    """Whether `source` needs the view's module: then that can't import from it."""
    seen: set[str] = set()
    pending = [source]
    while pending:
        one = pending.pop()
        if one.name in seen:
            continue
        seen.add(one.name)
        for name in one.imports.values():
            found = draft.found.project.find(name) or draft.found.project.find(
                name.rpartition(".")[0]
            )
            if found is draft.source:
                return True
            if found is not None:
                pending.append(found)
    return False
