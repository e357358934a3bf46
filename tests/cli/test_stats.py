"""`carboy run --stats`: what samples come to, the table in a terminal, the lines elsewhere."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import pytest
from test_commands import carboy, get, serving, until

from carboy.cli.board import Board, as_line, as_table, duration, memory
from carboy.cli.stats import Row, Sample, Stats, percentile
from carboy.server.measured import BOUNDS

MAIN = """
import time
from pathlib import Path

from carboy import App

app = App()


@app.get("/hello")
def hello():
    return "hello"


@app.get("/blocks")
async def blocks():
    while not Path("gate").exists():
        time.sleep(0.05)
"""


def sample(at: float = 0.0, **more: Any) -> Sample:
    usual: dict[str, Any] = dict.fromkeys(Sample._fields, 0)
    return Sample(**{**usual, "at": at, "durations": (0,) * (len(BOUNDS) + 1), **more})


def row(**more: Any) -> Row:
    usual: dict[str, Any] = dict.fromkeys(Row._fields, 0)
    return Row(**{**usual, "process": "7", "silent": None, "p50": None, "p99": None, **more})


class Nowhere:
    def show(self, rows: list[Row]) -> None: ...

    def end(self) -> None: ...


def test_a_row_is_what_has_changed() -> None:
    now = time.monotonic()
    stats = Stats(Nowhere())
    stats.heard(7, sample(now - 2, requests=10, cpu=1.0, refused=1))
    stats.heard(7, sample(now, requests=110, cpu=2.0, refused=3, lag=0.5, memory=5, threads=4))
    (one,) = stats.rows()
    assert (one.process, one.rate, one.cpu, one.refused) == ("7", 50.0, 0.5, 2)
    assert (one.lag, one.memory, one.threads, one.silent) == (0.5, 5, 4, None)


def test_all_processes_are_summed_up_but_for_silent_ones() -> None:
    now = time.monotonic()
    stats = Stats(Nowhere())
    for process, end in ((7, now), (8, now), (9, now - 60)):
        stats.heard(process, sample(end - 1))
        stats.heard(process, sample(end, requests=10, lag=process, in_flight=1, memory=3))
    seven, eight, nine, whole = stats.rows()
    assert [one.process for one in (seven, eight, nine, whole)] == ["7", "8", "9", "all"]
    assert (nine.silent or 0) >= 60
    assert (whole.rate, whole.in_flight, whole.memory, whole.lag) == (20, 2, 6, 8)
    stats.forget(9)
    stats.forget(8)
    assert [one.process for one in stats.rows()] == ["7"]


def test_percentiles_come_from_buckets() -> None:
    counts = [0] * (len(BOUNDS) + 1)
    assert percentile(counts, 0.5) is None
    assert percentile((), 0.5) is None
    counts[10], counts[50], counts[-1] = 98, 1, 1
    assert percentile(counts, 0.5) == BOUNDS[10]
    assert percentile(counts, 0.985) == BOUNDS[50]
    assert percentile(counts, 1.0) == BOUNDS[-1]


def test_numbers_for_people() -> None:
    seconds = (None, 0, 0.00002, 0.00099951, 0.00123, 0.0099, 0.00996, 0.25, 0.9996, 1.5, 75)
    assert " | ".join(map(duration, seconds)) == (
        "- | 0 µs | 20 µs | 1.0 ms | 1.2 ms | 9.9 ms | 10 ms | 250 ms | 1.0 s | 1.5 s | 75 s"
    )
    assert [memory(one) for one in (None, 45 * 2**20, 3 * 2**29)] == ["-", "45 MB", "1.5 GB"]
    line = as_line(row(rate=1234.5, p50=0.001, refused=3, cpu=0.5), 2)
    assert line.startswith("2 processes, 1,234 req/s, p50 1.0 ms, p99 -, ")
    assert "3 refused" in line
    assert "cpu 50%" in line


@pytest.mark.parametrize("width", [20, 40, 79, 80, 82, 83, 200])
def test_the_table_is_no_wider_than_the_terminal(width: int) -> None:
    rows = [row(rate=123456, lag=1.0, waiting=5), row(silent=12.0)]
    lines = as_table(rows, width, colours=False)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:2] == ["process", "req/s"]
    assert "silent for" in lines[2]
    assert ("memory" in lines[0]) == (width >= 83)
    coloured = as_table(rows, width)
    assert [re.sub(r"\x1b\[\d*m", "", line) for line in coloured] == lines


class Screen:
    """As much of a terminal as the table needs, made from what was written to it."""

    def __init__(self, data: bytes, lines: int, columns: int = 100) -> None:
        self.rows = [""] * lines
        self.y, self.x = 0, 0
        self.top, self.bottom = 0, lines - 1
        self.saved = (0, 0)
        pieces = r"\x1b\[([\d;]*)([A-Za-z])|(\x1b[78])|(\r)|(\n)|([^\x1b\r\n]+)"
        text = data.decode()
        end = 0
        for found in re.finditer(pieces, text):
            assert found.start() == end, f"unknown: {text[end : found.start()]!r}"
            end = found.end()
            numbers, letter, cursor, back, down, plain = found.groups()
            if letter:
                self.obey(letter, [int(one or 0) for one in numbers.split(";")])
            elif cursor == "\x1b7":
                self.saved = self.y, self.x
            elif cursor:
                self.y, self.x = self.saved
            elif back:
                self.x = 0
            elif down:
                self.feed()
            else:
                line = self.rows[self.y].ljust(self.x)
                self.rows[self.y] = line[: self.x] + plain + line[self.x + len(plain) :]
                self.x += len(plain)
                assert self.x <= columns
        assert end == len(text)

    def feed(self) -> None:
        if self.y == self.bottom:
            del self.rows[self.top]
            self.rows.insert(self.bottom, "")
        elif self.y < len(self.rows) - 1:
            self.y += 1

    def obey(self, letter: str, numbers: list[int]) -> None:
        if letter == "H":
            self.y, self.x = numbers[0] - 1, numbers[1] - 1
        elif letter == "A":
            self.y = max(self.top, self.y - numbers[0])
        elif letter == "K":
            assert numbers == [2]
            self.rows[self.y] = ""
        elif letter == "r":
            self.top = numbers[0] - 1 if numbers[0] else 0
            self.bottom = numbers[1] - 1 if len(numbers) > 1 else len(self.rows) - 1
            self.y = self.x = 0
        else:
            assert letter == "m", letter


@contextmanager
def terminal(lines: int, columns: int = 100) -> Iterator[tuple[int, TextIO]]:
    """Both ends of a terminal: what reads, and what a process writes to."""
    outer, inner = os.openpty()
    resize(inner, lines, columns)
    try:
        with os.fdopen(inner, "w") as stream:
            yield outer, stream
    finally:
        os.close(outer)


def resize(file: int, lines: int, columns: int = 100) -> None:
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def read(outer: int) -> bytes:
    """What has been written to the terminal by now."""
    os.set_blocking(outer, False)
    data = b""
    try:
        while piece := os.read(outer, 65536):
            data += piece
    except (BlockingIOError, OSError):
        pass
    return data


def test_log_lines_go_on_above_the_table() -> None:
    with terminal(10) as (outer, stream):
        board = Board(stream, colours=False)
        for number in range(3):
            print("log", number, file=stream, flush=True)
        board.show([row()])
        for number in range(3, 20):
            print("log", number, file=stream, flush=True)
            board.show([row(rate=number)])
        data = read(outer)
        seen = Screen(data, 10).rows
        assert seen[:7] == [f"log {number}" for number in range(13, 20)]
        assert seen[7] == ""  # where the next one begins
        assert seen[8].split()[0] == "process"
        assert seen[9].split()[:2] == ["7", "19"]
        # One more process: one more line; what was said stays in sight.
        board.show([row(), row(process="8"), row(process="all")])
        data += read(outer)
        seen = Screen(data, 10).rows
        assert [line.split()[0] for line in seen[6:]] == ["process", "7", "8", "all"]
        assert seen[4] == "log 19"
        assert sum("process" in line for line in seen) == 1
        board.end()
        print("after", file=stream, flush=True)
        data += read(outer)
        screen = Screen(data, 10)
        assert (screen.top, screen.bottom) == (0, 9)
        assert screen.rows[4:] == ["log 19", "after", "", "", "", ""]


def test_a_terminal_that_gets_too_small_has_no_table() -> None:
    with terminal(10) as (outer, stream):
        board = Board(stream, colours=False)
        board.show([row()])
        assert b"process" in read(outer)
        resize(stream.fileno(), 5)
        board.show([row()])
        assert b"process" not in read(outer)
        resize(stream.fileno(), 12)
        board.show([row()])
        assert b"\x1b[1;10r" in read(outer)
        board.show([])
        assert Screen(read(outer), 12).rows == [""] * 12


def test_a_server_shows_its_table(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    words = ["run", "main:app", "--port", "0", "--stats", "--workers", "2"]
    seen = bytearray()
    with terminal(20) as (outer, stream):

        def shows(pattern: str) -> Any:
            seen.extend(read(outer))
            return re.search(pattern, Screen(bytes(seen), 20, 200).rows[-1])

        process = subprocess.Popen(
            [sys.executable, "-m", "carboy", *words],
            cwd=tmp_path,
            stdout=stream,
            stderr=stream,
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"},
        )
        log = tmp_path / "none"
        log.touch()
        try:
            until(lambda: shows(r"^ +all +0 "), log)
            url = re.search(rb"http://[\d.:]+", bytes(seen))
            assert url is not None
            until(lambda: get(f"{url[0].decode()}/hello")[0] == 200 and shows(r"all +[1-9]"), log)
            rows = Screen(bytes(seen), 20, 200).rows
            assert rows[-4].split()[:3] == ["process", "req/s", "p50"]
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
            seen.extend(read(outer))
            screen = Screen(bytes(seen), 20, 200)
            assert (screen.top, screen.bottom) == (0, 19)
            assert not any("req/s" in line for line in screen.rows)
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_where_nobody_looks_it_is_a_line_a_second(tmp_path: Path, workers: str) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    options = ["--stats", "--log-format", "json", "--workers", workers]

    def lines(log: Path) -> list[Any]:
        found = [json.loads(line) for line in log.read_text().splitlines(True) if line[-1] == "\n"]
        return [one for one in found if one["logger"] == "carboy.stats"]

    with serving(tmp_path, "run", "main:app", "--port", "0", *options) as (url, log, process):
        url = url.removesuffix('",')
        until(lambda: any(one["processes"] == int(workers) for one in lines(log)), log)
        until(lambda: get(f"{url}/hello")[0] == 200 and lines(log)[-1]["rate"] > 0, log)
        busy = [one for one in lines(log) if one["p99"] is not None]
        assert busy
        assert all(0 < one["p50"] <= one["p99"] < 100 for one in busy)
        assert re.match(r"(2 processes, )?[\d,]+ req/s, p50 ", busy[0]["message"])
        assert busy[0]["memory"] > 2**20
        # A loop that is blocked is told while it is.
        command = f"import urllib.request as r; r.urlopen({url + '/blocks'!r}, timeout=60)"
        asking = subprocess.Popen([sys.executable, "-c", command])
        try:
            until(lambda: lines(log)[-1]["lag"] > 0.5, log)
        finally:
            (tmp_path / "gate").touch()
            assert asking.wait(20) == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_without_it_there_are_no_lines(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    with serving(tmp_path, "run", "main:app", "--port", "0") as (url, log, process):
        assert get(f"{url}/hello")[0] == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert "req/s" not in log.read_text()


def test_a_server_that_starts_again_has_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    shown = carboy(tmp_path, "run", "main:app", "--stats", "--reload")
    assert shown.returncode == 2
    assert "leave out --reload" in shown.stderr
