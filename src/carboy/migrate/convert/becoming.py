"""Applications become an App, and what stays declared on one is said as an App understands it.

`Flask(...)` is `App(...)` from the first converted view on, since typed routes need one; where
extensions are used the module begins with what they need (standin.py).
"""

from __future__ import annotations

import libcst as cst

from carboy.migrate.convert import standin
from carboy.migrate.convert.draft import names_in
from carboy.migrate.convert.found import VERBS, Found
from carboy.migrate.convert.modules import Edits
from carboy.migrate.convert.text import code, expression


def change_applications(found: Found, edits: dict[str, Edits]) -> None:
    """`Flask(...)` is an `App(...)`."""
    needs_stand_in = standin.is_needed(found.project)
    for owner in found.owners.values():
        if owner.is_flask and owner.call is not None:
            own = edits[owner.source.name]
            own.replaced[owner.call] = _app(owner.call, own.need("carboy", "App"))
            own.unneeded |= names_in(owner.call.func)
            own.stands_in = needs_stand_in


def _app(call: cst.Call, name: str) -> cst.Call:
    """`App(...)` for `Flask(__name__, ...)`. An App knows the module that makes it."""
    args = list(call.args)
    if args and args[0].keyword is None:
        if code(args[0].value) == "__name__":
            del args[0]
        else:
            args[0] = args[0].with_changes(keyword=cst.Name("import_name"), equal=_EQUAL)
    habits = cst.Arg(keyword=cst.Name("flask_habits"), equal=_EQUAL, value=cst.Name("True"))
    if args and args[-1].comma is cst.MaybeSentinel.DEFAULT:
        args[-1] = args[-1].with_changes(
            comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        )
        args.append(habits)
    elif args:
        args.append(habits.with_changes(comma=args[-1].comma))
    else:
        args.append(habits)
    return call.with_changes(func=cst.Name(name), args=args)


_EQUAL = cst.AssignEqual(
    whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
)


def explicit_routes(found: Found, edits: dict[str, Edits], converted: set[int]) -> None:
    """Flask's `@app.get("/<int:id>")` that stays is `@app.route(..., methods=["GET"])`: App's own
    `get` is FastAPI's."""
    for view in found.views:
        if id(view) in converted or view.owner.blueprint is not None or view.owner.is_app_class:
            continue
        decorators = [_as_route(one) for one in view.function.decorators]
        for old, new in zip(view.function.decorators, decorators, strict=True):
            if new is not old:
                edits[view.source.name].replaced[old] = new


def _as_route(decorator: cst.Decorator) -> cst.Decorator:
    call = decorator.decorator
    if not (isinstance(call, cst.Call) and isinstance(call.func, cst.Attribute)):
        return decorator
    verb = call.func.attr.value
    if verb not in VERBS:
        return decorator
    text = code(call)
    inner = text[text.index("(", len(code(call.func))) + 1 : text.rindex(")")].rstrip().rstrip(",")
    new = f'{code(call.func.value)}.route({inner}, methods=["{verb.upper()}"])'
    return decorator.with_changes(decorator=expression(new))
