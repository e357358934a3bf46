"""Before and after, as small projects: files one after the other, their new texts below the line.

`CARBOY_UPDATE_GOLDEN=1 pytest tests/migrate/convert` writes the second half anew. What becomes of
each view, and why, stands at the end.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from carboy.migrate.convert import plan

HERE = Path(__file__).parent / "golden"
LINE = "\n# ================================================================== converted\n"
_FILE = re.compile(r"^# == (\S+)\n", re.MULTILINE)


@pytest.mark.parametrize("name", sorted(one.stem for one in HERE.glob("*.txt")))
def test_a_project_is_converted_as_it_was(name: str, tmp_path: Path) -> None:
    file = HERE / f"{name}.txt"
    before, _, after = file.read_text(encoding="utf-8").partition(LINE)
    converted = _converted(tmp_path, before)
    if os.environ.get("CARBOY_UPDATE_GOLDEN"):
        file.write_text(before + LINE + converted, encoding="utf-8")
    else:
        assert converted == after


def _converted(root: Path, text: str) -> str:
    _, *parts = _FILE.split(text)
    for name, content in zip(parts[::2], parts[1::2], strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    made = plan(root)
    for name, content in made.files.items():
        compile(content, name, "exec")
        (root / name).write_text(content, encoding="utf-8")
    assert plan(root).files == {}, "converting twice changes nothing"
    shown = [f"# == {name}\n{content}" for name, content in sorted(made.files.items())]
    for view in made.views:
        said = [*(f"needs a person: {one}" for one in view.reasons), *view.notes]
        shown.append(f"# {view.endpoint}: {'; '.join(said) or 'converted'}\n")
    return "".join(shown)
