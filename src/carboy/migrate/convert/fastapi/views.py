"""What differs in a view when nothing of Carboy's may be left.

`url_for` and `render_template` need the request; Flask's session is Starlette's, a plain dict;
`current_app`, `flash`, class views and every extension of Flask's keep a view from leaving.
"""

from __future__ import annotations

import dataclasses

import libcst as cst

from carboy.fastapi import FastAPI
from carboy.migrate.convert.contexts import TABLES as APP
from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.fastapi.config import loggers, settings
from carboy.migrate.convert.fastapi.foreign import is_foreign
from carboy.migrate.convert.fastapi.provided import application, templating
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.libraries.objects import assigned
from carboy.migrate.convert.rewriting import Rewriter
from carboy.migrate.convert.text import Arguments, code, expression, text_of, walk

TABLES = dataclasses.replace(
    APP, calls=dict(APP.calls), values=dict(APP.values), members=dict(APP.members)
)
#: What a person is told of a name that has no equal.
_WHY = {
    "flask.current_app": "current_app",
    "flask.flash": "flash()",
    "flask.get_flashed_messages": "flashed messages",
    "flask.render_template_string": "render_template_string()",
    "flask.send_file": "send_file(): return starlette's FileResponse",
    "flask.send_from_directory": "send_from_directory(): mount StaticFiles",
}
_OF_A_DICT = ("get", "pop", "setdefault", "update", "clear", "keys", "values", "items")


def look_at_view(draft: Draft) -> None:
    """Say what keeps the view, beside its expressions."""
    if draft.view.owner.resources is not None:
        draft.keep("it is a resource of Flask-RESTX, which needs Flask")
    elif draft.view.cls is not None:
        draft.keep("it is a method of a class, which FastAPI does not route to")
    for decorator in draft.view.function.decorators:
        node = decorator.decorator
        func = node.func if isinstance(node, cst.Call) else node
        meaning = draft.source.meaning(func) or ""
        if is_foreign(draft.found.project, meaning):
            draft.keep(f"@{code(func)} is of {meaning.partition('.')[0]}, which needs Flask")
    ask_application(draft)


def ask_application(draft: Draft) -> None:
    """Configuration and logger, of `app`, `current_app`, or the request's application."""
    request = next((one for one in draft.parameters), None)

    def is_app(node: cst.BaseExpression) -> bool:
        if draft.meaning(node) == "flask.current_app" or code(node) == f"{request}.app":
            return True
        owner = draft.found.owner(draft.source, node)
        return owner is not None and owner.blueprint is None and draft.meaning(node) is not None

    body = draft.view.function.body
    for asked in loggers(body, is_app):
        draft.replacements[asked] = logger(draft.found, draft.need("", "logging"))
    for setting, new in settings(body, is_app):
        text = code(new)
        for proxy in ("flask.current_app", "current_app"):
            if text.startswith(f"{proxy}."):
                text = f"{draft.request()}.app{text.removeprefix(proxy)}"
        draft.replacements[setting] = expression(text)
    for node in walk(body):
        known = isinstance(node, cst.Attribute) and code(node.value) == f"{request}.app"
        if known and isinstance(node, cst.Attribute) and not hasattr(FastAPI, node.attr.value):
            uses = [one for old in draft.replacements for one in walk(old)]
            if node.attr.value != "state" and node not in uses:
                draft.keep(f"it uses {code(node)}, which FastAPI has not")


def logger(found: Found, logging: str) -> cst.BaseExpression:
    """The logger that Flask would have made."""
    owner = application(found)
    name = owner.source.name if owner is not None else ""
    return expression(f'{logging}.getLogger("{name}")')


def look_at_name(draft: Draft, node: cst.CSTNode) -> bool:
    """Whether a name that nothing is written for keeps the view, and why."""
    if not isinstance(node, cst.Name | cst.Attribute):
        return False
    meaning = draft.meaning(node)
    if meaning is None:
        return False
    if meaning.startswith("flask.session."):
        if meaning.split(".")[2] not in _OF_A_DICT:
            draft.keep(f"it uses {meaning.removeprefix('flask.')}, which a plain dict has not")
        return False
    if isinstance(node, cst.Attribute) and _is_known(draft.meaning(node.value) or ""):
        return False
    if any(one in draft.replacements for one in walk(node)):
        return False
    if is_foreign(draft.found.project, meaning) and "." in meaning:
        why = next((text for name, text in _WHY.items() if _within(meaning, name)), None)
        draft.use(meaning.removeprefix("flask."))
        draft.keep(f"it uses {why or meaning}, which has no equal in FastAPI")
        return True
    place = draft.found.project.owner(meaning)
    made = assigned(*place) if place is not None else None
    if place is not None and isinstance(made, cst.Call):
        kind = place[0].meaning(made.func) or ""
        if is_foreign(draft.found.project, kind) and kind not in ("flask.Flask", "flask.Blueprint"):
            draft.keep(f"it uses {code(node)}, of {kind.partition('.')[0]}, which needs Flask")
            return True
    owner = draft.found.owner(draft.source, node)
    if owner is not None:
        draft.keep(f"it uses {code(node)}, the application, itself")
        return True
    return False


def _is_known(meaning: str) -> bool:
    """Whether a name, or what it is an attribute of, is written otherwise."""
    parts = meaning.split(".")
    return any(".".join(parts[:end]) in TABLES.values for end in range(1, len(parts) + 1))


def _within(meaning: str, name: str) -> bool:
    return meaning == name or meaning.startswith(f"{name}.")


def _url_for(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    """`kept.url_for(request, "shop.item", id=1)`."""
    given = Arguments(node.args)
    name = text_of(given.get(0, "endpoint"))
    special = {one for one in given.named if one.startswith("_")} - {"_anchor", "_external"}
    if name is None or not given.is_plain or special or len(given.positional) != 1:
        draft.keep("it calls url_for() in a way that can't be followed")
        return None
    if name.startswith("."):
        name = f"{draft.view.owner.blueprint}{name}" if draft.view.owner.blueprint else name[1:]
    draft.use("url_for")
    if name not in _known(draft.found):
        draft.keep(f"it asks for the URL of {name!r}, and no such view was found")
    values = "".join(f", {key}={_value(draft, one)}" for key, one in given.named.items())
    return expression(f'{draft.kept("url_for")}({draft.request()}, "{name}"{values})')


def _known(found: Found) -> set[str]:
    """Names of routes, of either kind."""
    names = {view.endpoint for view in found.views} | {"static"}
    for route in found.typed:
        names.add(route.function.name.value)
        for one in route.function.decorators:
            if isinstance(one.decorator, cst.Call):
                names.add(text_of(Arguments(one.decorator.args).named.get("name")) or "")
    return names


def _render_template(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    """`templates.get_template("x.html").render(request=request, ...)`."""
    given = Arguments(node.args)
    name = given.get(0)
    if name is None or text_of(name) is None or len(given.positional) != 1 or not given.is_plain:
        draft.keep("it calls render_template() in a way that can't be followed")
        return None
    draft.use("render_template")
    templates = draft.need(*templating(draft.found))
    values = "".join(f", {key}={_value(draft, one)}" for key, one in given.named.items())
    values = values if "request" in given.named else f", request={draft.request()}{values}"
    return expression(f"{templates}.get_template({code(name)}).render({values[2:]})")


def _value(draft: Draft, node: cst.BaseExpression) -> str:
    """The source of an argument, rewritten like any other expression."""
    new = node.visit(Names(draft))
    assert isinstance(new, cst.BaseExpression)
    return code(new)


class Names(Rewriter):
    """The rewriter of expressions, where no view is made anew."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft, TABLES)

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Whether to look below `node`."""
        below = super().on_visit(node)
        return below and not look_at_name(self.draft, node)


TABLES.calls["flask.url_for"] = _url_for
TABLES.calls["flask.render_template"] = _render_template
del TABLES.values["flask.current_app"]
del TABLES.calls["flask.current_app._get_current_object"]
