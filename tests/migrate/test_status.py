"""`carboy migrate status`: figures and reasons, view by view, on samples and small projects."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from carboy.cli import main
from carboy.migrate.convert import plan
from carboy.migrate.status import Status, gather, terminal
from carboy.migrate.status.counted import STATES, Row
from carboy.migrate.status.page import page
from carboy.migrate.status.terminal import lengths, show

SAMPLES = Path(__file__).parent / "samples"


def project(folder: Path, **files: str) -> Status:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    return gather(folder)


def states(status: Status) -> dict[str, str]:
    return {row.endpoint: row.state for row in status.rows}


MIXED = """
from carboy import App, APIRouter
from carboy.flask import Blueprint, g, request, session
from carboy.flask.views import MethodView
from wtforms import Form

app = App()
bp = Blueprint("shop", __name__, url_prefix="/shop")
router = APIRouter(prefix="/api")


@bp.get("/<int:number>")
def tea(number):
    return {"n": number, "q": request.args.get("q"), "who": g.user, "basket": session["basket"]}


@app.get("/typed/{number}", name="shop.typed")
async def typed(number: int, q: str | None = None):
    return number


@router.post("/half")
def half():
    return {"n": session.get("n"), "x": request.headers["X"]}


def helper():
    return session["n"]


@router.get("/helped")
def helped():
    return helper()


@app.view("/books")
class Books:
    def get(self): ...


class Called:
    def get(self): ...

    @view.post("", status_code=201)
    def post(self): ...


def called(): ...


app.view("/called")(Called)
app.get("/by/call", name="by.call")(called)


class Shelf(MethodView):
    def get(self):
        return "x"

    def post(self):
        return "y"
"""
OTHER = """
from mixed import app, router as api

@app.get("/other")
def other(): ...

@api.websocket("/live")
async def live(socket): ...

@app.route("/flask")
def flask_view():
    return open("x").read()
"""


def test_what_is_typed_what_converts_and_what_needs_a_person(tmp_path: Path) -> None:
    status = project(tmp_path, mixed=MIXED, other=OTHER)
    found = states(status)
    assert found["shop.typed"] == found["other"] == found["live"] == found["Books.get"] == "typed"
    assert found["Called.get"] == found["Called.post"] == found["by.call"] == "typed"
    assert found["half"] == "half" and found["helped"] == "typed"
    assert found["Shelf.get"] == found["Shelf.post"] == "person"
    assert {"shop.tea", "flask_view"} <= set(found)
    by_name = {row.endpoint: row for row in status.rows}
    assert by_name["half"].notes == ["still uses request.headers, session of Flask's"]
    assert by_name["helped"].notes == ["what it calls (helper) uses session of Flask's"]
    assert by_name["shop.tea"].uses == ["g", "request.args", "session"]
    assert by_name["shop.typed"].blueprint == "shop"
    assert (by_name["shop.tea"].file, by_name["shop.tea"].line) == ("mixed.py", 13)
    assert status.reasons[0][1] >= 2 and "MethodView" in by_name["Shelf.get"].reasons[0]


def sum_of(tmp_path: Path, parts: int) -> str:
    summed = " + ".join(["'word'"] * parts)
    lines = ["from flask import Flask", "app = Flask(__name__)"]
    lines += ["@app.get('/')", "def long():", f"    return {summed}"]
    (tmp_path / "app.py").write_text("\n".join(lines) + "\n")
    return summed


# Python 3.12's own limit, which no program can raise, is between 740 and 5,000 parts.
@pytest.mark.parametrize("parts", [500, 1000])
def test_a_text_of_very_many_parts_is_read(tmp_path: Path, parts: int) -> None:
    summed = sum_of(tmp_path, parts)
    status, planned = gather(tmp_path), plan(tmp_path)
    if parts == 1000 and sys.version_info[:2] == (3, 12) and status.broken:
        assert "too deep for Python 3.12" in status.broken["app.py"]
    else:
        assert states(status) == {"long": "converts"}
        assert summed in planned.files["app.py"]


def test_what_is_too_deep_to_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carboy.migrate.convert.text._DEPTH", 900)
    sum_of(tmp_path, 1000)
    (tmp_path / "other.py").write_text(OTHER)
    assert list(gather(tmp_path).broken) == ["app.py"]
    planned = plan(tmp_path)
    assert "app.py" not in planned.files
    assert [note for note in planned.notes if "app.py can't be read" in note and "split it" in note]


def test_paths_of_typed_routes_are_whole(tmp_path: Path) -> None:
    status = project(tmp_path, mixed=MIXED, other=OTHER)
    found = {row.endpoint: (row.rules, row.blueprint) for row in status.rows}
    assert found["half"] == (["/api/half"], None)
    assert found["live"] == (["/api/live"], None)
    assert found["shop.typed"] == (["/typed/{number}"], "shop")
    assert found["Books.get"] == (["/books"], None)
    assert found["Called.get"] == (["/called"], None)


MARKED = """
from carboy import APIRouter, view

router = APIRouter()


@router.view("/books", name="shop.books")
class Books:
    @view.get("")
    def get(self): ...

    @view.delete("/{number}")
    def drop(self, number: int): ...
"""


def test_marked_methods_have_the_class_s_path(tmp_path: Path) -> None:
    rows = project(tmp_path, marked=MARKED).rows
    assert [(row.endpoint, row.methods, row.rules, row.blueprint) for row in rows] == [
        ("Books.get", ["GET"], ["/books"], None),
        ("Books.drop", ["DELETE"], ["/books/{number}"], None),
    ]


def test_figures_add_up(tmp_path: Path) -> None:
    status = project(tmp_path, mixed=MIXED, other=OTHER)
    told = status.as_json()
    assert told["views"] == sum(told["counts"].values()) == len(told["rows"])
    for groups in (told["modules"], told["blueprints"]):
        assert sum(group["views"] for group in groups) == told["views"]
        for state in STATES:
            assert sum(group["counts"][state] for group in groups) == told["counts"][state]
    assert sum(1 for row in told["rows"] if row["reasons"]) >= told["counts"]["person"]
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("sample", ["blog", "library"])
def test_samples_before_and_after_they_are_converted(sample: str, tmp_path: Path) -> None:
    folder = tmp_path / sample
    shutil.copytree(SAMPLES / sample, folder)
    before = gather(folder)
    assert before.all.count("typed") == 0 and before.all.count("converts") >= 8
    assert before.all.count("converts") == len(plan(folder).converted)
    made = plan(folder)
    for name, text in made.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    after = gather(folder)
    assert after.all.count("converts") == 0
    # What was converted is typed now; where a proxy was left in it, that is told.
    assert after.all.count("typed", "half") >= len(made.converted)
    assert all(row.notes for row in after.rows if row.state == "half")


def test_every_view_of_the_library_is_in_the_figures() -> None:
    status = gather(SAMPLES / "library")
    resources = [row for row in status.rows if row.module.startswith("lending.api")]
    assert len(resources) == 7
    assert {row.file for row in resources} >= {"lending/api/books.py", "lending/api/authors.py"}
    assert all(row.reasons for row in status.rows if row.state == "person")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    status = project(tmp_path, broken="def (")
    assert list(status.broken) and not status.rows
    result = CliRunner().invoke(main, ["migrate", "status", str(tmp_path)])
    assert result.exit_code == 0 and "broken" in result.output
    assert "No Flask views and no typed routes" in result.output


def test_the_command(tmp_path: Path) -> None:
    project(tmp_path, mixed=MIXED, other=OTHER)
    html = tmp_path / "out.html"
    result = CliRunner().invoke(main, ["migrate", "status", str(tmp_path), "--html", str(html)])
    assert result.exit_code == 0, result.output
    assert "✎ Shelf.get" in result.output and "Why a person is needed" in result.output
    assert "typed already" in result.output and "mixed.py:13" in result.output
    assert "█" * 60 in result.output
    assert "<title>Migration of" in html.read_text()
    short = CliRunner().invoke(main, ["migrate", "status", str(tmp_path), "--short"])
    assert "✎ Shelf.get" not in short.output and "in all" in short.output
    told = CliRunner().invoke(main, ["migrate", "status", str(tmp_path), "--json"])
    assert json.loads(told.output)["counts"]["person"] >= 2
    missing = CliRunner().invoke(main, ["migrate", "status", str(tmp_path / "nowhere")])
    assert missing.exit_code == 2


def test_the_page_needs_nothing_and_escapes_everything() -> None:
    bad = '<script>alert("x")</script>'
    row = Row(bad, bad, 1, bad, bad, [bad], [bad], "person", bad, [bad], [bad], [bad])
    text = page(Status(f"/tmp/{bad}", [row], {bad: bad}))
    assert "<script" not in text and "&lt;script&gt;" in text
    for outside in ("http:", "https:", "src=", "url(", "@import", "<link"):
        assert outside not in text, outside
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text


@pytest.mark.parametrize("counts", [(1, 0, 0, 0), (1, 1, 1, 97), (0, 500, 1, 1), (3, 3, 3, 3)])
def test_bars_fill_their_width(counts: tuple[int, ...]) -> None:
    named = dict(zip(STATES, counts, strict=True))
    parts = dict(lengths(named, 12))
    assert sum(parts.values()) == 12
    assert set(parts) == {state for state, count in named.items() if count}
    assert all(length > 0 for length in parts.values())


def test_lines_fit_the_terminal_and_are_whole_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = project(
        tmp_path,
        shop="""
            from flask import Flask, g, request, session

            app = Flask(__name__)


            @app.route("/")
            def index():
                g.a = session["b"] = request.args["c"] + request.form["d"] + request.cookies["e"]
                return g.a
        """,
    )
    show(status)
    whole = "  shop.py:8  g, request.args, request.cookies, request.form, session\n"
    assert whole in capsys.readouterr().out
    monkeypatch.setattr(terminal, "_width", lambda: 40)
    show(status, views=True)
    lines = [line for line in capsys.readouterr().out.splitlines() if "█" not in line]
    at = next(n for n, line in enumerate(lines) if line.endswith("shop.py:8"))
    assert lines[at + 1 : at + 3] == [
        "      g, request.args, request.cookies,",
        "      request.form, session",
    ]


def test_what_is_named_twice_is_told_once(tmp_path: Path) -> None:
    status = project(
        tmp_path,
        shop="""
            from flask import Flask
            from flask_sqlalchemy import SQLAlchemy

            app = Flask(__name__)
            db = SQLAlchemy(app)


            class Seed(db.Model):
                pass


            @app.route("/")
            def index():
                db.session.add(Seed())
                return str(Seed.query.count())
        """,
    )
    uses = status.rows[0].uses
    assert "flask_sqlalchemy.db.session" in uses
    assert "db.session" not in uses


def test_paths_have_the_prefixes_that_routers_are_included_with(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        main="""
            from carboy import App
            from teas import router

            app = App()
            app.include_router(router, prefix="/v1")
            """,
        teas="""
            from carboy import APIRouter

            router = APIRouter(prefix="/teas")


            @router.get("/{number}")
            @router.get("/")
            def tea(number: int = 1):
                return number
            """,
    )
    assert {rule for row in found.rows for rule in row.rules} == {"/v1/teas/{number}", "/v1/teas/"}
