"""README and docs run: every Python snippet is executed, every `carboy show` compared.

A snippet with /hello is asked for it, any other checks itself with `assert`; `sh` blocks name only
make's targets.
"""

from __future__ import annotations

import linecache
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from carboy.cli import main

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


#: Followed from file to file, by tests/test_tutorial.py and tests/migrate/test_migrating_page.py.
WHOLE = {ROOT / "docs" / "tutorial.md", ROOT / "docs" / "migrating.md"}


def _blocks(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        if page not in WHOLE
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text()))
        if kind == language
    ]


@pytest.mark.parametrize("source", _blocks("python"))
def test_python_snippets_run(source: str) -> None:
    names: dict[str, Any] = {"__name__": "snippet"}
    # As in a file: an App's document reads the sources of its Flask views.
    lines = source.splitlines(keepends=True)
    linecache.cache["<snippet>"] = (len(source), None, lines, "<snippet>")
    exec(compile(source, "<snippet>", "exec", dont_inherit=True), names)
    if '"/hello"' not in source:
        assert re.search(r"^ *assert ", source, re.MULTILINE), "say in the snippet what it does"
        return
    app = names["app"]
    if hasattr(app, "test_client"):
        answer = app.test_client().get("/hello?name=Ada")
        assert (answer.status_code, answer.get_json()) == (200, {"message": "Hello, Ada!"})
        return
    from carboy.testing import TestClient

    response = TestClient(app).get("/hello", params={"name": "Ada"})
    assert (response.status_code, response.json()) == (200, {"message": "Hello, Ada!"})


def test_show_prints_what_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text()
    (source,) = [text for kind, text in BLOCK.findall(readme) if kind == "python"][:1]
    (console,) = [text for kind, text in BLOCK.findall(readme) if kind == "console"]
    (tmp_path / "readme_main.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    shown = CliRunner().invoke(main, ["show", "GET /hello", "readme_main:app"])
    assert shown.exit_code == 0, shown.output
    expected = console.split('$ carboy show "GET /hello" main:app\n')[1]
    assert shown.output == expected


def test_commands_in_sh_blocks_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for text in (param.values[0] for param in _blocks("sh")):
        for target in re.findall(r"^make (\w+)", text, re.MULTILINE):
            assert f"\n{target}:" in makefile


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links {target}"
