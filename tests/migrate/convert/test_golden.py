"""Before and after, as small files, and the same requests to both.

A file is a module, a line, and what it is converted to. `CARBOY_UPDATE_GOLDEN=1 pytest
tests/migrate/convert` writes the second half anew. In the module's docstring a line like `GET
/users/1` or `POST /login name=ada` (a form; JSON begins with a bracket; `@Name: value` is a
header) is a request: the module is run on real Flask, the converted one on Carboy, and every
answer has to be equal.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carboy.migrate.convert import plan

HERE = Path(__file__).parent / "golden"
LINE = "\n# ------------------------------------------------------------------ converted\n"
NAMES = sorted(one.stem for one in HERE.glob("*.txt"))


@pytest.mark.parametrize("name", NAMES)
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


def _cases() -> Iterator[Any]:
    for name in NAMES:
        text = (HERE / f"{name}.txt").read_text().partition(LINE)[0]
        for line in (ast.get_docstring(ast.parse(text)) or "").splitlines():
            if re.match("[A-Z]+ /", line):
                yield pytest.param(name, line, id=f"{name}: {line}")


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Name -> (old, new), each made once."""
    made: dict[str, Any] = {}

    def both(name: str) -> Any:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            old, _, new = (HERE / f"{name}.txt").read_text().partition(LINE)
            made[name] = _run(folder, f"{name}_old", old), _run(folder, f"{name}_new", new)
        return made[name]

    yield both
    for name in made:
        sys.modules.pop(f"{name}_old", None), sys.modules.pop(f"{name}_new", None)


def _run(folder: Path, name: str, text: str) -> Any:
    file = folder / f"{name}.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.create_app() if hasattr(module, "create_app") else module.app


@pytest.mark.parametrize(("name", "line"), list(_cases()))
def test_the_converted_module_answers_as_the_old_one(
    name: str, line: str, applications: Any
) -> None:
    old, new = (_answer(app, line) for app in applications(name))
    assert new == old


def _answer(app: Any, line: str) -> dict[str, Any]:
    sent, *headers = line.split(" @")
    method, path, body = ([*sent.split(" ", 2), ""])[:3]
    options: dict[str, Any] = {"headers": [tuple(one.split(": ", 1)) for one in headers]}
    if body:
        options["data"] = body
        is_json = body[0] in "[{"
        options["content_type"] = (
            "application/json" if is_json else "application/x-www-form-urlencoded"
        )
    answer = app.test_client().open(path, method=method, **options)
    fields = {key.lower(): value for key, value in answer.headers}
    if answer.is_json:
        fields.pop("content-length", None)
    if "allow" in fields:
        fields["allow"] = ", ".join(sorted(fields["allow"].split(", ")))
    content = answer.get_data(as_text=True)
    if answer.is_json and content:
        content = json.loads(content)
    return {"status": answer.status_code, "headers": fields, "content": content}
