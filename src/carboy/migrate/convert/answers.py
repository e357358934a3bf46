"""What a view returns, as what a typed route answers with.

Text is HTML, so a route whose answers are pages has `response_class=HTMLResponse`. A dict of plain
values stays one. What may hold dates or Decimals goes through `kept.JSON`, which writes them as
Flask does. What can't be told from the source is looked at when it is returned (`kept.answered`);
where a decorator of the application's own wants to see Flask's objects, that happens around it
(`@kept.answers`).
"""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.libraries.marshmallow import undumped
from carboy.migrate.convert.plain import is_plain, is_text
from carboy.migrate.convert.text import Arguments, code, expression, literal, own_nodes

_TEMPLATES = {
    "flask.render_template",
    "flask.render_template_string",
    "flask.templating.render_template",
}
_RESPONSES = {"flask.redirect", "werkzeug.utils.redirect", "flask.make_response"}
_CLASSES = {
    "flask.Response",
    "werkzeug.wrappers.Response",
    "flask.wrappers.Response",
    "werkzeug.Response",
}
#: Functions whose results are Flask's responses; the function stays, its result is looked at.
JSONIFY = {"flask.jsonify", "flask.json.jsonify"}
ABORTS = {"flask.abort", "werkzeug.exceptions.abort"}


@dataclass
class Answers:
    """How one view answers, decided before its expressions are rewritten."""

    draft: Draft

    def __post_init__(self) -> None:
        draft = self.draft
        body = draft.view.function.body
        self.returns = [node for node in own_nodes(body) if isinstance(node, cst.Return)]
        #: A decorator sees what the view returns, so that this stays what it is.
        self.is_wrapped = draft.is_wrapped
        if any(isinstance(node, cst.Yield) for node in own_nodes(body)):
            draft.keep("it is a generator")
        kinds = {node: self.kind(node.value) for node in self.returns}
        if any(kind == "none" for kind in kinds.values()):
            draft.keep("it returns None, which Flask answers with an error")
        found = set(kinds.values())
        #: What can't be told may turn out to be no answer.
        self.are_known = "unknown" not in found
        self.is_page = "html" in found and "json" not in found and not self.is_wrapped
        if self.is_page:
            draft.options["response_class"] = draft.response("HTMLResponse")

    def kind(self, node: cst.BaseExpression | None) -> str:
        """html, json, response, tuple, none or unknown."""
        if node is None or (isinstance(node, cst.Name) and node.value == "None"):
            return "none"
        if isinstance(node, cst.Tuple):
            return "tuple"
        if isinstance(node, cst.Dict | cst.List | cst.DictComp | cst.ListComp):
            return "json"
        if is_text(self.draft, node):
            return "html"
        if isinstance(node, cst.IfExp):
            kinds = {self.kind(node.body), self.kind(node.orelse)}
            return kinds.pop() if len(kinds) == 1 and kinds != {"tuple"} else "unknown"
        if isinstance(node, cst.Call):
            return self._kind_of_call(node)
        if isinstance(node, cst.Name):
            return self._kind_of_name(node.value)
        return "unknown"

    def _kind_of_call(self, node: cst.Call) -> str:
        meaning = self.draft.meaning(node.func) or ""
        if meaning in _TEMPLATES:
            return "html"
        if meaning in JSONIFY:
            return "json"
        if meaning in _RESPONSES | _CLASSES or makes_response(self.draft, node.func):
            return "response"
        return "unknown"

    def _kind_of_name(self, name: str) -> str:
        kinds: set[str] = set()
        for node in own_nodes(self.draft.view.function.body):
            if isinstance(node, cst.Assign):
                for target in node.targets:
                    if isinstance(target.target, cst.Name) and target.target.value == name:
                        kind = "unknown" if node.value is None else self.kind_assigned(node.value)
                        kinds.add(kind)
                    elif not isinstance(target.target, cst.Name | cst.Attribute | cst.Subscript):
                        kinds.add("unknown")
            elif isinstance(node, cst.AugAssign | cst.For | cst.With | cst.NamedExpr):
                kinds.add("unknown") if name in code(node) else None
        return kinds.pop() if kinds and len(kinds) == 1 else "unknown"

    def kind_assigned(self, node: cst.BaseExpression) -> str:
        """The same for what is put into a variable: JSON is a response by then, if jsonify made
        it.
        """
        if isinstance(node, cst.Name):
            return "unknown"
        kind = self.kind(node)
        if isinstance(node, cst.Call) and kind == "json":
            return "response"
        return "unknown" if kind in ("json", "tuple", "none") else kind

    def leave_return(self, original: cst.Return, updated: cst.Return) -> cst.Return:
        """A return statement with its answer as the typed route gives it."""
        if original not in self.returns or original.value is None or self.is_wrapped:
            return updated
        if original in self.draft.dumped:
            return undumped(self.draft, original, updated)
        assert updated.value is not None
        if isinstance(original.value, cst.Tuple) and isinstance(updated.value, cst.Tuple):
            return updated.with_changes(value=self._tuple(original.value, updated.value))
        kind = self.kind(original.value)
        if kind == "json":
            return updated.with_changes(value=self._json(original.value, updated.value, {}))
        if kind == "html" and not self.is_page:
            return updated.with_changes(
                value=expression(f"{self.draft.response('HTMLResponse')}({code(updated.value)})")
            )
        is_flask = kind == "response" and self.draft.has_flask_responses
        if kind == "unknown" or is_flask:
            return updated.with_changes(value=self._answered(updated.value))
        return updated

    def _answered(self, value: cst.BaseExpression) -> cst.BaseExpression:
        text = code(value)
        if isinstance(value, cst.Tuple) and not value.lpar:
            text = f"({text})"
        return expression(f"{self.draft.kept('answered')}({text})")

    def _json(
        self, original: cst.BaseExpression, updated: cst.BaseExpression, extra: dict[str, str]
    ) -> cst.BaseExpression:
        plain = is_plain(self.draft, original)
        content = updated
        if isinstance(original, cst.Call) and isinstance(updated, cst.Call):
            found = jsonified(updated)
            if found is None:
                return self._answered(updated)
            content = found
            inner = jsonified(original)
            plain = inner is not None and is_plain(self.draft, inner)
        if plain and isinstance(content, cst.Dict) and len(content.elements) > 1:
            self.draft.note("keys of its JSON are in the order of the source; Flask sorts them")
        if plain and not extra:
            return content
        status = extra.get("status_code", "")
        if plain and len(self.returns) == 1 and len(extra) == 1 and status.isdigit():
            self.draft.options["status_code"] = status
            return content
        written = self.draft.response("JSONResponse") if plain else self.draft.kept("JSON")
        return _with_options(written, content, extra)

    def _tuple(self, original: cst.Tuple, updated: cst.Tuple) -> cst.BaseExpression:
        parts = [one.value for one in updated.elements]
        body = original.elements[0].value if original.elements else None
        extra = _status_and_headers(parts[1:])
        kind = self.kind(body)
        if extra is None or kind not in ("html", "json"):
            return self._answered(updated)
        assert body is not None
        if kind == "json":
            return self._json(body, parts[0], extra)
        return _with_options(self.draft.response("HTMLResponse"), parts[0], extra)


def makes_response(draft: Draft, func: cst.BaseExpression) -> bool:
    """Whether this is `app.make_response` or `current_app.make_response`."""
    if not (isinstance(func, cst.Attribute) and func.attr.value == "make_response"):
        return False
    if draft.meaning(func.value) == "flask.current_app":
        return True
    owner = draft.found.owner(draft.source, func.value)
    return owner is not None and owner.blueprint is None


def _with_options(
    called: str, content: cst.BaseExpression, extra: dict[str, str]
) -> cst.BaseExpression:
    options = "".join(f", {name}={value}" for name, value in extra.items())
    return expression(f"{called}({code(content)}{options})")


def _status_and_headers(parts: list[cst.BaseExpression]) -> dict[str, str] | None:
    """`status_code` and `headers` as source; None where they can't be told apart or understood."""
    extra: dict[str, str] = {}
    for part in parts:
        value = literal(part, None)
        if isinstance(part, cst.Dict) and "headers" not in extra:
            extra["headers"] = code(part)
        elif isinstance(value, int) and not extra:
            extra["status_code"] = code(part)
        elif isinstance(value, str) and value[:3].isdigit() and not extra:
            extra["status_code"] = value[:3]
        elif code(part).startswith(("HTTPStatus.", "http.HTTPStatus.")) and not extra:
            extra["status_code"] = code(part)
        else:
            return None
    return extra or None


def jsonified(call: cst.Call) -> cst.BaseExpression | None:
    """The value that `jsonify(...)` writes."""
    given = Arguments(call.args)
    if not given.is_plain or (given.positional and given.named):
        return None
    if given.named:
        return _dict_of(call)
    if len(given.positional) == 1:
        return given.positional[0]
    if not given.positional:
        return cst.Name("None")
    return expression(f"[{', '.join(code(one) for one in given.positional)}]")


def _dict_of(call: cst.Call) -> cst.BaseExpression:
    """`a=1, b=2` as a dict, with the line breaks and comments of the call."""
    elements = []
    for arg in call.args:
        assert arg.keyword is not None
        elements.append(
            cst.DictElement(
                key=cst.SimpleString(f'"{arg.keyword.value}"'), value=arg.value, comma=arg.comma
            )
        )
    return cst.Dict(
        elements=elements,
        lbrace=cst.LeftCurlyBrace(whitespace_after=call.whitespace_before_args),
        rbrace=cst.RightCurlyBrace(whitespace_before=call.args[-1].whitespace_after_arg),
    )
