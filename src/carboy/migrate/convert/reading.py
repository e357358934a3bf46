"""Query, headers and cookies: `request.args.get("q", 1, type=int)` becomes a parameter.

All reads of one key are looked at together. Where they agree there is one parameter with their
default; where they don't, it is None unless sent and each read says its own default. What can't be
said by parameters reads `kept.args` (Werkzeug's MultiDict, as a dependency).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from carboy.migrate.convert.draft import Draft, identifier
from carboy.migrate.convert.text import (
    Arguments,
    code,
    expression,
    index_of,
    is_literal,
    literal,
    text_of,
    walk,
)

#: What the name of a typed parameter is called -> Flask's attributes of the request.
KINDS = {
    "flask.request.args": "Query",
    "flask.request.headers": "Header",
    "flask.request.cookies": "Cookie",
}
_TYPES = {"int", "float", "str", "bool"}


@dataclass(eq=False)
class Read:
    """One place where a key is read. `how` is get, item, in or getlist."""

    node: cst.BaseExpression
    how: str
    key: str
    default: cst.BaseExpression | None = None
    type: cst.BaseExpression | None = None
    negated: bool = False

    @property
    def said(self) -> tuple[str, str, str]:
        """What has to be equal for two reads to share a parameter."""
        default = code(self.default) if self.default is not None else "None"
        return self.how, default, code(self.type) if self.type is not None else ""


def read_parameters(draft: Draft) -> None:
    """Decide what every read of a literal key becomes."""
    reads: dict[tuple[str, str], list[Read]] = {}
    for kind, read in _reads(draft):
        key = read.key.lower() if kind == "Header" else read.key
        reads.setdefault((kind, key), []).append(read)
    for (kind, _), some in reads.items():
        _decide(draft, kind, some)


def _reads(draft: Draft) -> Iterator[tuple[str, Read]]:
    for node in walk(draft.view.function.body):
        if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
            kind = KINDS.get(draft.meaning(node.func.value) or "")
            read = _called(node, node.func.attr.value) if kind else None
        elif isinstance(node, cst.Subscript):
            kind = KINDS.get(draft.meaning(node.value) or "")
            key = text_of(index_of(node)) if kind else None
            read = Read(node, "item", key) if key is not None else None
        elif isinstance(node, cst.Comparison) and len(node.comparisons) == 1:
            other = node.comparisons[0]
            kind = KINDS.get(draft.meaning(other.comparator) or "")
            key = text_of(node.left) if kind else None
            known = isinstance(other.operator, cst.In | cst.NotIn) and key is not None
            negated = isinstance(other.operator, cst.NotIn)
            read = Read(node, "in", key or "", negated=negated) if known else None
        else:
            continue
        if kind and read is not None:
            yield kind, read


def _called(node: cst.Call, method: str) -> Read | None:
    given = Arguments(node.args)
    key = text_of(given.get(0, "key"))
    if key is None or not given.is_plain or method not in ("get", "getlist"):
        return None
    if method == "getlist":
        type_ = given.get(1, "type")
        return Read(node, "getlist", key, type=type_) if set(given.named) <= {"type"} else None
    default = given.get(1, "default")
    if set(given.named) - {"key", "default", "type"} or len(given.positional) > 3:
        return None
    if default is not None and not _is_constant(default):
        return None
    return Read(node, "get", key, default, given.get(2, "type"))


def _is_constant(node: cst.BaseExpression) -> bool:
    return is_literal(node) and not isinstance(literal(node), list | dict | set)


def _decide(draft: Draft, kind: str, reads: list[Read]) -> None:
    if any(read.type is not None and not _is_global(draft, read.type) for read in reads):
        return
    first = reads[0]
    wanted = draft.assigned.get(first.node) if len(reads) == 1 else None
    agreed = all(read.said == first.said for read in reads)
    if first.how == "getlist" and agreed and kind == "Query":
        new = _list(draft, first, wanted)
    elif agreed and first.how == "get" and _fits(first):
        new = _single(draft, kind, first, wanted)
    elif any(read.type is not None or read.how == "getlist" for read in reads):
        return
    else:
        plain = Read(first.node, "get", first.key)
        new = _single(draft, kind, plain, wanted if first.how == "item" else None)
        for read in reads:
            draft.replacements[read.node] = expression(_asked(draft, read, new))
        if kind == "Header" and any(read.how == "item" for read in reads):
            draft.note(f"without a header {first.key} the answer is 400; Flask's was 500")
        return
    for read in reads:
        draft.replacements[read.node] = cst.Name(new)


def _fits(read: Read) -> bool:
    """Whether the default is of the parameter's type, or None."""
    value = literal(read.default, None)
    if value is None or read.type is not None:
        return True
    return isinstance(value, str)


def _is_global(draft: Draft, node: cst.BaseExpression) -> bool:
    names = {one.value for one in walk(node) if isinstance(one, cst.Name)}
    inner = {one.name.value for one in walk(node) if isinstance(one, cst.Param)}
    return not (names - inner) & draft.local_names


def _asked(draft: Draft, read: Read, name: str) -> str:
    if read.how == "in":
        return f"{name} is None" if read.negated else f"{name} is not None"
    if read.how == "item":
        return f"{draft.kept('given')}({name})"
    if read.default is None or literal(read.default, "") is None:
        return name
    return f"({name} if {name} is not None else {code(read.default)})"


def _single(draft: Draft, kind: str, read: Read, wanted: str | None) -> str:
    default = code(read.default) if read.default is not None else "None"
    typed, lenient = "str", ""
    if read.type is not None and code(read.type) != "str":
        called = code(read.type)
        typed = called if called in _TYPES else draft.need("typing", "Any")
        lenient = f", {draft.kept('lenient')}({called}, {default})"
    if literal(read.default, None) is None and typed != "Any":
        typed += " | None"
    name = _name(draft, read.key, wanted, kind)
    alias = _alias(kind, name, read.key)
    if kind == "Query":
        draft.note(f"of a repeated ?{read.key}= the last one counts; Flask took the first")
    if kind == "Query" and not alias and not lenient:
        return draft.parameter(name, typed, default, own=True)
    annotated = draft.need("typing", "Annotated")
    annotation = f"{annotated}[{typed}, {draft.typed(kind)}({alias}){lenient}]"
    return draft.parameter(name, annotation, default, own=True)


def _list(draft: Draft, read: Read, wanted: str | None) -> str:
    typed, lenient = "str", ""
    if read.type is not None and code(read.type) != "str":
        called = code(read.type)
        typed = called if called in _TYPES else draft.need("typing", "Any")
        lenient = f", {draft.kept('lenient_list')}({called})"
    name = _name(draft, read.key, wanted, "Query")
    alias = _alias("Query", name, read.key)
    options = f"{alias}, default_factory=list" if alias else "default_factory=list"
    annotated = draft.need("typing", "Annotated")
    annotation = f"{annotated}[list[{typed}], {draft.typed('Query')}({options}){lenient}]"
    return draft.parameter(name, annotation, own=True)


def _name(draft: Draft, key: str, wanted: str | None, kind: str) -> str:
    if wanted is not None and wanted not in draft.parameters:
        return wanted
    name = identifier(key)
    if draft.is_taken(name):
        name = f"{kind.lower()}_{name}"
    while draft.is_taken(name):
        name += "_"
    return name


def _alias(kind: str, name: str, key: str) -> str:
    same = name.replace("_", "-") == key.lower() if kind == "Header" else name == key
    return "" if same else f'alias="{key}"'
