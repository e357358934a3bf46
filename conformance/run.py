"""Upstream's own test suites, unchanged, against Carboy's faces. README.md says how to use it.

    python conformance/run.py [fastapi] [flask] [-k EXPRESSION] [--tests PATH ...] [--strict]

Exit: 0, nothing lost; 1, a test that is known to pass fails (or, with --strict, an unlisted test
fails or a listed one passes); 2, the run itself could not be made.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from missing import show_missing
from outcomes import Baseline, Results, Run, exceptions, judge, uncollected
from report import write_readme
from suites import HarnessError, Part, Suite, environment, held, prepare
from upstream import SUITES

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
TIMEOUT = "60"  # seconds a test may take; upstream's slowest takes three
SHOWN = 40  # ids of one kind that are printed
LAST_ERROR = re.compile(r"^(?:E  +)?(\w*(?:Error|Exception|Exit)\b.*)$", re.MULTILINE)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("suites", nargs="*", metavar="suite", help=" or ".join(SUITES) + "; all")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests that match, as pytest's -k")
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="only these, as in upstream")
    parser.add_argument("--strict", action="store_true", help="every failure has to be listed")
    parser.add_argument("--accept", action="store_true", help="write results with losses, too")
    parser.add_argument("--baseline", action="store_true", help="run the real package instead")
    parser.add_argument("--lock", action="store_true", help="take the newest of all requirements")
    parser.add_argument("--missing", action="store_true", help="rank the names the face lacks")
    parser.add_argument("--show", action="store_true", help="pytest's own output, in one process")
    parser.add_argument("--workers", default="2", help="processes (2)")
    options = parser.parse_args()
    if unknown := [name for name in options.suites if name not in SUITES]:
        parser.error(f"no suite {unknown[0]}: there are {', '.join(SUITES)}")
    return options


def pytest_run(suite: Suite, options: argparse.Namespace, *, ours: bool) -> dict[str, Any]:
    """Run pytest in a new tree; what its plugin wrote, or why it could not begin."""
    suite.unpack()
    parts = chosen(suite.parts, options.tests)
    # Parts run side by side; only one that is alone is shared by several processes.
    alone = len(parts) == 1 and not parts[0].prefix
    several = 1 if alone or options.show else int(options.workers)
    with ThreadPoolExecutor(several) as pool:
        found = pool.map(lambda part: part_run(suite, part, options, ours=ours), parts)
        raws = dict(zip(parts, found, strict=True))
    tests: dict[str, Any] = {}
    modules: dict[str, str] = {}
    for part, raw in raws.items():
        tests |= {part.whole(test): outcome for test, outcome in raw["tests"].items()}
        modules |= {part.whole(place): reason for place, reason in raw["modules"].items()}
    return {"tests": tests, "modules": modules}


def chosen(parts: list[Part], tests: list[str] | None) -> list[Part]:
    """The parts that hold these paths; a path begins with the part's prefix, where it has one."""
    if not tests:
        return parts
    found = []
    for part in parts:
        inner = [test for test in tests if not part.prefix or test.split("/")[0] == part.prefix]
        cut = len(part.prefix) + 1 if part.prefix else 0
        if inner:
            whole = part.prefix in inner
            paths = part.tests if whole else tuple(test[cut:] for test in inner)
            found.append(replace(part, tests=paths))
    if not found:
        raise HarnessError(f"no part holds {tests[0]}: {', '.join(part.prefix for part in parts)}")
    return found


def part_run(
    suite: Suite, part: Part, options: argparse.Namespace, *, ours: bool
) -> dict[str, Any]:
    written = suite.tree.parent / f"{suite.tree.name}-{part.prefix or 'all'}.json"
    command = [str(suite.python), "-m", "pytest", "-p", "plugin",
               "--continue-on-collection-errors", f"--timeout={TIMEOUT}", "-q", "--tb=short",
               *part.arguments, *part.tests]  # fmt: skip
    if options.k:
        command += ["-k", options.k]
    if not options.show and not part.prefix:
        command += ["-n", options.workers, "--dist", "loadgroup"]
    name = "-".join(filter(None, ["ours" if ours else "baseline", part.prefix]))
    log = suite.folder / f"{name}.log"
    variables = {**environment(suite, ours=ours), "CONFORMANCE_OUTCOMES": str(written)}
    if options.show:
        code = subprocess.run(command, cwd=part.folder, env=variables, check=False).returncode
        output = ""
    else:
        with log.open("w") as file:
            code = subprocess.run(
                command, cwd=part.folder, env=variables, stdout=file, stderr=file, check=False
            ).returncode
        output = log.read_text(errors="replace")
    if written.exists() and code in (0, 1, 2, 5):
        result: dict[str, Any] = json.loads(written.read_text())
        written.unlink()
        return result
    found = LAST_ERROR.findall(output)
    if code == 4 and ours and found:  # the suite's conftest can't be imported
        return {"tests": {}, "modules": {"": found[-1].strip()}}
    raise HarnessError(f"pytest ended with {code}; its output: {log.name}\n{output[-2000:]}")


def run_baseline(suite: Suite, options: argparse.Namespace) -> Baseline:
    print(f"{suite.label}: the baseline, upstream's own run", flush=True)
    raw = pytest_run(suite, options, ours=False)
    if raw["modules"]:
        raise HarnessError(f"the baseline does not collect: {raw['modules']}")
    outcomes: dict[str, list[str]] = {}
    for test, (outcome, _) in raw["tests"].items():
        outcomes.setdefault(outcome, []).append(test)
    return Baseline(PYTHON, outcomes)


def listing(title: str, tests: set[str], reasons: dict[str, str], run: Run) -> None:
    """Print the tests; those of a module that was not collected in one line."""
    if not tests:
        return
    print(f"  {title}: {len(tests)}")
    places = {test: uncollected(test, run.modules) for test in tests & run.failed.keys()}
    together = Counter(place for place in places.values() if place is not None)
    lines = [f"{test}  ({reasons[test]})" if test in reasons else test
             for test in tests if places.get(test) is None]  # fmt: skip
    lines += [f"{place or 'everything'}: {count} tests  ({run.modules[place]})"
              for place, count in together.items()]  # fmt: skip
    for line in sorted(lines)[:SHOWN]:
        print(f"    {line}")
    if len(lines) > SHOWN:
        print(f"    ... and {len(lines) - SHOWN} more lines")


def compare(suite: Suite, run: Run, baseline: Baseline, options: argparse.Namespace) -> bool:
    """Say what changed, write the results of a whole run; whether all is well."""
    whole = not (options.k or options.tests)
    if not run.seen:
        raise HarnessError("no test that upstream passes was selected")
    listed = exceptions(suite, baseline)
    results = Results(suite)
    known = results.passed(baseline)
    print(f"{suite.label}: {len(run.passed):,} of {len(run.seen):,} pass")
    lost = ((known or set()) & run.failed.keys()) - listed.keys()
    listing("gained", run.passed - known if known is not None else set(), {}, run)
    listing("LOST", lost, run.failed, run)
    if not whole:
        listing("failing", run.failed.keys() - lost, run.failed, run)
    fine = not lost or options.accept
    if options.strict or suite.strict:
        listing("FAILS, NOT LISTED", run.failed.keys() - listed.keys() - lost, run.failed, run)
        listing("LISTED, BUT PASSES", run.passed & listed.keys(), listed, run)
        fine = run.failed.keys() <= listed.keys() and not run.passed & listed.keys()
    if whole and baseline.python != PYTHON:
        print(f"  results are of Python {baseline.python}: not written by {PYTHON}")
    elif whole and not os.environ.get("CONFORMANCE_DOOR") and (not lost or options.accept):
        results.save(run, baseline, len(listed))
        write_readme()
    return fine


def one(suite: Suite, options: argparse.Namespace) -> bool:
    prepare(suite, relock=options.lock)
    with held(suite, alone=False):
        try:
            return work(suite, options)
        finally:
            shutil.rmtree(suite.tree, ignore_errors=True)
            for written in suite.tree.parent.glob(f"{suite.tree.name}-*.json"):
                written.unlink()


def work(suite: Suite, options: argparse.Namespace) -> bool:
    whole = not (options.k or options.tests)
    if options.missing:
        suite.unpack()
        show_missing(suite, Baseline.load(suite))
        return True
    path = Baseline.path(suite)
    if options.baseline or not path.exists():
        if options.baseline and not whole:
            raise HarnessError("a baseline is of the whole suite")
        every = argparse.Namespace(**{**vars(options), "k": None, "tests": None, "show": False})
        run_baseline(suite, every).save(suite)
        print(f"{suite.label}: {Baseline.load(suite).counts}")
        if options.baseline:
            return True
    baseline = Baseline.load(suite)
    raw = pytest_run(suite, options, ours=True)
    return compare(suite, judge(raw, baseline, whole=whole), baseline, options)


def main() -> int:
    options = arguments()
    try:
        fine = [one(SUITES[name], options) for name in options.suites or SUITES]
    except HarnessError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
