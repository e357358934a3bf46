"""Views by state, added up by module, by blueprint and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

#: State -> what it means, the best first.
STATES = {
    "typed": "typed already",
    "half": "typed, but uses Flask's proxies",
    "converts": "converts by itself",
    "person": "needs a person",
}


@dataclass
class Row:
    """One view or typed route. `module` is its module's name, `file` relative to the root."""

    module: str
    file: str
    line: int
    endpoint: str
    function: str
    methods: list[str]
    rules: list[str]
    state: str
    blueprint: str | None = None
    uses: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Group:
    """The rows of one module or blueprint."""

    name: str
    rows: list[Row] = field(default_factory=list)

    def count(self, *states: str) -> int:
        """How many rows are in one of these states; all of them without."""
        return sum(1 for row in self.rows if not states or row.state in states)

    def counts(self) -> dict[str, int]:
        """State -> number, of all states."""
        return {state: self.count(state) for state in STATES}

    def share(self, *states: str) -> int:
        """In whole per cent of all rows, rounded down: 100 only where all are."""
        return 100 * self.count(*states) // len(self.rows) if self.rows else 0


@dataclass
class Status:
    """Everything that was found below a path. `broken`: file -> why it can't be read."""

    root: str
    rows: list[Row] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def all(self) -> Group:
        """All rows as one group."""
        return Group("all", self.rows)

    @property
    def modules(self) -> list[Group]:
        """By module, in the order of their names."""
        return _grouped((row.module, row) for row in self.rows)

    @property
    def blueprints(self) -> list[Group]:
        """By blueprint; "" is the application's own."""
        return _grouped((row.blueprint or "", row) for row in self.rows)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why a person is needed, and for how many views, the most frequent first."""
        return _counted(reason for row in self.rows for reason in row.reasons)

    @property
    def notes(self) -> list[tuple[str, int]]:
        """What is kept equal with some effort, or to be looked at, the most frequent first."""
        return _counted(note for row in self.rows for note in row.notes)

    def as_json(self) -> dict[str, Any]:
        """Figures and rows as data for JSON."""
        return {
            "root": self.root,
            "views": len(self.rows),
            "counts": self.all.counts(),
            "modules": [_summary(group) for group in self.modules],
            "blueprints": [_summary(group) for group in self.blueprints],
            "reasons": [{"reason": reason, "views": count} for reason, count in self.reasons],
            "rows": [asdict(row) for row in self.rows],
            "broken": self.broken,
        }


def _counted(texts: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(texts).items(), key=lambda one: (-one[1], one[0]))


def _grouped(pairs: Iterable[tuple[str, Row]]) -> list[Group]:
    found: dict[str, Group] = {}
    for name, row in pairs:
        found.setdefault(name, Group(name)).rows.append(row)
    return [found[name] for name in sorted(found)]


def _summary(group: Group) -> dict[str, Any]:
    return {"name": group.name, "views": len(group.rows), "counts": group.counts()}
