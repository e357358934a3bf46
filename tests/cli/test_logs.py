"""Log lines for machines: one JSON object each, whatever is in it, from every logger there is."""

from __future__ import annotations

import json
import logging
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from test_commands import carboy, get, serving, until

from carboy.cli.logs import JsonFormatter


def formatted(message: str = "said", *args: Any, name: str = "shop", **more: Any) -> Any:
    record = logging.getLogger(name).makeRecord(
        name, logging.WARNING, __file__, 1, message, args, more.pop("exc_info", None), None, more
    )
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable(), "a line break, or what a terminal would obey"
    return json.loads(line)


def test_a_record_is_an_object() -> None:
    found = formatted("%s came", "Ada", order=7, basket=["a", None])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    expected = {"level": "warning", "logger": "shop", "message": "Ada came", "order": 7}
    assert found == {**expected, "basket": ["a", None]}


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "é\u2028", "\x00", "\ud800", '"}'])
def test_nothing_breaks_a_line(text: str) -> None:
    found = formatted("%s", text, more=text)
    assert (found["message"], found["more"]) == (text, text)


def test_what_is_no_json_is_told_as_text() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert formatted(path=Path("/a"))["path"] == "/a"
    assert formatted(circle=circle)["circle"] == "[[...]]"
    assert formatted(table={(1, 2): 3})["table"] == "{(1, 2): 3}"
    assert formatted(number=float("nan"))["number"] == "nan"


def test_extras_do_not_hide_what_every_line_has() -> None:
    assert formatted(level="fine", time="now", logger="other")["level"] == "warning"


def test_colours_are_for_terminals() -> None:
    assert "color_message" not in formatted(color_message="\x1b[1msaid")
    assert JsonFormatter(use_colors=True).format(logging.makeLogRecord({"msg": "a"}))


def test_an_error_has_its_traceback() -> None:
    try:
        raise KeyError("a\nb")
    except KeyError:
        found = formatted("failed", exc_info=sys.exc_info())
    assert (found["message"], found["error"]) == ("failed", "KeyError: 'a\\nb'")
    assert found["traceback"].startswith("Traceback (most recent call last):\n")
    assert found["traceback"].endswith(found["error"])


def test_an_access_line_is_taken_apart() -> None:
    args = ("127.0.0.1:5", "GET", "/a?b=%0A", "1.1", 200)
    found = formatted('%s - "%s %s HTTP/%s" %d', *args, name="uvicorn.access", duration=0.5)
    del found["time"], found["level"]
    assert found == {
        "logger": "uvicorn.access",
        "message": "GET /a?b=%0A 200",
        "client": "127.0.0.1:5",
        "method": "GET",
        "path": "/a?b=%0A",
        "http_version": "1.1",
        "status": 200,
        "duration": 0.5,
    }
    assert formatted("something else", name="uvicorn.access")["message"] == "something else"


MAIN = """
import logging

from carboy import App

app = App()
logger = logging.getLogger("shop")


@app.get("/hello/{name}")
def hello(name: str):
    logger.warning("greets %s", name, extra={"guest": name})
    return name


@app.get("/boom")
async def boom():
    return 1 / 0
"""


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.parametrize(
    "options", [["--use-colors"], ["--workers", "2", "--log-level", "debug"]], ids=["one", "two"]
)
def test_every_line_of_a_server_is_an_object(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    words = ["run", "main:app", "--port", "0", "--log-format", "json", *options]
    with serving(tmp_path, *words) as (url, log, process):
        url = url.removesuffix('",')
        until(lambda: get(f"{url}/hello/Ada%0A%22")[0] == 200, log)
        assert get(f"{url}/boom?x=%1b")[0] == 500
        until(lambda: "/boom?x=%1b 500" in log.read_text(), log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    lines = _lines(log)
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)
    access = [line for line in lines if line["logger"] == "uvicorn.access"]
    (hello,) = [line for line in access if line["status"] == 200]
    assert (hello["method"], hello["path"]) == ("GET", "/hello/Ada%0A%22")
    assert hello["route"] == "/hello/{name}"
    assert 0 < hello["duration"] < 60
    (own,) = [line for line in lines if line["logger"] == "shop"]
    assert (own["message"], own["guest"]) == ('greets Ada\n"', 'Ada\n"')
    (error,) = [line for line in lines if "traceback" in line]
    assert (error["message"], error["level"]) == ("GET /boom failed", "error")
    assert error["error"] == "ZeroDivisionError: division by zero"
    assert "main.py" in error["traceback"]


def test_lines_for_people_are_as_before(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    with serving(tmp_path, "run", "main:app", "--port", "0") as (url, log, _):
        assert get(f"{url}/hello/Ada")[0] == 200
        until(
            lambda: re.search(r'INFO: +\S+ - "GET /hello/Ada HTTP/1.1" 200', log.read_text()), log
        )


def test_two_ways_to_say_how_lines_look_are_refused(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "logs.json").write_text('{"version": 1}')
    words = ["--log-config", "logs.json", "--log-format", "json"]
    shown = carboy(tmp_path, "run", "main:app", *words)
    assert shown.returncode == 2
    assert "leave out --log-format" in shown.stderr
    assert "carboy.cli.logs.JsonFormatter" in shown.stderr
