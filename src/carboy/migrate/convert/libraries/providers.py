"""`dependencies.py` of a project: functions that `Depends` calls, each written once.

A draft that wants one imports it (`provide`); after all views have been drafted, `added` makes
the file such that every import finds its function. A file that is there is added to, never
rewritten: what has the name already is taken for the function itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import libcst as cst

from carboy.migrate.convert.draft import Draft
from carboy.migrate.convert.project import Source

FILE = "dependencies"


@dataclass(frozen=True)
class Provider:
    """One function: its source, and the lines of imports that it needs."""

    text: str
    imports: tuple[str, ...]
    #: Providers that this one asks for.
    needs: tuple[str, ...] = ()


_ANY = "from typing import Annotated, Any"
_CARBOY = "from carboy import Depends"

PROVIDERS: dict[str, Provider] = {
    "get_session": Provider(
        '''
def get_session() -> Iterator[Session]:
    """The database session of this request, the very one that `db.session` is; closed after it."""
    session = current_app.extensions["sqlalchemy"].session()
    try:
        yield session
    finally:
        session.close()
''',
        (
            "from collections.abc import Iterator",
            "from carboy.flask import current_app",
            "from sqlalchemy.orm import Session",
        ),
    ),
    "get_user": Provider(
        '''
def get_user() -> Any:
    """Who is logged in, or the login manager's anonymous user."""
    return current_user._get_current_object()
''',
        ("from typing import Any", "from flask_login import current_user"),
    ),
    "require_user": Provider(
        '''
def require_user(request: Request, user: Annotated[Any, Depends(get_user)]) -> Any:
    """Who is logged in; everybody else gets what the login manager answers (a redirect, or 401)."""
    is_open = current_app.config.get("LOGIN_DISABLED") or request.method in EXEMPT_METHODS
    if not (is_open or user.is_authenticated):
        abort(current_app.make_response(current_app.login_manager.unauthorized()))
    return user
''',
        (
            _ANY,
            "from carboy import Depends, Request",
            "from carboy.flask import abort, current_app",
            "from flask_login.config import EXEMPT_METHODS",
        ),
        ("get_user",),
    ),
    "require_fresh_user": Provider(
        '''
def require_fresh_user(request: Request, user: Annotated[Any, Depends(require_user)]) -> Any:
    """Who has logged in in this very session; whoever was remembered has to do so again."""
    is_open = current_app.config.get("LOGIN_DISABLED") or request.method in EXEMPT_METHODS
    if not (is_open or login_fresh()):
        abort(current_app.make_response(current_app.login_manager.needs_refresh()))
    return user
''',
        (
            _ANY,
            "from carboy import Depends, Request",
            "from carboy.flask import abort, current_app",
            "from flask_login import login_fresh",
            "from flask_login.config import EXEMPT_METHODS",
        ),
        ("require_user",),
    ),
}

_LAW = '''"""What typed views ask for with `Depends`; `carboy migrate convert` has written it."""

from __future__ import annotations
'''


def place_of(source: Source) -> tuple[Path, str]:
    """The file, and its dotted name, for a view in `source`: in the outermost package around it."""
    folder, package = source.path.parent, ""
    while (folder / "__init__.py").exists():
        package, parent = folder.name, folder.parent
        if not (parent / "__init__.py").exists() or parent == folder:
            break
        folder = parent
    return folder / f"{FILE}.py", f"{package}.{FILE}" if package else FILE


def provide(draft: Draft, name: str) -> str:
    """Import the provider called `name`; what it is called in the view's module."""
    return draft.need(place_of(draft.source)[1], name)


def wanted_providers(drafts: Iterable[Draft]) -> dict[Path, set[str]]:
    """Which providers converted drafts import, by the file that they have to be in."""
    wanted: dict[Path, set[str]] = {}
    for draft in drafts:
        path, module = place_of(draft.source)
        names = {name for place, name in draft.imports if place == module and name in PROVIDERS}
        if names:
            wanted.setdefault(path, set()).update(names)
    return wanted


def added(text: str, names: Iterable[str]) -> str:
    """`text` with the providers called `names` and what they need, where it has them not."""
    tree = cst.parse_module(text or _LAW)
    there = {one.name.value for one in tree.body if isinstance(one, cst.FunctionDef)}
    order: list[str] = []
    for name in sorted(names):
        _ordered(name, there, order)
    if not order:
        return text
    lines = _missing_imports(tree, [line for name in order for line in PROVIDERS[name].imports])
    return _with_imports(text or _LAW, tree, lines) + "".join(
        f"\n{PROVIDERS[name].text}" for name in order
    )


def _ordered(name: str, there: set[str], order: list[str]) -> None:
    if name in there or name in order:
        return
    for needed in PROVIDERS[name].needs:
        _ordered(needed, there, order)
    order.append(name)


def _missing_imports(tree: cst.Module, lines: list[str]) -> dict[str, set[str]]:
    """Module -> names that have to be imported from it."""
    wanted: dict[str, set[str]] = {}
    for line in lines:
        module, _, names = line.removeprefix("from ").partition(" import ")
        wanted.setdefault(module, set()).update(names.split(", "))
    for top in tree.body:
        for node in top.body if isinstance(top, cst.SimpleStatementLine) else ():
            if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
                module = cst.Module([]).code_for_node(node.module) if node.module else ""
                there = {one.evaluated_name for one in node.names if one.asname is None}
                wanted[module] = wanted.get(module, set()) - there
    return {module: names for module, names in wanted.items() if names}


_STANDARD = {"collections.abc", "typing"}


def _with_imports(text: str, tree: cst.Module, wanted: dict[str, set[str]]) -> str:
    blocks: list[str] = []
    for is_standard in (True, False):
        lines = [
            f"from {module} import {', '.join(sorted(names))}"
            for module, names in sorted(wanted.items())
            if (module in _STANDARD) is is_standard
        ]
        if lines:
            blocks.append("\n".join(lines) + "\n")
    if not blocks:
        return text.rstrip("\n") + "\n"
    at = _after_imports(tree)
    head = cst.Module(body=tree.body[:at], header=tree.header).code.rstrip("\n")
    tail = cst.Module(body=tree.body[at:]).code.strip("\n")
    whole = f"{head}\n\n" + "\n".join(blocks)
    return f"{whole}\n\n{tail}\n" if tail else whole


def _after_imports(tree: cst.Module) -> int:
    at = 0
    for index, top in enumerate(tree.body):
        if isinstance(top, cst.SimpleStatementLine):
            is_docstring = index == 0 and isinstance(top.body[0], cst.Expr)
            if is_docstring or isinstance(top.body[0], cst.Import | cst.ImportFrom):
                at = index + 1
                continue
        break
    return at
