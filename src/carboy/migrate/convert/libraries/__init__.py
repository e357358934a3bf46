"""Rewriters for libraries around Flask, one module each.

A Library is asked for a view only where the view's module imports one of its `packages`.
`view(draft)` is called before the steps of steps.py, on the original function
(`draft.view.function`), and may

* decide what expressions become: `draft.replacements[node] = expression("...")`, node by identity.
  What it does not replace is left to the other steps; what it can't keep equal it says by
  `draft.keep("its form validates by hand")`;
* ask for parameters: `draft.parameter("user", "CurrentUser", own=True)`, `draft.depends("form",
  "LoginForm", "login_form")`, `draft.request()`; for imports: `draft.need("myapp.auth",
  "CurrentUser")` (returns the name to use), `draft.kept("given")`, `draft.typed("Depends")`,
  `draft.response("JSONResponse")`;
* change decorators: `draft.drop_decorator(decorator)` for what a parameter does now,
  `draft.known_decorators.append(decorator)` for one that stays and returns what the view returns;
* put statements above the function (`draft.above.append("class LoginForm(BaseModel): ...")`),
  options into the route (`draft.options["dependencies"] = "[Depends(login_required)]"`), and speak:
  `draft.use("flask_login.current_user")`, `draft.note(...)`.

`module(edits)` is called once for each module that imports a package, after its views have been
drafted and before anything is written; see `carboy.migrate.convert.modules.Edits` for what it may
change. `draft.target` is "app" or "fastapi"; where plain FastAPI can't do it, `keep`.

To add one: a module here with a class of that shape, and a line in LIBRARIES.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from carboy.migrate.convert.draft import Draft
    from carboy.migrate.convert.modules import Edits
    from carboy.migrate.convert.project import Source

#: "module in this package:class", in the order in which they are asked.
LIBRARIES: tuple[str, ...] = (
    "login:Login",
    "database:Database",
    "extensions:Extensions",
    "restx:Restx",
    "marshmallow:Marshmallow",
)


class Library(Protocol):
    """What a library's rewriter is."""

    #: Top packages whose import in a module makes the library one to ask; "*" is any module.
    packages: frozenset[str]

    def view(self, draft: Draft) -> None:
        """Rewrite what `draft.view.function` uses of the library, or say why not."""

    def module(self, edits: Edits) -> None:
        """Change what a module has of the library beside its views."""


@cache
def libraries() -> Sequence[Library]:
    """One instance of each."""
    found: list[Library] = []
    for name in LIBRARIES:
        module, _, attribute = name.partition(":")
        found.append(getattr(importlib.import_module(f"{__name__}.{module}"), attribute)())
    return tuple(found)


def libraries_of(source: Source) -> list[Library]:
    """The libraries that `source` imports."""
    packages = {"*", *(name.partition(".")[0] for name in source.imports.values())}
    return [one for one in libraries() if packages & one.packages]
