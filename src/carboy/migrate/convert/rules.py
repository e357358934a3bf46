"""Flask's rules as paths of typed routes.

`<int:id>` is `{id:int}` with `id: int`: both answer 404 for what is no integer. Where the typed
path accepts more than Flask's converter did, the parameter gets a check from `kept` that answers
404.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

_HOLE = re.compile(
    r"<(?:(?P<converter>[a-zA-Z_]\w*)(?:\((?P<args>.*?)\))?:)?(?P<name>[a-zA-Z_]\w*)>"
)


@dataclass
class Path:
    """A typed path: its text, an annotation for each variable, and what is to be said about it."""

    text: str
    annotations: dict[str, str] = field(default_factory=dict)
    #: Import of each name that the annotations use: (module, name).
    needs: set[tuple[str, str]] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


#: Converter -> (converter in braces, annotation, names to import) for those without arguments.
_ANNOTATED = ("typing", "Annotated")
_KEPT = ("carboy", "kept")
_SIMPLE: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "string": ("", "str", ()),
    "default": ("", "str", ()),
    "int": (":int", "int", ()),
    "uuid": (":uuid", "UUID", (("uuid", "UUID"),)),
    "path": (":path", "Annotated[str, kept.path]", (_ANNOTATED, _KEPT)),
    "float": ("", "Annotated[float, kept.fraction]", (_ANNOTATED, _KEPT)),
}


def convert_rule(rule: str) -> Path:
    """`rule` in braces. What can't be said so is a reason."""
    path = Path("")
    position = 0
    for hole in _HOLE.finditer(rule):
        path.text += _literal(rule[position : hole.start()], path)
        position = hole.end()
        name, converter, args = hole["name"], hole["converter"] or "string", hole["args"]
        if args:
            _with_arguments(path, name, converter, args)
        elif converter in _SIMPLE:
            braces, annotation, needs = _SIMPLE[converter]
            path.text += f"{{{name}{braces}}}"
            path.annotations[name] = annotation
            path.needs.update(needs)
        else:
            path.reasons.append(f"the URL converter {converter!r} is the application's own")
    path.text += _literal(rule[position:], path)
    return path


def _literal(text: str, path: Path) -> str:
    if "{" in text or "}" in text:
        path.reasons.append("the path has a brace in it")
    if "<" in text:
        path.reasons.append(f"the rule has {text!r}, which can't be read")
    return text


def _with_arguments(path: Path, name: str, converter: str, args: str) -> None:
    try:
        call = ast.parse(f"f({args})", mode="eval").body
        assert isinstance(call, ast.Call)
        positional = [_value(one) for one in call.args]
        named = {one.arg: _value(one.value) for one in call.keywords}
    except (SyntaxError, ValueError, AssertionError):
        path.reasons.append(f"the arguments of the URL converter {converter!r} can't be read")
        return
    path.needs.update({_ANNOTATED, _KEPT})
    if converter == "any" and positional and not named:
        values = ", ".join(_quoted(str(one)) for one in positional)
        path.text += f"{{{name}}}"
        path.annotations[name] = f"Annotated[str, kept.one_of({values})]"
    elif converter in ("string", "default") and not positional:
        path.text += f"{{{name}}}"
        path.annotations[name] = f"Annotated[str, kept.length({_keywords(named)})]"
    elif converter == "int" and not positional and set(named) <= {"min", "max"}:
        path.text += f"{{{name}:int}}"
        path.annotations[name] = f"Annotated[int, kept.between({_keywords(named)})]"
    else:
        path.reasons.append(f"the URL converter {converter}({args}) has no typed equivalent")


def _keywords(named: dict[str | None, object]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in named.items())


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(node: ast.expr) -> object:
    # Werkzeug lets text stand without quotes: any(new,old).
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)
