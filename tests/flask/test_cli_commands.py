"""run, routes and shell."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from carboy.flask import Flask, cli
from carboy.flask.cli import FlaskGroup, ScriptInfo, run_command, show_server_banner


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FLASK_DEBUG", "FLASK_RUN_FROM_CLI", "WERKZEUG_RUN_MAIN", "PYTHONSTARTUP"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def shop(**options: Any) -> Flask:
    app = Flask("shop", static_folder=None, **options)
    app.add_url_rule("/books/<int:id>", "one", methods=["PUT", "GET"])
    app.add_url_rule("/books", "books", methods=["POST"])
    return app


def invoke(app: Flask, *args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(FlaskGroup(create_app=lambda: app), args, input=text)


# -- routes -------------------------------------------------------------------------------------


def test_routes_are_a_table() -> None:
    assert invoke(shop(), "routes").output.split("\n") == [
        "Endpoint  Methods   Rule           ",
        "--------  --------  ---------------",
        "books     POST      /books         ",
        "one       GET, PUT  /books/<int:id>",
        "",
    ]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["-s", "endpoint"], "books"),
        (["-s", "methods"], "one"),
        (["-s", "rule"], "books"),
        (["-s", "match"], "one"),
    ],
)
def test_routes_are_sorted_by_a_column(words: list[str], first: str) -> None:
    assert invoke(shop(), "routes", *words).output.splitlines()[2].split()[0] == first


def test_all_methods_are_shown_when_asked_for() -> None:
    assert "GET, HEAD, OPTIONS, PUT" in invoke(shop(), "routes", "--all-methods").output


@pytest.mark.parametrize(
    ("options", "rule", "head"),
    [
        ({"host_matching": True}, {"host": "shop.test"}, "Host"),
        ({}, {"subdomain": "shop.test"}, "Subdomain"),
    ],
)
def test_hosts_are_a_column_where_there_are_any(
    options: dict[str, bool], rule: dict[str, str], head: str
) -> None:
    app = Flask("shop", static_folder=None, **options)  # type: ignore[arg-type]
    app.add_url_rule("/b", "b", **rule)
    app.add_url_rule("/a", "a")
    rows = [line.split() for line in invoke(app, "routes", "-s", "domain").output.splitlines()]
    assert rows[0] == ["Endpoint", "Methods", head, "Rule"]
    assert rows[2:] == [["a", "GET", "/a"], ["b", "GET", "shop.test", "/b"]]


def test_no_routes_are_told() -> None:
    result = invoke(Flask("empty", static_folder=None), "routes")
    assert result.output == "No routes were registered.\n"


# -- shell --------------------------------------------------------------------------------------


def test_the_shell_has_the_application_and_what_it_adds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "startup.py").write_text("started = 'so'\nanswer = 0\n")
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "startup.py"))
    monkeypatch.delattr(sys, "__interactivehook__", raising=False)
    app = shop()
    app.shell_context_processor(lambda: {"answer": 42})
    result = invoke(app, "shell", text="print(app.name, g is not None, answer, started)\n")
    assert "shop True 42 so" in result.output
    assert f"Instance: {app.instance_path}" in result.output


def test_the_prompt_is_set_up_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(sys, "__interactivehook__", lambda: called.append("hook"), raising=False)
    monkeypatch.setattr("code.interact", lambda banner, local: called.append(local["app"].name))
    assert invoke(shop(), "shell").exit_code == 0
    assert called == ["hook", "shop"]


# -- run ----------------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Werkzeug's server was asked to serve: host, port, application, options."""
    calls: list[Any] = []
    monkeypatch.setattr(cli, "run_simple", lambda *args, **options: calls.append((*args, options)))
    return calls


def test_run_serves_the_application(served: list[Any]) -> None:
    app = shop()
    result = invoke(app, "run", "-p", "5050", "--without-threads", "--extra-files", "a:b")
    assert result.output == " * Debug mode: off\n"
    ((host, port, target, options),) = served
    assert (host, port, target) == ("127.0.0.1", 5050, app)
    assert options == {
        "use_reloader": False,
        "use_debugger": False,
        "threaded": False,
        "ssl_context": None,
        "extra_files": ["a", "b"],
        "exclude_patterns": None,
    }


@pytest.mark.parametrize(
    ("words", "reloader", "debugger"),
    [
        (["--debug"], True, True),
        (["--debug", "--no-reload"], False, True),
        (["--reload"], True, False),
    ],
)
def test_debug_mode_brings_reloader_and_debugger(
    served: list[Any], words: list[str], reloader: bool, debugger: bool
) -> None:
    invoke(shop(), "run", *words)
    options = served[0][3]
    assert (options["use_reloader"], options["use_debugger"]) == (reloader, debugger)


def broken() -> Flask:
    raise RuntimeError("no database")


def test_run_stops_for_an_application_that_does_not_load(served: list[Any]) -> None:
    result = CliRunner().invoke(FlaskGroup(create_app=broken), ["run"])
    assert isinstance(result.exception, RuntimeError)
    assert served == []


def test_a_reloaded_server_stays_and_raises_for_each_request(
    served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    result = CliRunner().invoke(FlaskGroup(create_app=broken), ["run"])
    assert result.exit_code == 0
    assert "RuntimeError: no database" in result.stderr
    with pytest.raises(RuntimeError, match="no database"):
        served[0][2]({}, lambda *args: None)


def test_the_banner_is_shown_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    show_server_banner(True, "shop:app")
    assert capsys.readouterr().out == " * Serving Flask app 'shop:app'\n * Debug mode: on\n"
    monkeypatch.setenv("WERKZEUG_RUN_MAIN", "true")
    show_server_banner(True, "shop:app")
    assert capsys.readouterr().out == ""


def cert_of(*words: str) -> Any:
    return run_command.make_context("run", [*words], obj=ScriptInfo()).params["cert"]


def refused(*words: str) -> str:
    return CliRunner().invoke(run_command, [*words]).output


def test_a_certificate_file_and_its_key_become_a_pair(tmp_path: Path) -> None:
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    Path(cert).touch()
    Path(key).touch()
    assert cert_of("--key", key, "--cert", cert) == (cert, key)
    assert "a certificate file in --cert needs its key" in refused("--cert", cert)
    assert "needs the certificate, in --cert" in refused("--key", key)


def test_a_certificate_can_be_made_for_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert "needs the package cryptography" in refused("--cert", "adhoc")
    monkeypatch.setitem(sys.modules, "cryptography", ModuleType("cryptography"))
    assert cert_of("--cert", "AdHoc") == "adhoc"
    (tmp_path / "key.pem").touch()
    assert "--cert is 'adhoc'" in refused("--cert", "adhoc", "--key", "key.pem")


def test_a_certificate_can_be_a_context_of_some_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = ModuleType("holder")
    holder.Context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "holder", holder)
    assert cert_of("--cert", "holder:Context") is holder.Context
    (tmp_path / "key.pem").touch()
    assert "--cert is an SSLContext" in refused("--cert", "holder:Context", "--key", "key.pem")
    assert "does not exist" in refused("--cert", "holder:Absent")
    monkeypatch.setitem(sys.modules, "ssl", None)
    assert "needs a Python with the ssl module" in refused("--cert", "holder:Context")
