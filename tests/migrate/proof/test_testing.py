"""An application's own tests, run with both: outcomes and answers are compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from carboy.cli import main
from proof.projects import NEW, OLD, write

SAMPLES = Path(__file__).parents[1] / "samples"
TESTS = """
import pytest
from main import app

@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return app.test_client()

def test_index(client):
    assert client.get("/?page=3").get_json()["page"] == 3

def test_status_only(client):
    assert client.get("/me").status_code == 200

def test_several(client):
    made = client.post("/notes", json={"text": "a"}).get_json()
    assert client.get("/notes/" + made["id"]).status_code == 200
    with client:
        client.get("/login")
        assert client.head("/me").status_code == 200

@pytest.mark.skip
def test_skipped(client):
    client.get("/")

def test_without_requests():
    assert app
"""


def run(old: Path, new: Path, *options: Any) -> Result:
    words = [f"{old}:main:app", f"{new}:main:app", "--tests", "tests", *map(str, options)]
    return CliRunner().invoke(main, ["migrate", "verify", *words, "--mask", "[0-9a-f]{16}"])


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    old = write(tmp_path / "old", OLD)
    write(old / "tests", TESTS, "test_it.py")
    write(old, "[pytest]\naddopts = -n 4\npythonpath = .\n", "pytest.ini")
    return old, write(tmp_path / "new", NEW)


def test_equal_applications_are_equal(folders: tuple[Path, Path], tmp_path: Path) -> None:
    told = run(*folders, "--json", tmp_path / "report.json")
    assert told.exit_code == 0, told.output
    assert "4 of 5 tests pass with the new application" in told.output
    assert "1 tests are skipped" in told.output
    report = json.loads((tmp_path / "report.json").read_text())
    views = {name: proof["requests"] for name, proof in report["views"].items()}
    assert views == {"index": 1, "me": 2, "add": 1, "note": 1, "login": 1}
    assert report["unseen"] == ["notes", "static"]


def test_what_no_test_looks_at_is_compared_all_the_same(folders: tuple[Path, Path]) -> None:
    old, new = folders
    write(new, NEW.replace("<p>{session", "<b>{session"))
    told = run(old, new)
    assert told.exit_code == 1
    assert "GET /me in tests/test_it.py::test_status_only" in told.output
    assert "4 of 5 tests pass" in told.output


def test_a_test_that_fails_is_told_of(folders: tuple[Path, Path]) -> None:
    old, new = folders
    write(new, NEW.replace('"page": page', '"page": 0'))
    told = run(old, new)
    assert told.exit_code == 1
    assert "(tests): TEST tests/test_it.py::test_index" in told.output
    assert "old  passed" in told.output
    assert "new  failed" in told.output
    # A test that fails earlier asks for less.
    write(new, NEW.replace("return jsonify(id=key), 201", 'return {"key": key}, 201'))
    told = run(old, new)
    assert "old  3 requests" not in told.output
    assert "old  4 requests" in told.output
    assert "new  1 requests" in told.output


def test_an_error_that_the_client_lets_out(folders: tuple[Path, Path]) -> None:
    old, new = folders
    write(
        old / "tests",
        "import pytest\nfrom main import app\n"
        "def test_it():\n"
        "    app.testing = True\n"
        "    try:\n        app.test_client().get('/notes/x')\n"
        "    except Exception:\n        pass\n",
        "test_it.py",
    )
    assert run(old, new).exit_code == 0
    broken = NEW.replace('if found else ("no note", 404)', "if found else 1 / 0")
    write(new, broken)
    told = run(old, new)
    assert told.exit_code == 1
    assert "ZeroDivisionError" in told.output


def test_modules_of_two_names_in_one_folder(tmp_path: Path) -> None:
    folder = write(tmp_path, OLD)
    write(folder, NEW, "after.py")
    write(folder / "tests", TESTS, "test_it.py")
    words = [f"{folder}:main:app", f"{folder}:after:app", "--tests", "tests/test_it.py"]
    mask = ["--mask", "[0-9a-f]{16}"]
    told = CliRunner().invoke(main, ["migrate", "verify", *words, *mask])
    assert told.exit_code == 0, told.output
    write(folder, NEW.replace("<p>{session", "<b>{session"), "after.py")
    told = CliRunner().invoke(main, ["migrate", "verify", *words, *mask])
    assert told.exit_code == 1, told.output


def test_tests_that_can_not_be_run(folders: tuple[Path, Path]) -> None:
    old, new = folders
    write(old / "tests", "import nothing_like_this", "test_it.py")
    told = run(old, new)
    assert told.exit_code == 2
    assert "nothing_like_this" in told.output
    (old / "tests" / "test_it.py").unlink()
    (old / "tests").rmdir()
    told = CliRunner().invoke(
        main, ["migrate", "verify", f"{old}:main:app", f"{new}:main:app", "--tests", "absent"]
    )
    assert (told.exit_code, "there are no tests at absent" in told.output) == (2, True)


@pytest.mark.parametrize("sample", ["blog", "library"])
def test_the_samples_tests(sample: str) -> None:
    where = f"{SAMPLES / sample}:wsgi:app"
    told = CliRunner().invoke(main, ["migrate", "verify", where, where, "--tests", "tests"])
    assert told.exit_code == 0, told.output
