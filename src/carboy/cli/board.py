"""The table of `--stats` at the bottom of a terminal, and what its numbers look like.

Log lines go on above it, whichever process writes them: the terminal itself is told to scroll only
the lines above (DECSTBM), and the table is written below with the cursor put back, in one write. It
follows the terminal's size, and at the end the terminal is as it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TextIO

import click

from carboy.cli.stats import Lines, Row, Shown

#: Lines that must be left for the log.
LEAST = 4
#: Seconds of lag from which on it is red: as long as the watchdog allows (server/watchdog.py).
LATE = 0.05


def duration(seconds: float | None) -> str:
    """For people, in as few digits as say something."""
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 0.001)):
        if seconds >= 0.9995 * size:
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 9.95 else f"{number:.1f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def memory(size: int | None) -> str:
    """Bytes, for people."""
    if size is None:
        return "-"
    return f"{size / 2**20:,.0f} MB" if size < 2**30 else f"{size / 2**30:.1f} GB"


class Column(NamedTuple):
    """One column of the table: heading, width, what stands in it, and in which colour."""

    heading: str
    width: int
    text: Callable[[Row], str]
    colour: Callable[[Row], str | None] = lambda row: None


COLUMNS = (
    Column("process", 8, lambda row: row.process),
    Column("req/s", 8, lambda row: f"{row.rate:,.0f}"),
    Column("p50", 8, lambda row: duration(row.p50)),
    Column("p99", 8, lambda row: duration(row.p99)),
    Column("active", 7, lambda row: f"{row.in_flight:,}"),
    Column("conns", 7, lambda row: f"{row.connections:,}"),
    Column("threads", 8, lambda row: str(row.threads)),
    Column(
        "queue",
        7,
        lambda row: f"{row.waiting:,}",
        lambda row: "red" if row.refused else "yellow" if row.waiting else None,
    ),
    Column("lag", 8, lambda row: duration(row.lag), lambda row: "red" if row.lag > LATE else None),
    Column("cpu", 6, lambda row: f"{row.cpu:.0%}"),
    Column("memory", 8, lambda row: memory(row.memory)),
)


def as_line(row: Row, processes: int) -> str:
    """The row in words, for a log."""
    many = f"{processes} processes, " if processes > 1 else ""
    refused = f", {row.refused} refused" if row.refused else ""
    return (
        f"{many}{row.rate:,.0f} req/s, p50 {duration(row.p50)}, p99 {duration(row.p99)}, "
        f"{row.in_flight} active of {row.connections} connections, {row.threads} threads, "
        f"{row.waiting} waiting{refused}, lag {duration(row.lag)}, cpu {row.cpu:.0%}, "
        f"{memory(row.memory)}"
    )


def as_table(rows: Iterable[Row], width: int, colours: bool = True) -> list[str]:
    """The table's lines, no wider than the terminal."""
    columns: list[Column] = []
    for column in COLUMNS:
        if sum(one.width for one in columns) + column.width <= width:
            columns.append(column)

    def styled(text: str, **style: Any) -> str:
        return click.style(text, **style) if colours else text

    head = "".join(one.heading.rjust(one.width) for one in columns)
    lines = [styled(head.ljust(width), reverse=True)]
    for row in rows:
        if row.silent is not None:
            text = f"{row.process.rjust(columns[0].width)}  silent for {row.silent:.0f} s"
            lines.append(styled(text[:width], fg="red"))
            continue
        cells = []
        for one in columns:
            text, colour = one.text(row).rjust(one.width), one.colour(row)
            cells.append(styled(text, fg=colour) if colour else text)
        lines.append("".join(cells))
    return lines


class Board:
    """A terminal whose last lines are the table's."""

    def __init__(self, stream: TextIO, colours: bool = True) -> None:
        self._file = stream.fileno()
        self._encoding = stream.encoding or "ascii"
        self._colours = colours
        #: The terminal's size and the table's lines, as the terminal was told last.
        self._laid: tuple[os.terminal_size, int] | None = None

    def show(self, rows: list[Row]) -> None:
        """Write the table over the one before."""
        size = os.get_terminal_size(self._file)
        lines = as_table(rows, size.columns, self._colours) if rows else []
        if size.lines < len(lines) + LEAST:
            lines = []
        text = ""
        if self._laid != (size, len(lines)):
            text = self._unlay() + (self._lay(size, len(lines)) if lines else "")
        first = size.lines - len(lines) + 1
        text += "\x1b7"
        text += "".join(f"\x1b[{first + n};1H\x1b[2K{line}" for n, line in enumerate(lines))
        self._write(text + "\x1b8")

    def end(self) -> None:
        """Give the lines back."""
        self._write(self._unlay())

    def _lay(self, size: os.terminal_size, height: int) -> str:
        """Make room, and have only what is above scroll."""
        self._laid = size, height
        room = "\n" * height
        return f"{room}\x1b7\x1b[1;{size.lines - height}r\x1b8\x1b[{height}A"

    def _unlay(self) -> str:
        """Empty the lines, and have everything scroll."""
        if self._laid is None:
            return ""
        size, height = self._laid
        self._laid = None
        empty = "".join(f"\x1b[{size.lines - n};1H\x1b[2K" for n in range(height))
        return f"\x1b7{empty}\x1b[r\x1b8"

    def _write(self, text: str) -> None:
        data = text.encode(self._encoding, "replace")
        while data:
            data = data[os.write(self._file, data) :]


def best(stream: TextIO, log_format: str, colours: bool | None) -> Shown:
    """A table where a person looks at a terminal, else log lines."""
    is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb" and os.name != "nt"
    if log_format == "json" or not is_terminal:
        return Lines()
    return Board(stream, colours is not False and "NO_COLOR" not in os.environ)
