"""Measures Carboy next to other frameworks; this is what ``make bench`` runs.

It finds the newest CPython, makes the environments in ``.bench-venv/``, measures
every workload in interleaved rounds, and writes ``benchmarks/results/``. A run
narrowed by ``--only`` or ``--quick`` writes below ``.bench-venv/`` instead, so that
the kept record always comes from a full run. It exits with 1 when an entry failed,
or when Carboy was missing from a full run.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path

from harness import report
from harness.entries import WORKLOADS, chosen, known_names
from harness.env import BENCHMARKS, VENVS, extra_environment, main_environment, newest_python
from harness.goals import all_goals
from harness.reference import Reference, run_reference
from harness.server import cores
from harness.session import Environments, Result, needed_environments, run_workload
from startup import CLASSES, measure

FULL_COUNT, QUICK_COUNT = 100_000, 5_000
FULL_REPEATS, QUICK_REPEATS = 9, 3


def main() -> int:
    """Run from the command line."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if shutil.which("wrk") is None:
        print("wrk is not installed; every distribution packages it under that name")
        return 2
    try:
        run = _run(options)
    except KeyboardInterrupt:
        print("stopped; every server has been ended")
        return 130
    partial = bool(options.only) or options.quick
    folder = options.results or (VENVS if partial else BENCHMARKS) / "results"
    report.write(run, folder)
    print("\n" + report.goal_table(run.goals))
    print(f"\nwritten to {folder}")
    return _exit_code(run, partial)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="interleaved rounds (5)")
    parser.add_argument("--seconds", type=int, help="seconds for each measurement (3)")
    parser.add_argument("--only", default="", help="names of workloads, entries, or both")
    parser.add_argument("--quick", action="store_true", help="1 round of 1 s, small counts")
    parser.add_argument("--results", type=Path, help="folder for the results")
    options = parser.parse_args()
    options.only = frozenset(filter(None, options.only.split(",")))
    options.rounds = max(1, options.rounds or (1 if options.quick else 5))
    options.seconds = max(1, options.seconds or (1 if options.quick else 3))
    if unknown := options.only - known_names():
        parser.error(f"unknown {sorted(unknown)}; known are {sorted(known_names())}")
    return options


def _run(options: argparse.Namespace) -> report.Run:
    python = newest_python()
    environments: Environments = {"main": main_environment(python)}
    if environments["main"].problem:
        sys.exit(f"the main environment failed: {environments['main'].problem}")
    selected = {workload: chosen(workload, options.only) for workload in WORKLOADS}
    entries = [entry for group in selected.values() for entry in group]
    for name, pin in needed_environments(entries).items():
        environments[name] = extra_environment(name, pin, python)
    results: list[Result] = []
    for workload, group in selected.items():
        if group:
            print(f"{workload}: {options.rounds} rounds of {options.seconds} s", flush=True)
            results += run_workload(group, environments, options.rounds, options.seconds)
    reference = _reference(options, environments)
    startup = _startup(options, environments)
    measured = {result.entry.key: result for result in results}
    return report.Run(
        settings={
            "rounds": options.rounds,
            "seconds": options.seconds,
            "only": sorted(options.only),
            "pinned": cores() is not None,
        },
        machine=report.describe_machine(_version(environments)),
        versions={k: v for env in reversed(environments.values()) for k, v in env.versions.items()},
        results=results,
        reference=reference,
        startup=startup,
        goals=all_goals(measured, startup),
    )


def _wanted(options: argparse.Namespace, part: str) -> bool:
    """Say whether a part that is no workload is to run."""
    return not options.only or part in options.only


def _reference(options: argparse.Namespace, environments: Environments) -> list[Reference]:
    if not _wanted(options, "reference"):
        return []
    count = QUICK_COUNT if options.quick else FULL_COUNT
    print(f"reference: {count:,} requests each", flush=True)
    return run_reference(options.only - {"reference", "startup", *WORKLOADS}, environments, count)


def _startup(options: argparse.Namespace, environments: Environments) -> dict[str, object]:
    if not _wanted(options, "startup"):
        return {}
    repeats = QUICK_REPEATS if options.quick else FULL_REPEATS
    print(f"startup: {repeats} fresh interpreters each", flush=True)
    return measure(environments["main"].python, list(CLASSES), repeats)


def _version(environments: Environments) -> str:
    config = (environments["main"].path / "pyvenv.cfg").read_text()
    pairs = (line.partition("=") for line in config.splitlines())
    return next((value.strip() for key, _, value in pairs if key.strip() == "version"), "?")


def _exit_code(run: report.Run, partial: bool) -> int:
    failed = [result.entry.key for result in run.results if result.failed]
    failed += [f"reference/{line.name}" for line in run.reference if "failed" in line.problem]
    if not partial:
        carboy = (result for result in run.results if result.entry.package == "carboy")
        failed += [result.entry.key for result in carboy if result.skipped]
    for key in failed:
        print(f"FAILED: {key}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
