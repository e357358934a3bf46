"""Two applications in two processes: equal ones are equal, and each change is found."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from carboy.cli import main
from carboy.migrate.proof.places import copied, environment
from carboy.migrate.proof.proving import last_error
from carboy.migrate.proof.spec import NoSpec, Spec, parse
from proof.projects import NEW, OLD, REQUESTS, write

SAMPLES = Path(__file__).parents[1] / "samples"
ID = r'"[0-9a-f]{16}"'


@pytest.fixture
def verify(tmp_path: Path) -> Callable[..., Result]:
    """``carboy migrate verify`` of OLD and the given source, by REQUESTS unless said."""
    write(tmp_path / "old", OLD)
    write(tmp_path, REQUESTS, "asked.py")

    def run(new: str = NEW, *options: Any, requests: bool = True) -> Result:
        write(tmp_path / "new", new)
        given = [f"{tmp_path / 'old'}:main:app", f"{tmp_path / 'new'}:main:app"]
        asked = ["--requests", str(tmp_path / "asked.py")] if requests else []
        words = ["migrate", "verify", *given, *asked, "--mask", "[0-9a-f]{16}"]
        return CliRunner().invoke(main, [*words, *map(str, options)])

    return run


def test_equal_applications_are_equal(verify: Callable[..., Result], tmp_path: Path) -> None:
    told = verify(NEW, "--json", tmp_path / "report.json")
    assert told.exit_code == 0, told.output
    assert "old: Flask 3.1" in told.output
    assert "new: Carboy" in told.output
    assert "10 requests compared, 0 differences" in told.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["exchanges"] == 10
    views = {name: proof["requests"] for name, proof in report["views"].items()}
    wanted = {"index": 1, "login": 3, "me": 2, "add": 1, "note": 1, "notes": 1}
    assert views == {**wanted, "(no route)": 1}
    assert report["unseen"] == ["static"]
    # Each had a folder of its own, which is gone.
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(
        ["old", "new", "main.py", "main.py", "asked.py", "report.json"]
    )


#: What was changed in the new one, and what is to be told of it.
CHANGES = {
    "status": (", 201", ", 200", "POST /notes", "status", "201", "200"),
    "header": (
        'return {"page": page, "message": "hello"}',
        'return J({"page": page, "message": "hello"}, headers={"x-new": "1"})',
        "GET /?page=2",
        "header x-new",
        "(none)",
        "1",
    ),
    "json": ('"page": page', '"page": str(page)', "GET /?page=2", "body page", "2", '"2"'),
    "text": ("<p>{session", "<b>{session", "GET /me", "body line 1", "<p>ada</p>", "<b>ada</p>"),
    "session": (
        'session["name"] = request',
        'session["user"] = session["name"] = request',
        "POST /login",
        "cookie session: user",
        "(none)",
        '"ada"',
    ),
    "cookie": (
        'app.secret_key = "old"',
        'app.secret_key = "old"; app.config["SESSION_COOKIE_SAMESITE"] = "Lax"',
        "GET /login",
        "cookie session: samesite",
        "(none)",
        "Lax",
    ),
    "redirect": ('url_for("me")', '"/"', "POST /login", "header location", "/me", "/"),
    "error": (
        "return jsonify(text=found[0])",
        'raise KeyError("lost")\n    return jsonify(text=found[0])',
        "GET /notes/",
        "status",
        "200",
        "500 (KeyError: 'lost')",
    ),
    "view that is gone": ('@app.route("/me")', "", "GET /me", "status", "200", "404"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found(name: str, verify: Callable[..., Result]) -> None:
    before, after, request, what, old, new = CHANGES[name]
    assert before in NEW
    source = "from carboy.fastapi.responses import JSONResponse as J\n" + NEW
    told = verify(source.replace(before, after))
    assert told.exit_code == 1, told.output
    lines = told.output.splitlines()
    index = next(i for i, line in enumerate(lines) if line.strip() == what)
    assert request in lines[index - 1]
    assert lines[index + 1 : index + 3] == [f"      old  {old}", f"      new  {new}"]


def test_a_session_is_handed_over_only_with_the_same_key(
    verify: Callable[..., Result], tmp_path: Path
) -> None:
    """What happens to users who are logged in while versions change."""
    logging_in = REQUESTS.partition("    key =")[0]
    (tmp_path / "asked.py").write_text(logging_in)
    assert verify(NEW, "--hand-over").exit_code == 0
    other = NEW.replace('secret_key = "old"', 'secret_key = "new"')
    assert verify(other).exit_code == 0
    told = verify(other, "--hand-over")
    assert told.exit_code == 1
    assert "<p>ada</p>" in told.output


def test_routes_alone_make_requests(verify: Callable[..., Result]) -> None:
    told = verify(NEW, requests=False)
    assert told.exit_code == 0, told.output
    assert "4 requests compared, 0 differences" in told.output
    assert "--values filename=... --values key=..." in told.output
    told = verify(NEW, "--values", "key=a", "--values", "key=b", requests=False)
    assert "6 requests compared, 0 differences" in told.output
    told = verify(NEW, "--thorough", requests=False)
    assert told.exit_code == 1, "a typed route answers OPTIONS with 204, Flask with 200"
    assert "OPTIONS /" in told.output


def test_an_application_that_hangs_or_ends_is_told_of(verify: Callable[..., Result]) -> None:
    hangs = "async def index(page: int = 1):\n    import asyncio; await asyncio.sleep(100)"
    told = verify(NEW.replace("async def index(page: int = 1):", hangs), "--timeout", "1")
    assert told.exit_code == 1
    assert "no answer after 1 seconds" in told.output
    ends = hangs.replace("import asyncio; await asyncio.sleep(100)", "import os; os._exit(3)")
    told = verify(NEW.replace("async def index(page: int = 1):", ends))
    assert told.exit_code == 1
    assert "stopped early: the new application: the process has ended (GET /?page=2)" in told.output


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nothing_like_this", "No module named 'nothing_like_this'"),
        ("app = 1", "1 is no application"),
        ("", "has no attribute 'app'"),
        ("import os; os._exit(1)", "could not be loaded"),
    ],
)
def test_what_can_not_be_loaded(source: str, said: str, verify: Callable[..., Result]) -> None:
    told = verify(source)
    assert told.exit_code == 2
    assert said in told.output


def test_what_can_not_be_asked(verify: Callable[..., Result], tmp_path: Path) -> None:
    told = verify(NEW, "--setup", "echo broken; exit 3")
    assert (told.exit_code, "ended with 3:\nbroken" in told.output) == (2, True)
    (tmp_path / "asked.py").write_text("REQUESTS = [1]")
    assert "1 is no request with a path" in verify().output
    (tmp_path / "asked.py").write_text("def requests(client):\n    assert client.get('/me').json()")
    told = verify()
    assert told.exit_code == 2
    assert "the requests failed after 1: JSONDecodeError" in told.output
    (tmp_path / "asked.py").write_text("x = 1")
    told = verify()
    assert (told.exit_code, "neither a function requests" in told.output) == (2, True)
    (tmp_path / "asked.py").write_text("REQUESTS = []")
    told = verify()
    assert (told.exit_code, "nothing was compared" in told.output) == (2, True)
    told = verify(NEW, "--record", tmp_path / "absent.jsonl", requests=False)
    assert (told.exit_code, "can't be read" in told.output) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere:main:app", "nowhere:main:app"],
        ["a b", "c"],
        ["main:app"],
        ["main:app", "main:app", "main:app"],
        ["main:app", "--against-record"],
        ["main:app", "main:app", "--mask", "("],
        ["main:app", "main:app", "--values", "x"],
        ["main:app", "main:app", "--tests", "t", "--requests", "r"],
    ],
)
def test_wrong_words_are_told(words: list[str]) -> None:
    told = CliRunner().invoke(main, ["migrate", "verify", *words])
    assert told.exit_code == 2
    assert "Error: " in told.output


def test_names_of_applications(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "main.py").write_text("")
    here, there = tmp_path.resolve(), (tmp_path / "a b").resolve()
    found = {
        "main:app": Spec(here, "main", "app"),
        "a.b:c.d": Spec(here, "a.b", "c.d"),
        "a b:main:app": Spec(there, "main", "app"),
        f"{there}:main:create_app()": Spec(there, "main", "create_app()"),
        'a b:main:make("x:y", z=1)': Spec(there, "main", 'make("x:y", z=1)'),
        "a b/main.py": Spec(there, "main", "app"),
        "a b/main.py:make()": Spec(there, "main", "make()"),
    }
    for text, spec in found.items():
        assert parse(text, tmp_path) == spec
    for text in ("", "main", "main:", ":app", "absent/main.py", "absent:main:app", "main:app()x"):
        with pytest.raises(NoSpec):
            parse(text, tmp_path)


def test_factories_and_where_the_old_one_runs(
    verify: Callable[..., Result], tmp_path: Path
) -> None:
    made = OLD + "\ndef make(name, *, end):\n    assert name + end == 'a:b'\n    return app\n"
    write(tmp_path / "old", made)
    words = [f"{tmp_path}/old:main:make('a:', end='b')", f"{tmp_path}/old:main:app"]
    told = CliRunner().invoke(main, ["migrate", "verify", *words, "--old-on", "carboy"])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("old: Carboy")
    told = CliRunner().invoke(main, ["migrate", "verify", *words, "--old-python", sys.executable])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("old: Flask 3.1")


def test_folders_are_copied_without_what_tools_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a" / ".git", "")
    write(tmp_path / "a" / "b", "kept")
    with copied(tmp_path / "a") as place:
        assert [path.relative_to(place).as_posix() for path in place.rglob("*")] == [
            "b",
            "b/main.py",
        ]
    assert not place.exists()
    with copied(tmp_path / "a", False) as place:
        assert place == tmp_path / "a"
    monkeypatch.setenv("CARBOY_DROPIN", "flask")
    assert "CARBOY_DROPIN" not in environment({}, "real")
    assert environment({"A": "b"}, "carboy")["A"] == "b"


@pytest.mark.parametrize("sample", ["blog", "library"])
def test_the_samples_on_both(sample: str) -> None:
    """Unchanged Flask applications of some size: on Flask, and on our face."""
    where = f"{SAMPLES / sample}:wsgi:app"
    setup = {"blog": "python -m flask --app journal init-db", "library": "true"}[sample]
    words = ["migrate", "verify", where, where, "--setup", setup]
    told = CliRunner().invoke(main, [*words, "--requests", str(SAMPLES / sample / "walk.py")])
    assert told.exit_code == 0, told.output


BROKEN = """
import sqlite3

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return str(sqlite3.connect("shop.db").execute("select count(*) from seeds").fetchone()[0])


@app.route("/hello")
def hello():
    return "hello"
"""
SEEDS = "import sqlite3; sqlite3.connect('shop.db').execute('create table seeds (id integer)')"


def test_errors_of_both_sides_are_no_proof(tmp_path: Path) -> None:
    write(tmp_path / "old", BROKEN)
    write(tmp_path / "new", BROKEN)
    sides = [f"{tmp_path / 'old'}:main:app", f"{tmp_path / 'new'}:main:app"]
    told = CliRunner().invoke(main, ["migrate", "verify", *sides])
    assert "index          1  equal (1 with 5xx from both)" in told.output
    assert "the last for sqlite3.OperationalError: no such table: seeds" in told.output
    assert "made by --setup COMMAND" in told.output
    assert "1 of 3 views were asked and are equal" in told.output
    setup = f'"{sys.executable}" -c "{SEEDS}"'
    told = CliRunner().invoke(main, ["migrate", "verify", *sides, "--setup", setup])
    assert "5xx" not in told.output
    assert "2 of 3 views were asked and are equal" in told.output


def test_an_error_of_the_old_side_is_named(tmp_path: Path) -> None:
    write(tmp_path / "old", BROKEN)
    write(tmp_path / "new", BROKEN.replace("shop.db", ":memory:").replace("seeds", "sqlite_master"))
    sides = [f"{tmp_path / 'old'}:main:app", f"{tmp_path / 'new'}:main:app"]
    told = CliRunner().invoke(main, ["migrate", "verify", *sides])
    assert told.exit_code == 1
    assert "old  500 (sqlite3.OperationalError: no such table: seeds)" in told.output


def test_what_a_log_says_of_an_error() -> None:
    lines = ["noise", "Traceback:", '  File "x.py", line 1', "    x()", "a.Error: what", "[SQL]"]
    assert last_error("\n".join(lines)) == "a.Error: what"
    assert last_error("one\ntwo") == "two"
    assert last_error("") == ""
