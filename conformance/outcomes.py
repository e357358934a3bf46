"""Outcomes as data: upstream's baseline, what is checked in, known exceptions, and comparing them.

Test ids are kept as {module: {name}}: files stay small and a diff of them can be read. Only the
tests that upstream itself passes count; what it skips or fails here proves nothing about a face.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suites import HERE, HarnessError, Suite

DID_NOT_RUN = "did not run: pytest collected no test of this name"


def split(test: str) -> tuple[str, str]:
    module, _, name = test.partition("::")
    return module, name


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def nested(reasons: dict[str, str]) -> dict[str, dict[str, str]]:
    modules: dict[str, dict[str, str]] = {}
    for test, reason in reasons.items():
        module, name = split(test)
        modules.setdefault(module, {})[name] = reason
    return modules


@dataclass
class Baseline:
    """What upstream's own code makes of its suite, in the same environment."""

    python: str
    outcomes: dict[str, list[str]]  # outcome -> test ids

    @property
    def passed(self) -> set[str]:
        return set(self.outcomes.get("passed", ()))

    @property
    def counts(self) -> dict[str, int]:
        return {outcome: len(tests) for outcome, tests in sorted(self.outcomes.items())}

    @staticmethod
    def path(suite: Suite) -> Path:
        return HERE / "baseline" / f"{suite.label}.json"

    @classmethod
    def load(cls, suite: Suite) -> Baseline:
        data = read(cls.path(suite))
        outcomes = {
            outcome: [f"{module}::{name}" for module, names in modules.items() for name in names]
            for outcome, modules in data["tests"].items()
        }
        return cls(data["python"], outcomes)

    def save(self, suite: Suite) -> None:
        tests: dict[str, dict[str, list[str]]] = {}
        for outcome, ids in self.outcomes.items():
            for test in sorted(ids):
                module, name = split(test)
                tests.setdefault(outcome, {}).setdefault(module, []).append(name)
        write(self.path(suite), {"python": self.python, "counts": self.counts, "tests": tests})


@dataclass
class Run:
    """What one run against Carboy showed, cut down to what upstream passes."""

    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)  # test id -> reason
    modules: dict[str, str] = field(default_factory=dict)  # not collected -> reason

    @property
    def seen(self) -> set[str]:
        return self.passed | self.failed.keys()


def judge(raw: dict[str, Any], baseline: Baseline, *, whole: bool) -> Run:
    """Outcomes as the plugin wrote them -> a Run.

    A module (or folder, or everything: "") that can't be collected fails all its tests, which the
    baseline names. In a whole run a test that nobody mentions has failed too.
    """
    run = Run()
    for test in baseline.passed:
        outcome, reason = raw["tests"].get(test, (None, ""))
        if outcome == "passed":
            run.passed.add(test)
        elif outcome is not None:
            run.failed[test] = reason or f"{outcome}, where upstream passes"
        elif (place := uncollected(test, raw["modules"])) is not None:
            run.failed[test] = raw["modules"][place]
            run.modules[place] = raw["modules"][place]
        elif whole:
            run.failed[test] = DID_NOT_RUN
    return run


def uncollected(test: str, modules: dict[str, str]) -> str | None:
    """The module or folder of this test that could not be collected, if that is so."""
    module, _ = split(test)
    for place in (module, *map(str, Path(module).parents)):
        if place in modules:
            return place
    return "" if "" in modules else None


class Results:
    """`results/<suite>.json`: what is known to pass, as the list that only grows."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.path = HERE / "results" / f"{suite.label}.json"

    def passed(self, baseline: Baseline) -> set[str] | None:
        """The tests known to pass; None before the first results."""
        if not self.path.exists():
            return None
        data = read(self.path)
        failed = {f"{m}::{name}" for m, names in data["failed"].items() for name in names}
        places = data["not collected"]
        return {
            test
            for test in baseline.passed
            if test not in failed and uncollected(test, places) is None
        }

    def save(self, run: Run, baseline: Baseline, listed: int) -> None:
        single = {
            test: reason
            for test, reason in run.failed.items()
            if uncollected(test, run.modules) is None
        }
        counts = {
            "upstream passes": len(baseline.passed),
            "passed": len(run.passed),
            "failed": len(run.failed),
            "of these not collected": len(run.failed) - len(single),
            "known exceptions": listed,
        }
        data: dict[str, Any] = {
            "version": self.suite.version,
            "python": baseline.python,
            "counts": counts,
            "not collected": run.modules,
            "failed": nested(single),
        }
        if len(self.suite.parts) > 1:
            data["rows"] = self.rows(run, baseline)
        write(self.path, data)

    def rows(self, run: Run, baseline: Baseline) -> dict[str, dict[str, int]]:
        """The counts of each part."""
        rows: dict[str, dict[str, int]] = {}
        for test in baseline.passed:
            row = rows.setdefault(self.suite.row_of(test), {"upstream passes": 0, "passed": 0})
            row["upstream passes"] += 1
            row["passed"] += test in run.passed
        return rows


def exceptions(suite: Suite, baseline: Baseline) -> dict[str, str]:
    """`<suite>.toml`: test id -> the reason why it need not pass.

    An entry is a test id, an id without its parameters (all of them), or a module (all its tests).
    """
    path = HERE / f"{suite.name}.toml"
    doors = os.environ.get("CONFORMANCE_DOOR", "").split("+")
    found: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("exception", []):
        if set(entry) - {"door"} != {"reason", "tests"} or not entry["reason"].strip():
            raise HarnessError(f"{path.name}: an exception has `reason` and `tests`: {entry}")
        if "door" in entry and entry["door"] not in doors:
            continue
        for listed in entry["tests"]:
            tests = [
                test
                for test in baseline.passed
                if listed in (test, test.partition("[")[0], split(test)[0])
            ]
            if not tests:
                raise HarnessError(f"{path.name}: upstream passes no test {listed!r}")
            if known := [test for test in tests if test in found]:
                raise HarnessError(f"{path.name}: {known[0]} is listed twice")
            found.update(dict.fromkeys(tests, entry["reason"]))
    return found
