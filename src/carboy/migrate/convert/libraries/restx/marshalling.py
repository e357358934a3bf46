"""`@ns.marshal_with(model)` as a response model, or left where it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from carboy.migrate.convert.draft import Draft, names_in
from carboy.migrate.convert.libraries.restx.models import Model, is_list, is_written, model_of
from carboy.migrate.convert.text import Arguments, children, code, literal, own_nodes, text_of

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits

_OPTIONS = {"as_list", "code", "description", "envelope"}


def to_response_model(draft: Draft, decorator: cst.Decorator) -> bool:
    """Give the route a response model in the decorator's place; False where that can't be."""
    call = decorator.decorator
    if not (isinstance(call, cst.Call) and len(_marshals(draft)) == 1):
        return False
    given = Arguments(call.args)
    fields = given.get(0, "fields")
    envelope = text_of(given.named.get("envelope"))
    if fields is None or len(given.positional) > 1 or not given.is_plain:
        return False
    if set(given.named) - _OPTIONS or ("envelope" in given.named and envelope is None):
        return False
    model = model_of(draft.found, draft.source, fields)
    returns = [one for one in own_nodes(draft.view.function.body) if isinstance(one, cst.Return)]
    status = _status(returns)
    if model is None or status is None or not _ends_with_return(draft):
        return False
    many = [is_list(draft, _value(one)) for one in returns]
    says_list = "marshal_list_with" in code(call.func) or "as_list" in given.named
    if (says_list or any(many)) and not all(many):
        return False
    typed = _name(draft, model)
    typed = f"list[{typed}]" if all(many) else typed
    draft.options["response_model"] = f"dict[str, {typed}]" if envelope else typed
    if status != 200:
        draft.options["status_code"] = str(status)
    draft.envelope = envelope
    draft.models.append(model)
    draft.drop_decorator(decorator)
    draft.note("the header X-Fields (a mask) chooses none of its fields any more")
    return True


def _marshals(draft: Draft) -> list[cst.Decorator]:
    return [one for one in draft.view.function.decorators if "marshal" in code(one.decorator)]


def _name(draft: Draft, model: Model) -> str:
    if model.source is draft.source:
        return model.class_name
    return draft.need(model.source.name, model.class_name)


def _value(node: cst.Return) -> cst.BaseExpression:
    if isinstance(node.value, cst.Tuple):
        return node.value.elements[0].value
    return node.value or cst.Name("None")


def _status(returns: list[cst.Return]) -> int | None:
    """The status of all returns; None where they differ, or say more, or return nothing."""
    found: set[int | None] = set()
    for one in returns:
        value = one.value
        if value is None or code(value) == "None":
            return None
        if not isinstance(value, cst.Tuple):
            found.add(200)
            continue
        parts = [part.value for part in value.elements]
        status = literal(parts[1], None) if len(parts) == 2 else None
        found.add(status if isinstance(status, int) else None)
    return found.pop() if len(found) == 1 else None


def _ends_with_return(draft: Draft) -> bool:
    """Whether no end of the method is reached without one: the last statement is a return."""
    body = draft.view.function.body
    last = body.body[-1] if isinstance(body, cst.IndentedBlock) else None
    return isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], cst.Return)


def bare(draft: Draft, original: cst.Return, updated: cst.Return) -> cst.Return:
    """A return whose status and model are the route's."""
    value = updated.value
    if isinstance(original.value, cst.Tuple) and isinstance(value, cst.Tuple):
        value = value.elements[0].value
    assert value is not None
    if draft.envelope:
        quoted = cst.SimpleString(f'"{draft.envelope}"')
        value = cst.Dict([cst.DictElement(quoted, value)])
    return updated.with_changes(value=value)


def write_models(edits: Edits) -> None:
    """The classes that converted methods answer with, below their models or in their place."""
    wanted: dict[str, Model] = {}
    for model in edits.found.resources.wanted:
        _collect(model, edits, wanted)
    gone = _unused(edits, wanted)
    for name, model in wanted.items():
        if is_written(model.source, model.class_name):
            continue
        text = model.text.replace("{resources}", edits.need("carboy", "resources"))
        if "{Field}" in text:
            text = text.replace("{Field}", edits.need("pydantic", "Field"))
        edits.after.setdefault(model.call, []).append(text)
        if name in gone:
            edits.removed.add(model.call)
            edits.unneeded |= names_in(model.call)


def _collect(model: Model, edits: Edits, wanted: dict[str, Model]) -> None:
    for one in (*model.nested, model):
        if one.source is edits.source and one.name not in wanted:
            if one is not model:
                _collect(one, edits, wanted)
            wanted[one.name] = one


def _unused(edits: Edits, wanted: dict[str, Model]) -> set[str]:
    """Models that nobody asks for any more."""
    dropped = {
        id(decorator)
        for draft in edits.drafts
        if not draft.reasons
        for decorator in draft.dropped_decorators
    }
    gone: set[str] = set()
    for name in reversed(wanted):
        skipped = {id(wanted[one].call) for one in gone} | dropped
        elsewhere = any(
            name in source.imports or f".{name}" in source.text
            for source in edits.found.project.sources.values()
            if source is not edits.source
        )
        word = re.compile(rf"\b{name}\b")
        expected = any(word.search(draft.expected or "") for draft in edits.drafts)
        if not (elsewhere or expected) and _uses(edits.source.tree, name, skipped) == 1:
            gone.add(name)
    return gone


def _uses(node: cst.CSTNode, name: str, skipped: set[int]) -> int:
    """How often a name stands in a module, its assignment too."""
    if id(node) in skipped:
        return 0
    if isinstance(node, cst.Name):
        return node.value == name
    if isinstance(node, cst.Attribute):
        return _uses(node.value, name, skipped)
    return sum(_uses(child, name, skipped) for child in children(node))
