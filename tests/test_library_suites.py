"""The runner of libraries' own tests says what is missing, and takes no other files than pinned."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
NAME = "prometheus-fastapi-instrumentator"


def pinned() -> list[dict[str, Any]]:
    text = (CONFORMANCE / "libraries.toml").read_text(encoding="utf-8")
    (entry,) = (one for one in tomllib.loads(text)["library"] if one["name"] == NAME)
    files: list[dict[str, Any]] = entry["file"]
    return files


def run(*arguments: str | Path) -> tuple[int, str]:
    command = [sys.executable, CONFORMANCE / "library_suites.py", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_every_file_is_pinned_to_a_commit_and_a_checksum() -> None:
    for entry in tomllib.loads((CONFORMANCE / "libraries.toml").read_text())["library"]:
        for file in entry["file"]:
            assert (len(file["commit"]), len(file["sha256"])) == (40, 64)


def test_without_the_files_it_says_where_they_belong(tmp_path: Path) -> None:
    code, said = run(NAME, "--files", tmp_path)
    assert code == 2
    assert f"{len(pinned())} of {len(pinned())} test files are not in {tmp_path / NAME}" in said


def test_a_library_that_nobody_knows(tmp_path: Path) -> None:
    assert run("nothing", "--files", tmp_path) == (
        2,
        "conformance: libraries.toml has no library 'nothing'\n",
    )


def test_what_cannot_be_downloaded_is_named(tmp_path: Path) -> None:
    code, said = run(NAME, "--files", tmp_path, "--fetch", "--from", (tmp_path / "no").as_uri())
    first = pinned()[0]
    assert code == 2
    assert (
        f"{first['repository']}/{first['commit']}/{first['path']} could not be downloaded" in said
    )
    assert str(tmp_path / NAME / first["path"]) in said


def test_a_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "folder"
    for file in pinned():
        path = source / file["repository"] / file["commit"] / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("other\n")
    code, said = run(NAME, "--files", folder, "--fetch", "--from", source.as_uri())
    assert code == 2
    assert (folder / NAME / pinned()[-1]["path"]).read_text() == "other\n"
    assert f"{len(pinned())} of {len(pinned())} differ" in said
