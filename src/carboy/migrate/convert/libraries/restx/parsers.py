"""`args = parser.parse_args()` as parameters, one for each argument of the RequestParser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from carboy.migrate.convert.draft import Draft, identifier
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import (
    Arguments,
    code,
    dotted,
    expression,
    index_of,
    literal,
    own_nodes,
    text_of,
    walk,
)

_PARSERS = ("flask_restx.reqparse.RequestParser", "flask_restx.RequestParser")
_KNOWN = {"type", "default", "required", "choices", "help", "location", "dest", "store_missing"}
_TYPES = {"int": "int", "str": "str", "float": "float", "bool": "bool"}
_TYPES |= {"inputs.boolean": "bool", "inputs.positive": "int", "inputs.natural": "int"}


@dataclass
class Argument:
    """One `add_argument(...)`."""

    name: str
    given: Arguments
    reason: str | None = None

    def said(self, name: str) -> str | None:
        node = self.given.named.get(name)
        return None if node is None else code(node)


def is_parser(draft: Draft, node: cst.CSTNode) -> bool:
    """Whether an expression is a RequestParser of the project."""
    return _place(draft, node) is not None


def _place(draft: Draft, node: cst.CSTNode) -> tuple[Source, str] | None:
    meaning = draft.meaning(node)
    place = draft.found.project.owner(meaning) if meaning else None
    if place is None:
        return None
    for top in place[0].tree.body:
        for one in top.body if isinstance(top, cst.SimpleStatementLine) else ():
            if not (isinstance(one, cst.Assign) and isinstance(one.value, cst.Call)):
                continue
            if dotted(one.targets[0].target) == place[1] and _makes(place[0], one.value):
                return place
    return None


def _makes(source: Source, call: cst.Call) -> bool:
    if call.args:
        return False
    is_method = isinstance(call.func, cst.Attribute) and call.func.attr.value == "parser"
    return is_method or source.meaning(call.func) in _PARSERS


def read_parsers(draft: Draft) -> None:
    """Parameters for every parser that the method asks."""
    for node in own_nodes(draft.view.function.body):
        if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
            continue
        if node.func.attr.value != "parse_args":
            continue
        place = _place(draft, node.func.value)
        if place is None or node.args:
            draft.keep("it calls parse_args() in a way that can't be followed")
            continue
        draft.use("flask_restx.reqparse")
        _Parsed(draft, node, list(_arguments(*place))).write()


def _arguments(source: Source, name: str) -> Iterator[Argument]:
    for node in source.nodes:
        if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
            continue
        if dotted(node.func.value) != name or node.func.attr.value == "parse_args":
            continue
        given = Arguments(node.args)
        called = text_of(given.get(0, "name"))
        one = Argument(called or "", given)
        if node.func.attr.value != "add_argument" or called is None or not given.is_plain:
            one.reason = "its parser has arguments that can't be seen"
        elif len(given.positional) > 1 or set(given.named) - _KNOWN - {"name"}:
            odd = ", ".join(sorted(set(given.named) - _KNOWN - {"name"}))
            one.reason = f"its parser's argument {called} has options that can't be moved: {odd}"
        yield one


class _Parsed:
    """What `parse_args()` gives, as parameters."""

    def __init__(self, draft: Draft, call: cst.Call, arguments: list[Argument]) -> None:
        self.draft, self.call, self.arguments = draft, call, arguments

    def write(self) -> None:
        draft = self.draft
        names: dict[str, str] = {}
        for one in self.arguments:
            if one.reason:
                draft.keep(one.reason)
                continue
            names[one.said("dest") or one.name] = self._parameter(one)
        if draft.reasons:
            return
        local = draft.assigned.get(self.call)
        reads = dict(self._reads(local)) if local else {}
        if local and set(map(id, reads)) == set(map(id, self._uses(local))):
            for key, whole in reads.values():
                if key not in names:
                    draft.keep(f"it reads {key}, which its parser has not")
                    return
                draft.replacements[whole] = cst.Name(names[key])
            # `args = args` goes, since it does nothing.
            draft.replacements[self.call] = cst.Name(local)
            return
        pairs = ", ".join(f'"{key}": {name}' for key, name in names.items())
        draft.replacements[self.call] = expression(f"{{{pairs}}}")
        if local is None or any(
            isinstance(node, cst.Attribute) and dotted(node.value) == local
            for node in walk(draft.view.function.body)
            if isinstance(node, cst.Attribute) and node.attr.value not in dir(dict)
        ):
            draft.keep("it uses what parse_args() gives in a way that can't be followed")

    def _uses(self, local: str) -> list[cst.CSTNode]:
        function = self.draft.view.function
        targets = {
            id(part)
            for node in walk(function.body)
            if isinstance(node, cst.AssignTarget)
            for part in walk(node)
        }
        skipped = {
            id(node.keyword if isinstance(node, cst.Arg) else node.attr)
            for node in walk(function.body)
            if isinstance(node, cst.Arg | cst.Attribute)
        }
        return [
            node
            for node in walk(function.body)
            if isinstance(node, cst.Name) and node.value == local
            if id(node) not in targets and id(node) not in skipped
        ]

    def _reads(self, local: str) -> Iterator[tuple[cst.CSTNode, tuple[str, cst.CSTNode]]]:
        for node in walk(self.draft.view.function.body):
            if isinstance(node, cst.Subscript) and dotted(node.value) == local:
                key = text_of(index_of(node))
                if key is not None:
                    yield node.value, (key, node)
                    continue
            if not isinstance(node, cst.Attribute) or node.attr.value in dir(dict):
                continue
            if dotted(node.value) == local:
                yield node.value, (node.attr.value, node)

    def _parameter(self, one: Argument) -> str:
        draft = self.draft
        location = text_of(one.given.named.get("location"))
        is_read = set(draft.view.methods) <= {"GET", "HEAD"}
        if "location" not in one.given.named:
            if not is_read:
                draft.keep(f"{one.name} comes from the body or the query: say its location")
            location = "values"
        if location not in ("args", "values", "json") or (location == "values" and not is_read):
            draft.keep(f"its parser takes {one.name} from {location or 'several places'}")
        name = identifier(one.name)
        while draft.is_taken(name):
            name += "_"
        if one.said("store_missing") not in (None, "True"):
            draft.keep(f"its parser leaves {one.name} out where it is missing")
        required = one.said("required") == "True"
        typed = _TYPES.get(one.said("type") or "str") or draft.need("typing", "Any")
        default = one.said("default")
        if location == "json" or required:
            return self._depending(one, name, typed, location or "", required)
        if literal(one.given.named.get("default"), None) is None and typed != "Any":
            typed += " | None"
        described = one.said("help")
        query = f"description={described}" if described else ""
        if name != one.name:
            query = f'alias="{one.name}"' + (f", {query}" if query else "")
        checks = ", ".join(self._options(one))
        resources = draft.need("carboy", "resources")
        annotation = (
            f"{draft.need('typing', 'Annotated')}[{typed}, {draft.typed('Query')}({query}), "
            f"{resources}.argument({checks})]"
        )
        return draft.parameter(name, annotation, default or "None", own=True)

    def _options(self, one: Argument) -> Iterator[str]:
        yield f'"{one.name}"'
        if one.said("type") not in (None, "str"):
            yield one.said("type") or ""
        for name in ("choices", "help"):
            if one.said(name):
                yield f"{name}={one.said(name)}"

    def _depending(
        self, one: Argument, name: str, typed: str, location: str, required: bool
    ) -> str:
        draft = self.draft
        options = list(self._options(one))
        if location == "json":
            options += ["required=True"] if required else []
            default = one.said("default")
            options += [f"default={default}"] if default and not required else []
        elif location == "values":
            default_place = "location" not in one.given.named
            where = "the post body or the query string"
            options.append(f'where="{"the JSON body or " if default_place else ""}{where}"')
        if typed != "Any" and not (required and location != "json"):
            typed += " | None"
        maker = "in_json" if location == "json" else "in_query"
        called = f"{draft.need('carboy', 'resources')}.{maker}({', '.join(options)})"
        annotated, depends = draft.need("typing", "Annotated"), draft.typed("Depends")
        annotation = f"{annotated}[{typed}, {depends}({called})]"
        return draft.parameter(name, annotation, own=True)
