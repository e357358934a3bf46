"""``.env`` files: the environment wins over the named file, that over .env, that over .flaskenv."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from carboy.flask import Flask
from carboy.flask.cli import FlaskGroup, load_dotenv

NAMES = ("FLASK_COLOR", "COLOR", "SHAPE", "SIZE", "TASTE")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with both files above it; the variables are taken away afterwards."""
    (tmp_path / ".flaskenv").write_text("COLOR=flaskenv\nSHAPE=flaskenv\nSIZE=flaskenv\n")
    (tmp_path / ".env").write_text("COLOR=env\nSHAPE=env\nEMPTY\nTASTE=süß\n", encoding="utf-8")
    (tmp_path / "named").write_text("COLOR=named\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    monkeypatch.delenv("FLASK_SKIP_DOTENV", raising=False)
    for name in (*NAMES, "EMPTY"):
        # Set first, so that the end of the test takes away what is set meanwhile.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


def values() -> dict[str, str]:
    return {name: os.environ[name] for name in (*NAMES, "EMPTY") if name in os.environ}


def test_the_stronger_source_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIZE", "environment")
    assert load_dotenv(folder / "named")
    assert values() == {"COLOR": "named", "SHAPE": "env", "SIZE": "environment", "TASTE": "süß"}


def test_only_the_named_file(folder: Path) -> None:
    assert load_dotenv(folder / "named", load_defaults=False)
    assert values() == {"COLOR": "named"}


def test_nothing_to_read_is_told(folder: Path) -> None:
    assert not load_dotenv(folder / "absent", load_defaults=False)
    assert values() == {}


def test_without_dotenv_a_file_gets_a_hint(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)
    assert not load_dotenv()
    assert capsys.readouterr().err == ""
    monkeypatch.chdir(folder)
    assert not load_dotenv()
    assert "python-dotenv is not installed" in capsys.readouterr().err
    assert values() == {}


def group(**options: bool) -> FlaskGroup:
    made = FlaskGroup(create_app=lambda: Flask("shop"), **options)  # type: ignore[arg-type]
    made.add_command(click.Command("show", callback=lambda: click.echo(repr(values()))))
    return made


def test_the_command_reads_files_before_its_sub_commands_run(folder: Path) -> None:
    result = CliRunner().invoke(group(), ["-e", str(folder / "named"), "show"])
    expected = {"COLOR": "named", "SHAPE": "env", "SIZE": "flaskenv", "TASTE": "süß"}
    assert result.output == f"{expected!r}\n"


def test_default_files_can_be_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CliRunner().invoke(group(load_dotenv=False), ["show"]).output == "{}\n"
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
    assert CliRunner().invoke(group(), ["show"]).output == "{}\n"
    assert CliRunner().invoke(group(), []).output.startswith("Usage:")
    assert values() == {}
    named = CliRunner().invoke(group(), ["-e", str(folder / "named"), "show"])
    assert named.output == "{'COLOR': 'named'}\n"


def test_help_knows_what_the_files_say(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_APP", "")
    monkeypatch.delenv("FLASK_APP")
    (folder / ".env").write_text("FLASK_APP=named_in_the_file\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    result = CliRunner().invoke(FlaskGroup(), ["--help"])
    assert "There is no module 'named_in_the_file'" in result.stderr
    assert result.exit_code == 0


def test_an_env_file_without_dotenv_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dotenv", None)
    result = CliRunner().invoke(group(), ["-e", str(folder / "named"), "show"])
    assert result.exit_code == 2
    assert "needs the package python-dotenv" in result.output
