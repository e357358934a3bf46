"""What an expression certainly is: text, or values that JSON has itself.

Only what the source shows counts; a name is what it was first given, if nothing else was.
"""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.text import Arguments, children, code, own_nodes

_TEXT_METHODS = {
    "join", "format", "strip", "lower", "upper", "replace", "title", "capitalize", "lstrip",
    "rstrip", "format_map", "hexdigest", "hex", "isoformat",
}  # fmt: skip
_PLAIN_CALLS = {"len", "int", "str", "bool", "abs", "round", "sum", "repr", "isinstance"}
_TEMPLATES = {"flask.render_template", "flask.render_template_string"}
_SURE_TEXT = {"str", "repr"}


Check = Callable[[Draft, cst.BaseExpression], bool]


#: Text of a request.
_ASKED_TEXT = {"method", "path", "url", "base_url", "host", "host_url", "url_root", "scheme"}
_ASKED = {f"flask.request.{one}" for one in ("args", "headers", "cookies", "form")}


def _is_asked(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether `node` is a value of the request that is text, a number, or None."""
    if isinstance(node, cst.Attribute):
        meaning = draft.meaning(node) or ""
        return meaning.removeprefix("flask.request.") in _ASKED_TEXT and "request." in meaning
    if isinstance(node, cst.Subscript):
        return draft.meaning(node.value) in _ASKED
    if not (isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute)):
        return False
    if node.func.attr.value != "get" or draft.meaning(node.func.value) not in _ASKED:
        return False
    given = Arguments(node.args)
    type_ = given.get(2, "type")
    default = given.get(1, "default")
    simple = type_ is None or code(type_) in ("int", "float", "str", "bool")
    return simple and (default is None or is_plain(draft, default))


def is_text(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether `node` is text for sure."""
    if isinstance(node, cst.SimpleString):
        return "b" not in node.prefix.lower()
    if isinstance(node, cst.FormattedString):
        return True
    if isinstance(node, cst.ConcatenatedString):
        return is_text(draft, node.left)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add | cst.Modulo):
        if isinstance(node.operator, cst.Modulo):
            return is_text(draft, node.left)
        return is_text(draft, node.left) or is_text(draft, node.right)
    if isinstance(node, cst.Call):
        return _is_text_call(draft, node)
    if isinstance(node, cst.Name):
        return _is_always(draft, node.value, is_text) or _is_path_text(draft, node.value)
    return False


def _is_text_call(draft: Draft, node: cst.Call) -> bool:
    if isinstance(node.func, cst.Name) and node.func.value in _SURE_TEXT:
        return node.func.value not in draft.local_names
    if draft.meaning(node.func) in _TEMPLATES | {"flask.url_for"}:
        return True
    if isinstance(node.func, cst.Attribute) and node.func.attr.value in _TEXT_METHODS:
        return is_text(draft, node.func.value)
    return False


def _is_path_text(draft: Draft, name: str) -> bool:
    """A path variable of the string converter that nobody rebinds."""
    return draft.path_types.get(name) == "str" and name not in _assigned(draft)


def is_plain(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether JSON writes `node` alike in Flask and in FastAPI, the order of keys aside."""
    if isinstance(node, cst.Integer | cst.Float) or is_text(draft, node):
        return True
    if _is_asked(draft, node):
        return True
    if isinstance(node, cst.Name):
        if node.value in ("True", "False", "None") or _is_always(draft, node.value, is_plain):
            return True
        known = draft.path_types.get(node.value) in ("str", "int")
        return known and node.value not in _assigned(draft)
    if isinstance(node, cst.Dict):
        return all(
            isinstance(one, cst.DictElement)
            and isinstance(one.key, cst.SimpleString | cst.ConcatenatedString)
            and is_plain(draft, one.value)
            for one in node.elements
        )
    if isinstance(node, cst.List | cst.Tuple):
        return all(
            isinstance(one, cst.Element) and is_plain(draft, one.value) for one in node.elements
        )
    if isinstance(node, cst.Comparison):
        return True
    if isinstance(node, cst.UnaryOperation):
        return isinstance(node.operator, cst.Not) or is_plain(draft, node.expression)
    if isinstance(node, cst.BooleanOperation):
        return is_plain(draft, node.left) and is_plain(draft, node.right)
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name):
        return node.func.value in _PLAIN_CALLS and node.func.value not in draft.local_names
    return False


def _assigned(draft: Draft) -> set[str]:
    found: set[str] = set()
    for node in own_nodes(draft.view.function.body):
        if isinstance(node, cst.AssignTarget | cst.AugAssign | cst.NamedExpr | cst.For):
            target = node.target
            found.update(
                one.value for one in (target, *children(target)) if isinstance(one, cst.Name)
            )
    return found


def _is_always(draft: Draft, name: str, check: Check) -> bool:
    """Whether the one thing that a local name in the view is ever given passes `check`."""
    values: list[cst.BaseExpression] = []
    for node in own_nodes(draft.view.function.body):
        if isinstance(node, cst.Assign):
            for target in node.targets:
                names = _names_in(target.target)
                if names == [name]:
                    values.append(node.value)
                elif name in names:
                    return False
        elif isinstance(node, _OTHER_BINDERS) and name in _names_in(node.target):
            return False
    # A dict or a list may be changed after it was made.
    if len(values) != 1 or isinstance(values[0], cst.Dict | cst.List):
        return False
    return not _mentions(values[0], name) and check(draft, values[0])


_OTHER_BINDERS = (cst.AugAssign, cst.For, cst.NamedExpr, cst.AnnAssign)


def _names_in(target: cst.CSTNode) -> list[str]:
    """Names that a target binds."""
    if isinstance(target, cst.Name):
        return [target.value]
    if isinstance(target, cst.Tuple | cst.List):
        return [name for one in target.elements for name in _names_in(one.value)]
    return []


def _mentions(node: cst.CSTNode, name: str) -> bool:
    if isinstance(node, cst.Name):
        return node.value == name
    return any(_mentions(child, name) for child in children(node))
