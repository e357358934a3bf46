"""`carboy check`: what sources and applications are found to use, and what is not supported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from carboy.checks import Finding, Report, check, extensions
from carboy.checks.faces import has, reaches
from carboy.checks.proven import BY_MODULE, NOTES, PROVEN, SEEN
from carboy.checks.servers import python_wanted
from carboy.cli import main

ROOT = Path(__file__).parents[2]


def read(folder: Path, **files: str) -> Report:
    """The report on a folder with these files; nothing is imported."""
    for name, text in files.items():
        file = folder / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(textwrap.dedent(text))
    return check(str(folder), None)


def only(report: Report, level: str) -> Finding:
    (found,) = report.of(level)
    return found


# -- names that the faces lack ------------------------------------------------------------------


def test_names_that_the_faces_lack(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        wsgi="""
        import flask
        from flask import Flask, nothing_like_it
        from flask.no_module import anything
        from fastapi.routing import APIRoute, _no_such_name
        from starlette.nowhere import x

        app = Flask(__name__)
        flask.json.dumps({})
        flask.json.no_such_function()
        """,
    )
    found = {(one.what, one.line) for one in report.of("unsupported")}
    assert found == {
        ("flask.nothing_like_it", 3),
        ("flask.no_module.anything", 4),
        ("fastapi.routing._no_such_name", 5),
        ("starlette.nowhere.x", 6),
        ("flask.json.no_such_function", 10),
    }
    assert not report.supported and report.findings[0].file == "wsgi.py"


def test_names_that_flask_took_away_have_an_advice(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        wsgi="""
        from flask import Flask, Markup, escape
        app = Flask(__name__)
        app.json_encoder = None

        @app.before_first_request
        def early(): ...
        """,
    )
    advice = {one.what: one.advice for one in report.of("unsupported")}
    assert "from markupsafe import Markup" in advice["flask.Markup"]
    assert "Flask 2.3" in advice["@app.before_first_request"]
    assert "JSONProvider" in advice["app.json_encoder"]


def test_optional_imports_are_no_trouble_and_those_for_type_checkers_none(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        wsgi="""
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            from flask import one_name
        try:
            from flask import two_names
        except ImportError:
            two_names = None
        """,
    )
    assert report.supported
    assert only(report, "different").what == "flask.two_names"


def test_every_documented_name_of_the_faces_is_found() -> None:
    import flask

    names = [name for name, one in vars(flask).items() if not isinstance(one, ModuleType)]
    documented = [name for name in names if not name.startswith("_")]
    assert "render_template" in documented
    assert [name for name in documented if not has("flask", name)] == []
    for name in ("flask.views.MethodView", "flask.cli.with_appcontext", "flask.request.args"):
        assert reaches(name), name
    assert reaches("fastapi.security.OAuth2PasswordBearer")
    assert reaches("flask.setupmethod")  # flask.scaffold's, known by its short name
    assert not reaches("flask.nothing") and not has("fastapi.nothing", None)


# -- extensions ---------------------------------------------------------------------------------


def test_the_table_of_extensions_is_what_is_run() -> None:
    sys.path.insert(0, str(ROOT / "conformance"))
    try:
        from extensions import EXTENSIONS
    finally:
        sys.path.remove(str(ROOT / "conformance"))
    run = {one.name: one.version for one in EXTENSIONS}
    libraries = tomllib.loads((ROOT / "conformance" / "libraries.toml").read_text())["library"]
    run |= {one["name"]: max(one["versions"]) for one in libraries}
    assert {name: version for name, (version, _) in PROVEN.items()} == run
    assert all(level in ("unsupported", "different", "untested") for level, _ in NOTES.values())


def test_extensions_are_told_by_what_is_known_of_them(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        wsgi="""
        import eventlet
        from flask_login import LoginManager
        from flask_nobody_knows import Thing
        from flask_own import helper
        import json, pydantic
        """,
        flask_own="helper = 1",
    )
    assert only(report, "unsupported").what == "eventlet"
    assert only(report, "untested").what == "flask_nobody_knows"
    known = {one.name: one.detail for one in report.used if one.group == "extensions"}
    assert any(name.startswith("flask-login") for name in known)
    assert len(known) == 2


def test_what_was_asked_of_an_extension_stands_in_the_documentation(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "extensions.md").read_text()
    assert [version for version in SEEN.values() if version not in page] == []
    assert not SEEN.keys() & {*BY_MODULE, *NOTES}
    report = read(tmp_path, wsgi="from flask_admin import Admin")
    assert not report.of("untested")
    (told,) = [one.detail for one in report.used if one.group == "extensions"]
    assert told == f"answered as on Flask at {SEEN['flask_admin']}"


# -- habits -------------------------------------------------------------------------------------

FLASK = "from flask import Flask, request\napp = Flask(__name__)\n"


@pytest.mark.parametrize(
    ("source", "level", "what", "line"),
    [
        ("app.wsgi_app = Wrap(app.wsgi_app)", "slower", "middleware around wsgi_app", 3),
        (
            "class Own(Flask):\n    def dispatch_request(self): ...",
            "slower",
            "Own.dispatch_request",
            4,
        ),
        (
            "from werkzeug.middleware.proxy_fix import ProxyFix\nProxyFix(app)",
            "slower",
            "ProxyFix",
            4,
        ),
        ("@app.get('/')\ndef v():\n    return 'x', 1000", "different", "status 1000", 5),
        ("@app.get('/')\ndef v():\n    return 'x', 205", "different", "status 205", 5),
        (
            "@app.get('/')\ndef v():\n    return request.headers['X_KEY']",
            "different",
            "header X_KEY",
            5,
        ),
        (
            "@app.get('/')\nasync def v():\n    import time\n    time.sleep(1)\n    return ''",
            "different",
            "async v",
            6,
        ),
        ("@app.get('/<a>/<int:a>')\ndef v(a): ...", "unsupported", "/<a>/<int:a>: a", 4),
        ("import json\njson.loads = None", "different", "json.loads is replaced", 4),
        (
            "@app.get('/')\ndef v():\n    return request.environ.get('uwsgi.version')",
            "different",
            "environ['uwsgi.version']",
            5,
        ),
    ],
)
def test_habits_of_flask(tmp_path: Path, source: str, level: str, what: str, line: int) -> None:
    found = only(read(tmp_path, wsgi=FLASK + source), level)
    assert (found.what, found.file, found.line) == (what, "wsgi.py", line)
    assert len(found.advice) > 20


@pytest.mark.parametrize(
    ("source", "level", "what"),
    [
        (
            "class R(APIRoute):\n    def get_route_handler(self): ...",
            "slower",
            "R.get_route_handler",
        ),
        ("class Q(Request):\n    async def body(self): ...", "different", "Q.body"),
        ("app.add_middleware(object)", "slower", "middleware"),
        (
            "from anyio.to_thread import current_default_thread_limiter as l\nl()",
            "different",
            "AnyIO's thread limiter",
        ),
        ("import fastapi.routing\nfastapi.routing.solve_dependencies = 1", "slower", None),
    ],
)
def test_habits_of_fastapi(tmp_path: Path, source: str, level: str, what: str | None) -> None:
    head = (
        "from fastapi import FastAPI, Request\nfrom fastapi.routing import APIRoute\n"
        "app = FastAPI()\n"
    )
    found = only(read(tmp_path, main=head + source), level)
    assert what is None or found.what == what


def test_a_usual_application_has_no_findings(tmp_path: Path) -> None:
    report = read(
        tmp_path,
        wsgi=FLASK
        + """
from flask import request_started
request_started.connect(print, app)

@app.before_request
def before(): ...

@app.route("/<int:n>")
async def view(n):
    return {"q": request.headers.get("X-Key")}, 201

if __name__ == "__main__":
    app.run(port=8080, debug=True)
""",
    )
    assert not report.findings and report.drop_in and report.kind == "flask"
    used = {(one.group, one.name): one.detail for one in report.used}
    assert used["hooks", "@app.before_request"] == "before"
    assert ("signals", "request_started") in used and ("async views", "view") in used
    assert used["server", "Flask's development server"] == (
        "in its place: carboy dev APP --port 8080"
    )


# -- files beside -------------------------------------------------------------------------------


def test_how_it_is_served_today(tmp_path: Path) -> None:
    (tmp_path / "gunicorn.conf.py").write_text("workers = 2\nworker_class = 'eventlet'\n")
    (tmp_path / "Procfile").write_text("web: gunicorn -k gevent wsgi:app\n")
    (tmp_path / "Dockerfile").write_text('RUN pip install uvicorn\nCMD ["fastapi", "run"]\n')
    (tmp_path / "uwsgi.ini").write_text("[uwsgi]\n")
    report = read(tmp_path, wsgi="")
    assert only(report, "unsupported").what == "gunicorn's worker eventlet"
    assert only(report, "unsupported").line == 2
    assert {one.what for one in report.of("different")} == {
        "uWSGI",
        "gunicorn's worker gevent",
        "fastapi dev, fastapi run",
    }


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [(">=3.9", True), (">=3.8,<3.11", False), ("==3.10.*", False), (">=3.11", True), ("<4", True)],
)
def test_pythons_version(tmp_path: Path, wanted: str, fits: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[project]\nrequires-python = "{wanted}"\n')
    assert (not list(python_wanted(tmp_path))) is fits
    (tmp_path / "pyproject.toml").unlink()
    (tmp_path / ".python-version").write_text("3.9.1\n")
    assert [one.what for one in python_wanted(tmp_path)] == ["Python 3.9"]


# -- the command --------------------------------------------------------------------------------


def carboy(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if k != "CARBOY_DROPIN"}
    return subprocess.run(
        [sys.executable, "-m", "carboy", "check", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def report_of(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    ran = carboy(folder, "--json", *words)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_an_unmodified_flask_application_with_a_factory(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text(
        textwrap.dedent("""
        from flask import Flask
        from werkzeug.routing import BaseConverter

        class Slug(BaseConverter):
            regex = "[a-z]+"

        class Shop(Flask):
            def process_response(self, response):
                return super().process_response(response)

        def create_app():
            print("noise")
            app = Shop(__name__)
            app.url_map.converters["slug"] = Slug
            from . import views
            app.register_blueprint(views.bp)
            return app
        """)
    )
    (package / "views.py").write_text(
        "from flask import Blueprint\nbp = Blueprint('views', __name__)\n\n"
        "@bp.route('/<slug:name>/')\ndef view(name):\n    return name\n"
    )
    status, report = report_of(tmp_path, "shop:create_app")
    assert status == 0 and report["loaded"] and report["drop_in"]
    assert (report["kind"], report["modules"]) == ("flask", 2)
    slower = {one["what"]: (one["file"], one["line"]) for one in report["findings"]}
    assert slower == {
        "Shop.process_response": ("shop/__init__.py", 9),
        "<Slug:name>": ("shop/__init__.py", 5),
    }
    (routes,) = [one["name"] for one in report["used"] if one["group"] == "routes"]
    assert routes == "2"  # the static files' and the view's


def test_middleware_that_an_extension_brings_is_told(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text(
        "from flask import Flask\nclass Around:\n    def __init__(self, app): self.app = app\n"
        "app = Flask('x')\nsetattr(app, 'wsgi_app', Around(app.wsgi_app))\n"
    )
    _, report = report_of(tmp_path, "wsgi:app")
    (found,) = report["findings"]
    assert (found["level"], found["what"]) == ("slower", "middleware around wsgi_app")
    assert found["advice"].startswith("Around: ")


def test_an_installed_application_is_read_as_well(tmp_path: Path) -> None:
    for folder in ("index/shop", "index/other", "here"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "index" / "other" / "__init__.py").write_text("from flask import escape\n")
    (tmp_path / "index" / "shop" / "__init__.py").write_text("")
    (tmp_path / "index" / "shop" / "wsgi.py").write_text(
        "import flask\ntry:\n    import other\nexcept ImportError:\n    pass\n"
        "from shop import views\napp = flask.Flask('shop')\n"
    )
    (tmp_path / "index" / "shop" / "views.py").write_text("x = 1\n")
    site = f"import sys; sys.path.append({str(tmp_path / 'index')!r})"
    code = f"{site}; from carboy.cli import main; main(['check', '--json', 'shop.wsgi:app'])"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=tmp_path / "here", capture_output=True, text=True, timeout=60)
    report = json.loads(ran.stdout)
    assert (report["loaded"], report["drop_in"], report["modules"]) == (True, True, 3)
    assert report["kind"] == "flask"


def test_an_unmodified_fastapi_application(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from fastapi import FastAPI\napp = FastAPI()\n\n@app.get('/{n}')\ndef view(n: int): ...\n"
    )
    ran = carboy(tmp_path, "main:app")
    assert ran.returncode == 0, ran.stderr
    assert "main:app is a FastAPI application: 1 route, 1 module read" in ran.stdout
    assert "Nothing is unsupported. Run it: carboy run --drop-in main:app" in ran.stdout


def test_an_app_needs_no_drop_in(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("from carboy import App\napp = App()\n")
    status, report = report_of(tmp_path, "main")
    assert (status, report["kind"], report["drop_in"]) == (0, "app", False)


def test_what_is_unsupported_is_exit_status_1(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from carboy import App\napp = App()\n"
        "app.get('/x/{n}')(lambda n: n)\napp.route('/x/<n>')(lambda n: n)\n"
        "try:\n    import eventlet\nexcept ImportError: ...\n"
    )
    ran = carboy(tmp_path, "main")
    assert ran.returncode == 1
    assert "Not supported (2)" in ran.stdout and "main.py:6" in ran.stdout
    assert "is declared twice" in ran.stdout and "2 unsupported" in ran.stdout


def test_what_cannot_be_loaded_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text("from flask import Flask, nothing\napp = Flask(__name__)\n")
    ran = carboy(tmp_path, "wsgi:app")
    assert ran.returncode == 2
    assert "It can't be loaded" in ran.stdout and "flask.nothing" in ran.stdout
    status, report = report_of(tmp_path, "wsgi:app")
    assert status == 2 and not report["loaded"] and "nothing" in report["error"]
    status, report = report_of(tmp_path, "--no-import", "wsgi:app")
    assert status == 1 and not report["error"]
    status, report = report_of(tmp_path, ".")
    assert status == 1 and report["kind"] == "flask"
    status, report = report_of(tmp_path, "nowhere.py")
    assert status == 2 and "there is no file" in report["error"]


def test_a_file_that_is_no_python(tmp_path: Path) -> None:
    (tmp_path / "wsgi.py").write_text("def (")
    result = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert result.exit_code == 1 and "SyntaxError" in result.output


def test_who_imports_the_dropin_is_not_told_to(tmp_path: Path) -> None:
    shop = "from carboy import App\nimport flask_login\napp = App()\n"
    assert read(tmp_path, shop=shop).drop_in
    assert not read(tmp_path, shop="import carboy.dropin\n" + shop).drop_in


def test_carboy_itself_is_no_extension(monkeypatch: pytest.MonkeyPatch) -> None:
    # Installed from a wheel it is a distribution like any other, and needs starlette.
    installed = {"carboy": ["carboy"], "flask": ["flask"]}
    monkeypatch.setattr(extensions, "_distributions", lambda: installed)
    extensions.is_extension.cache_clear()
    assert not extensions.is_extension("carboy")
    extensions.is_extension.cache_clear()
