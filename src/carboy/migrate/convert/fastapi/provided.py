"""Files that come along: `kept.py`, the very text of carboy.kept, and `templating.py`.

They stand in the outermost package around the application's module, or in its folder.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path

from carboy import kept
from carboy.migrate.convert.draft import Need
from carboy.migrate.convert.found import Found, Owner
from carboy.migrate.convert.text import Arguments, text_of

_TEMPLATING = '''"""Where pages come from; `carboy migrate convert` has written it."""

from pathlib import Path

{import_kept}

templates = kept.templates({folder})
'''


def application(found: Found) -> Owner | None:
    """The application, if there is one and only one."""
    every = [one for one in found.owners.values() if one.is_application]
    return every[0] if len(every) == 1 else None


def place(found: Found) -> tuple[Path, str]:
    """The folder of what comes along, and the package that it is ("" for none)."""
    owner = application(found)
    if owner is None:
        return found.project.root, ""
    folder, package = owner.source.path.parent, owner.source.package
    while "." in package and (folder.parent / "__init__.py").exists():
        folder, package = folder.parent, package.rpartition(".")[0]
    return folder, package


def kept_module(found: Found) -> Need:
    """Where `kept` is imported from."""
    return place(found)[1], "kept"


def templating(found: Found) -> Need:
    """Where `templates` is imported from."""
    package = place(found)[1]
    return (f"{package}.templating" if package else "templating"), "templates"


def templates_of(found: Found) -> Path | None:
    """The application's folder of templates."""
    return folder_of(found, "template_folder", "templates")


def folder_of(found: Found, option: str, default: str) -> Path | None:
    """A folder that the application was told of, or has by default."""
    owner = application(found)
    if owner is None or owner.call is None:
        return None
    named = Arguments(owner.call.args).named
    name = text_of(named[option]) if option in named else default
    return None if name is None else owner.source.path.parent / name


def texts(found: Found, wanted: set[Need]) -> dict[Path, str]:
    """The text of every file that something imports from."""
    folder, package = place(found)
    made: dict[Path, str] = {}
    pages = templates_of(found)
    if templating(found) in wanted and pages is not None:
        if pages.is_relative_to(folder):
            parts = (f" / {json.dumps(one)}" for one in pages.relative_to(folder).parts)
            where = "Path(__file__).parent" + "".join(parts)
        else:
            where = f"Path({json.dumps(pages.as_posix())})"
        line = f"from {package} import kept" if package else "import kept"
        made[folder / "templating.py"] = _TEMPLATING.format(import_kept=line, folder=where)
        wanted = wanted | {kept_module(found)}
    if kept_module(found) in wanted:
        made[folder / "kept.py"] = inspect.getsource(kept)
    return made


#: Text in the files of a project -> what it needs installed.
_NEEDS = (
    ("SessionMiddleware", "itsdangerous"),
    ("kept.form", "python-multipart"),
    ("kept.files", "python-multipart"),
    ("Form(", "python-multipart"),
    ("templating", "jinja2"),
)


def requirements(files: Mapping[str, str]) -> list[str]:
    """Packages that the files of a converted project need."""
    own = "".join(text for name, text in files.items() if Path(name).name != "kept.py")
    return ["fastapi", "uvicorn", *dict.fromkeys(one for sign, one in _NEEDS if sign in own)]
