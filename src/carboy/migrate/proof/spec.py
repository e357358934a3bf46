"""``FOLDER:module:app``: where an application is, as people write it. Values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SPEC = re.compile(
    r"(?:(?P<folder>.+):)?(?P<module>[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*(?:\(.*\))?)",
    re.DOTALL,
)
_FILE = re.compile(r"(?P<file>.+\.py)(?::(?P<name>[A-Za-z_][\w.]*(?:\(.*\))?))?", re.DOTALL)
EXAMPLES = "main:app, 'shop:create_app()', old/:main:app or old/main.py:app"


class NoSpec(ValueError):
    """It isn't written in a way that is understood; the message says which are."""


@dataclass(frozen=True)
class Spec:
    """An application: `name` is an attribute or a call, of `module`, which is found in `folder`."""

    folder: Path
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.folder}:{self.module}:{self.name}"


def parse(text: str, here: Path) -> Spec:
    """What `text` names, folders relative to `here`. NoSpec: nothing."""
    if match := _SPEC.fullmatch(text):
        folder = (here / (match["folder"] or ".")).resolve()
        spec = Spec(folder, match["module"], match["name"])
    elif match := _FILE.fullmatch(text):
        file = (here / match["file"]).resolve()
        if not file.is_file():
            raise NoSpec(f"there is no file {file}")
        spec = Spec(file.parent, file.stem, match["name"] or "app")
    else:
        raise NoSpec(f"{text!r} names no application; write {EXAMPLES}")
    if not spec.folder.is_dir():
        raise NoSpec(f"there is no folder {spec.folder}")
    return spec
