"""Before and after, as small files: one module each, its new text below the line.

`CARBOY_UPDATE_GOLDEN=1 pytest tests/migrate/convert` writes the second half anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from carboy.migrate.convert import plan

HERE = Path(__file__).parent / "golden"
LINE = "\n# ------------------------------------------------------------------ converted\n"


@pytest.mark.parametrize("name", sorted(one.stem for one in HERE.glob("*.txt")))
def test_a_module_is_converted_as_it_was(name: str, tmp_path: Path) -> None:
    file = HERE / f"{name}.txt"
    before, _, after = file.read_text().partition(LINE)
    converted = _converted(tmp_path, before)
    if os.environ.get("CARBOY_UPDATE_GOLDEN"):
        file.write_text(before + LINE + converted)
    else:
        assert converted == after
    compile(converted, name, "exec")
    assert _converted(tmp_path, converted) == converted, "converting twice changes nothing"


def _converted(folder: Path, text: str) -> str:
    file = folder / "main.py"
    file.write_text(text)
    return plan(file).files.get("main.py", text)
