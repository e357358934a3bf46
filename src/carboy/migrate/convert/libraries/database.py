"""Flask-SQLAlchemy: `db.session` is a parameter, filled by a dependency that closes it.

It is the very session that `db.session` stands for, so that helpers, models and views that still
are Flask's see the same objects. `Book.query` becomes `session.query(Book)`, which is of the same
class: `first_or_404`, `paginate` and the like stay. `db.get_or_404` and its relatives are methods
of the extension, no proxies; they stay too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.libraries.objects import objects_of
from carboy.migrate.convert.libraries.providers import provide
from carboy.migrate.convert.text import Arguments, code, expression, walk

if TYPE_CHECKING:
    from carboy.migrate.convert.modules import Edits

_SESSION = "flask_sqlalchemy.db.session"
_QUERY = "flask_sqlalchemy.Model.query"


class Database:
    """See the module."""

    #: Where `db` and the models are used, the package itself need not be imported.
    packages = frozenset({"*"})

    def view(self, draft: Draft) -> None:
        """Parameters for what the view asks of the library."""
        objects = objects_of(draft.found)
        uses: set[str] = set()
        for node in walk(draft.view.function.body):
            if not isinstance(node, cst.Name | cst.Attribute | cst.Call):
                continue
            if isinstance(node, cst.Call):
                _look_at_page(draft, node)
                continue
            meaning = draft.meaning(node)
            if meaning is None:
                continue
            known = objects.canonical(meaning)
            if known.startswith("flask_sqlalchemy."):
                uses.add(known)
            if known in (_SESSION, _QUERY) and draft.target == "app":
                _replace(draft, node, known)
        for name in sorted(uses & {_SESSION, _QUERY, "flask_sqlalchemy.db.get_or_404"}):
            draft.use(name)
        if uses and draft.target != "app":
            draft.keep("its models are Flask-SQLAlchemy's, which needs Flask")

    def module(self, edits: Edits) -> None:
        """Nothing: what is beside the views stays."""


def _replace(draft: Draft, node: cst.Name | cst.Attribute, known: str) -> None:
    annotated, session = draft.need("typing", "Annotated"), draft.need("sqlalchemy.orm", "Session")
    # It is closed before the answer leaves, as Flask closes it.
    depends = f'{draft.typed("Depends")}({provide(draft, "get_session")}, scope="function")'
    annotation = f"{annotated}[{session}, {depends}]"
    known_name = next((n for n, p in draft.parameters.items() if p.annotation == annotation), None)
    name = known_name or draft.parameter("db_session", annotation)
    if known == _SESSION:
        draft.replacements[node] = cst.Name(name)
    elif isinstance(node, cst.Attribute):
        draft.replacements[node] = expression(f"{name}.query({code(node.value)})")


def _look_at_page(draft: Draft, call: cst.Call) -> None:
    """`paginate()` without a page takes it from the query, behind the view's back."""
    if not (isinstance(call.func, cst.Attribute) and call.func.attr.value == "paginate"):
        return
    root: cst.BaseExpression = call.func.value
    while isinstance(root, cst.Call | cst.Attribute):
        meaning = draft.meaning(root) if isinstance(root, cst.Attribute) else None
        if meaning and objects_of(draft.found).canonical(meaning).startswith("flask_sqlalchemy"):
            break
        root = root.func if isinstance(root, cst.Call) else root.value
    else:
        meaning = draft.meaning(root) or ""
        if not objects_of(draft.found).canonical(meaning).startswith("flask_sqlalchemy"):
            return
    given = Arguments(call.args)
    if given.is_plain and {"page", "per_page"} <= set(given.named):
        return
    draft.keep("paginate() reads page and per_page from the query itself: hand both to it")
