"""Flask's functions in a typed view: `abort` is a raise, `redirect` and the like are `kept`'s.

`url_for`, `render_template` and `flash` are no proxies and stay what they are.
"""

from __future__ import annotations

import libcst as cst

from carboy.migrate.convert.answers import ABORTS, JSONIFY
from carboy.migrate.convert.contexts import TABLES
from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.rewriting import Handler
from carboy.migrate.convert.text import Arguments, code, expression

#: What a value of Flask's is called in `kept`.
KEPT = {
    "flask.redirect": "redirect",
    "werkzeug.utils.redirect": "redirect",
    "flask.make_response": "make_response",
    "flask.Response": "Response",
    "flask.wrappers.Response": "Response",
    "werkzeug.Response": "PlainResponse",
    "werkzeug.wrappers.Response": "PlainResponse",
    "flask.jsonify": "jsonify",
    "flask.json.jsonify": "jsonify",
}


def made(draft: Draft, kept: str) -> cst.BaseExpression | None:
    """`kept.<name>` for a function of Flask's that makes a response."""
    # Other code of the application is handed the very objects that Flask makes.
    is_seen = (draft.is_wrapped or draft.has_flask_responses) and draft.target == "app"
    return None if is_seen else expression(draft.kept(kept))


def _named(kept: str) -> Handler:
    return lambda draft, node: made(draft, kept)


for _meaning, _name in KEPT.items():
    TABLES.values[_meaning] = _named(_name)


def _abort(draft: Draft, node: cst.Call) -> cst.BaseExpression | None:
    """`abort` as a part of an expression."""
    arguments = abort_arguments(draft, node)
    return None if arguments is None else expression(f"{draft.kept('abort')}({arguments})")


for _meaning in ABORTS:
    TABLES.calls[_meaning] = _abort


def abort_arguments(draft: Draft, call: cst.Call) -> str | None:
    """What HTTPException is given for `abort(...)`; None (and a reason) if that can't be said."""
    given = Arguments(call.args)
    status, description = given.get(0, "code"), given.get(1, "description")
    if status is None or not given.is_plain or set(given.named) - {"description", "code"}:
        draft.keep("it calls abort() with a response, or in a way that can't be followed")
        return None
    draft.use("abort")
    if isinstance(status, cst.Call):
        draft.keep("it calls abort() with a response")
        return None
    return code(status) if description is None else f"{code(status)}, {code(description)}"


def raised(draft: Draft, original: cst.Call, updated: cst.Call) -> cst.Raise | None:
    """`raise HTTPException(...)` for an `abort(...)` that is a statement."""
    if draft.meaning(original.func) not in ABORTS and original not in draft.aborts:
        return None
    arguments = abort_arguments(draft, updated)
    if arguments is None:
        return None
    return cst.Raise(exc=expression(f"{draft.typed('HTTPException')}({arguments})"))


def is_jsonify(draft: Draft, node: cst.BaseExpression) -> bool:
    """Whether `node` is Flask's own jsonify(...)."""
    return isinstance(node, cst.Call) and draft.meaning(node.func) in JSONIFY
