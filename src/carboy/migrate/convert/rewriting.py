"""The one walk that replaces expressions of a view: what was decided, then what tables say.

A table maps what an expression means (`flask.request.args`) to a handler. The outermost expression
is asked first, so `request.args.get("q")` is asked before `request.args`. A handler returns the new
expression, or None to leave it to whoever comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.text import code

Handler = Callable[[Draft, Any], cst.BaseExpression | None]
PROXIES = ("flask.request", "flask.session", "flask.g", "flask.current_app")


@dataclass
class Tables:
    """Handlers by meaning. `calls` get a Call, `items` a Subscript, `values` a Name or Attribute,
    `members` the Comparison of `x in y`, by the meaning of y."""

    calls: dict[str, Handler] = field(default_factory=dict)
    items: dict[str, Handler] = field(default_factory=dict)
    values: dict[str, Handler] = field(default_factory=dict)
    members: dict[str, Handler] = field(default_factory=dict)


class _Requoting(cst.CSTTransformer):
    """Text in other quotes than `quote`, where it can be."""

    def __init__(self, quote: str) -> None:
        super().__init__()
        self.quote, self.other = quote, {'"': "'", "'": '"'}.get(quote, "")

    def leave_SimpleString(
        self, original_node: cst.SimpleString, updated_node: cst.SimpleString
    ) -> cst.SimpleString:
        text = updated_node.raw_value
        if updated_node.quote != self.quote or not self.other or {"\\", self.other} & {*text}:
            return updated_node
        return cst.SimpleString(f"{updated_node.prefix}{self.other}{text}{self.other}")


class Rewriter(cst.CSTTransformer):
    """Replaces what the draft has decided and what the tables know; reports proxies that remain."""

    def __init__(self, draft: Draft, tables: Tables) -> None:
        super().__init__()
        self.draft, self.tables = draft, tables
        self._done: dict[cst.CSTNode, cst.BaseExpression] = {}
        #: Names that are no expressions: attributes, keywords, parameters.
        self._skipped: set[cst.CSTNode] = set()

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Whether to look below `node`."""
        if isinstance(node, cst.Decorator | cst.Annotation) or node in self._skipped:
            return False
        if isinstance(node, cst.Import | cst.ImportFrom):
            return False
        if isinstance(node, cst.Attribute):
            self._skipped.add(node.attr)
        elif isinstance(node, cst.Arg) and node.keyword is not None:
            self._skipped.add(node.keyword)
        elif isinstance(node, cst.Param | cst.FunctionDef | cst.ClassDef):
            self._skipped.add(node.name)
        if not isinstance(node, cst.BaseExpression):
            return True
        new = self.draft.replacements.get(node)
        if new is None:
            new = self._by_table(node)
        if new is not None:
            self._done[node] = new
            return False
        return not self._is_left_proxy(node)

    def on_leave(self, original: Any, updated: Any) -> Any:
        """What takes the place of `original`."""
        new = self._done.get(original)
        if new is None:
            if isinstance(original, cst.FormattedString) and updated is not original:
                return self._quoted(original, updated)
            return updated
        if getattr(original, "lpar", ()) and not new.lpar:
            new = new.with_changes(lpar=original.lpar, rpar=original.rpar)
        return new

    def _quoted(
        self, original: cst.FormattedString, updated: cst.FormattedString
    ) -> cst.FormattedString:
        """Before Python 3.12 the quotes of an f-string must not stand within it."""
        if code(updated) == code(original):
            return updated
        quote = original.quote
        parts: list[cst.BaseFormattedStringContent] = []
        for one in updated.parts:
            new = one.visit(_Requoting(quote))
            assert isinstance(new, cst.BaseFormattedStringContent)
            parts.append(new)
            is_known = any(code(one) == code(old) for old in original.parts)
            if quote in code(new) and not is_known:
                self.draft.keep("an f-string of it has no quotes left for what would stand there")
        return updated.with_changes(parts=parts)

    def _by_table(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        table: Mapping[str, Handler]
        if isinstance(node, cst.Call):
            table, asked = self.tables.calls, node.func
        elif isinstance(node, cst.Subscript):
            table, asked = self.tables.items, node.value
        elif isinstance(node, cst.Comparison) and len(node.comparisons) == 1:
            if not isinstance(node.comparisons[0].operator, cst.In | cst.NotIn):
                return None
            table, asked = self.tables.members, node.comparisons[0].comparator
        elif isinstance(node, cst.Name | cst.Attribute):
            table, asked = self.tables.values, node
        else:
            return None
        meaning = self.draft.meaning(asked)
        handler = table.get(meaning) if meaning else None
        return handler(self.draft, node) if handler is not None else None

    def _is_left_proxy(self, node: cst.BaseExpression) -> bool:
        """Whether this is Flask's and nobody knows what to write for it."""
        if not isinstance(node, cst.Name | cst.Attribute):
            return False
        meaning = self.draft.meaning(node) or ""
        for proxy in PROXIES:
            if meaning == proxy:
                name = proxy.removeprefix("flask.")
                self.draft.use(name)
                self.draft.keep(f"it hands on or rebinds Flask's {name} itself")
                return True
            if meaning.startswith(proxy + ".") and self._is_last_known(node, proxy):
                name = meaning.removeprefix("flask.")
                self.draft.use(name)
                self.draft.keep(f"it uses {name}, which has no typed equivalent")
                return True
        return False

    def _is_last_known(self, node: cst.BaseExpression, proxy: str) -> bool:
        """Whether `node` is just `proxy.name`, and no table knows that or the proxy itself."""
        assert isinstance(node, cst.Attribute)
        base = self.draft.meaning(node.value)
        if base != proxy:
            return False
        return proxy not in self.tables.values
