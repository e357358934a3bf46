"""The ``flask`` command: whose sub-commands it has, and what it says without an application."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from carboy.flask import Blueprint, Flask, cli, current_app
from carboy.flask.cli import AppGroup, FlaskGroup, ScriptInfo, with_appcontext

DIRECT_LOADS = {"carboy.flask.cli", "carboy.flask.cli.script"}


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # This project's tests/app would be found as a module of the usual name.
    elsewhere = [path for path in sys.path if not (Path(path) / "app").is_dir()]
    monkeypatch.setattr(sys, "path", elsewhere)
    monkeypatch.delitem(sys.modules, "app", raising=False)
    for name in ("FLASK_APP", "FLASK_DEBUG", "FLASK_RUN_FROM_CLI"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def invoke(command: click.Command, *args: str, **options: Any) -> Result:
    return CliRunner().invoke(command, args, **options)


def shop() -> Flask:
    app = Flask("shop")

    @app.cli.command()
    @click.option("--by", callback=lambda ctx, param, value: f"{value} of {current_app.name}")
    def greet(by: str) -> None:
        """Say hello."""
        click.echo(f"hello {by}")

    @app.cli.command(with_appcontext=False)
    def alone() -> None:
        click.echo(str(bool(current_app)))

    return app


def test_an_application_loads_little_of_the_command_line() -> None:
    code = (
        "import sys; from carboy.flask import Flask; Flask('x').test_client()\n"
        "print(*[m for m in sys.modules if m.startswith('carboy.flask.cli')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(ran.stdout.split()) == DIRECT_LOADS


def test_every_name_is_where_the_package_says() -> None:
    for name in cli._HOMES:
        assert getattr(cli, name) is not None
    assert callable(cli.main)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        cli.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_the_one_that_the_drop_in_claims() -> None:
    code = "import carboy.dropin; print(carboy.dropin.VERSIONS['flask'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"\nFlask {ran.stdout}" in invoke(cli.cli, "--version").output


def test_an_applications_command_runs_in_its_context() -> None:
    group = FlaskGroup(create_app=shop)
    assert invoke(group, "greet", "--by", "me").output == "hello me of shop\n"
    by_itself = invoke(shop().cli, "alone", obj=ScriptInfo(create_app=shop))
    assert by_itself.output == "False\n"


def test_a_context_that_is_there_is_kept() -> None:
    app = shop()

    @click.command()
    @with_appcontext
    def which() -> None:
        assert current_app._get_current_object() is app  # type: ignore[attr-defined]
        click.echo("the same")

    with app.app_context():
        assert invoke(which, obj=ScriptInfo(create_app=lambda: Flask("other"))).output == (
            "the same\n"
        )


def test_groups_of_groups_have_the_context_too() -> None:
    @click.group(cls=AppGroup)
    def outer() -> None: ...

    @outer.group()
    def inner() -> None: ...

    @inner.command()
    def name() -> None:
        click.echo(current_app.name)

    assert invoke(outer, "inner", "name", obj=ScriptInfo(create_app=shop)).output == "shop\n"


def test_a_blueprints_commands_stand_below_its_name() -> None:
    app, books = shop(), Blueprint("books", __name__)
    books.cli.command("count")(lambda: click.echo(current_app.name))
    app.register_blueprint(books)
    assert app.test_cli_runner().invoke(args=["books", "count"]).output == "shop\n"


def test_help_lists_all_and_says_why_an_application_is_missing() -> None:
    shown = invoke(FlaskGroup(create_app=shop), "--help")
    assert [line.split()[0] for line in shown.output.split("Commands:\n")[1].splitlines()] == [
        "alone",
        "greet",
        "routes",
        "run",
        "shell",
    ]
    without = invoke(FlaskGroup(), "--help")
    assert "Usage:" in without.stdout
    assert "There is no Flask application to be found" in without.stderr

    def broken() -> Flask:
        raise RuntimeError("no database")

    beside = invoke(FlaskGroup(create_app=broken), "--help")
    assert beside.exit_code == 0
    assert "RuntimeError: no database" in beside.stderr


def test_an_unknown_command_says_why_it_may_be_unknown() -> None:
    result = invoke(FlaskGroup(), "--app", "absent_module", "greet")
    assert result.exit_code == 2
    assert "There is no module 'absent_module'" in result.stderr
    assert "No such command 'greet'" in result.stderr


def test_an_own_script_may_do_without_our_commands() -> None:
    group = FlaskGroup(
        create_app=shop,
        add_default_commands=False,
        add_version_option=False,
        params=[click.Option(["--mine"], expose_value=False)],
        context_settings={"auto_envvar_prefix": "SHOP"},
    )
    shown = invoke(group, "--help").output
    assert "shell" not in shown
    assert "--version" not in shown
    assert "--mine" in shown
    assert group.context_settings["auto_envvar_prefix"] == "SHOP"


@pytest.mark.parametrize(
    ("words", "variable", "debug"),
    [(["--debug"], "0", "True"), (["--no-debug"], "1", "False"), ([], "1", "True")],
)
def test_debug_mode_is_as_asked_else_as_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, words: list[str], variable: str, debug: str
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", variable)
    group = FlaskGroup(create_app=shop)
    group.command("mode")(lambda: click.echo(str(current_app.debug)))
    assert invoke(group, *words, "mode").output == f"{debug}\n"


def test_app_run_does_nothing_while_a_command_loads_the_module(tmp_path: Path) -> None:
    (tmp_path / "ends_in_run.py").write_text(
        "from carboy.flask import Flask\napp = Flask('served')\napp.run(port=1)\n"
    )
    result = invoke(FlaskGroup(), "--app", "ends_in_run", "routes")
    assert result.exit_code == 0, result.output
    assert "/static/<path:filename>" in result.output


def plugin(folder: Path, name: str, source: str) -> None:
    """A package, installed into `folder`, that declares ``command`` as a plugin."""
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[flask.commands]\n{name}-do = {name}:command\n")


def test_packages_bring_commands_by_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(
        tmp_path,
        "plug_in_one",
        "import click\n@click.command()\ndef command(): click.echo('done')\n",
    )
    plugin(tmp_path, "plug_in_two", "import surely_not_installed\n")
    monkeypatch.syspath_prepend(tmp_path)
    group = FlaskGroup(create_app=shop)
    done = invoke(group, "plug_in_one-do")
    assert done.stdout == "done\n"
    assert "'plug_in_two-do', which a package declares as 'plug_in_two:command'" in done.stderr
    assert "surely_not_installed" in done.stderr
    assert "plug_in_one-do" in invoke(group, "--help").output
    assert invoke(group, "plug_in_two-do").exit_code == 2
