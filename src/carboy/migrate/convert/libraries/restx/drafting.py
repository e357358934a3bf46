"""One method of a Resource: its decorators as options, `payload` and parsers as parameters.

What a method returns is told as Flask-RESTX tells it: marshalling stays where it is (`marshal_with`
is a decorator that asks for nothing but the value), the answer is made by `resources`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.libraries.restx.marshalling import (
    bare,
    to_response_model,
    write_models,
)
from carboy.migrate.convert.libraries.restx.parsers import is_parser, read_parsers
from carboy.migrate.convert.plain import is_plain
from carboy.migrate.convert.text import (
    Arguments,
    code,
    dotted,
    expression,
    own_nodes,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits

_MARSHALS = ("marshal_with", "marshal_list_with")
_FREE = {f"flask_restx.{one}" for one in (*_MARSHALS, "marshal_with_field")}
_FREE |= {f"flask_restx.marshalling.{one}" for one in ("marshal_with", "marshal_with_field")}


_NOTES = (
    "its Api's swagger.json has it no longer, /openapi.json has",
    "405 for its path is told as the application tells it, not as its Api did",
)


class Restx:
    """See the package."""

    packages = frozenset({"flask_restx"})

    def view(self, draft: Draft) -> None:
        """Options, parameters and answers of a resource's method."""
        if draft.view.owner.resources is None:
            return
        if draft.target != "app":
            draft.keep("it is a resource of Flask-RESTX, which needs Flask")
            return
        assert draft.view.cls is not None
        draft.use("flask_restx.Resource")
        _Documented(draft).read()
        _Payload(draft).read()
        read_parsers(draft)
        _find_aborts(draft)

    def module(self, edits: Edits) -> None:
        """Models that are classes now; Namespaces and Apis stay."""
        write_models(edits)


def is_namespace(draft: Draft, node: cst.CSTNode) -> bool:
    """Whether an expression is a Namespace or an Api."""
    return draft.found.resources.owner(draft.source, node) is not None


class _Documented:
    """What decorators of the class and of the method say."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.responses: dict[str, str] = {}
        self.described: dict[str, str] = {}
        self.expects: list[cst.BaseExpression] = []
        self.validate: bool | None = None
        self.marshals = False

    def read(self) -> None:
        cls = self.draft.view.cls
        assert cls is not None
        for decorator in cls.decorators:
            called = self._called(decorator)
            if called is None:
                self.draft.keep(f"the class has a decorator of its own: {code(decorator).strip()}")
            elif called[0] != "route":
                self._say(decorator, *called)
        self.draft.class_decorators = list(_method_decorators(cls))
        for decorator in self.draft.view.function.decorators:
            called = self._called(decorator)
            if called is not None and called[0] not in _MARSHALS:
                self.draft.drop_decorator(decorator)
                self._say(decorator, *called)
            elif (called is not None or self._is_free(decorator)) and not to_response_model(
                self.draft, decorator
            ):
                self.draft.known_decorators.append(decorator)
                self.draft.marshals = True
        if self.draft.marshals:
            self.draft.decorators.append(f"{self.draft.need('carboy', 'resources')}.answers")
        self._write()

    def _called(self, decorator: cst.Decorator) -> tuple[str, Arguments] | None:
        """(`expect`, its arguments) for `@ns.expect(...)`."""
        node = decorator.decorator
        func = node.func if isinstance(node, cst.Call) else node
        if not isinstance(func, cst.Attribute) or not is_namespace(self.draft, func.value):
            return None
        return func.attr.value, Arguments(node.args if isinstance(node, cst.Call) else [])

    def _is_free(self, decorator: cst.Decorator) -> bool:
        node = decorator.decorator
        return isinstance(node, cst.Call) and self.draft.meaning(node.func) in _FREE

    def _say(self, decorator: cst.Decorator, name: str, given: Arguments) -> None:
        if name == "expect":
            self.expects += given.positional
            if "validate" in given.named:
                self.validate = code(given.named["validate"]) == "True"
        elif name == "response" and given.count >= 2:
            status, text = given.get(0, "code"), given.get(1, "description")
            if status is not None and text is not None:
                self.responses[code(status)] = code(text)
        elif name == "param" and text_of(given.get(0, "name")):
            text = given.get(1, "description")
            self.described[text_of(given.get(0, "name")) or ""] = code(text) if text else ""
        elif name == "hide":
            self.draft.options["include_in_schema"] = "False"
        elif name == "deprecated":
            self.draft.options["deprecated"] = "True"
        elif name == "doc" and self._is_doc(given):
            return
        else:
            self.draft.note(f"what @{name} says of it is left out: {code(decorator).strip()}")

    def _is_doc(self, given: Arguments) -> bool:
        called = given.get(0, "id")
        if called is not None and text_of(called) is None:
            return False
        if called is not None:
            self.draft.options["operation_id"] = code(called)
        if "description" in given.named:
            self.draft.options["description"] = code(given.named["description"])
        return not set(given.named) - {"id", "description"}

    def _write(self) -> None:
        draft = self.draft
        if self.responses:
            inner = ", ".join(
                f'{status}: {{"description": {text}}}' for status, text in self.responses.items()
            )
            draft.options["responses"] = f"{{{inner}}}"
        for name, text in self.described.items():
            typed = draft.path_types.get(name)
            if typed is None or not text:
                draft.note(f"what is said of the parameter {name} is left out")
            elif typed.isidentifier():
                annotated, path = draft.need("typing", "Annotated"), draft.typed("Path")
                draft.path_types[name] = f"{annotated}[{typed}, {path}(description={text})]"
        models = [one for one in self.expects if not is_parser(draft, one)]
        owner = draft.view.owner
        draft.expected = None
        if self.validate and len(models) == 1:
            model, many = models[0], ""
            if isinstance(model, cst.List) and len(model.elements) == 1:
                model, many = model.elements[0].value, ", many=True"
            resources = draft.need("carboy", "resources")
            draft.expected = f"{resources}.expected({owner.name}, {code(model)}{many})"
            draft.options["openapi_extra"] = f"{resources}.body({code(model)}{many})"
        elif self.validate and models:
            draft.keep("it expects several models")


def _method_decorators(cls: cst.ClassDef) -> Iterator[cst.Decorator]:
    """Those of the class attribute, the outermost first."""
    for line in cls.body.body:
        small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
        if not isinstance(small, cst.Assign):
            continue
        is_it = dotted(small.targets[0].target) == "method_decorators"
        if is_it and isinstance(small.value, cst.List | cst.Tuple):
            for one in reversed(small.value.elements):
                yield cst.Decorator(decorator=one.value)


class _Payload:
    """`ns.payload`, and what is only checked."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def read(self) -> None:
        draft = self.draft
        nodes = [
            node
            for node in walk(draft.view.function.body)
            if isinstance(node, cst.Attribute)
            and node.attr.value == "payload"
            and is_namespace(draft, node.value)
        ]
        provider = draft.expected
        if nodes:
            draft.use("flask_restx.payload")
            typed = draft.need("typing", "Any")
            first = nodes[0] if len(nodes) == 1 else None
            name = draft.depends("payload", typed, provider or draft.kept("json_body"), first)
            for node in nodes:
                draft.replacements[node] = cst.Name(name)
        elif provider is not None:
            draft.options["dependencies"] = f"[{draft.typed('Depends')}({provider})]"


def _is_method(draft: Draft, func: cst.BaseExpression, name: str) -> bool:
    """Whether `func` is that of a Namespace or an Api."""
    is_it = isinstance(func, cst.Attribute) and func.attr.value == name
    return is_it and isinstance(func, cst.Attribute) and is_namespace(draft, func.value)


def _find_aborts(draft: Draft) -> None:
    """`ns.abort(404, "text")` as a statement is `raise HTTPException`; with more it stays."""
    for node in own_nodes(draft.view.function.body):
        call = node.value if isinstance(node, cst.Expr) else None
        if not isinstance(call, cst.Call):
            continue
        given = Arguments(call.args)
        is_own = _is_method(draft, call.func, "abort")
        if not is_own and draft.meaning(call.func) not in (
            "flask_restx.abort",
            "flask_restx.errors.abort",
        ):
            continue
        if not given.named and 0 < len(given.positional) < 3 and given.is_plain:
            draft.aborts.add(call)


class ResourceAnswers:
    """What a resource's method returns: JSON, whatever it is."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        body = draft.view.function.body
        self.returns = [node for node in own_nodes(body) if isinstance(node, cst.Return)]
        if any(isinstance(node, cst.Yield) for node in own_nodes(body)):
            draft.keep("it is a generator")
        marks = [one for one in draft.decorators if not one.endswith("resources.answers")]
        if draft.is_wrapped or marks:
            draft.keep("a decorator of the application's own sees or makes its answers")
        for text in _NOTES if not draft.reasons else ():
            draft.note(text)
        for name in draft.found.resources.handled if not draft.reasons else ():
            draft.note(f"{name} is told by the application's handler now; its Api answered 500")

    def leave_return(self, original: cst.Return, updated: cst.Return) -> cst.Return:
        """A return statement with its answer as the typed route gives it."""
        if original not in self.returns or original.value is None or self.draft.marshals:
            return updated
        if self.draft.models:
            return bare(self.draft, original, updated)
        assert updated.value is not None
        value, new = original.value, updated.value
        if isinstance(value, cst.Tuple) and isinstance(new, cst.Tuple):
            return updated.with_changes(value=self._tuple(value, new))
        if is_plain(self.draft, value):
            return updated
        known = isinstance(value, cst.Dict | cst.List) or self._marshals(value)
        return updated.with_changes(value=self._made("JSON" if known else "answered", code(new)))

    def _tuple(self, value: cst.Tuple, new: cst.Tuple) -> cst.BaseExpression:
        parts = [code(one.value) for one in new.elements]
        first = value.elements[0].value if value.elements else None
        known = first is not None and (
            is_plain(self.draft, first)
            or isinstance(first, cst.Dict | cst.List)
            or self._marshals(first)
        )
        if known and 1 < len(parts) < 4:
            return self._made("JSON", ", ".join(parts))
        return self._made("answered", f"({', '.join(parts)})")

    def _made(self, name: str, inner: str) -> cst.BaseExpression:
        return expression(f"{self.draft.need('carboy', 'resources')}.{name}({inner})")

    def _marshals(self, node: cst.BaseExpression) -> bool:
        if not isinstance(node, cst.Call):
            return False
        if _is_method(self.draft, node.func, "marshal"):
            return True
        return self.draft.meaning(node.func) in ("flask_restx.marshal",)
