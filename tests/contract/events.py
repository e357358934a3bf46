"""What happened in the served process, in order.

The application under test notes events under a tag of the test's own; ``GET /events/{tag}`` tells
them. Nothing here waits: tests poll, because closing goes on after the answer has arrived.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

_EVENTS: defaultdict[str, list[str]] = defaultdict(list)


def note(tag: str, event: str) -> None:
    """Remember that `event` happened."""
    _EVENTS[tag].append(event)


def noted(tag: str) -> list[str]:
    """Every event under `tag`, oldest first."""
    return list(_EVENTS[tag])


def leave_word(event: str) -> None:
    """Append `event` to the file that outlives this process, if the test asked for one."""
    if diary := os.environ.get("CONTRACT_DIARY"):
        with Path(diary).open("a", encoding="utf-8") as file:
            file.write(event + "\n")
