"""A finding, and the report that findings make up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

#: What findings say, the worst first, and the words for a group of them.
LEVELS = {
    "unsupported": "Not supported",
    "different": "Different here",
    "slower": "Takes a longer way",
    "untested": "Not tested with Carboy",
}


@dataclass(frozen=True)
class Finding:
    """One thing. `what` it is, `advice` what it means or what to do; `file` may be unknown."""

    level: str
    what: str
    advice: str
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Used:
    """Something that the application uses and that needs no advice."""

    group: str
    name: str
    detail: str = ""
    file: str | None = None
    line: int | None = None


@dataclass
class Report:
    """What was found. `error`: why it could not be loaded; then only the sources were read."""

    target: str
    kind: str = "unknown"
    python: str = ""
    loaded: bool = False
    error: str = ""
    drop_in: bool = False
    modules: int = 0
    findings: list[Finding] = field(default_factory=list)
    used: list[Used] = field(default_factory=list)

    def add(self, found: Iterable[Finding | Used]) -> None:
        """Take in findings; each only once."""
        for one in found:
            if isinstance(one, Used):
                if one not in self.used:
                    self.used.append(one)
            elif one not in self.findings:
                self.findings.append(one)

    def of(self, level: str) -> list[Finding]:
        """The findings of one level, by file and line."""
        found = [one for one in self.findings if one.level == level]
        return sorted(found, key=lambda one: (one.file or "", one.line or 0, one.what))

    @property
    def supported(self) -> bool:
        """Whether nothing was found that does not work."""
        return not self.of("unsupported")

    def as_json(self) -> dict[str, Any]:
        """The report as data for JSON, with findings in order."""
        return {
            "target": self.target,
            "kind": self.kind,
            "python": self.python,
            "loaded": self.loaded,
            "error": self.error,
            "drop_in": self.drop_in,
            "modules": self.modules,
            "supported": self.supported,
            "findings": [asdict(one) for level in LEVELS for one in self.of(level)],
            "used": [asdict(one) for one in self.used],
        }
