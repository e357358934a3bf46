"""Which names the suite imports that the face lacks, ranked by the tests they keep from running.

Read from the source of upstream's tests and of the examples they load, not from a run: a run
shows only the first missing name of each module. Whether a name is there, Carboy itself is asked,
with the drop-in installed.
"""

from __future__ import annotations

import ast
import json
import subprocess
from collections import Counter
from pathlib import Path

from outcomes import Baseline, split
from suites import HarnessError, Suite, environment

SHOWN = 60
#: Reads {module: [name, ...]}, prints the pairs that can't be imported; "" asks for the module.
PROBE = """
import importlib, json, sys
lacking = []
for module, names in json.load(sys.stdin).items():
    try:
        found = importlib.import_module(module)
    except Exception as error:
        lacking.append([module, "", f"{type(error).__name__}: {error}"])
        continue
    for name in names:
        try:
            if name:
                getattr(found, name)
        except Exception:
            try:
                importlib.import_module(f"{module}.{name}")
            except Exception as error:
                lacking.append([module, name, f"{type(error).__name__}: {error}"])
print(json.dumps(lacking))
"""


def imports(path: Path, package: str) -> set[tuple[str, str]]:
    """(module, name) of each import from the package, anywhere in the file; `import x`: name ""."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {(alias.name, "") for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {(node.module, alias.name) for alias in node.names if alias.name != "*"}
    return {pair for pair in found if pair[0].partition(".")[0] == package}


def examples(path: Path, suite: Suite) -> list[Path]:
    """The files in the folders of docs_src that a test module names, as FastAPI's tests do."""
    root = suite.tree / "docs_src"
    if not root.is_dir():
        return []
    text = path.read_text(encoding="utf-8")
    folders = [folder for folder in root.iterdir() if f"docs_src.{folder.name}" in text]
    return [file for folder in folders for file in folder.rglob("*.py")]


def conftests(path: Path, suite: Suite) -> list[Path]:
    """The conftest files above a test module: pytest imports them first."""
    above = [folder for folder in path.parents if folder.is_relative_to(suite.tree)]
    return [folder / "conftest.py" for folder in above if (folder / "conftest.py").exists()]


def lacking(suite: Suite, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    wanted: dict[str, list[str]] = {}
    for module, name in sorted(pairs):
        wanted.setdefault(module, []).append(name)
    done = subprocess.run(
        [suite.python, "-c", PROBE],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        env=environment(suite, ours=True),
        check=False,
    )
    if done.returncode:
        raise HarnessError(f"could not ask for the names:\n{done.stderr[-2000:]}")
    return {(module, name): why for module, name, why in json.loads(done.stdout)}


def show_missing(suite: Suite, baseline: Baseline) -> None:
    tests = Counter(split(test)[0] for test in baseline.passed)
    needs: dict[str, set[tuple[str, str]]] = {}
    for module in tests:
        path = suite.tree / module
        files = [path, *conftests(path, suite), *examples(path, suite)]
        needs[module] = {pair for file in files for pair in imports(file, suite.face)}
    absent = lacking(suite, set().union(*needs.values()))
    gone = {module for module, name in absent if not name}
    modules_of, tests_of = Counter[str](), Counter[str]()
    for module, pairs in needs.items():
        blocked = {
            source if source in gone else f"{source}:{name}"
            for source, name in pairs
            if source in gone or (source, name) in absent
        }
        for name in blocked:
            modules_of[name] += 1
            tests_of[name] += tests[module]
    free = sum(not any(p in absent or p[0] in gone for p in pairs) for pairs in needs.values())
    print(f"{suite.label}: {len(absent)} names missing; {free} of {len(needs)} modules lack none")
    print("tests  modules  name (module, or module:name)")
    for name, count in sorted(tests_of.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]:
        print(f"{count:5}  {modules_of[name]:7}  {name}")
