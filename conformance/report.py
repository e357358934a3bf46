"""`results/README.md`, written from the checked-in results: counts, shares, frequent reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from outcomes import Baseline, Results, exceptions, read, split, uncollected
from suites import HERE, Suite
from upstream import SUITES

MOST_FREQUENT = 25
INTRODUCTION = """\
# Conformance results

Written by `make conformance`; how it works stands in [the harness's README](../README.md). Counted
are the tests that upstream itself passes in the same environment.
"""


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    lines = [head, ("---", *["---:"] * (len(head) - 1)), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def cell(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def section(suite: Suite) -> str:
    baseline = Baseline.load(suite)
    results = Results(suite)
    passed = results.passed(baseline) or set()
    data = read(results.path)
    places: dict[str, str] = data["not collected"]
    listed = exceptions(suite, baseline)
    of_upstream, of_ours = Counter[str](), Counter[str]()
    reasons = Counter[str]()
    for test in baseline.passed:
        of_upstream[suite.row_of(test)] += 1
        if test in passed:
            of_ours[suite.row_of(test)] += 1
            continue
        place = uncollected(test, places)
        module, name = split(test)
        reasons[places[place] if place is not None else data["failed"][module][name]] += 1
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in baseline.counts.items())
    folders = [
        (cell(folder), of_ours[folder], count, share(of_ours[folder], count))
        for folder, count in sorted(of_upstream.items())
    ]
    frequent = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_FREQUENT]
    parts = [
        f"## {suite.title}",
        (
            f"**{len(passed):,} of {len(baseline.passed):,} pass "
            f"({share(len(passed), len(baseline.passed))})**; {len(listed)} known exceptions. "
            f"{len(places)} modules or folders could not be collected. "
            f"Upstream's own run on Python {baseline.python}: {counts}."
        ),
        table((suite.row, "pass", "of", "share"), folders),
    ]
    if reasons:
        parts += [
            f"The {len(frequent)} most frequent of {len(reasons)} reasons:",
            table(("reason", "tests"), [(cell(reason), count) for reason, count in frequent]),
        ]
    return "\n\n".join(parts)


def write_readme() -> None:
    there = [suite for suite in SUITES.values() if Results(suite).path.exists()]
    text = "\n".join([INTRODUCTION, *(section(suite) + "\n" for suite in there)])
    (HERE / "results" / "README.md").write_text(text, encoding="utf-8")
