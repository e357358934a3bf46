"""Names that have no place in a project on plain FastAPI: Flask's, Carboy's and their extensions'.

Extensions are known by their names or, where they are installed, by what they require.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from carboy.migrate.convert.project import Project

#: Of Werkzeug, what works by itself.
_FREE = ("werkzeug.security", "werkzeug.utils.secure_filename")


def is_foreign(project: Project, meaning: str) -> bool:
    """Whether a dotted name is of Flask, Carboy, Werkzeug's framework parts or an extension."""
    top = meaning.partition(".")[0]
    if any(name.partition(".")[0] == top for name in project.sources):
        return False
    if top == "werkzeug":
        return not any(meaning == one or meaning.startswith(f"{one}.") for one in _FREE)
    return _needs_flask(top)


@cache
def _needs_flask(top: str) -> bool:
    if top in ("flask", "carboy") or top.startswith("flask_"):
        return True
    for distribution in _distributions().get(top, ()):
        try:
            wanted = requires(distribution) or []
        except PackageNotFoundError:
            continue
        for one in wanted:
            name = re.split(r"[\s;<>=!~\[(]", one, maxsplit=1)[0]
            if name.lower() == "flask" and "extra" not in one:
                return True
    return False


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())
