"""Extensions are bound to Flask's side of an App: `db.init_app(app)` is `db.init_app(app.flask)`.

Some of them (Flask-SQLAlchemy) look their state up by the very object that `current_app` is, which
is the Flask side. `app` may be handed to what is the project's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.found import Found
from carboy.migrate.convert.libraries.objects import assigned
from carboy.migrate.convert.text import Arguments, code, expression

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits
    from carboy.migrate.convert.project import Source


class Extensions:
    """See the module."""

    packages = frozenset({"*"})

    def view(self, draft: Draft) -> None:
        """Nothing: views bind no extensions."""

    def module(self, edits: Edits) -> None:
        """Have every extension bound to `app.flask`."""
        if not edits.changes_face:
            return
        for node in edits.source.nodes:
            if isinstance(node, cst.Call) and _binds(edits.found, edits.source, node):
                for value in Arguments(node.args).positional[:1]:
                    owner = edits.found.owner(edits.source, value)
                    if owner is not None and owner.blueprint is None:
                        edits.replaced[value] = expression(f"{code(value)}.flask")


def _binds(found: Found, source: Source, call: cst.Call) -> bool:
    """Whether `call` hands an application to an extension."""
    if not (isinstance(call.func, cst.Attribute) and call.func.attr.value == "init_app"):
        return _is_foreign(found, source.meaning(call.func))
    meaning = source.meaning(call.func.value)
    place = None if meaning is None else found.project.owner(meaning)
    if place is None:
        return False
    made = assigned(*place)
    return isinstance(made, cst.Call) and _is_foreign(found, place[0].meaning(made.func))


def _is_foreign(found: Found, meaning: str | None) -> bool:
    """Whether a class is of a package that extends Flask."""
    if meaning is None or not meaning.startswith(("flask_", "flasgger.", "flask.ext.")):
        return False
    return found.project.find(meaning.partition(".")[0]) is None
