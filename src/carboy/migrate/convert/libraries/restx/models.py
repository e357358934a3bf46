"""`api.model("Book", {...})` as a pydantic model, where every field of it is understood.

`@ns.marshal_with(book_model)` is `response_model=BookModel` then. What can't be said that way
(masks, `skip_none`, wildcards, fields of the application's own) leaves the decorator where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import libcst as cst
from pydantic import BaseModel

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import (
    Arguments,
    children,
    code,
    dotted,
    is_literal,
    own_nodes,
    text_of,
)

#: Class of Flask-RESTX's fields -> its type in `carboy.resources`.
_TYPES = {
    "String": "String", "Integer": "Integer", "Float": "Float", "Boolean": "Boolean",
    "Date": "Date", "DateTime": "DateTime", "Raw": "Raw",
}  # fmt: skip
#: Options that say what is shown, or described; the rest only describes what is sent.
_SHOWN = {"attribute", "default", "description", "example", "title"}
_SENT = {"required", "readonly", "min", "max", "min_length", "max_length", "pattern", "enum"}
_TAKEN = frozenset(dir(BaseModel))


@dataclass
class Model:
    """One model: where it stands, and the class that it becomes."""

    source: Source
    name: str
    call: cst.Call
    class_name: str
    lines: list[str] = field(default_factory=list)
    nested: list[Model] = field(default_factory=list)
    needs_field: bool = False

    @property
    def text(self) -> str:
        """The class, under `resources` as the module calls it."""
        inner = "".join(f"    {line}\n" for line in self.lines)
        return f"\n\nclass {self.class_name}({{resources}}.Marshalled):\n{inner}"


def model_of(found: Found, source: Source, node: cst.CSTNode) -> Model | None:
    """The model that an expression names; None where it can't become a class."""
    place = found.project.owner(source.meaning(node) or "")
    return None if place is None else _read(found, *place, ())


def _read(found: Found, source: Source, name: str, within: tuple[str, ...]) -> Model | None:
    call = _assigned(source, name)
    if call is None or name in within or not isinstance(call.func, cst.Attribute):
        return None
    given = Arguments(call.args)
    is_model = found.resources.owner(source, call.func.value) is not None
    is_model = is_model and call.func.attr.value == "model"
    fields = given.get(1, "model")
    if not is_model or given.count != 2 or not isinstance(fields, cst.Dict):
        return None
    made = Model(source, name, call, _class_name(source, name))
    for element in fields.elements:
        key = text_of(element.key) if isinstance(element, cst.DictElement) else None
        if key is None or not key.isidentifier() or key in _TAKEN or key.startswith("_"):
            return None
        line = _line(found, made, key, element.value, (*within, name))
        if line is None:
            return None
        made.lines.append(line)
    return made if made.lines else None


def _assigned(source: Source, name: str) -> cst.Call | None:
    found = [
        node.value
        for line in source.tree.body
        for node in (line.body if isinstance(line, cst.SimpleStatementLine) else ())
        if isinstance(node, cst.Assign) and dotted(node.targets[0].target) == name
    ]
    return found[0] if len(found) == 1 and isinstance(found[0], cst.Call) else None


def _class_name(source: Source, name: str) -> str:
    """`book_model` as BookModel; the class that is there already has the name, too."""
    wanted = "".join(part[:1].upper() + part[1:] for part in name.split("_")) or "Model"
    while wanted in source.names and not is_written(source, wanted):
        wanted += "Model"
    return wanted


def is_written(source: Source, class_name: str) -> bool:
    """Whether the class is there, from an earlier turn."""
    return any(
        isinstance(one, cst.ClassDef)
        and one.name.value == class_name
        and any(code(base.value).endswith("Marshalled") for base in one.bases)
        for one in source.tree.body
    )


def _line(
    found: Found, made: Model, key: str, node: cst.BaseExpression, within: tuple[str, ...]
) -> str | None:
    """`title: resources.String = None` for one field."""
    given = Arguments(node.args if isinstance(node, cst.Call) else [])
    typed = _typed(found, made, node, within)
    if typed is None or not given.is_plain:
        return None
    options = dict(given.named)
    if set(options) - _SHOWN - _SENT - {"allow_null", "as_list"}:
        return None
    default = options.pop("default", None)
    if default is not None and not is_literal(default):
        return None
    shown = "None" if default is None else code(default)
    said = []
    attribute = options.pop("attribute", None)
    if attribute is not None:
        if text_of(attribute) is None:
            return None
        said.append(f"validation_alias={code(attribute)}")
    words = [name for name in ("title", "description") if name in options]
    said += [f"{name}={code(options[name])}" for name in words]
    if "example" in options:
        said.append(f"examples=[{code(options['example'])}]")
    if not said:
        return f"{key}: {typed} = {shown}"
    made.needs_field = True
    return f"{key}: {typed} = {{Field}}({shown}, {', '.join(said)})"


def _typed(
    found: Found, made: Model, node: cst.BaseExpression, within: tuple[str, ...]
) -> str | None:
    func = node.func if isinstance(node, cst.Call) else node
    given = Arguments(node.args if isinstance(node, cst.Call) else [])
    meaning = made.source.meaning(func) or ""
    kind = meaning.removeprefix("flask_restx.fields.")
    if kind == meaning:
        return None
    if kind in _TYPES:
        return None if given.positional else f"{{resources}}.{_TYPES[kind]}"
    if kind == "Nested" and len(given.positional) == 1:
        place = found.project.owner(made.source.meaning(given.positional[0]) or "")
        nested = _read(found, *place, within) if place is not None else None
        if nested is None or nested.source is not made.source or "default" in given.named:
            return None
        made.nested.append(nested)
        typed = nested.class_name
        if "as_list" in given.named:
            return None if code(given.named["as_list"]) != "True" else f"list[{typed}] | None"
        return f"{typed} | None" if "allow_null" in given.named else typed
    if kind == "List" and len(given.positional) == 1:
        inner = given.positional[0]
        shown = Arguments(inner.args if isinstance(inner, cst.Call) else []).named
        is_nested = code(inner).startswith(("fields.Nested", "Nested"))
        if set(shown) & {"attribute", "default", "allow_null", "as_list"}:
            return None
        typed = _typed(found, made, inner, within) or ""
        return f"list[{typed}] | None" if typed and (is_nested or typed) else None
    return None


# What a method returns ---------------------------------------------------------------------------


def is_list(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether an expression is a list for sure."""
    if isinstance(node, cst.List | cst.ListComp):
        return True
    if isinstance(node, cst.Subscript):
        is_slice = len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Slice)
        return is_slice and is_list(draft, node.value)
    if isinstance(node, cst.IfExp):
        return is_list(draft, node.body) and is_list(draft, node.orelse)
    if isinstance(node, cst.Call):
        if isinstance(node.func, cst.Attribute):
            return node.func.attr.value == "all" and not node.args
        return code(node.func) in ("sorted", "list") and code(node.func) not in draft.local_names
    if isinstance(node, cst.Name):
        values = list(_given(draft, node.value))
        return bool(values) and all(
            one is not None and not _mentions(one, node.value) and is_list(draft, one)
            for one in values
        )
    return False


def _given(draft: Draft, name: str) -> Iterator[cst.BaseExpression | None]:
    """What a local name is given; None for what can't be seen."""
    for node in own_nodes(draft.view.function):
        if isinstance(node, cst.Assign):
            for target in node.targets:
                if dotted(target.target) == name:
                    yield node.value
                elif _mentions(target.target, name):
                    yield None
        elif isinstance(node, cst.AugAssign | cst.NamedExpr | cst.For | cst.AsName | cst.Param):
            place = node.name if isinstance(node, cst.AsName | cst.Param) else node.target
            if _mentions(place, name):
                yield None


def _mentions(node: cst.CSTNode, name: str) -> bool:
    if isinstance(node, cst.Name):
        return node.value == name
    return any(_mentions(child, name) for child in children(node))
