"""`carboy migrate record` on a real socket with two workers, and `verify` with what it wrote."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from contract.servers import free_port
from living import until
from processes import started

from carboy.cli import main
from carboy.migrate.proof.reading import record_of
from proof.projects import NEW, OLD, Browser, write

FORM = {"content-type": "application/x-www-form-urlencoded"}


def walk(address: tuple[str, int]) -> None:
    ada, eve = Browser(address), Browser(address)
    assert ada.ask("GET", "/?page=2")[0] == 200
    for user, name in ((ada, "ada"), (eve, "eve")):
        page = user.ask("GET", "/login")[1]
        token = page.partition('csrf_token value="')[2].partition('"')[0]
        assert len(token) == 16
        form = urlencode({"name": name, "csrf_token": token, "password": "right"})
        assert user.ask("POST", "/login", form, **FORM)[0] == 302
    assert ada.ask("GET", "/me")[1] == "<p>ada</p>"
    assert eve.ask("GET", "/me")[1] == "<p>eve</p>"
    made = ada.ask("POST", "/notes", '{"text": "remember"}', **{"content-type": "application/json"})
    key = made[1].partition('"id":"')[2].partition('"')[0]
    assert ada.ask("GET", f"/notes/{key}")[0] == 200
    assert ada.ask("GET", "/notes")[0] == 200
    assert ada.ask("GET", "/ab%20sent?a=%2F")[0] == 404


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was recorded of OLD, by two workers."""
    folder = tmp_path_factory.mktemp("recorded")
    # The server's readiness is asked at /pid.
    write(folder / "old", OLD + "\n@app.get('/pid')\ndef pid():\n    return 'up'\n")
    port = free_port()
    command = [
        *("carboy", "migrate", "record", "main:app", "--drop-in", "--workers", "2"),
        *("--to", str(folder / "r.jsonl"), "--port", str(port), "--skip", "^/pid$"),
    ]
    with started(folder, command, ("127.0.0.1", port), cwd=folder / "old"):
        walk(("127.0.0.1", port))
        until(lambda: (folder / "r.jsonl").read_bytes().count(b"\n") == 11)
    return folder / "r.jsonl"


def verify(tmp_path: Path, record: Path, new: str, *options: Any, old: bool = True) -> Any:
    write(tmp_path / "old", OLD)
    write(tmp_path / "new", new)
    sides = [f"{tmp_path}/old:main:app"] * old + [f"{tmp_path}/new:main:app"]
    words = [
        "--record",
        str(record),
        "--mask",
        '(?<="id":")[0-9a-f]{16}',
        "--mask",
        "^[0-9a-f]{16}$",
    ]
    return CliRunner().invoke(main, ["migrate", "verify", *sides, *words, *map(str, options)])


def test_no_secret_is_in_the_record(record: Path) -> None:
    text = record.read_text()
    assert "right" not in text
    assert "session=ey" not in text
    exchanges, broken = record_of(record)
    assert (len(exchanges), broken) == (11, 0)
    assert record.stat().st_mode & 0o777 == 0o600


def test_the_record_is_replayed(record: Path, tmp_path: Path) -> None:
    """Sessions, tokens and new ids are each side's own."""
    told = verify(tmp_path, record, NEW, "--secret", "password=right")
    assert told.exit_code == 0, told.output
    assert "11 requests compared, 0 differences" in told.output
    told = verify(tmp_path, record, NEW.replace("<p>{session", "<b>{session"))
    assert told.exit_code == 1
    told = verify(tmp_path, record, NEW)
    assert "403" not in told.output, "both refuse the placeholder, so they are equal"
    assert "2 requests have secrets that the record left out" in told.output


def test_a_record_stands_for_the_old_application(record: Path, tmp_path: Path) -> None:
    secret = ("--secret", "password=right")
    told = verify(tmp_path, record, NEW, *secret, "--against-record", old=False)
    assert told.exit_code == 0, told.output
    assert told.output.startswith("old: the record\n")
    told = verify(tmp_path, record, NEW, *secret, "--against-record")
    assert told.exit_code == 0, told.output
    # Both have changed since, in the same way: only the record knows.
    changed = NEW.replace('"message": "hello"', '"message": "bye"')
    (tmp_path / "old").mkdir(exist_ok=True)
    told = verify(tmp_path, record, changed, *secret, "--against-record", old=False)
    assert told.exit_code == 1
    assert 'old  "hello"' in told.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["main:app", "--to", "nowhere/r.jsonl"], "there is no folder"),
        (["main:app", "--to", "r", "--skip", "("], "no regular expression"),
        (["absent/main.py", "--to", "r"], "there is no file"),
        (["main:app"], "--to"),
    ],
)
def test_wrong_words_are_told_before_anything_is_served(words: list[str], said: str) -> None:
    told = CliRunner().invoke(main, ["migrate", "record", *words])
    assert told.exit_code
    assert said in told.output
    assert "CARBOY_RECORD" not in os.environ
