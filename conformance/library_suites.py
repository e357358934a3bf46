"""The own tests of libraries that build on FastAPI, on FastAPI and on Carboy.

    python conformance/library_suites.py [NAME ...] [--files FOLDER] [--fetch] [--from URL] [--lock]

libraries.toml says which libraries, versions and files. The files are not ours to keep: they are
looked for in a folder (.conformance/library-tests/NAME/PATH, or --files), and each is compared with
its pinned sha256; --fetch downloads those that are missing. Each released version gets an
environment with FastAPI and Carboy, its tests run with either, and the same set has to pass.
Exit: 0, it does; 1, it does not; 2, the run could not be made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suites import HERE, ROOT, STARTUP, WORK, HarnessError, run

FASTAPI = "fastapi==0.165.0"
HARNESS = ["pytest", "pytest-timeout"]
SOURCE = "https://raw.githubusercontent.com"
TIMEOUT = "60"  # seconds a test may take
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
RESULTS = HERE / "results" / "library-suites.md"
SIDES = ("fastapi", "carboy")


@dataclass(frozen=True)
class Library:
    """One library at one released version, and what its tests need."""

    name: str
    version: str
    entry: dict[str, Any]  # of libraries.toml

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def folder(self) -> Path:
        return WORK / f"library-{self.name}-{self.version}-python{PYTHON}"

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def lock(self) -> Path:
        return HERE / "requirements" / f"library-{self.name}-{self.version}.txt"

    @property
    def files(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.entry["file"]
        return found


def libraries(names: list[str]) -> list[Library]:
    entries = tomllib.loads((HERE / "libraries.toml").read_text(encoding="utf-8"))["library"]
    if unknown := set(names) - {entry["name"] for entry in entries}:
        raise HarnessError(f"libraries.toml has no library {sorted(unknown)[0]!r}")
    chosen = [entry for entry in entries if not names or entry["name"] in names]
    return [Library(one["name"], version, one) for one in chosen for version in one["versions"]]


def check_files(library: Library, folder: Path) -> None:
    """Every pinned file is in the folder, and is the one that was pinned."""
    missing, others = [], []
    for file in library.files:
        path = folder / library.name / file["path"]
        if not path.is_file():
            missing.append(file["path"])
        elif hashlib.sha256(path.read_bytes()).hexdigest() != file["sha256"]:
            others.append(file["path"])
    if missing:
        raise HarnessError(
            f"{library.name}: {len(missing)} of {len(library.files)} test files are not in "
            f"{folder / library.name}, the first is {missing[0]}. What the library publishes on "
            "the package index holds no tests. --fetch downloads them, each at its commit; or put "
            "them there: their repository, path, commit and sha256 stand in libraries.toml."
        )
    if others:
        raise HarnessError(
            f"{library.name}: {others[0]} in {folder / library.name} is not the file that "
            f"libraries.toml pins ({len(others)} of {len(library.files)} differ): the counts would "
            "be of other tests. Take the file at the commit that stands there."
        )


def fetch(library: Library, folder: Path, source: str) -> None:
    """Download what is not in the folder yet."""
    for file in library.files:
        path = folder / library.name / file["path"]
        if path.is_file():
            continue
        inside = file.get("at", file["path"])
        url = f"{source}/{file['repository']}/{file['commit']}/{inside}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                text = answer.read()
        except (urllib.error.URLError, OSError) as error:
            raise HarnessError(
                f"{library.name}: {url} could not be downloaded ({error}). Without it its tests "
                f"can't run; a file put at {path} does as well."
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def prepare(library: Library, *, relock: bool) -> None:
    """An environment with the released version, FastAPI, and Carboy, editable."""
    carboy = (ROOT / "pyproject.toml").read_text()
    mark = library.folder / "made"

    def stamp() -> str:
        locked = library.lock.read_text() if library.lock.exists() else ""
        parts = (library.entry["requirements"], FASTAPI, HARNESS, locked, carboy)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    if not relock and mark.exists() and mark.read_text() == stamp():
        return
    print(f"{library.label}: making the environment", flush=True)
    mark.unlink(missing_ok=True)
    venv.create(library.folder / "venv", with_pip=True, clear=True)
    pip = [library.python, "-m", "pip", "--disable-pip-version-check"]
    fresh = relock or not library.lock.exists()
    constraints = [] if fresh else ["-c", library.lock]
    wanted = [f"{library.name}=={library.version}", *library.entry["requirements"]]
    run([*pip, "install", *constraints, FASTAPI, *wanted, *HARNESS, "--editable", ROOT])
    if fresh:
        frozen = [str(part) for part in (*pip, "freeze", "--exclude-editable")]
        done = subprocess.run(frozen, stdout=subprocess.PIPE, text=True, check=True)
        lines = [line for line in done.stdout.splitlines() if "==" in line]
        head = f"# The environment of {library.label}'s tests; `--lock` writes it anew."
        library.lock.write_text("\n".join([head, *lines]) + "\n")
    mark.write_text(stamp())


def tree(library: Library, folder: Path) -> Path:
    """A new copy of the tests, with the files that are made for them."""
    made = library.folder / "trees" / str(os.getpid())
    shutil.rmtree(made, ignore_errors=True)
    contents = {file["path"]: folder / library.name / file["path"] for file in library.files}
    for name, text in library.entry.get("made", {}).items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    for name, path in contents.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, made / name)
    # A file of its own, lest pytest finds ours further up.
    (made / "pytest.ini").write_text("\n".join(["[pytest]", *library.entry["options"]]) + "\n")
    if place := library.entry.get("rasters"):
        shutil.copytree(rasters(library), made / place, dirs_exist_ok=True)
    return made


def rasters(library: Library) -> Path:
    """What rasters.py makes, made once."""
    script = HERE / "libraries" / "rasters.py"
    kept = library.folder / f"rasters-{hashlib.sha256(script.read_bytes()).hexdigest()[:12]}"
    if not kept.exists():
        draft = library.folder / f"draft-{os.getpid()}"
        draft.mkdir(parents=True)
        run([library.python, script, draft])
        draft.rename(kept)
    return kept


def outcomes(library: Library, how: dict[str, Any], folder: Path, side: str) -> dict[str, Any]:
    """Test id -> [outcome, reason], of one run with FastAPI or with Carboy."""
    made = tree(library, folder)
    written = made.with_suffix(".json")
    names = [str(HERE), str(HERE / "libraries")]
    ours = ("PYTHON", "CARBOY_", "PYTEST")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    if side == "carboy":
        names.insert(0, str(STARTUP))
        kept["CARBOY_DROPIN"] = "fastapi"
    for name, value in how.get("environment", {}).items():
        (made / value).mkdir()
        kept[name] = str(made / value)
    command = [str(library.python), "-m", "pytest", "-p", "plugin", "-p", "no:cacheprovider", "-q",
               "--tb=short", f"--timeout={TIMEOUT}", "--continue-on-collection-errors"]  # fmt: skip
    command += ["-p", how["plugin"]] if "plugin" in how else []
    log = library.folder / f"{side}.log"
    with log.open("w") as file:
        done = subprocess.run(
            [*command, *how.get("tests", ["tests"])],
            cwd=made, stdout=file, stderr=file, check=False,
            env={**kept, "PYTHONPATH": os.pathsep.join(names), "PYTHONDONTWRITEBYTECODE": "1",
                 "CONFORMANCE_OUTCOMES": str(written)},
        )  # fmt: skip
    shutil.rmtree(made)
    if not written.exists() or done.returncode not in (0, 1, 2):
        raise HarnessError(f"{library.label}: pytest ended with {done.returncode}, see {log}")
    found = json.loads(written.read_text())
    written.unlink()
    if side == "fastapi" and found["modules"]:
        raise HarnessError(f"{library.label}: does not collect on FastAPI: {found['modules']}")
    result: dict[str, Any] = found["tests"]
    return result


def row(library: Library, how: dict[str, Any], folder: Path) -> tuple[list[str], list[str]]:
    """A line of the table, and every test whose outcome differs."""
    theirs, ours = (outcomes(library, how, folder, side) for side in SIDES)
    unsteady = library.entry.get("unsteady", {})
    names = [name for name in {**theirs, **ours} if name not in unsteady]
    nothing = ["missing", ""]
    pairs = {name: (theirs.get(name, nothing), ours.get(name, nothing)) for name in names}

    def count(side: int, outcome: str) -> int:
        return sum(pair[side][0] == outcome for pair in pairs.values())

    failing = [pair for pair in pairs.values() if pair[0][0] == pair[1][0] == "failed"]
    alike = sum(theirs[1] == ours[1] for theirs, ours in failing)
    differing = [
        f"{library.label}, {how['label']}: {name}: {a[0]} on FastAPI, {b[0]} on Carboy {b[1]}"
        for name, (a, b) in pairs.items()
        if a[0] != b[0]
    ]
    for name, (a, b) in pairs.items():
        if a[0] == b[0] == "failed" and a[1] != b[1]:
            print(f"  fails on both, for other reasons: {name}: {a[1]} / {b[1]}")
    print(f"{library.label}, {how['label']}: {count(1, 'passed')} pass on Carboy, "
          f"{count(0, 'passed')} on FastAPI; {len(differing)} differ", flush=True)  # fmt: skip
    cells = [library.label, how["label"], count(0, "passed"), count(1, "passed"), len(differing),
             f"{len(failing)} ({alike})", count(0, "skipped"), len(unsteady)]  # fmt: skip
    return [str(cell) for cell in cells], differing


def write_results(rows: list[list[str]]) -> None:
    head = ["library", "tests", "pass on FastAPI", "pass on Carboy", "differ",
            "fail on both (with the same error)", "skipped", "unsteady"]  # fmt: skip
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)], *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    text = (HERE / "libraries" / "results.in.md").read_text(encoding="utf-8")
    RESULTS.write_text(text.replace("TABLE", table).replace("PYTHON", PYTHON), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="of libraries; all")
    parser.add_argument("--files", type=Path, default=WORK / "library-tests", help="the folder")
    parser.add_argument("--fetch", action="store_true", help="download the files that are missing")
    parser.add_argument("--from", dest="source", default=SOURCE, help=f"where from ({SOURCE})")
    parser.add_argument("--lock", action="store_true", help="take the newest of all requirements")
    options = parser.parse_args()
    rows: list[list[str]] = []
    differing: list[str] = []
    try:
        chosen = libraries(options.names)
        for library in chosen:
            if options.fetch:
                fetch(library, options.files, options.source.rstrip("/"))
            check_files(library, options.files)
        for library in chosen:
            prepare(library, relock=options.lock)
            for how in library.entry["runs"]:
                cells, found = row(library, how, options.files)
                rows.append(cells)
                differing += found
    except HarnessError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    for line in differing:
        print(f"DIFFERS: {line}")
    if not options.names and not differing:
        write_results(rows)
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
