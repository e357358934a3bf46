"""marshmallow: `jsonify(book_schema.dump(book))` is a response model; loading stays what it is.

A schema becomes a pydantic model where each of its fields is understood. Its messages are part of
what an API answers, so `load` is left to it: the schema stays beside the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst
from pydantic import BaseModel

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.libraries.objects import assigned
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import (
    Arguments,
    code,
    dotted,
    is_literal,
    literal,
    own_nodes,
    text_of,
)

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits

_TYPES = {
    "String": "String", "Str": "String", "Email": "String", "Url": "String", "URL": "String",
    "Integer": "Integer", "Int": "Integer", "Float": "Float", "Boolean": "Boolean",
    "Bool": "Boolean", "Date": "Date", "DateTime": "DateTime",
}  # fmt: skip
#: Options that only say what is loaded, or described.
_LOADED = {"required", "validate", "load_default", "allow_none", "load_only", "dump_only"}
_LOADED |= {"error_messages", "metadata", "strict"}
_JSONIFY = ("flask.jsonify", "flask.json.jsonify")
_TAKEN = frozenset(dir(BaseModel))


@dataclass
class Schema:
    """One schema, and the class that its dumps are."""

    source: Source
    cls: cst.ClassDef
    class_name: str
    lines: list[str]
    nested: list[Schema]

    @property
    def text(self) -> str:
        inner = "".join(f"    {line}\n" for line in self.lines)
        return f"\n\nclass {self.class_name}({{schemas}}.Dumped):\n{inner}"


@dataclass
class Dump:
    """One `return` of what a schema dumps."""

    schema: Schema
    many: bool
    status: int


class Marshmallow:
    """See the module."""

    packages = frozenset({"*"})

    def view(self, draft: Draft) -> None:
        """A response model for what the view dumps."""
        if draft.target != "app" or draft.view.owner.resources is not None:
            return
        dumps: dict[cst.Return, Dump] = {}
        others: list[cst.Return] = []
        for node in own_nodes(draft.view.function.body):
            if isinstance(node, cst.Return):
                found = _dump(draft, node)
                if found is None:
                    others.append(node)
                else:
                    dumps[node] = found
        said = {(id(one.schema.cls), one.many, one.status) for one in dumps.values()}
        if len(said) != 1 or not all(_is_whole(one) for one in others):
            return
        one = next(iter(dumps.values()))
        name = one.schema.class_name
        if one.schema.source is not draft.source:
            name = draft.need(one.schema.source.name, name)
        draft.options["response_model"] = f"list[{name}]" if one.many else name
        draft.options["response_model_exclude_unset"] = "True"
        if one.status != 200:
            draft.options["status_code"] = str(one.status)
        draft.dumped = dict.fromkeys(dumps, one.many)
        draft.schemas.append(one.schema)
        draft.use("marshmallow.dump")
        draft.note("what a schema can't dump is an error of the response model, not marshmallow's")

    def module(self, edits: Edits) -> None:
        """The models, below their schemas."""
        wanted: dict[str, Schema] = {}
        for schema in edits.found.schemas:
            _collect(schema, edits, wanted)
        for schema in wanted.values():
            if is_written(schema.source, schema.class_name):
                continue
            text = schema.text.replace("{schemas}", edits.need("carboy", "schemas"))
            if "{Field}" in text:
                text = text.replace("{Field}", edits.need("pydantic", "Field"))
            edits.after.setdefault(schema.cls, []).append(text)


def _collect(schema: Schema, edits: Edits, wanted: dict[str, Schema]) -> None:
    for one in schema.nested:
        _collect(one, edits, wanted)
    if schema.source is edits.source:
        wanted.setdefault(schema.class_name, schema)


def undumped(draft: Draft, original: cst.Return, updated: cst.Return) -> cst.Return:
    """`return book` for `return jsonify(book_schema.dump(book)), 201`."""
    value = updated.value
    if isinstance(value, cst.Tuple):
        value = value.elements[0].value
    assert isinstance(value, cst.Call)
    if not (isinstance(value.func, cst.Attribute) and value.func.attr.value == "dump"):
        value = value.args[0].value
        assert isinstance(value, cst.Call)
    dumped = value.args[0].value
    if draft.dumped[original] and not (
        isinstance(dumped, cst.Call) and code(dumped.func).endswith(".all")
    ):
        dumped = cst.Call(cst.Name("list"), [cst.Arg(dumped)])
    return updated.with_changes(value=dumped)


def _is_whole(node: cst.Return) -> bool:
    """Whether a return says its status, so that it is a response of its own."""
    return isinstance(node.value, cst.Tuple) and len(node.value.elements) > 1


def _dump(draft: Draft, node: cst.Return) -> Dump | None:
    value, status = node.value, 200
    if isinstance(value, cst.Tuple):
        if len(value.elements) != 2:
            return None
        said = literal(value.elements[1].value, None)
        if not isinstance(said, int):
            return None
        value, status = value.elements[0].value, said
    if isinstance(value, cst.Call) and draft.meaning(value.func) in _JSONIFY:
        given = Arguments(value.args)
        value = given.positional[0] if given.count == 1 and given.positional else None
    if not isinstance(value, cst.Call) or not isinstance(value.func, cst.Attribute):
        return None
    given = Arguments(value.args)
    if value.func.attr.value != "dump" or len(given.positional) != 1 or given.named:
        return None
    made = _made(draft, value.func.value)
    if made is None:
        return None
    place, call = made
    options = {name: code(one) for name, one in Arguments(call.args).named.items()}
    many = options.pop("many", "False")
    if options or Arguments(call.args).positional or many not in ("True", "False"):
        return None
    schema = schema_of(draft.found, place, call.func, ())
    return None if schema is None else Dump(schema, many == "True", status)


def _made(draft: Draft, node: cst.BaseExpression) -> tuple[Source, cst.Call] | None:
    """Where `BookSchema(...)` stands for a schema that dumps."""
    if isinstance(node, cst.Call):
        return (draft.source, node) if draft.meaning(node.func) else None
    meaning = draft.meaning(node)
    place = draft.found.project.owner(meaning) if meaning else None
    call = assigned(*place) if place is not None else None
    return (place[0], call) if place is not None and isinstance(call, cst.Call) else None


def schema_of(
    found: Found, source: Source, node: cst.CSTNode, within: tuple[int, ...]
) -> Schema | None:
    """The schema that an expression names; None where it can't become a model."""
    place = found.project.owner(source.meaning(node) or "")
    if place is None:
        return None
    for cls in place[0].tree.body:
        if isinstance(cls, cst.ClassDef) and cls.name.value == place[1] and id(cls) not in within:
            return _read(found, place[0], cls, (*within, id(cls)))
    return None


def _read(
    found: Found, source: Source, cls: cst.ClassDef, within: tuple[int, ...]
) -> Schema | None:
    if [source.meaning(one.value) for one in cls.bases] != ["marshmallow.Schema"]:
        return None
    name = cls.name.value.removesuffix("Schema") + "Out"
    if name in source.names and not is_written(source, name):
        return None
    made = Schema(source, cls, name, [], [])
    for line in cls.body.body:
        if isinstance(line, cst.FunctionDef):
            if any("_dump" in code(one.decorator) for one in line.decorators):
                return None
            if line.name.value.startswith(("get_", "on_", "_")):
                return None
            continue
        small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
        if isinstance(small, cst.Expr | cst.Pass):
            continue
        key = dotted(small.targets[0].target) if isinstance(small, cst.Assign) else None
        if not isinstance(small, cst.Assign) or key is None or key in _TAKEN:
            return None
        text = _line(found, made, key, small.value, within)
        if text is None:
            return None
        made.lines += [text] if text else []
    return made if made.lines else None


def _line(
    found: Found, made: Schema, key: str, node: cst.BaseExpression, within: tuple[int, ...]
) -> str | None:
    """`stars: schemas.Integer = None`; empty for what is only loaded."""
    given = Arguments(node.args if isinstance(node, cst.Call) else [])
    options = dict(given.named)
    typed = _typed(found, made, node, within)
    extra = set(options) - _LOADED - {"data_key", "attribute", "dump_default", "many"}
    if typed is None or extra or not given.is_plain:
        return None
    if "load_only" in options:
        return "" if code(options["load_only"]) == "True" else None
    said = []
    for name, option in (("attribute", "validation_alias"), ("data_key", "serialization_alias")):
        if name in options:
            if text_of(options[name]) is None:
                return None
            said.append(f"{option}={code(options[name])}")
    if "dump_default" in options:
        if not is_literal(options["dump_default"]):
            return None
        default = code(options["dump_default"])
        said.append(f'json_schema_extra={{"dump_default": {default}}}')
    if not said:
        return f"{key}: {typed} = None"
    return f"{key}: {typed} = {{Field}}(None, {', '.join(said)})"


def _typed(
    found: Found, made: Schema, node: cst.BaseExpression, within: tuple[int, ...]
) -> str | None:
    if not isinstance(node, cst.Call):
        return None
    given = Arguments(node.args)
    meaning = made.source.meaning(node.func) or ""
    kind = meaning.removeprefix("marshmallow.fields.")
    if kind == meaning:
        return None
    if kind in _TYPES:
        return None if given.positional else f"{{schemas}}.{_TYPES[kind]}"
    if kind == "Nested" and len(given.positional) == 1:
        nested = schema_of(found, made.source, given.positional[0], within)
        if nested is None or nested.source is not made.source:
            return None
        made.nested.append(nested)
        many = "many" in given.named and code(given.named["many"]) == "True"
        return f"list[{nested.class_name}] | None" if many else f"{nested.class_name} | None"
    if kind == "List" and len(given.positional) == 1:
        inner = given.positional[0]
        shown = Arguments(inner.args).named if isinstance(inner, cst.Call) else {}
        if set(shown) & {"attribute", "dump_default", "data_key", "many", "load_only"}:
            return None
        typed = _typed(found, made, inner, within)
        return None if typed is None else f"list[{typed}] | None"
    return None


def is_written(source: Source, class_name: str) -> bool:
    """Whether the model is there, from an earlier turn."""
    return any(
        isinstance(one, cst.ClassDef)
        and one.name.value == class_name
        and any(code(base.value).endswith("Dumped") for base in one.bases)
        for one in source.tree.body
    )
