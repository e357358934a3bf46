"""A page as its reader follows it: files are written, commands are asked, in order.

A block after a line that is only a file's name in backquotes is that file; a console block is asked
of the application as it stands then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "tutorial.md"
_PART = re.compile(
    r"^## (?P<title>[^\n]+)$|^(?:`(?P<file>[\w./]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Step:
    """One section: the files it writes, then what it asks."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    #: (command, what it prints)
    asked: list[tuple[str, str]] = field(default_factory=list)


def steps(page: Path = PAGE) -> Iterator[Step]:
    """The sections of a page; what stands before the first heading has no title."""
    step = Step("")
    for part in _PART.finditer(page.read_text()):
        if part["title"]:
            if step.title or step.files or step.asked:
                yield step
            step = Step(part["title"])
            continue
        if part["file"]:
            step.files[part["file"]] = part["text"]
        elif part["kind"] == "console":
            for command in part["text"].split("$ ")[1:]:
                line, _, printed = command.partition("\n")
                step.asked.append((line, printed))
        else:
            assert part["kind"] == "text", f"a block of {part['kind']} that nobody runs"
    yield step


def write(step: Step, folder: Path) -> None:
    """Save the step's files in `folder`."""
    for name, text in step.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
