"""`@app.errorhandler(404)` as `@app.exception_handler(404)`.

Flask's handler is given Werkzeug's error, FastAPI's the request and Starlette's; an error class of
the project's own is the same object in both.
"""

from __future__ import annotations

import http
from typing import Any

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.fastapi.foreign import is_foreign
from carboy.migrate.convert.fastapi.views import Names, ask_application
from carboy.migrate.convert.found import Found, Owner, View
from carboy.migrate.convert.project import Source
from carboy.migrate.convert.text import Arguments, children, code, expression, literal, walk


def handler(
    found: Found, source: Source, owner: Owner, function: cst.FunctionDef, decorator: cst.Decorator
) -> Draft:
    """The handler as FastAPI's; `reasons` say why it can't be."""
    draft = Draft(found, View(source, owner, function, []), "fastapi")
    call = decorator.decorator
    assert isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)
    key, is_http = _key(draft, Arguments(call.args).get(0, "code"))
    if len(function.decorators) > 1:
        draft.keep("it has several decorators")
    params = function.params.params
    if (
        len(params) > 1
        or function.params.star_kwarg
        or not isinstance(function.params.star_arg, cst.MaybeSentinel)
    ):
        draft.keep("its parameters are not those of a handler")
    error = params[0].name.value if params else "error"
    if is_http:
        _read_error(draft, error, is_any=key in ("500", "Exception"))
    ask_application(draft)
    draft.replace(lambda: Names(draft))
    request = draft.request()
    if len(draft.parameters) > 1:
        draft.keep("it reads what was sent, which only routes do")
    if any(isinstance(node, cst.Yield) for node in walk(function.body)):
        draft.keep("it is a generator")
    on = code(call.func.value)
    kind = draft.need("typing", "Any") if not is_http else draft.typed("HTTPException")
    kind = draft.need("typing", "Any") if key in ("500", "Exception") else kind
    head = f"@{on}.exception_handler({key})\n@{draft.kept('answers')}\n"
    word = "async def" if function.asynchronous else "def"
    head += f"{word} {function.name.value}({request}: {draft.typed('Request')}, {error}: {kind}):\n"
    new = cst.ensure_type(cst.parse_statement(head + "    pass\n"), cst.FunctionDef)
    draft.function = new.with_changes(
        body=draft.function.body, leading_lines=function.leading_lines
    )
    return draft


def _key(draft: Draft, node: cst.BaseExpression | None) -> tuple[str, bool]:
    """What the handler is registered for, and whether errors of HTTP come to it."""
    status = literal(node, None)
    if isinstance(status, int):
        return str(status), True
    meaning = draft.source.meaning(node) if node is not None else None
    if node is None or meaning is None:
        draft.keep("what it handles can't be seen")
        return "500", True
    if meaning == "werkzeug.exceptions.HTTPException":
        return draft.need("starlette.exceptions", "HTTPException"), True
    if meaning.startswith("werkzeug.exceptions."):
        found = _status_of(meaning.rpartition(".")[2])
        if found is None:
            draft.keep(f"no status is known for {meaning}")
        return str(found), True
    if is_foreign(draft.found.project, meaning):
        draft.keep(f"it handles {meaning}")
    if code(node) == "Exception":
        draft.keep("it handles every Exception, errors of HTTP as well")
    return code(node), False


def _status_of(name: str) -> int | None:
    from werkzeug import exceptions

    status: Any = getattr(getattr(exceptions, name, None), "code", None)
    return status if status in {one.value for one in http.HTTPStatus} else None


def _read_error(draft: Draft, error: str, *, is_any: bool) -> None:
    """Werkzeug's attributes of the error as Starlette's."""
    for node in walk(draft.view.function.body):
        if isinstance(node, cst.Attribute) and code(node.value) == error:
            if node.attr.value == "code" and not is_any:
                draft.replacements[node] = expression(f"{error}.status_code")
                continue
            if node.attr.value == "description" and not is_any:
                draft.replacements[node] = expression(f"{draft.kept('described')}({error})")
                continue
            draft.keep(f"it reads {code(node)}")
    if _is_handed_on(draft.view.function.body, error):
        draft.keep(f"it hands on {error}, which is another object in FastAPI")


def _is_handed_on(node: cst.CSTNode, error: str) -> bool:
    """Whether the error is used but for its attributes."""
    if isinstance(node, cst.Name):
        return node.value == error
    if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
        return False
    inner = [node.value] if isinstance(node, cst.Attribute | cst.Arg) else children(node)
    return any(_is_handed_on(one, error) for one in inner)
